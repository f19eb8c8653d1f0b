//! What of an archive is wanted: the options are those of an upgrade ([`crate::plan::select`]), and mean the same; here they
//! are applied to the records of an archive, with no server to ask.
//!
//! Two things are different. Patterns are matched by the regular expressions of this crate's library, not by PostgreSQL's:
//! references back, and what looks ahead, are not there. And a pattern for tables without a schema matches in every schema,
//! as it does for `pg_restore`: an archive knows no search path.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use regex_lite::Regex;

use super::{Content, Input, Pattern, Selection};
use crate::archive::header::Header;
use crate::archive::listing;
use crate::archive::toc::Record;
use crate::catalog::read::Names;
use crate::error::{Error, Result};
use crate::event::{Finding, Severity};
use crate::plan::select::{Dangling, Selected};
use crate::sql::{Ident, QualName};
use crate::toc::Section;

/// What of an archive is wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// By names, kinds and sections.
    pub selection: Selection,
    /// Only what this list has, in its order.
    pub use_list: Option<Input>,
    /// Whether the database itself is wanted, too, which then is made.
    pub database: bool,
}

/// What was found to be wanted.
#[derive(Debug)]
pub(super) struct Picked<'a> {
    /// The records, in order; settings come first.
    pub records: Vec<&'a Record>,
    /// Those that are wanted by name alone, and come before the data: where that is not wanted, it stands already.
    pub standing: Vec<&'a Record>,
    /// What is wanted and needs what is not.
    pub dangling: Vec<Dangling>,
    /// What is worth telling about the patterns.
    pub findings: Vec<Finding>,
}

impl Picked<'_> {
    /// What is worth telling to whoever makes a list or a script of it; `where_it_goes` may have what is needed, or not.
    pub fn into_findings(self, where_it_goes: &str) -> Vec<Finding> {
        let told = self.dangling.into_iter().map(|found| match found.fatal {
            true => Finding {
                severity: Severity::Warning,
                subject: found.object,
                text: format!("it needs {}, which is not selected: {where_it_goes} has to have that", found.needs),
                remedy: None,
            },
            false => Finding {
                severity: Severity::Note,
                subject: found.object,
                text: format!("it comes without its tie to {}, which is not selected", found.needs),
                remedy: None,
            },
        });
        self.findings.into_iter().chain(told).collect()
    }
}

impl Wanted {
    /// Which records are wanted.
    ///
    /// # Errors
    /// * `Usage` for a pattern that makes no sense or names another database, for names that are not there at all, and for a
    ///   list of other entries.
    /// * Those of reading the list.
    pub(super) fn pick<'a>(&self, header: &Header, records: &'a [Record]) -> Result<Picked<'a>> {
        let selection = &self.selection;
        let (names, mut findings) = matching(selection, header, records)?;
        let (selected, idle) = selection.settle(names)?;
        findings.extend(idle.into_iter().map(nothing_matches));
        let contents = Contents::of(records);
        let held = contents.held(&selected);
        let dangling = if selection.has_patterns() { contents.dangling(&held) } else { Vec::new() };
        let done = self.carried_out(records);
        let (mut wanted, mut standing) = (Vec::new(), Vec::new());
        for (record, section) in listing::sections(records) {
            let is_held = held.contains(&record.id) && done.contains(&record.id);
            if listing::is_setting(record)
                || listing::is_of_database(record) && self.database
                || is_held && has_part(selection, &selected, record, section)
            {
                wanted.push(record);
            } else if is_held && section == listing::PRE_DATA && !is_remark(record) {
                standing.push(record);
            }
        }
        if let Some(list) = &self.use_list {
            let order = listing::read(&list.text()?, records).map_err(|error| error.and_hint(&list.to_string()))?;
            in_order_of(&order, &mut wanted);
        }
        Ok(Picked { records: wanted, standing, dangling, findings })
    }

    /// The numbers of the records for which there is anything to do.
    fn carried_out(&self, records: &[Record]) -> HashSet<i64> {
        listing::listed(records).map(|record| record.id).collect()
    }
}

/// Leaves what the list names, in its order; settings, and the database where it is wanted, are not for a list to leave out.
fn in_order_of(order: &[i64], wanted: &mut Vec<&Record>) {
    let places: HashMap<i64, usize> = order.iter().enumerate().map(|(place, id)| (*id, place + 1)).collect();
    let place = |record: &Record| match listing::is_setting(record) || listing::is_of_database(record) {
        true => Some(0),
        false => places.get(&record.id).copied(),
    };
    wanted.retain(|record| place(record).is_some());
    wanted.sort_by_key(|record| place(record));
}

