//! The program as a user starts it: help, errors, exit codes, and what never shows.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read as _, Write as _};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const SECRET: &str = "s3cr3t";

/// The program, with nothing of the surrounding environment that it listens to.
fn pgtandem(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgtandem"));
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ["PG", "POSTGRES_", "COLUMNS", "LINES", "NO_COLOR"].iter().any(|start| name.starts_with(start)) {
            command.env_remove(&*name);
        }
    }
    command
}

fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (out, err) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    for text in [&out, &err] {
        assert!(!text.contains(SECRET), "{command:?} shows the password: {text}");
    }
    (status.code().unwrap(), out, err)
}

fn url(password: &str, host: &str) -> String {
    format!("postgres://somebody:{password}@{host}/shop")
}

#[test]
fn help_says_what_there_is() {
    let (code, out, err) = run(&mut pgtandem(&["upgrade", "--help"]));
    assert_eq!((code, err.as_str()), (0, ""));
    for word in [
        "--from",
        "--to",
        "--jobs",
        "--verify",
        "--writers",
        "--dry-run",
        "--log-format",
        "--progress",
        "--color",
        "--quiet",
        "--verbose",
        "PGTANDEM_FROM",
        "PGTANDEM_TO",
        "PGTANDEM_LOG",
        "Examples:",
        "Exit codes:",
        "130",
    ] {
        assert!(out.contains(word), "{word} is missing in\n{out}");
    }
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
    let (code, out, _) = run(&mut pgtandem(&["--help"]));
    assert!(code == 0 && out.contains("upgrade") && out.contains("Exit codes:"), "{out}");
}

#[test]
fn help_on_a_bench() {
    let (code, out, err) = run(&mut pgtandem(&["bench", "--help"]));
    assert_eq!((code, err.as_str()), (0, ""));
    for word in ["--from", "--to", "--archive", "--seconds", "--json", "PGTANDEM_TO", "Examples:", "Exit codes:"] {
        assert!(out.contains(word), "{word} is missing in\n{out}");
    }
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
    let (_, out, _) = run(&mut pgtandem(&["--help"]));
    assert!(out.contains("  bench "), "{out}");
}

#[test]
fn help_does_not_show_the_environment() {
    let (from, to) = (url(SECRET, "old.invalid"), url(SECRET, "new.invalid"));
    for help in ["-h", "--help"] {
        let (code, out, _) = run(pgtandem(&["upgrade", help]).env("PGTANDEM_FROM", &from).env("PGTANDEM_TO", &to));
        assert!(code == 0 && !out.contains("old.invalid"), "{out}");
    }
}

#[test]
fn version() {
    let (code, out, err) = run(&mut pgtandem(&["--version"]));
    assert_eq!((code, out.as_str(), err.as_str()), (0, concat!("pgtandem ", env!("CARGO_PKG_VERSION"), "\n"), ""));
}

#[test]
fn wrong_arguments_are_usage_errors() {
    let both = ["--from", "postgres://u@old.invalid/d", "--to", "postgres://u@new.invalid/d"];
    let cases: [(&[&str], &str); 9] = [
        (&["--jobs", "0"], "give 1 or more"),
        (&["--jobs=-3"], "from 1 to"),
        (&["--jobs", "many"], "from 1 to"),
        (&["--verify", "maybe"], "[possible values: none, counts, digests]"),
        (&["--writers", "kill"], "[possible values: refuse, allow]"),
        (&["--log-format", "xml"], "[possible values: text, json]"),
        (&["--what"], "unexpected argument '--what'"),
        (&["-q", "-v"], "cannot be used with"),
        (&["--from", "postgres://u@other.invalid/d"], "cannot be used multiple times"),
    ];
    for (arguments, message) in cases {
        let (code, out, err) = run(&mut pgtandem(&[&["upgrade"], &both[..], arguments].concat()));
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {err}");
        assert!(err.starts_with("error: ") && err.contains(message), "{arguments:?}: {err}");
    }
    let (code, _, err) = run(&mut pgtandem(&[]));
    assert!(code == 2 && err.contains("Usage:"), "{code} {err}");
}

