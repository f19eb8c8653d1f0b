//! Archives for which there is no room, or no place: nothing is left of them.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use pgtandem_lab::{Server, shared};

use crate::support::Folder;

/// Rows that take little room on the server and much in an archive, so that nobody foresees it.
fn filled(database: &str) -> &'static Server {
    let server = shared(18).unwrap();
    server.create_database(database).unwrap();
    let sql = "CREATE TABLE t AS SELECT n, repeat('0123456789', 100000) AS text FROM generate_series(1, 60) n;
        CREATE TABLE u AS TABLE t; CREATE TABLE v AS TABLE t; SELECT lo_from_bytea(1000, '\\x00')";
    server.psql(database, sql).unwrap();
    server
}

/// Runs a script of the shell: `$1` is the program, `$2` where the database is, `$3` a folder.
fn shell(script: &str, url: &str, folder: &Path) -> Output {
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh", env!("CARGO_BIN_EXE_pgtandem"), url]).arg(folder);
    shell.stdin(Stdio::null()).output().unwrap()
}

fn told(output: &Output) -> String {
    format!(
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[track_caller]
fn assert_told(output: &Output, words: &[&str]) {
    let told = told(output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(words.iter().all(|word| told.contains(word)) && !told.contains("panicked"), "{words:?}: {told}");
}

/// A limit on the size of files: it needs no privileges. The signal that it comes with would end the process otherwise.
#[test]
fn a_file_that_may_not_become_so_large() {
    let (server, folder) = (filled("dump_limited"), Folder::new("dump-limited"));
    for jobs in ["1", "4"] {
        let script = format!(
            "trap '' XFSZ; ulimit -f 8192; exec \"$1\" dump --from \"$2\" --archive \"$3/x\" --compress none -q -j {jobs}"
        );
        let output = shell(&script, &server.url("dump_limited"), folder.path());
        assert_told(
            &output,
            &["cannot write the archive", "may not become so large", "Nothing was left of the archive"],
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_stream_that_is_full() {
    let (server, folder) = (filled("dump_stream_full"), Folder::new("dump-stream-full"));
    let script = "exec \"$1\" dump --from \"$2\" --archive - -q >/dev/full";
    let output = shell(script, &server.url("dump_stream_full"), folder.path());
    assert_told(&output, &["cannot write the archive", "The volume is full"]);
}

/// A volume of 8 MiB that is there for this shell alone. Where nobody may make one, the limit above says as much.
#[test]
fn a_volume_that_is_full() {
    let (server, folder) = (filled("dump_full"), Folder::new("dump-full"));
    let mounted = "mount -t tmpfs -o size=8m none \"$3\"";
    let alone = |script: &str| {
        let own = "exec unshare --user --map-root-user --mount sh -c \"$0\" sh \"$1\" \"$2\" \"$3\"";
        let mut shell = Command::new("sh");
        shell.args(["-c", own, script, env!("CARGO_BIN_EXE_pgtandem"), &server.url("dump_full")]).arg(folder.path());
        shell.stdin(Stdio::null()).output().unwrap()
    };
    let tried = alone(mounted);
    if !tried.status.success() {
        eprintln!("NOT TESTED: no volume can be made here: {}", told(&tried));
        return;
    }
    for jobs in ["1", "4"] {
        let script = format!(
            "{mounted} && \"$1\" dump --from \"$2\" --archive \"$3/x\" --compress none -q -j {jobs}
            code=$?; echo \"left: $(ls -A \"$3\")\"; exit $code"
        );
        let output = alone(&script);
        assert_told(&output, &["cannot write the archive", "The volume is full", "left: \n"]);
    }
}

#[test]
fn a_folder_that_may_not_be_written_to() {
    let (server, folder) = (filled("dump_unwritable"), Folder::new("dump-unwritable"));
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o555)).unwrap();
    // Root may write everywhere, unless it gives that up.
    let privileged = File::create(closed.join("probe")).is_ok();
    let without = if privileged { "setpriv --bounding-set -dac_override" } else { "" };
    let script = format!("exec {without} \"$1\" dump --from \"$2\" --archive \"$3/x\" -q");
    let output = shell(&script, &server.url("dump_unwritable"), &closed);
    assert_told(&output, &["cannot write the archive", "/x", "a folder that may be written to"]);
}
