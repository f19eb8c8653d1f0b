//! The import table of the architecture page (`src/lib.rs`), held against the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::root;

/// The rooms with their layers' numbers, and the rooms each may import apart from itself.
const ROOMS: [(&str, &[&str]); 11] = [
    ("error", FOUNDATION),
    ("event", FOUNDATION),
    ("toc", FOUNDATION),
    ("sql", FOUNDATION),
    ("wire", FOUNDATION),
    ("archive", FOUNDATION),
    ("catalog", &["error", "event", "toc", "sql", "wire"]),
    ("plan", &["error", "event", "toc", "sql", "wire::version", "catalog"]),
    ("transfer", &["error", "event", "toc", "sql", "wire", "archive", "plan"]),
    ("ops", &["error", "event", "toc", "sql", "wire", "archive", "catalog", "plan", "transfer"]),
    // A command line has to say where servers are, hence `conninfo`, and prints versions.
    ("cli", &["error", "event", "toc", "ops", "wire::conninfo", "wire::version"]),
];
const FOUNDATION: &[&str] = &["error", "event", "toc", "sql"];

/// Crates that belong to the command line alone.
const COMMAND_LINE_ONLY: [&str; 5] = ["clap", "anyhow", "indicatif", "serde_json", "tracing_subscriber"];
/// Rooms that do no I/O and know no runtime.
const NO_IO: [&str; 5] = ["error", "event", "toc", "sql", "plan"];
/// What I/O looks like. `tokio_postgres` and the like are libraries of the wire.
const IO: [&str; 8] =
    ["tokio", "tokio_postgres", "futures", "std::fs", "std::net", "std::io", "std::process", "std::thread"];
/// SQL text that was not put together by `sql!`.
const UNQUOTED: [&str; 3] = ["Sql::deparsed(format!", "Sql::deparsed(&format!", "Sql::constant(format!"];

/// Every rule that a file breaks, as `line: what`.
fn violations(room: &str, source: &str) -> Vec<String> {
    let code = Code::of(source);
    let mut found = Vec::new();
    let allowed = ROOMS.iter().find(|(name, _)| *name == room).map(|(_, allowed)| *allowed);
    for (line, path) in code.imports() {
        let first = path.split("::").next().unwrap_or_default();
        let known = ROOMS.iter().any(|(name, _)| *name == first);
        let may = |to: &&str| *to == path || path.strip_prefix(*to).is_some_and(|rest| rest.starts_with("::"));
        if let Some(allowed) = allowed.filter(|_| known && first != room)
            && !allowed.iter().any(may)
        {
            found.push(format!("{line}: {room} may not import {path}"));
        }
    }
    for (line, text) in code.lines() {
        let word = |name: &str| has_word(text, name);
        if !["cli", "main"].contains(&room) {
            let names =
                COMMAND_LINE_ONLY.iter().filter(|name| word(&format!("{name}::")) || word(&format!("use {name}")));
            found.extend(names.map(|name| format!("{line}: {name} is for the command line")));
        }
        if NO_IO.contains(&room) {
            let names = IO.iter().filter(|name| word(&format!("{name}::")) || word(&format!("use {name}")));
            found.extend(names.map(|name| format!("{line}: {room} does no I/O, and {name} is for I/O")));
            if word("async fn") || word("async move") || text.contains(".await") {
                found.push(format!("{line}: {room} waits for nobody, so nothing in it is async"));
            }
        }
        if UNQUOTED.iter().any(|unquoted| text.replace(' ', "").contains(&unquoted.replace(' ', ""))) {
            found.push(format!("{line}: SQL that format! put together; sql! quotes"));
        }
        if text.contains("process::exit") && room != "main" {
            found.push(format!("{line}: only main ends the process"));
        }
    }
    found
}

/// A source file without its comments, strings and test modules.
struct Code(String);

impl Code {
    fn of(source: &str) -> Self {
        Self(without_tests(&without_text(source)))
    }

    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.0.lines().enumerate().map(|(number, line)| (number + 1, line))
    }

    /// What is imported from this crate, as paths below it: from `use` with its braces, and from paths amid the code.
    fn imports(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (at, _) in self.0.match_indices("crate::") {
            let begins = !self.0[..at].ends_with(|c: char| c.is_alphanumeric() || "_:$".contains(c));
            if begins {
                let line = self.0[..at].matches('\n').count() + 1;
                let rest = &self.0[at + "crate::".len()..];
                found.extend(expand(rest).into_iter().map(|path| (line, path)));
            }
        }
        found
    }
}

/// The paths that begin here: one, or one for each part in braces.
fn expand(text: &str) -> Vec<String> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || "_:".contains(c))).unwrap_or(text.len());
    let path = text[..end].trim_end_matches(':').to_owned();
    let Some(inner) = text[end..].strip_prefix('{').filter(|_| text[..end].is_empty() || text[..end].ends_with("::"))
    else {
        return vec![path];
    };
    let join = |part: &str| if path.is_empty() { part.to_owned() } else { format!("{path}::{part}") };
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                let part = inner[start..at].trim();
                if !part.is_empty() {
                    parts.extend(expand(part).iter().map(|part| join(part)));
                }
                if c == '}' {
                    break;
                }
                start = at + 1;
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    parts
}

