//! Every case of `testdata/catalog/`, moved by itself to a server of the same major or a later one.
//!
//! Between servers of one major both sides have to print the same. Across majors the judge is what the stock tools make of
//! the same database: their words are those of the new server.
//!
//! `PGTANDEM_CASES=policy_` tries only the cases whose names hold that. `PGTANDEM_ALL_MAJORS=1` tries those of every major, to
//! the next one and to the newest; `PGTANDEM_ALL_MAJORS=pairs` to every later one, which takes an hour.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use pgtandem_lab::{Server, shared};

use crate::support::{Oracle, Program, Ran, assert_same, case_files, databases, prepare_server, testdata};

/// The newest major, to which all others lead.
const NEWEST: u32 = 18;
/// The oldest major that a database moves to.
const OLDEST_TARGET: u32 = 12;
/// How many cases are tried at the same time.
const LANES: usize = 3;

struct Case {
    file: PathBuf,
    /// "policy_kinds"
    name: String,
    /// The majors that can load it, as its first lines say (`since`, `until`, `before`).
    majors: std::ops::RangeInclusive<u32>,
}

impl Case {
    fn read(kind: &str, file: PathBuf) -> Self {
        let text = fs::read_to_string(&file).unwrap();
        let number = |word: &str| -> Option<u32> {
            let prefix = format!("-- {word}: ");
            let line =
                text.lines().take_while(|line| line.starts_with("--")).find_map(|line| line.strip_prefix(&prefix));
            line.map(|major| {
                major.trim().parse().unwrap_or_else(|_| panic!("{}: {word}: and a number", file.display()))
            })
        };
        let last = number("until").or(number("before").map(|major| major - 1)).unwrap_or(NEWEST);
        let majors = number("since").unwrap_or(0)..=last;
        let name = format!("{kind}_{}", file.file_stem().unwrap().to_str().unwrap());
        Self { file, name, majors }
    }

    /// Whether the new server may refuse what this case has: it says itself that a later major does.
    fn may_be_refused_by(&self, major: u32) -> bool {
        *self.majors.end() < major
    }

    /// Whether it has what cannot be moved yet.
    fn must_be_refused(&self) -> bool {
        self.name.starts_with("unhandled_")
    }
}

fn cases() -> Vec<Case> {
    let mut kinds: Vec<PathBuf> =
        fs::read_dir(testdata("catalog")).unwrap().map(|entry| entry.unwrap().path()).collect();
    kinds.retain(|path| path.is_dir());
    kinds.sort();
    let of = |kind: &Path| {
        let name = kind.file_name().unwrap().to_str().unwrap().to_owned();
        case_files(kind).into_iter().map(move |file| Case::read(&name, file))
    };
    kinds.iter().flat_map(|kind| of(kind)).collect()
}

/// How a case is moved.
#[derive(Clone, Copy)]
enum Way {
    AtOnce,
    /// A run for each section: the second and the third one find a database.
    InSections,
}

impl Way {
    fn prefix(self) -> &'static str {
        match self {
            Self::AtOnce => "case",
            Self::InSections => "sections",
        }
    }

    fn go(self, from: &str, to: &str) -> Ran {
        let upgrade = || Program::upgrade(from, to);
        match self {
            Self::AtOnce => upgrade().run(),
            Self::InSections => {
                let ran = upgrade().args(["--section", "pre-data"]).run();
                if !ran.status.success() {
                    return ran;
                }
                upgrade().args(["--section", "data"]).succeed();
                upgrade().args(["--section", "post-data"]).run()
            }
        }
    }
}

