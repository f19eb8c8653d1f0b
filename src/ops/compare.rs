//! Comparing what the old server held with what the new one gives back: schema, rows, large objects.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::catalog::ObjectId;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Finding, Severity};
use crate::sql::{QualName, Sql};
use crate::toc::{Entry, Kind, Section, Toc};
use crate::transfer::{Checked, Moved};

use super::Verified;

/// How many differences an error lists; the rest is counted.
const LISTED: usize = 40;

/// What one side has under one kind and name: usually one entry, more where a kind has no unique names.
type Index<'a> = BTreeMap<(Kind, String), Vec<&'a Entry>>;

/// Two tables of contents, and what is to be expected of them.
pub(super) struct Sides<'a> {
    /// What the old server had, as far as it was moved.
    pub old: &'a Toc,
    /// What the new server has.
    pub new: &'a Toc,
    /// What has become of the old side's entries: some were not made, for good reasons.
    pub moved: &'a Moved,
    /// The user mappings whose options on the new server could not be read.
    pub hidden: &'a BTreeSet<String>,
    /// Both servers are of one major.
    pub same_major: bool,
    /// The views that are made as shells first, which a selection may stop at: there is no more than their names then.
    pub shells: &'a HashSet<ObjectId>,
    /// The new database was there before, and may hold what the old one does not.
    pub may_hold_more: bool,
    /// Objects belong to whom they belonged to. Else their privileges name somebody else and cannot be compared.
    pub same_owners: bool,
}

/// Compares two tables of contents, object by object: the statements, the owner, the place.
///
/// Servers of different majors may print one and the same stored expression differently. Where only such text differs, and
/// no more than in qualification and parentheses, the object counts as the same; where it differs otherwise, a finding
/// names it. Whatever else differs is a difference. What is absent for good reasons is not expected there.
///
/// What hangs on relations of extensions is compared too; but what the extension of the new server brings along may be
/// something else than what the old one brought, and is no difference.
///
/// # Errors
///
/// `Differs`, with a list.
pub(super) fn schemas(sides: &Sides<'_>) -> Result<Vec<Finding>> {
    let &Sides { moved, hidden, same_major, same_owners, .. } = sides;
    let counts = |entry: &Entry| match entry.is_on_extension() {
        true => !moved.left_out.contains_key(&entry.id),
        false => !moved.passed_over.contains(&entry.id),
    };
    let brought = |entries: &[&Entry]| entries.iter().all(|entry| moved.passed_over.contains(&entry.id));
    let is_shell = |key: &(Kind, String), entries: &[&Entry]| match entries {
        [only] => key.0 == Kind::View && sides.shells.iter().any(|id| (id.class.0, id.oid) == only.source),
        _ => false,
    };
    let (old, new) = (index(sides.old, same_owners, counts), index(sides.new, same_owners, |_| true));
    let mut differences = Vec::new();
    let mut findings = Vec::new();
    for (key, entries) in &old {
        match new.get(key) {
            None if brought(entries) => findings.extend(has_no_place(key)),
            None => differences.push(format!("{} {} is missing on the new server", key.0, key.1)),
            Some(_) if is_shell(key, entries) => {}
            Some(others) if texts(entries) == texts(others) => {}
            Some(others) if !same_major && loose(&texts(entries)) == loose(&texts(others)) => {}
            Some(_) if key.0 == Kind::UserMapping && entries.iter().all(|entry| hidden.contains(&entry.tag)) => {
                findings.push(not_seen(key));
            }
            Some(_) if brought(entries) => findings.push(brought_otherwise(key, entries)),
            Some(_) if !same_major && is_deparsed(key.0) => findings.push(printed_differently(key)),
            Some(others) => differences.push(format!(
                "{} {} differs\n    old: {}\n    new: {}",
                key.0,
                key.1,
                shown(entries),
                shown(others)
            )),
        }
    }
    let is_more = |entries: &[&Entry]| !sides.may_hold_more && !entries.iter().all(|entry| came_by_itself(entry));
    differences.extend(
        new.iter()
            .filter(|(key, entries)| !old.contains_key(key) && is_more(entries))
            .map(|(key, _)| format!("{} {} is only on the new server", key.0, key.1)),
    );
    report("the schemas differ", differences).map(|()| findings)
}

/// Compares what was sent with what was given back; `old` says where it was ("on the old server").
///
/// # Errors
///
/// `Differs`, with a list.
pub(super) fn data(checked: &BTreeMap<Option<QualName>, Checked>, how: Verified, old: &str) -> Result<()> {
    let mut differences = Vec::new();
    for (name, both) in checked {
        let name = name.as_ref().map_or_else(|| "large objects".to_owned(), |n| format!("table {}", n.label()));
        if both.old.rows != both.new.rows {
            differences.push(format!("{name}: {} rows {old}, {} on the new server", both.old.rows, both.new.rows));
        } else if how == Verified::Digests && both.old != both.new {
            differences
                .push(format!("{name}: the digests differ ({} {old}, {} on the new server)", both.old, both.new));
        }
    }
    report("the data differs", differences)
}

/// Whether an entry is about what a newer version of an extension has, and an older one had not: a table for users' rows,
/// or something on a table.
fn came_by_itself(entry: &Entry) -> bool {
    entry.section == Section::Data && entry.only_if.is_some() || entry.is_on_extension()
}

fn report(what: &'static str, differences: Vec<String>) -> Result<()> {
    if differences.is_empty() {
        return Ok(());
    }
    let mut text = format!("{what} ({} differences):", differences.len());
    for difference in differences.iter().take(LISTED) {
        text.push_str("\n  - ");
        text.push_str(difference);
    }
    if differences.len() > LISTED {
        text.push_str(&format!("\n  ... and {} more", differences.len() - LISTED));
    }
    Err(Error::new(ErrorKind::Differs, text))
}