/// Whether a record that is wanted by its name is so by its section and kind, too.
fn has_part(selection: &Selection, selected: &Selected, record: &Record, section: i64) -> bool {
    let section = match section {
        _ if listing::is_of_large_object(record) => Section::Data,
        listing::PRE_DATA => Section::PreData,
        listing::DATA => Section::Data,
        _ => Section::PostData,
    };
    let fills = record.desc == b"MATERIALIZED VIEW DATA";
    let is_about = (fills || section == Section::Data).then(|| name(record)).flatten();
    let of_kind = match record.desc.as_slice() {
        b"ACL" | b"ACL LANGUAGE" | b"DEFAULT ACL" => !selection.no_privileges,
        // Neither definitions nor rows.
        b"STATISTICS DATA" => selection.content == Content::All,
        _ => true,
    };
    of_kind && selected.has_part(section, fills, is_about.as_ref())
}

/// A text as a name; what is not UTF-8 in it is replaced.
fn ident(text: &[u8]) -> Ident {
    Ident::new(String::from_utf8_lossy(text))
}

/// Schema and tag of a record that has both.
fn name(record: &Record) -> Option<QualName> {
    let schema = record.namespace.as_deref().filter(|schema| !schema.is_empty())?;
    Some(QualName::new(ident(schema), ident(&record.tag)))
}

/// Whether a record makes a relation.
fn is_relation(record: &Record) -> bool {
    [&b"TABLE"[..], b"VIEW", b"MATERIALIZED VIEW", b"SEQUENCE", b"FOREIGN TABLE"].contains(&record.desc.as_slice())
}

/// Whether a record is about a relation of which it bears the name.
fn is_named_after_relation(record: &Record) -> bool {
    let others: [&[u8]; 5] =
        [b"TABLE DATA", b"MATERIALIZED VIEW DATA", b"SEQUENCE SET", b"TABLE ATTACH", b"ROW SECURITY"];
    is_relation(record) || others.contains(&record.desc.as_slice())
}

/// Whether a schema belongs to users, as the servers' own do not.
fn is_users(schema: &str) -> bool {
    !schema.starts_with("pg_") && schema != "information_schema"
}

/// What the patterns match, and what is worth telling about that.
fn matching(selection: &Selection, header: &Header, records: &[Record]) -> Result<(Names, Vec<Finding>)> {
    let relations: BTreeSet<QualName> =
        records.iter().filter(|r| is_named_after_relation(r)).filter_map(name).collect();
    let relations: Vec<QualName> = relations.into_iter().filter(|name| is_users(name.schema.as_str())).collect();
    let made = records.iter().filter(|record| record.desc == b"SCHEMA").map(|record| record.tag.as_slice());
    let used = records.iter().filter_map(|record| record.namespace.as_deref());
    let schemas: BTreeSet<Ident> = made.chain(used).filter(|name| !name.is_empty()).map(ident).collect();
    let schemas: Vec<Ident> = schemas.into_iter().filter(|name| is_users(name.as_str())).collect();
    let (mut names, mut findings) = (Names::default(), Vec::new());
    for pattern in selection.schema_patterns() {
        let (_, expression) = pattern.expressions();
        let expression = compiled(pattern, expression)?;
        names.schemas.push(schemas.iter().filter(|name| expression.is_match(name.as_str())).cloned().collect());
    }
    let database = String::from_utf8_lossy(&header.database);
    for pattern in selection.relation_patterns() {
        pattern.insist_on(&database)?;
        let (schema, expression) = pattern.expressions();
        let expression = compiled(pattern, expression)?;
        let schema = schema.map(|schema| compiled(pattern, schema)).transpose()?;
        let is_there = |name: &&QualName| schema.as_ref().is_none_or(|schema| schema.is_match(name.schema.as_str()));
        let found = relations.iter().filter(is_there).filter(|name| expression.is_match(name.name.as_str()));
        let found: Vec<QualName> = found.cloned().collect();
        findings.extend(schema.is_none().then(|| many_schemas(pattern, &found)).flatten());
        names.relations.push(found);
    }
    Ok((names, findings))
}

/// The expression, where a dot is every character, as it is for PostgreSQL.
fn compiled(pattern: &Pattern, expression: &str) -> Result<Regex> {
    let compiled = Regex::new(&format!("(?s){expression}"));
    compiled.map_err(|error| Error::usage("a pattern makes no sense").about(pattern).with_source(error))
}