fn try_case(case: &Case, old: &Server, new: &Server, way: Way) {
    let may_be_refused = case.may_be_refused_by(new.major());
    let database = format!("{}_{}{}_{}", way.prefix(), old.major(), new.major(), case.name);
    old.create_database(&database).unwrap();
    old.psql_file(&database, &case.file).unwrap();
    same_roles(old, new);
    let before = Oracle::of(old, &database);

    let ran = way.go(&old.url(&database), &new.url(&database));

    assert_same("the old database", &before, 0, &Oracle::of(old, &database), 0, &[]);
    if case.must_be_refused() || may_be_refused && ran.status.code() == Some(4) {
        ran.expect(4).tells(&["nothing was written"]);
        assert_eq!(databases(new, &database), [""; 0]);
        return;
    }
    let ran = ran.expect(0);
    let mut expected = before.expected_there();
    let after = Oracle::of(new, &database);
    if old.major() != new.major() {
        drop_database(new, &database);
        match moved_by_stock_tools(old, new, &database) {
            // What a later major refuses has to be made otherwise there.
            _ if may_be_refused => expected.schema.clone_from(&after.schema),
            Some(stock) => allow_words_of(&stock, &mut expected, &after),
            // Stock tools lose it: then it has to be the same to the word.
            None => {}
        }
    }
    assert_same(&ran.told(), &expected, 0, &after, 0, &[]);
}

/// Makes each case that is asked for on the old server, with its roles on both, and hands over the name of its database.
/// `purpose` is what the names of databases begin with: nobody else may have the same.
pub fn each(old: &Server, new: &Server, purpose: &str, mut with: impl FnMut(&str)) {
    prepare_server(old);
    prepare_server(new);
    let wanted = std::env::var("PGTANDEM_CASES").unwrap_or_default();
    for case in cases().iter().filter(|case| case.majors.contains(&old.major()) && case.name.contains(&wanted)) {
        if case.must_be_refused() {
            continue;
        }
        let database = format!("{purpose}_{}", case.name);
        old.create_database(&database).unwrap();
        old.psql_file(&database, &case.file).unwrap();
        same_roles(old, new);
        with(&database);
    }
}

/// Where the new side has what the stock tools would have made, that is what was to be expected, whatever the old side prints.
fn allow_words_of(stock: &Oracle, expected: &mut Oracle, after: &Oracle) {
    for (name, words) in &stock.schema {
        if after.schema.get(name) == Some(words) {
            expected.schema.insert(name.clone(), words.clone());
        }
    }
    // What both call by another name: the old name is not expected any more.
    expected.schema.retain(|name, _| stock.schema.contains_key(name) || after.schema.contains_key(name));
}

/// Cases make roles where they need them.
fn same_roles(old: &Server, new: &Server) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _held = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let names = |server: &Server| server.psql("postgres", "SELECT quote_ident(rolname) FROM pg_roles").unwrap();
    let there = names(new);
    for role in names(old).lines().filter(|role| !there.lines().any(|other| other == *role)) {
        new.psql("postgres", &format!("CREATE ROLE {role}")).unwrap();
    }
}

/// The same database, schema alone, by way of `pg_dump` and `psql`; nothing if these meet an error.
fn moved_by_stock_tools(old: &Server, new: &Server, database: &str) -> Option<Oracle> {
    let dump = old.pg_dump(database, &["-s", "--create", "--quote-all-identifiers", "--restrict-key=x"]).unwrap();
    let dump = for_an_older_server(&dump, new.major());
    let mut psql = new.client("psql").unwrap();
    psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", "postgres"]);
    let mut psql = psql.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // One that has met an error reads no further.
    let _ = std::io::Write::write_all(&mut psql.stdin.take().unwrap(), dump.as_bytes());
    let moved = psql.wait().unwrap().success().then(|| Oracle::schema_of(new, database));
    drop_database(new, database);
    moved
}