fn index(toc: &Toc, same_owners: bool, counts: impl Fn(&Entry) -> bool) -> Index<'_> {
    let mut out = Index::new();
    let compared = |entry: &Entry| entry.is_made() && (same_owners || entry.kind != Kind::Acl);
    for entry in toc.entries().iter().filter(|entry| compared(entry) && counts(entry)) {
        // Tags hold the types of arguments, and which of those are quoted differs between majors.
        out.entry((entry.kind, entry.name().replace('"', ""))).or_default().push(entry);
    }
    out
}

/// Everything about entries that has to be the same, as text; independent of the order of entries of one name.
fn texts(entries: &[&Entry]) -> Vec<String> {
    let mut texts: Vec<String> = entries
        .iter()
        .map(|entry| {
            // The default that a partition's identity became since 17 stands in the table's statement on the new server.
            let is_default = |sql: &&str| entry.kind == Kind::Sequence && sql.contains(" SET DEFAULT ");
            let mut text: Vec<&str> = entry.create.iter().map(|sql| sql.as_str()).filter(|s| !is_default(s)).collect();
            text.extend(entry.owner.as_ref().map(|o| o.alter.as_str()));
            text.extend(entry.tablespace.iter().flatten().map(|t| t.as_str()));
            text.extend(entry.table_am.as_ref().map(|am| am.as_str()));
            text.join(";\n")
        })
        .collect();
    texts.sort_unstable();
    texts
}

/// The statements of entries for a message, which must not show a password.
fn shown(entries: &[&Entry]) -> String {
    let statements = entries.iter().flat_map(|entry| entry.create.iter().chain(entry.owner.iter().map(|o| &o.alter)));
    statements.map(Sql::shown).collect::<Vec<_>>().join("; ")
}

/// Whether the text of this kind holds expressions or queries that the server prints from its parse tree.
fn is_deparsed(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::View
            | Kind::MaterializedView
            | Kind::Rule
            | Kind::Table
            | Kind::ForeignTable
            | Kind::Default
            | Kind::Domain
            | Kind::CheckConstraint
            | Kind::Constraint
            | Kind::Index
            | Kind::Policy
            | Kind::Trigger
            | Kind::Function
            | Kind::Procedure
            | Kind::TableAttach
            | Kind::Statistics
            | Kind::PublicationTable
            // Since 14 what a class may do without is in its family (`src/include/access/amapi.h`, `amadjustmembers`).
            | Kind::OperatorClass
            | Kind::OperatorFamily
            // Since 16 the locale of an ICU collation becomes a language tag when it is made.
            | Kind::Collation
    )
}

/// Text without qualification, parentheses, quotes and white space.
fn loose(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| strip_qualifiers(text)).collect()
}

/// Removes `"name".` before a name, and everything that is not part of a word or an operator.
fn strip_qualifiers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word_start = 0;
    for c in text.chars() {
        match c {
            '"' => {}
            '(' | ')' => word_start = out.len(),
            c if c.is_whitespace() => {
                out.push(' ');
                word_start = out.len();
            }
            '.' => out.truncate(word_start),
            c => {
                if !c.is_alphanumeric() && c != '_' {
                    out.push(c);
                    word_start = out.len();
                } else {
                    out.push(c);
                }
            }
        }
    }
    // Since 14 the identity of a procedure names the mode of every argument, IN included.
    out.split(' ').filter(|w| !w.is_empty() && *w != "IN").collect::<Vec<_>>().join(" ")
}

fn not_seen(key: &(Kind, String)) -> Finding {
    Finding {
        severity: Severity::Note,
        subject: format!("{} {}", key.0, key.1),
        text: "its options were made, but the role on the new server may not see them to compare".to_owned(),
        remedy: None,
    }
}

/// What hangs on an extension's relation, and has not come to be there. A comment is told of with its object.
fn has_no_place(key: &(Kind, String)) -> Option<Finding> {
    (key.0 != Kind::Comment).then(|| Finding {
        severity: Severity::Warning,
        subject: format!("{} {}", key.0, key.1),
        text: "is left out: the extension of the new server has no such relation, or column".to_owned(),
        remedy: Some("Look whether its new version has something in its place.".to_owned()),
    })
}

/// What hangs on an extension's relation, where the new server's own script has made it, in its own way.
fn brought_otherwise(key: &(Kind, String), entries: &[&Entry]) -> Finding {
    Finding {
        severity: Severity::Note,
        subject: format!("{} {}", key.0, key.1),
        text: "the extension of the new server brings it along, not as it was on the old one".to_owned(),
        remedy: Some(format!("It was left so. It had been: {}.", shown(entries))),
    }
}

fn printed_differently(key: &(Kind, String)) -> Finding {
    Finding {
        severity: Severity::Note,
        subject: format!("{} {}", key.0, key.1),
        text: "the new server prints its definition in other words than the old one".to_owned(),
        remedy: Some("It was made from the old server's words; compare them if it matters.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualification_and_parentheses_do_not_count() {
        let old = r#"SELECT "t"."a", (("t"."b" + 1)) AS "c", "s"."f"("t"."d") FROM "s"."t""#;
        let new = r#"SELECT "a", "b" + 1 AS "c", "s"."f"("d") FROM "s"."t""#;
        assert_eq!(strip_qualifiers(old), strip_qualifiers(new));
        assert_ne!(strip_qualifiers(old), strip_qualifiers(&new.replace("+ 1", "+ 2")));
        assert_ne!(strip_qualifiers(old), strip_qualifiers(&new.replace(r#""f""#, r#""g""#)));
    }
}
