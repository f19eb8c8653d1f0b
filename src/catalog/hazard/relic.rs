//! What only old majors had: found in the catalogs where no kind of object has it.

use super::Hazard;
use crate::catalog::query::{Query, expr, in_user_schema};
use crate::catalog::table::Table;
use crate::error::{Error, Result};
use crate::wire::session::Row;

/// Something that only old majors had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relic {
    /// What it is.
    pub kind: RelicKind,
    /// The object, as the old server names it.
    pub subject: String,
}

/// Kinds of relics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelicKind {
    /// What refers to the hidden column `oid` of a table.
    Oid,
    /// An operator that comes after its operand.
    Postfix,
    /// A conversion whose function is a user's.
    Conversion,
    /// An index over the text of intervals.
    Interval,
}

/// All relics. Where expressions are looked into, it is their stored form (`pg_node_tree`), which nothing else shows.
pub(in crate::catalog) const QUERY: Query = Query::of(
    &[expr("kind", "r.kind"), expr("subject", "r.subject")],
    concat!(
        "FROM (SELECT 'o' AS kind, pg_describe_object(d.classid, d.objid, 0) AS subject, d.classid AS class, d.objid AS oid
            FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjsubid = -2 AND d.objid >= 16384
            AND current_setting('server_version_num')::int < 120000
        UNION ALL
        SELECT 'p', 'operator ' || o.oid::regoperator, 'pg_operator'::regclass, o.oid
        FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE o.oprkind = 'r' AND ",
        in_user_schema!(),
        " UNION ALL
        SELECT 'c', 'conversion ' || n.nspname || '.' || c.conname, 'pg_conversion'::regclass, c.oid
        FROM pg_conversion c JOIN pg_namespace n ON n.oid = c.connamespace WHERE c.conproc >= 16384 AND ",
        in_user_schema!(),
        " UNION ALL
        SELECT 'i', 'index ' || n.nspname || '.' || c.relname, 'pg_class'::regclass, i.indexrelid
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE i.indexprs::text || coalesce(i.indpred::text, '') ~ '{COERCEVIAIO :arg {VAR [^}]*:vartype 1186 ' AND ",
        in_user_schema!(),
        ") r WHERE NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = r.class AND e.objid = r.oid AND e.deptype = 'e')
        ORDER BY 1, 2"
    ),
);

pub(in crate::catalog) fn decode(row: &Row) -> Result<Relic> {
    let (kind, subject): (String, String) = (row.get("kind")?, row.get("subject")?);
    let kind = match kind.as_str() {
        "o" => RelicKind::Oid,
        "p" => RelicKind::Postfix,
        "c" => RelicKind::Conversion,
        "i" => RelicKind::Interval,
        _ => return Err(Error::malformed("cannot read what only old majors had").about(subject)),
    };
    Ok(Relic { kind, subject })
}

impl Relic {
    /// What it means for a run that leads over some majors.
    pub(super) fn hazard(&self, crosses: impl Fn(u32) -> bool) -> Option<Hazard> {
        let (since, text, remedy) = match self.kind {
            RelicKind::Oid => (
                12,
                "it needs the hidden column oid of a table (WITH OIDS), which 12 and later do not have",
                "Copy the column to an ordinary one that takes its place, or drop what needs it.",
            ),
            RelicKind::Postfix => (
                14,
                "it comes after its operand, which 14 and later do not allow",
                "Call its function by name instead, or make an operator that comes before; then drop it.",
            ),
            RelicKind::Conversion => (
                14,
                "its function has the form of 13 and before: 14 and later give it one argument more, and want a number back",
                "Drop it here, and make the new form on the new server.",
            ),
            RelicKind::Interval => (
                15,
                "it indexes the text of intervals, which 15 and later do not allow: the text depends on a setting",
                "Index the interval itself, or extract(epoch from it); then drop this one.",
            ),
        };
        let (text, subject) = (text.to_owned(), self.subject.clone());
        crosses(since).then_some(Hazard { subject, text, remedy, fatal: true })
    }
}

/// A table whose rows have an identifier in a hidden column. No target has that, and it is left out.
pub(super) fn oids(table: &Table) -> Option<Hazard> {
    table.oids.then(|| Hazard {
        subject: format!("table {}", table.name.label()),
        text: "its hidden column oid (WITH OIDS) is left behind: 12 and later have none".to_owned(),
        remedy: "If the values are needed, copy them to an ordinary column first.",
        fatal: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relic_stops_a_run_only_where_its_end_lies_between() {
        let relic = Relic { kind: RelicKind::Postfix, subject: "operator s.!(integer,NONE)".to_owned() };
        let hazard = relic.hazard(|since| since == 14);
        assert!(hazard.is_some_and(|hazard| hazard.fatal && hazard.text.contains("14")));
        assert_eq!(relic.hazard(|since| since == 15), None);
    }
}