fn nothing_matches(pattern: &Pattern) -> Finding {
    Finding {
        severity: Severity::Warning,
        subject: format!("pattern {pattern}"),
        text: "it matches nothing in the archive".to_owned(),
        remedy: None,
    }
}

fn many_schemas(pattern: &Pattern, found: &[QualName]) -> Option<Finding> {
    let schemas: BTreeSet<&str> = found.iter().map(|name| name.schema.as_str()).collect();
    (schemas.len() > 1).then(|| Finding {
        severity: Severity::Note,
        subject: format!("pattern {pattern}"),
        text: format!("it matches in several schemas: {}", schemas.into_iter().collect::<Vec<_>>().join(", ")),
        remedy: Some("Put the schema and a dot before the name, if only one is meant.".to_owned()),
    })
}

/// The records of an archive, and what they say of each other.
struct Contents<'a> {
    records: &'a [Record],
    by_id: HashMap<i64, &'a Record>,
    /// The sequences that a column owns, by name.
    owned: HashSet<QualName>,
}

impl<'a> Contents<'a> {
    fn of(records: &'a [Record]) -> Self {
        let owned = records.iter().filter(|record| record.desc == b"SEQUENCE OWNED BY").filter_map(name).collect();
        Self { records, by_id: records.iter().map(|record| (record.id, record)).collect(), owned }
    }

    fn needed(&self, record: &Record) -> impl Iterator<Item = &'a Record> {
        record.needs.iter().filter_map(|id| self.by_id.get(id).copied())
    }

    /// The numbers of the records that are wanted by what they are about.
    fn held(&self, selected: &Selected) -> HashSet<i64> {
        let (about, things): (Vec<&Record>, Vec<&Record>) = self.records.iter().partition(|record| is_remark(record));
        let mut held: HashSet<i64> =
            things.into_iter().filter(|record| self.holds(selected, record)).map(|record| record.id).collect();
        for record in about {
            let mut on = self.needed(record).filter(|on| !is_remark(on)).peekable();
            let holds = match on.peek() {
                Some(_) => on.any(|on| held.contains(&on.id)),
                // It is on something that came with the server. What every database has from the start counts in any case.
                None if record.tag == b"LANGUAGE plpgsql" => true,
                None => selected.has_everything() && self.is_in_schema(selected, record),
            };
            if holds {
                held.insert(record.id);
            }
        }
        held
    }

    /// Whether a record that is no remark is wanted by what it is about.
    fn holds(&self, selected: &Selected, record: &Record) -> bool {
        match record.desc.as_slice() {
            b"SCHEMA" => selected.has_schema(&ident(&record.tag)),
            b"SEQUENCE" => self.holds_sequence(selected, record),
            b"SEQUENCE SET" | b"SEQUENCE OWNED BY" => {
                let sequence = self.needed(record).find(|needed| needed.desc == b"SEQUENCE");
                let holds = match sequence {
                    Some(sequence) => self.holds_sequence(selected, sequence),
                    None => name(record).is_some_and(|name| selected.has_relation(&name)),
                };
                holds && (record.desc != b"SEQUENCE OWNED BY" || self.holds_owner(selected, sequence))
            }
            b"PUBLICATION TABLES IN SCHEMA" => selected.has_everything() && self.is_in_schema(selected, record),
            b"PUBLICATION TABLE" => selected.has_everything() && self.is_on_relation(selected, record),
            b"STATISTICS" => self.is_in_schema(selected, record) && self.is_on_relation(selected, record),
            _ if is_named_after_relation(record) || is_on_relation(record) => self.is_on_relation(selected, record),
            _ => self.is_in_schema(selected, record),
        }
    }

    /// Whether what is in a schema, or in none, is wanted.
    fn is_in_schema(&self, selected: &Selected, record: &Record) -> bool {
        match record.namespace.as_deref().filter(|schema| !schema.is_empty()) {
            Some(schema) => selected.has_schema(&ident(schema)),
            None => selected.has_everything(),
        }
    }

    fn is_on_relation(&self, selected: &Selected, record: &Record) -> bool {
        match self.relation(record) {
            Some(relation) => selected.has_relation(&relation),
            None => self.is_in_schema(selected, record),
        }
    }

    /// A sequence behind an identity column cannot be without its table; one that a column owns comes with it.
    fn holds_sequence(&self, selected: &Selected, sequence: &Record) -> bool {
        let Some(own) = name(sequence) else { return selected.has_everything() };
        match self.needed(sequence).find(|needed| is_table(needed)).and_then(name) {
            Some(table) => selected.has_relation(&table) || self.owned.contains(&own) && selected.has_relation(&own),
            None => selected.has_relation(&own),
        }
    }

    /// Whether the table that owns a sequence is wanted.
    fn holds_owner(&self, selected: &Selected, sequence: Option<&Record>) -> bool {
        let table = sequence.and_then(|sequence| self.needed(sequence).find(|needed| is_table(needed)));
        table.and_then(name).is_none_or(|table| selected.has_relation(&table))
    }

    /// The relation that a record hangs on.
    fn relation(&self, record: &Record) -> Option<QualName> {
        if is_named_after_relation(record) {
            return name(record);
        }
        let schema = record.namespace.as_deref()?;
        let mut relations = self.needed(record).filter(|needed| is_relation(needed));
        match record.desc.as_slice() {
            b"INDEX" | b"STATISTICS" | b"PUBLICATION TABLE" => relations.next().and_then(name),
            b"INDEX ATTACH" => {
                let bears =
                    |index: &&Record| last_word_is(&index.tag, &record.tag) && index.namespace == record.namespace;
                let index = self.needed(record).filter(|needed| needed.desc != b"INDEX ATTACH").find(bears)?;
                self.relation(index)
            }
            // "table name"
            _ => {
                let begins = |tag: &[u8]| record.tag.strip_prefix(tag).is_some_and(|rest| rest.starts_with(b" "));
                let known = relations.find(|needed| needed.namespace.as_deref() == Some(schema) && begins(&needed.tag));
                known.and_then(name).or_else(|| {
                    let table = record.tag.split(|byte| *byte == b' ').next()?;
                    Some(QualName::new(ident(schema), ident(table)))
                })
            }
        }
    }

    /// What is wanted and needs what is not, and what no new database has.
    fn dangling(&self, held: &HashSet<i64>) -> Vec<Dangling> {
        let mut found = BTreeSet::new();
        for record in self.records {
            if !held.contains(&record.id) || is_remark(record) {
                continue;
            }
            for needed in self.needed(record).filter(|needed| !held.contains(&needed.id) && is_missed(needed)) {
                // A sequence whose owner is left out comes without that tie.
                let fatal = !(record.desc == b"SEQUENCE" && is_table(needed));
                found.insert(Dangling { object: label(record), needs: label(needed), fatal });
            }
        }
        found.into_iter().collect()
    }
}

