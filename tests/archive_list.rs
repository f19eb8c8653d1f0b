//! `pgtandem list` and what can be done with its list: the judge is the stock `pg_restore`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use pgtandem_lab::{Server, shared};

use crate::selection;
use crate::support::{Folder, Program, databases, fill};

/// Names and comments that would like to be lines of their own, or commands.
pub const HOSTILE: &str = "
CREATE TABLE \"x\n\\! touch /tmp/pgtandem_y\n2; 3\" (\"a\n\\q\" int);
INSERT INTO \"x\n\\! touch /tmp/pgtandem_y\n2; 3\" VALUES (1);
COMMENT ON TABLE \"x\n\\! touch /tmp/pgtandem_y\n2; 3\" IS E'it''s\\n\\\\! touch /tmp/pgtandem_y\\n\\\\.\\n-- x';
CREATE FUNCTION \"f\r\n\\! touch /tmp/pgtandem_y\"() RETURNS text LANGUAGE sql AS $$ SELECT E'\n\\! touch /tmp/pgtandem_y\n' $$;
CREATE SCHEMA \"\u{1b}[31m;red\";
CREATE VIEW \"\u{1b}[31m;red\".v AS SELECT 'a\n\\connect elsewhere\n'::text AS t;
CREATE DOMAIN \"d\n; Type: x; Schema: -; Owner: -\" AS text;
";

/// A server with a database `archive_list` of everything and of hostile names.
fn filled() -> &'static Server {
    static FILLED: OnceLock<()> = OnceLock::new();
    let server = shared(18).unwrap();
    FILLED.get_or_init(|| {
        fill(server, "archive_list", "roundtrip");
        server.psql("archive_list", HOSTILE).unwrap();
    });
    server
}

/// An archive of it in this folder.
fn archive(folder: &Folder) -> (&'static Server, PathBuf) {
    let (server, path) = (filled(), folder.path().join("all.dump"));
    dump(server, "archive_list", &path, &[]);
    (server, path)
}

/// `pg_dump -Fc`.
pub fn dump(server: &Server, database: &str, to: &Path, options: &[&str]) {
    let mut pg_dump = server.client("pg_dump").unwrap();
    assert!(pg_dump.args(["-Fc", "-d", database, "-f"]).arg(to).args(options).status().unwrap().success());
}

/// What a stock tool writes to standard output.
pub fn output(command: &mut Command) -> Vec<u8> {
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", output.status);
    output.stdout
}

/// What `pgtandem` writes to standard output, which need not be UTF-8.
fn ours(arguments: &[&str], archive: &Path) -> Vec<u8> {
    output(Command::new(env!("CARGO_BIN_EXE_pgtandem")).arg("list").args(arguments).arg(archive))
}

/// The list, without the time zone, which is that of the reader.
fn without_zone(list: &[u8]) -> String {
    let list = String::from_utf8(list.to_vec()).unwrap();
    let created = list.lines().find(|line| line.starts_with("; Archive created at ")).unwrap();
    let short: Vec<&str> = created.split(' ').take(6).collect();
    list.replacen(created, &short.join(" "), 1)
}

#[test]
fn the_list_is_that_of_pg_restore() {
    let folder = Folder::new("archive-list-others");
    let (server, file) = archive(&folder);
    let few = folder.path().join("few.dump");
    dump(server, "archive_list", &few, &["-Z", "lz4", "-C", "--statistics"]);
    let inserts = folder.path().join("inserts.dump");
    dump(server, "archive_list", &inserts, &["-Z", "none", "--inserts", "--load-via-partition-root", "-a"]);
    for file in [&file, &few, &inserts] {
        let stock = output(server.client("pg_restore").unwrap().arg("-l").arg(file));
        assert!(stock.len() > 2000, "there is too little in it");
        similar(&without_zone(&ours(&[], file)), &without_zone(&stock));
    }
}

#[track_caller]
fn similar(ours: &str, stock: &str) {
    for (ours, stock) in ours.lines().zip(stock.lines()) {
        assert_eq!(ours, stock);
    }
    assert_eq!(ours.len(), stock.len());
}

