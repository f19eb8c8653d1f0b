//! The judge: what the stock `pg_dump` and plain SQL say of both sides. Nothing of pgtandem is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use pgtandem_lab::Server;

use super::dump;

/// How many differing lines a failure shows.
const SHOWN: usize = 40;

/// What a database holds, as others than pgtandem see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oracle {
    /// The major of the server.
    pub major: u32,
    /// The entries of `pg_dump -s`, by kind and name.
    pub schema: BTreeMap<String, String>,
    /// Rows, sequence states, large objects, properties of the database: what it is of, and what it is.
    pub data: BTreeMap<String, String>,
}

/// Text that servers of different majors print in different words although it means the same.
pub struct Known {
    /// The entry, as [`Oracle::schema`] has it; with a star at the end, all that begin like this.
    pub entry: &'static str,
    /// The first major that prints the new words: the old server is older, the new one is not.
    pub since: u32,
    /// What the old one prints, in the text or the name of the entry, and what the new one prints in its place.
    pub words: (&'static str, &'static str),
    /// Why that is no loss.
    pub reason: &'static str,
}

impl Oracle {
    /// Asks about a database.
    pub fn of(server: &Server, database: &str) -> Self {
        let mut oracle = Self::schema_of(server, database);
        let answers = server.psql(database, include_str!("oracle.sql")).unwrap();
        for line in answers.split(RECORD).map(|line| line.trim_matches('\n')).filter(|line| !line.is_empty()) {
            let (what, value) = line.split_once(FIELD).unwrap_or_else(|| panic!("no field separator in {line:?}"));
            let before = oracle.data.insert(what.to_owned(), value.to_owned());
            assert!(before.is_none(), "{what} comes twice");
        }
        oracle
    }

    /// Asks about the schema of a database alone, whose rows the server may be unable to read.
    pub fn schema_of(server: &Server, database: &str) -> Self {
        let dump = ["-s", "--create", "--quote-all-identifiers", "--restrict-key=x"];
        let schema = dump::entries(&server.pg_dump(database, &dump).unwrap());
        assert!(!schema.is_empty(), "pg_dump's output was not understood");
        Self { major: server.major(), schema, data: BTreeMap::new() }
    }

    /// The same with the known differences of words between these majors applied. Each of them has to be there.
    fn in_words_of(mut self, known: &[Known], old_major: u32, new_major: u32) -> Self {
        for known in known.iter().filter(|known| old_major < known.since && new_major >= known.since) {
            // What the old major did not have at all is not there.
            let names: Vec<String> = match known.entry.strip_suffix('*') {
                Some(prefix) => self.schema.keys().filter(|name| name.starts_with(prefix)).cloned().collect(),
                None => vec![known.entry.to_owned()],
            };
            let (old, new) = known.words;
            for name in names {
                let Some(text) = self.schema.remove(&name) else { continue };
                let known_to_differ = text.contains(old) || known.entry.ends_with('*');
                assert!(known_to_differ, "{name} has nothing to do with {old} ({}):\n{text}", known.reason);
                self.schema.insert(name.replace(old, new), text.replace(old, new));
            }
        }
        self
    }

    /// What of it has to arrive: an index that a failed build left invalid does not.
    pub fn expected_there(mut self) -> Self {
        self.data.retain(|what, _| !what.starts_with("invalid index "));
        self
    }

    /// All but what belongs to the database itself and not to what is in it.
    pub fn without_database(mut self) -> Self {
        self.schema.retain(|name, _| !name.starts_with("DATABASE") && !name.contains(".DATABASE \""));
        self.data.retain(|what, _| what != "database" && !what.starts_with("setting of the database"));
        self
    }

    /// The data, as far as it can be compared with that of another server: before 12 the text of floating-point numbers had
    /// more digits.
    fn data_for(&self, other: &Self) -> BTreeMap<String, String> {
        let comparable = |what: &str| (self.major < 12) == (other.major < 12) || !what.starts_with("rows of ");
        let data = self.data.iter().filter(|(what, _)| comparable(what));
        data.map(|(what, value)| (what.clone(), value.clone())).collect()
    }

    /// How many tables hold how many rows, by the data's own account.
    pub fn tables(&self) -> usize {
        self.data.keys().filter(|what| what.starts_with("rows of ")).count()
    }
}

/// What separates answers and their fields: characters that no name holds.
const RECORD: char = '\u{1e}';
const FIELD: char = '\u{1f}';

/// Insists that both sides hold the same.
#[track_caller]
pub fn assert_same(what: &str, old: &Oracle, old_major: u32, new: &Oracle, new_major: u32, known: &[Known]) {
    let old = old.clone().in_words_of(known, old_major, new_major);
    let mut lines = differences(&old.schema, &new.schema);
    lines.extend(differences(&old.data_for(new), &new.data_for(&old)));
    if lines.is_empty() {
        return;
    }
    let more = lines.len().saturating_sub(SHOWN);
    let mut text = format!("{what}: {} differing lines", lines.len());
    for line in lines.iter().take(SHOWN) {
        let _ = write!(text, "\n{line}");
    }
    if more > 0 {
        let _ = write!(text, "\n... and {more} more");
    }
    panic!("{text}");
}

/// The lines that differ: `-` for what only the old side has, `+` for what only the new side has.
fn differences(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<String> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut out = Vec::new();
    for name in names {
        let (before, after) = (old.get(name), new.get(name));
        if before == after {
            continue;
        }
        out.push(format!("@ {name}"));
        let (before, after) = (before.map_or("", String::as_str), after.map_or("", String::as_str));
        if before.is_empty() || after.is_empty() {
            out.push(format!("  only on the {} side", if after.is_empty() { "old" } else { "new" }));
        }
        let (left, right): (BTreeSet<&str>, BTreeSet<&str>) = (before.lines().collect(), after.lines().collect());
        let count = out.len();
        out.extend(before.lines().filter(|line| !right.contains(line)).map(|line| format!("- {line}")));
        out.extend(after.lines().filter(|line| !left.contains(line)).map(|line| format!("+ {line}")));
        if out.len() == count {
            out.push("  the same lines in another order, or another number of times".to_owned());
        }
    }
    out
}

#[test]
fn a_difference_is_found_and_shown() {
    let of = |text: &str| Oracle {
        major: 15,
        schema: BTreeMap::from([("VIEW s.v".to_owned(), text.to_owned())]),
        data: BTreeMap::new(),
    };
    let known = [Known { entry: "VIEW s.v", since: 16, words: ("t.a", "a"), reason: "qualification" }];
    assert_same("x", &of("SELECT t.a;\n"), 15, &of("SELECT a;\n"), 18, &known);
    for (old_major, new) in [(17, "SELECT a;\n"), (15, "SELECT b;\n")] {
        let caught =
            std::panic::catch_unwind(|| assert_same("x", &of("SELECT t.a;\n"), old_major, &of(new), 18, &known));
        let message = *caught.unwrap_err().downcast::<String>().unwrap();
        assert!(
            message.contains("3 differing lines") && message.contains("@ VIEW s.v") && message.contains("\n+ SELECT"),
            "{message}"
        );
    }
}