/// Whether these characters stand in a line as words of their own.
fn has_word(line: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(|c| part_of_name(c) || c == ':');
        let after = line[at + word.len()..].chars().next().is_some_and(part_of_name) && word.ends_with(part_of_name);
        !before && !after
    })
}

/// The source with comments and the insides of string literals blanked; lines stay where they are.
fn without_text(source: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(source.len()), source);
    let blank = |text: &str| text.chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect::<String>();
    while let Some(c) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = raw_string(rest, &out) {
            length
        } else if c == '"' {
            string_end(rest)
        } else if rest.starts_with("'\"'") {
            3
        } else if let Some(escaped) = rest.strip_prefix("'\\") {
            escaped
                .char_indices()
                .nth(1)
                .and_then(|(from, _)| rest[2 + from..].find('\'').map(|end| 2 + from + end + 1))
                .unwrap_or(2)
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        out.push_str(&blank(&rest[..length]));
        rest = &rest[length..];
    }
    out
}

fn raw_string(rest: &str, before: &str) -> Option<usize> {
    let after_r = rest.strip_prefix('r').filter(|_| !before.ends_with(|c: char| c.is_alphanumeric() || c == '_'))?;
    let hashes = after_r.len() - after_r.trim_start_matches('#').len();
    let body = after_r[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    Some(1 + hashes + 1 + body.find(&close)? + close.len())
}

fn string_end(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The code with modules under `#[cfg(test)]` blanked: they may import what they need.
fn without_tests(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        out.push_str(&rest[..at]);
        let end = item_end(&rest[at..]);
        out.extend(rest[at..at + end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[at + end..];
    }
    out.push_str(rest);
    out
}

/// Where the item ends that begins here: at its closing brace, or at its semicolon.
fn item_end(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// All source files, with the rooms they are in.
fn sources(folder: &Path, room: Option<&str>, out: &mut Vec<(String, std::path::PathBuf)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let room = room.unwrap_or(&name);
        if path.is_dir() {
            sources(&path, Some(room), out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push((room.to_owned(), path));
        }
    }
}

#[test]
fn every_room_imports_only_what_its_layer_may() {
    let mut files = Vec::new();
    sources(&root().join("src"), None, &mut files);
    let rooms: BTreeSet<&str> = files.iter().map(|(room, _)| room.as_str()).collect();
    let known: BTreeSet<&str> = ROOMS.iter().map(|(room, _)| *room).chain(["lib", "main"]).collect();
    assert!(rooms.is_subset(&known), "rooms that no layer holds: {:?}", rooms.difference(&known));
    assert!(files.len() > 50, "the sources were not found");
    let mut found = Vec::new();
    for (room, path) in &files {
        // What is a test as a whole says so where it is declared.
        let is_test = ["tests", "testing"].contains(&path.file_stem().unwrap().to_str().unwrap());
        if !is_test {
            let source = fs::read_to_string(path).unwrap();
            let name = path.strip_prefix(root()).unwrap().display();
            found.extend(violations(room, &source).iter().map(|violation| format!("{name}:{violation}")));
        }
    }
    assert!(found.is_empty(), "{} imports against the table:\n{}", found.len(), found.join("\n"));
}

#[test]
fn what_breaks_the_table_is_found() {
    let broken = [
        ("plan", "use crate::wire::session::Session;", "1: plan may not import wire::session::Session"),
        (
            "transfer",
            "use crate::{\n    error::Error,\n    catalog::{self, Table},\n};",
            "1: transfer may not import catalog::self",
        ),
        (
            "wire",
            "fn f() { crate::toc::x(); let _ = crate::archive::Header; }",
            "1: wire may not import archive::Header",
        ),
        (
            "sql",
            "pub(crate) use crate::event::E;\npub async fn f() {}",
            "2: sql waits for nobody, so nothing in it is async",
        ),
        ("toc", "\nuse tokio::sync::mpsc;", "2: toc does no I/O, and tokio is for I/O"),
        ("ops", "use anyhow::Context;", "1: anyhow is for the command line"),
        ("ops", "use crate::cli::print;", "1: ops may not import cli::print"),
        ("catalog", "let a = Sql::deparsed(format!(\"{a}\"));", "1: SQL that format! put together; sql! quotes"),
        ("cli", "use crate::catalog::Catalog;", "1: cli may not import catalog::Catalog"),
        ("cli", "std::process::exit(1)", "1: only main ends the process"),
    ];
    for (room, source, expected) in broken {
        assert_eq!(violations(room, source).first().map(String::as_str), Some(expected), "{source}");
    }
    let fine = [
        (
            "plan",
            "// use crate::wire::x;\n#[cfg(test)]\nmod tests { use crate::wire::session::Session; }\nuse crate::catalog::Catalog;",
        ),
        (
            "plan",
            "const S: &str = \"use crate::wire::session, tokio::x\"; const Q: char = '\"'; const E: char = '\\''; const R: &str = r#\"crate::wire\"#;",
        ),
        ("catalog", "use crate::wire::session::{Row, Session};\nuse super::query::Query;"),
        ("error", "use std::borrow::Cow;"),
    ];
    for (room, source) in fine {
        assert_eq!(violations(room, source), Vec::<String>::new(), "{source}");
    }
}