#[test]
fn archives_of_older_servers_and_from_standard_input() {
    let old = shared(15).unwrap();
    fill(old, "archive_list_old", "roundtrip");
    let folder = Folder::new("archive-list-old");
    let file = folder.path().join("old.dump");
    dump(old, "archive_list_old", &file, &[]);
    let stock = output(old.client("pg_restore").unwrap().arg("-l").arg(&file));
    let mut pgtandem = Command::new(env!("CARGO_BIN_EXE_pgtandem"));
    let piped = output(pgtandem.args(["list", "-"]).stdin(fs::File::open(&file).unwrap()));
    similar(&without_zone(&piped), &without_zone(&stock));
}

#[test]
fn stock_pg_restore_takes_the_list() {
    let folder = Folder::new("archive-list-use");
    let (server, file) = archive(&folder);
    let list = folder.path().join("list");
    let script = |more: &[&str]| {
        let mut pg_restore = server.client("pg_restore").unwrap();
        output(pg_restore.args(["-f", "-", "--restrict-key=x"]).args(more).arg(&file))
    };
    fs::write(&list, ours(&[], &file)).unwrap();
    let list = list.to_str().unwrap();
    assert!(script(&["-L", list]) == script(&[]), "the whole list selects everything");
}

#[test]
fn the_list_for_machines() {
    let folder = Folder::new("archive-list-json");
    let (_, file) = archive(&folder);
    for option in [&["--json"][..], &["--log-format", "json"]] {
        let json = String::from_utf8(ours(option, &file)).unwrap();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&value["event"], &value["database"]), (&"list".into(), &"archive_list".into()));
        let entries = value["entries"].as_array().unwrap();
        let table = |e: &&serde_json::Value| e["kind"] == "TABLE" && e["name"].as_str().unwrap().starts_with("x\n\\!");
        let table = entries.iter().find(table).unwrap();
        assert_eq!((&table["schema"], &table["has_data"]), (&"shop".into(), &false.into()));
        assert!(entries.iter().any(|e| e["kind"] == "TABLE DATA" && e["has_data"] == true));
        assert!(entries.len() > 100);
    }
}

#[test]
fn what_is_no_archive_is_told() {
    let folder = Folder::new("archive-list-none");
    let (server, whole) = archive(&folder);
    let at = |name: &str| folder.path().join(name);
    fs::write(at("script"), "-- PostgreSQL database dump").unwrap();
    fs::write(at("empty"), "").unwrap();
    let bytes = fs::read(whole).unwrap();
    fs::write(at("cut"), &bytes[..5000]).unwrap();
    let mut newer = bytes.clone();
    newer[6] = 17;
    fs::write(at("newer"), newer).unwrap();
    let mut unknown = bytes.clone();
    // After the magic, the version and three sizes.
    unknown[11] = 9;
    fs::write(at("unknown"), unknown).unwrap();
    for (format, name) in [("-Fd", "folder"), ("-Ft", "tar")] {
        let mut pg_dump = server.client("pg_dump").unwrap();
        assert!(pg_dump.args([format, "-s", "-d", "postgres", "-f"]).arg(at(name)).status().unwrap().success());
    }
    for (name, words) in [
        ("script", "looks like a script"),
        ("empty", "not an archive"),
        ("cut", "ends within"),
        ("newer", "version 1.17"),
        ("unknown", "compression"),
        ("folder", "directory archive"),
        ("tar", "tar archive"),
        ("nothing", "error: "),
    ] {
        let path = at(name);
        let path = path.to_str().unwrap();
        let to = server.url("archive_list_none");
        let commands: [&[&str]; 4] = [
            &["list", path],
            &["script", path],
            &["verify", "--archive", path],
            &["restore", "--archive", path, "--to", &to],
        ];
        for command in commands {
            let ran = Program::new().args(command).run().expect(1);
            ran.tells(&["error: ", words, path]);
            assert!(ran.stdout.is_empty() || command[0] != "list" && command[0] != "script", "{name}: {}", ran.told());
        }
        assert_eq!(databases(server, "archive_list_none"), [""; 0]);
    }
}

/// Kind, schema and name of what is listed with these options, as [`selection::stock`] has it.
fn selected(archive: &Path, options: &[&str]) -> BTreeSet<String> {
    let json = ours(&[options, &["--json"]].concat(), archive);
    let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let entry = |e: &serde_json::Value| {
        let schema = e["schema"].as_str().unwrap_or("-");
        format!("{} {schema}.{}", e["kind"].as_str().unwrap(), e["name"].as_str().unwrap()).replace('"', "")
    };
    value["entries"].as_array().unwrap().iter().map(entry).collect()
}

