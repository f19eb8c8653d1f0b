//! Taking the schema text of the stock `pg_dump` apart, so that two of them can be compared whatever the order.

use std::collections::BTreeMap;

/// What separates the entries of a dump.
const HEADER: &str = "\n--\n-- Name: ";
/// What follows the last one.
const END: &str = "\n--\n-- PostgreSQL database dump complete\n";

/// The kinds of entries that take the tablespace which was set last.
const IN_TABLESPACE: [&str; 4] = ["TABLE", "MATERIALIZED VIEW", "INDEX", "CONSTRAINT"];

/// What the names of triggers that serve constraints hold besides an OID. `pg_dump` prints the state of some of them, under
/// names that no other database has; [`Oracle::data`](super::Oracle) has them all by what they serve.
const IS_NAMED_BY_OID: [&str; 2] = [" RI_ConstraintTrigger_", " Unique_ConstraintTrigger_"];

/// The entries of a dump by kind, schema and name: the text of each, the owner included.
///
/// Where several have the same name, their texts come in the order of the alphabet.
pub fn entries(dump: &str) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut tablespace = String::new();
    let dump = dump.split(END).next().unwrap_or_default();
    let mut parts = dump.split(HEADER);
    // Before the first entry stand settings and versions.
    parts.next();
    for part in parts {
        if part.lines().next().is_some_and(|line| IS_NAMED_BY_OID.iter().any(|word| line.contains(word))) {
            continue;
        }
        let (header, body) = part.split_once("\n--\n").unwrap_or((part, ""));
        let header = Header::read(header);
        let mut text = format!("owner: {}\n", header.owner);
        if IN_TABLESPACE.contains(&header.kind) && !tablespace.is_empty() {
            text.push_str(&format!("tablespace: {tablespace}\n"));
        }
        for line in body.lines().filter(|line| !line.is_empty()) {
            if let Some(name) = setting(line, "default_tablespace") {
                tablespace = name.trim_matches('\'').to_owned();
            } else if setting(line, "default_table_access_method").is_none()
                && let Some(line) = without_server_options(line)
            {
                text.push_str(&line);
                text.push('\n');
            }
        }
        all.entry(format!("{} {}.{}", header.kind, header.schema, header.name)).or_default().push(text);
    }
    let mut all = all
        .into_iter()
        .map(|(name, mut texts)| {
            texts.sort_unstable();
            (name, texts.concat())
        })
        .collect();
    whole_views(&mut all);
    all
}

/// Where views and other objects need each other, `pg_dump` prints a view twice: first a stand-in, later what it really is.
/// Which of the views depends on the order of their OIDs, so the real ones are put where they belong.
fn whole_views(all: &mut BTreeMap<String, String>) {
    let rules: Vec<String> =
        all.keys().filter(|name| name.starts_with("RULE ") && name.ends_with(" _RETURN")).cloned().collect();
    for rule in rules {
        let view = rule.replacen("RULE ", "VIEW ", 1).trim_end_matches(" _RETURN").to_owned();
        let (Some(real), Some(stand_in)) = (all.remove(&rule), all.get_mut(&view)) else {
            panic!("{rule} without {view}");
        };
        let real = real.split_once('\n').map_or("", |(_owner, text)| text).replacen(
            "CREATE OR REPLACE VIEW",
            "CREATE VIEW",
            1,
        );
        let (owner, rest) = stand_in.split_once('\n').unwrap_or_default();
        let after = rest.split_once(";\n").map_or("", |(_, after)| after);
        *stand_in = format!("{owner}\n{real}{after}");
    }
}

struct Header<'a> {
    name: &'a str,
    kind: &'a str,
    schema: &'a str,
    owner: &'a str,
}

impl<'a> Header<'a> {
    /// Reads `name; Type: TABLE; Schema: s; Owner: o`. Names may hold semicolons, so from the right.
    fn read(line: &'a str) -> Self {
        let line = line.lines().next().unwrap_or_default();
        let line = line.split("; Tablespace: ").next().unwrap_or_default();
        let (line, owner) = line.rsplit_once("; Owner: ").unwrap_or((line, ""));
        let (line, schema) = line.rsplit_once("; Schema: ").unwrap_or((line, ""));
        let (name, kind) = line.rsplit_once("; Type: ").unwrap_or((line, ""));
        Self { name, kind, schema, owner }
    }
}

fn setting<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.strip_prefix("SET ")?.strip_prefix(name)?.strip_prefix(" = ")?.strip_suffix(';')
}

/// A line without the column option `pg_attver`, which servers since late 2026 keep for themselves and which the stock
/// `pg_dump` prints all the same.
fn without_server_options(line: &str) -> Option<String> {
    let Some((before, options)) = line.split_once(" SET (").filter(|(_, options)| options.contains("pg_attver="))
    else {
        return Some(line.to_owned());
    };
    let options = options.strip_suffix(");")?;
    let kept: Vec<&str> = options.split(", ").filter(|option| !option.starts_with("pg_attver=")).collect();
    (!kept.is_empty()).then(|| format!("{before} SET ({});", kept.join(", ")))
}

#[test]
fn entries_are_found_and_keep_their_tablespace() {
    let dump = "-- Dumped from 15\n\n--\n-- Name: a; b; Type: TABLE; Schema: s; Owner: o\n--\n\nCREATE TABLE \"s\".\"a; b\" ();\n\n\nSET default_tablespace = 'fast';\n\n\
        --\n-- Name: i; Type: INDEX; Schema: s; Owner: o; Tablespace: fast\n--\n\nCREATE INDEX i;\nALTER TABLE ONLY t ALTER COLUMN c SET (pg_attver=3);\n\
        \n--\n-- Name: f(int); Type: FUNCTION; Schema: s; Owner: -\n--\n\nCREATE FUNCTION f;\nALTER TABLE ONLY t ALTER COLUMN c SET (n_distinct=5, pg_attver=3);\n\n\
        --\n-- Name: v; Type: VIEW; Schema: s; Owner: o\n--\n\nCREATE VIEW v AS\nSELECT NULL::int AS a;\nALTER TABLE v OWNER TO o;\n\n\n\
        --\n-- Name: v _RETURN; Type: RULE; Schema: s; Owner: o\n--\n\nCREATE OR REPLACE VIEW v AS\n SELECT 1 AS a;\n\n\n\
        --\n-- PostgreSQL database dump complete\n--\n";
    let entries = entries(dump);
    let texts: Vec<(&str, &str)> = entries.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(
        texts,
        [
            (
                "FUNCTION s.f(int)",
                "owner: -\nCREATE FUNCTION f;\nALTER TABLE ONLY t ALTER COLUMN c SET (n_distinct=5);\n"
            ),
            ("INDEX s.i", "owner: o\ntablespace: fast\nCREATE INDEX i;\n"),
            ("TABLE s.a; b", "owner: o\nCREATE TABLE \"s\".\"a; b\" ();\n"),
            ("VIEW s.v", "owner: o\nCREATE VIEW v AS\n SELECT 1 AS a;\nALTER TABLE v OWNER TO o;\n"),
        ]
    );
}