/// Whether a record is about something else, which it needs, and nothing without it.
fn is_remark(record: &Record) -> bool {
    [&b"ACL"[..], b"COMMENT", b"SECURITY LABEL", b"STATISTICS DATA"].contains(&record.desc.as_slice())
}

/// Whether a record hangs on a relation, and bears another name.
fn is_on_relation(record: &Record) -> bool {
    let kinds: [&[u8]; 9] = [
        b"INDEX",
        b"INDEX ATTACH",
        b"CONSTRAINT",
        b"FK CONSTRAINT",
        b"CHECK CONSTRAINT",
        b"DEFAULT",
        b"TRIGGER",
        b"RULE",
        b"POLICY",
    ];
    kinds.contains(&record.desc.as_slice())
}

fn is_table(record: &Record) -> bool {
    record.desc == b"TABLE" || record.desc == b"FOREIGN TABLE"
}

/// Whether whoever needs a thing misses it if it is left out: not what every database has, and not what is only done.
fn is_missed(record: &Record) -> bool {
    let everywhere = match record.desc.as_slice() {
        b"SCHEMA" => record.tag == b"public",
        b"EXTENSION" => record.tag == b"plpgsql",
        b"TABLE DATA" | b"SEQUENCE SET" | b"MATERIALIZED VIEW DATA" | b"TABLE ATTACH" | b"INDEX ATTACH" => true,
        _ => is_remark(record) || listing::is_of_database(record),
    };
    !everywhere
}

/// Whether a tag is this name, or "table name".
fn last_word_is(tag: &[u8], name: &[u8]) -> bool {
    tag.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with(b" "))
}

/// A record as a user would name it.
pub(super) fn label(record: &Record) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes);
    let schema = record.namespace.as_deref().filter(|schema| !schema.is_empty());
    let schema = schema.map_or(Cow::Borrowed(""), |schema| text(schema) + ".");
    format!("{} {schema}{}", text(&record.desc), text(&record.tag))
}