#[test]
fn options_select_what_they_do_for_pg_dump() {
    let server = selection::filled(18);
    let folder = Folder::new("archive-list-selection");
    let file = folder.path().join("selection.dump");
    dump(server, "selection", &file, &[]);
    for options in selection::OPTIONS {
        // Without a schema a pattern means every schema here.
        if options.iter().any(|option| option.starts_with("order")) {
            continue;
        }
        let mut expected = selection::stock(server, "selection", options);
        let mut found = selected(&file, options);
        for names in [&mut expected, &mut found] {
            // What is whose turn and how it is called differs between a dump of everything and one of a part.
            names.retain(|name| !name.starts_with("COMMENT -.SCHEMA public"));
        }
        selection::same(options, &expected, &found);
    }
}

#[test]
fn a_list_selects_and_orders() {
    let folder = Folder::new("archive-list-order");
    let (server, file) = archive(&folder);
    let whole = String::from_utf8(output(server.client("pg_restore").unwrap().arg("-l").arg(&file))).unwrap();
    let lines: Vec<&str> = whole.lines().filter(|line| !line.starts_with(';')).collect();
    let part: Vec<&str> = lines.iter().rev().step_by(3).copied().collect();
    let list = folder.path().join("list");
    fs::write(&list, part.join("\n")).unwrap();
    let ours = String::from_utf8(ours(&["-L", list.to_str().unwrap()], &file)).unwrap();
    let listed: Vec<&str> = ours.lines().filter(|line| !line.starts_with(';')).collect();
    assert_eq!(listed, part);
    for (text, told) in
        [("99999", "does not have"), ("x", "does not begin"), (&[part[0], part[0]].join("\n"), "second time")]
    {
        fs::write(&list, text).unwrap();
        let ran = Program::new().args(["list", "-L", list.to_str().unwrap(), file.to_str().unwrap()]).run().expect(2);
        ran.tells(&["line ", told, list.to_str().unwrap()]);
    }
}

#[test]
fn our_own_archives_tell_rows_and_sizes() {
    let server = filled();
    let folder = Folder::new("archive-list-own");
    let (file, list) = (folder.path().join("own.dump"), folder.path().join("list"));
    let from = server.url("archive_list");
    Program::new().args(["dump", "--from", &from, "--archive", file.to_str().unwrap()]).succeed();
    let listed = String::from_utf8(ours(&[], &file)).unwrap();
    fs::write(&list, &listed).unwrap();
    let stock = output(server.client("pg_restore").unwrap().arg("-l").arg(&file));
    let without_sizes: String = listed.split_inclusive('\n').filter(|line| !line.starts_with(";\t")).collect();
    similar(&without_zone(without_sizes.as_bytes()), &without_zone(&stock));
    let sizes: Vec<&str> = listed.lines().filter(|line| line.starts_with(";\t")).collect();
    assert!(sizes.iter().any(|line| line.starts_with(";\trows 3, size ") && line.contains(", ratio ")), "{sizes:#?}");

    let value: serde_json::Value = serde_json::from_slice(&ours(&["--json"], &file)).unwrap();
    let entries = value["entries"].as_array().unwrap();
    let with_data: Vec<_> = entries.iter().filter(|entry| entry["has_data"] == true).collect();
    assert!(with_data.len() == sizes.len() && with_data.iter().all(|entry| entry["stored_bytes"].as_u64() > Some(0)));
    for entry in with_data.iter().filter(|entry| entry["kind"] == "TABLE DATA" && entry["schema"] == "shop") {
        let table = format!("\"{}\"", entry["name"].as_str().unwrap().replace('"', "\"\""));
        let rows = server.psql("archive_list", &format!("SELECT count(*) FROM ONLY shop.{table}")).unwrap();
        assert_eq!(entry["rows"].to_string(), rows.trim_end(), "{table}");
    }

    let mut pg_restore = server.client("pg_restore").unwrap();
    assert!(!output(pg_restore.args(["-f", "-", "-L"]).arg(&list).arg(&file)).is_empty());
    // A manifest that is damaged is told; the list is all there is.
    let mut bytes = fs::read(&file).unwrap();
    let place = bytes.len() - 100;
    bytes[place] ^= 1;
    fs::write(&file, bytes).unwrap();
    let ran = Program::new().args(["list", file.to_str().unwrap()]).succeed();
    ran.tells(&["warning", "manifest", "damaged"]);
    assert!(ran.stdout.lines().count() > 100 && !ran.stdout.contains(";\trows"), "{}", ran.told());
}