#[test]
fn wrong_connection_strings_are_usage_errors() {
    let (code, out, err) = run(&mut pgtandem(&["upgrade"]));
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.starts_with("error: ") && err.contains("\nhint: ") && err.contains("--from"), "{err}");
    let (code, _, err) = run(&mut pgtandem(&["upgrade", "--from", "postgres://u@old.invalid/d"]));
    assert!(code == 2 && err.contains("--to"), "{code} {err}");
    let unknown = "postgres://u@new.invalid/d?sslmod=require";
    let (code, _, err) = run(&mut pgtandem(&["upgrade", "--from", "postgres://u@old.invalid/d", "--to", unknown]));
    assert!(code == 2 && err.contains("sslmod"), "{code} {err}");
}

#[test]
fn an_error_in_json_is_the_only_thing_on_standard_output() {
    let arguments = ["upgrade", "--log-format", "json", "--from", "postgres://u@h.invalid/d?nonsense=1"];
    let (code, out, err) = run(&mut pgtandem(&arguments));
    assert_eq!(code, 2);
    assert_eq!(out.lines().count(), 1, "{out}");
    for part in ["{\"event\":\"error\",", "\"kind\":\"usage\"", "\"exit_code\":2", "nonsense"] {
        assert!(out.contains(part), "{part} is missing in {out}");
    }
    assert!(err.starts_with("error: "), "{err}");
}

#[test]
fn no_message_shows_a_password() {
    let (from, to) = (url(SECRET, "old.invalid"), url(SECRET, "new.invalid"));
    let bad = format!("{from}?nonsense=1");
    let misspelt = format!("--form={from}");
    let keywords = format!("host=old.invalid password={SECRET} nonsense=1");
    let cases: [&[&str]; 9] = [
        &[&from],
        &["upgrade", &from],
        &["upgrade", "--form", &from],
        &["upgrade", &misspelt],
        &["upgrade", "--jobs", &from],
        &["upgrade", "--verify", &from],
        &["upgrade", "--from", &from, "--from", &to],
        &["upgrade", "--from", &bad, "--to", &to],
        &["upgrade", "--from", &keywords, "--to", &to, "--log-format=json"],
    ];
    for arguments in cases {
        let (code, _, err) = run(&mut pgtandem(arguments));
        assert_eq!(code, 2, "{arguments:?}: {err}");
    }
    let (code, _, _) = run(pgtandem(&["upgrade", "-vv"]).env("PGTANDEM_FROM", &bad).env("PGTANDEM_TO", &to));
    assert_eq!(code, 2);
}

#[test]
fn a_reader_who_has_had_enough_is_no_error() {
    let mut child = pgtandem(&["upgrade", "--help"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}

/// How much a pipe takes before it makes the writer wait (Linux, pipe(7)).
#[cfg(target_os = "linux")]
const PIPE: usize = 65_536;

/// The process stands still as soon as it wants to say something, because nobody reads its standard error and the pipe is
/// full. It has to warn about the password, so it cannot get away before its arguments were looked at.
#[cfg(target_os = "linux")]
#[test]
fn the_arguments_of_the_process_lose_the_password() {
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&vec![b' '; PIPE]).unwrap();
    let (from, to) = (url(SECRET, "old.invalid"), "postgres://somebody@new.invalid/shop?nonsense=1");
    let mut child = pgtandem(&["upgrade", "--from", &from, "--to", to, "--jobs", "3"]).stderr(writer).spawn().unwrap();
    let file = format!("/proc/{}/cmdline", child.id());
    let deadline = Instant::now() + Duration::from_secs(20);
    let arguments = loop {
        let arguments = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).replace('\0', " ");
        // While the program is being replaced there are none at all.
        if !(arguments.is_empty() || arguments.contains(SECRET)) || Instant::now() > deadline {
            break arguments;
        }
        std::thread::yield_now();
    };
    let environment = std::fs::read(format!("/proc/{}/environ", child.id())).unwrap();
    let running = child.try_wait().unwrap().is_none();
    let mut err = String::new();
    reader.read_to_string(&mut err).unwrap();
    let code = child.wait().unwrap().code();
    assert!(arguments.ends_with(&format!("upgrade --to {to} --jobs 3 ")), "{arguments}");
    assert!(running, "it should have waited for its reader");
    assert!(String::from_utf8_lossy(&environment).contains(&format!("PGTANDEM_FROM={from}")));
    assert_eq!(code, Some(2), "{err}");
    assert!(err.trim_start().starts_with("warning: a connection string in the arguments holds a password"), "{err}");
    assert!(err.contains("nonsense") && !err.contains(SECRET), "{err}");
}