/// What the stock client of the newest major says in words that older servers do not know, although they know the thing.
fn for_an_older_server(dump: &str, major: u32) -> String {
    let mut out = String::new();
    for line in dump.lines().filter(|line| major >= 17 || *line != "SET transaction_timeout = 0;") {
        let mut line = line.to_owned();
        if line.starts_with("CREATE DATABASE ") && major < 15 {
            line = line.replace(" LOCALE_PROVIDER = libc", "");
        }
        if line.starts_with("CREATE DATABASE ") && major < 13 {
            let locale = line.split(" LOCALE = ").nth(1).map(|rest| rest.trim_end_matches(';').to_owned());
            if let Some(locale) = locale {
                let both = format!(" LC_COLLATE = {locale} LC_CTYPE = {locale}");
                line = line.replace(&format!(" LOCALE = {locale}"), &both);
            }
        }
        out.push_str(&line);
        out.push('\n');
    }
    out
}

/// A database with subscriptions cannot be dropped.
fn drop_database(server: &Server, database: &str) {
    if databases(server, database).contains(&database.to_owned()) {
        let each = "SELECT format('ALTER SUBSCRIPTION %1$I SET (slot_name = NONE); DROP SUBSCRIPTION %1$I', subname)
            FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())";
        for statements in server.psql(database, each).unwrap().lines() {
            server.psql(database, statements).unwrap();
        }
        server.psql("postgres", &format!("DROP DATABASE \"{database}\"")).unwrap();
    }
}

/// Tries all cases that the old major can load; the failures.
fn failures(old: &Server, new: &Server, way: Way) -> Vec<String> {
    prepare_server(old);
    prepare_server(new);
    let all = cases();
    assert!(all.len() > 40, "the cases were not found");
    let wanted = std::env::var("PGTANDEM_CASES").unwrap_or_default();
    let cases: Vec<Case> =
        all.into_iter().filter(|case| case.majors.contains(&old.major()) && case.name.contains(&wanted)).collect();
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let tried = catch_unwind(AssertUnwindSafe(|| try_case(case, old, new, way)));
                    let Err(panic) = tried else { continue };
                    let message = panic.downcast::<String>().map_or_else(|_| "it panicked".to_owned(), |text| *text);
                    failures.lock().unwrap().push(format!("{}\n{message}", case.file.display()));
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    if !failures.is_empty() {
        let (old, new) = (old.major(), new.major());
        failures.insert(0, format!("{} of {} cases from {old} to {new} failed:", failures.len(), cases.len()));
    }
    failures
}

fn try_all(old: &Server, new: &Server, way: Way) {
    let failures = failures(old, new, way);
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// The pairs of majors that are tried if somebody asks for them, since they take their time: `PGTANDEM_ALL_MAJORS=1` for each
/// major to the next one and to the newest; `pairs` for each to every later one and to itself.
fn asked_for() -> Vec<(u32, u32)> {
    let asked = std::env::var("PGTANDEM_ALL_MAJORS").unwrap_or_default();
    let mut pairs = Vec::new();
    for old in 10..=NEWEST {
        for new in OLDEST_TARGET.max(old)..=NEWEST {
            let always = [15, 18].contains(&old) && new == NEWEST;
            let wanted = match asked.as_str() {
                "1" => new == OLDEST_TARGET.max(old + 1) || new == NEWEST,
                "pairs" => true,
                _ => false,
            };
            if wanted && !always {
                pairs.push((old, new));
            }
        }
    }
    pairs
}

#[test]
fn from_15() {
    try_all(shared(15).unwrap(), shared(NEWEST).unwrap(), Way::AtOnce);
}

#[test]
fn from_18() {
    try_all(&Server::start(18).unwrap(), shared(NEWEST).unwrap(), Way::AtOnce);
}

#[test]
fn in_sections() {
    try_all(&Server::start(18).unwrap(), &Server::start(18).unwrap(), Way::InSections);
}

#[test]
fn other_majors_if_asked_for() {
    let mut failed = Vec::new();
    for (old, new) in asked_for() {
        eprintln!("cases from {old} to {new}");
        failed.extend(match old == new {
            true => failures(&Server::start(old).unwrap(), shared(new).unwrap(), Way::AtOnce),
            false => failures(shared(old).unwrap(), shared(new).unwrap(), Way::AtOnce),
        });
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
