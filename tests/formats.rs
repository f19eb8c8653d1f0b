//! Rows in text form and in binary form: whatever the form, they arrive as they were.

use pgtandem_lab::{Server, shared};

use crate::support::{Oracle, Program, assert_same, fill, prepare_server};

/// Every value, as the server prints it; what depends on digits of floating-point numbers bit by bit.
const EXACT: &str = "SELECT float4send(r), float8send(d) FROM forms.binary_fractions ORDER BY n, d;
    SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM forms.binary_bytes t;
    SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM forms.binary_large t";

/// The tables that a plan says are in binary form.
fn binary(plan: &str) -> Vec<&str> {
    let lines = plan.lines().filter(|line| line.contains("TABLE DATA ") && line.contains(", binary"));
    let mut names: Vec<&str> =
        lines.filter_map(|line| line.split_whitespace().find_map(|word| word.strip_prefix("forms."))).collect();
    names.iter_mut().for_each(|name| *name = name.trim_end_matches(','));
    names.sort_unstable();
    names
}

/// The tables whose names begin like this.
fn tables(server: &Server, database: &str, begin: &str) -> Vec<String> {
    let sql =
        format!("SELECT tablename FROM pg_tables WHERE schemaname = 'forms' AND tablename ~ '^({begin})_' ORDER BY 1");
    server.psql(database, &sql).unwrap().lines().map(str::to_owned).collect()
}

fn in_every_form(from: u32, to: u32) {
    let old = shared(from).unwrap();
    let new = if from == to { &Server::start(to).unwrap() } else { shared(to).unwrap() };
    let database = format!("formats_{from}_{to}");
    prepare_server(new);
    fill(old, &database, "formats");
    let before = Oracle::of(old, &database).expected_there().without_database();
    let exact = old.psql(&database, EXACT).unwrap();
    let mut schema = None;
    for (format, expected) in [("text", "nothing"), ("auto", "binary"), ("binary", "binary|asked_for")] {
        let name = format!("{database}_{format}");
        let upgrade = || Program::upgrade(&old.url(&database), &new.url(&name)).args(["--format", format]);
        let plan = upgrade().args(["--dry-run"]).succeed();
        assert_eq!(binary(&plan.stdout), tables(old, &database, expected), "{format}: {}", plan.told());
        let ran = upgrade().succeed();
        let mut after = Oracle::of(new, &name).without_database();
        assert_eq!(new.psql(&name, EXACT).unwrap(), exact, "{format}: {}", ran.told());
        // The words of definitions differ between majors, and are not what this is about.
        let words = std::mem::replace(&mut after.schema, before.schema.clone());
        assert_same(&format!("{format}: {}", ran.told()), &before, from, &after, to, &[]);
        assert_eq!(*schema.get_or_insert_with(|| words.clone()), words, "{format}");
    }
}

#[test]
fn from_10_to_18() {
    in_every_form(10, 18);
}

#[test]
fn from_13_to_17() {
    in_every_form(13, 17);
}

#[test]
fn from_15_to_18() {
    in_every_form(15, 18);
}

#[test]
fn from_18_to_18() {
    in_every_form(18, 18);
}

#[test]
fn a_form_that_cannot_be_had_is_refused() {
    let (old, new) = (shared(15).unwrap(), shared(18).unwrap());
    old.create_database("formats_refused").unwrap();
    let upgrade = |options: &[&str]| {
        Program::upgrade(&old.url("formats_refused"), &new.url("formats_refused"))
            .args(["--format", "binary"])
            .args(options)
    };
    upgrade(&["--archive", "/nonexistent/a"]).run().expect(2).tells(&["--format binary", "as text"]);
    upgrade(&["--data-only"]).run().expect(2).tells(&["--format binary", "as text"]);
}
