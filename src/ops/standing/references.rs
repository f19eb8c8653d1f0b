//! Rows that a foreign key or a deferrable constraint would have refused, if it had fired as they were loaded.

use std::collections::BTreeSet;

use crate::error::{Error, ErrorKind, Result};
use crate::event::{Finding, Severity};
use crate::sql;
use crate::sql::{Ident, Literal, QualName, Sql, join};
use crate::wire::session::{Row, Session};

/// A constraint whose trigger has not fired.
struct Constraint {
    name: String,
    table: QualName,
    /// `f`, `u` or `x` (documentation, `pg_constraint.contype`); `p` counts as `u`.
    kind: String,
    /// Whether a row refers to nothing as soon as one of its columns is null.
    is_simple: bool,
    /// Whether it is about periods, or has another form that cannot be looked at here.
    is_strange: bool,
    columns: Vec<Ident>,
    referenced: Option<QualName>,
    referenced_columns: Vec<Ident>,
    /// The operators that tell whether columns are equal.
    operators: Vec<Sql>,
    /// Whether the tables stand for themselves, and not for those below them too.
    only: (bool, bool),
}

/// Looks at everything on these tables.
///
/// # Errors
///
/// `Differs` for the first constraint that does not hold; what the server says.
pub(super) async fn prove(session: &Session, filled: &BTreeSet<QualName>) -> Result<Vec<Finding>> {
    if filled.is_empty() {
        return Ok(Vec::new());
    }
    let tables = filled.iter().map(|table| {
        let (schema, name) = (Literal(table.schema.as_str()), Literal(table.name.as_str()));
        sql!("({}, {})", schema, name)
    });
    let query = sql!("WITH filled(schema, name) AS (VALUES {}) {}", join(tables, ", "), Sql::constant(UNFIRED));
    let mut findings = Vec::new();
    for row in session.rows(&query).await? {
        let constraint = Constraint::decode(&row)?;
        let Some(check) = constraint.check() else {
            findings.push(constraint.not_looked_at());
            continue;
        };
        if session.maybe_row(&check).await?.is_some() {
            return Err(constraint.broken());
        }
    }
    Ok(findings)
}

impl Constraint {
    fn decode(row: &Row) -> Result<Self> {
        let idents = |column| Ok(row.get::<Vec<String>>(column)?.into_iter().map(Ident::new).collect());
        let table = |schema, name| {
            let (schema, name): (Option<String>, Option<String>) = (row.get(schema)?, row.get(name)?);
            Ok(schema.zip(name).map(|(schema, name)| QualName::new(schema, name)))
        };
        Ok(Self {
            name: row.get("constraint")?,
            table: QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?),
            kind: row.get("kind")?,
            is_simple: row.get("simple")?,
            is_strange: row.get("strange")?,
            columns: idents("columns")?,
            referenced: table("referenced_schema", "referenced_name")?,
            referenced_columns: idents("referenced_columns")?,
            operators: row.get::<Vec<String>>("operators")?.into_iter().map(Sql::deparsed).collect(),
            only: (row.get("only_table")?, row.get("only_referenced")?),
        })
    }

    /// A query that returns a row if it does not hold.
    fn check(&self) -> Option<Sql> {
        let is_there = |column: &Ident| sql!("t.{} IS NOT NULL", column);
        let only = |only| Sql::constant(if only { "ONLY " } else { "" });
        match (self.kind.as_str(), &self.referenced) {
            _ if self.is_strange => None,
            ("f", Some(referenced)) => {
                let pairs = self.columns.iter().zip(&self.referenced_columns).zip(&self.operators);
                let equal = pairs.map(|((column, other), operator)| sql!("r.{} {} t.{}", other, operator, column));
                let equal = join(equal, " AND ");
                let refers = join(self.columns.iter().map(is_there), if self.is_simple { " AND " } else { " OR " });
                Some(sql!(
                    "SELECT 1 AS found FROM {}{} AS t WHERE ({}) AND NOT EXISTS (SELECT FROM {}{} AS r WHERE {}) LIMIT 1",
                    only(self.only.0),
                    self.table,
                    refers,
                    only(self.only.1),
                    referenced,
                    equal
                ))
            }
            ("u", _) => {
                let columns = join(self.columns.iter().map(|column| sql!("t.{}", column)), ", ");
                Some(sql!(
                    "SELECT 1 AS found FROM {}{} AS t WHERE {} GROUP BY {} HAVING count(*) > 1 LIMIT 1",
                    only(self.only.0),
                    self.table,
                    join(self.columns.iter().map(is_there), " AND "),
                    columns
                ))
            }
            _ => None,
        }
    }

    fn label(&self) -> String {
        format!("constraint {} on {}", self.name, self.table.label())
    }

    fn broken(&self) -> Error {
        let what = match &self.referenced {
            Some(referenced) => format!("rows refer to others that are not in {}", referenced.label()),
            None => "rows are not unique".to_owned(),
        };
        Error::new(ErrorKind::Differs, what).about(self.label()).with_hint(
            "Move what they refer to with them, in one selection; or drop the constraint on the new server, and look there \
             at what has come.",
        )
    }

    fn not_looked_at(&self) -> Finding {
        Finding {
            severity: Severity::Warning,
            subject: self.label(),
            text: "did not fire as rows were loaded, and has a form that is not looked at afterwards".to_owned(),
            remedy: Some("ALTER TABLE .. DROP CONSTRAINT, and ADD CONSTRAINT again, if it matters.".to_owned()),
        }
    }
}

/// What is enforced by triggers, on tables that took rows, or on what those are partitions of. Part of a constraint on a
/// partitioned table is looked at with that.
const UNFIRED: &str = "\
SELECT k.conname::text AS constraint, n.nspname::text AS schema, c.relname::text AS name, \
       CASE k.contype WHEN 'p' THEN 'u' ELSE k.contype END::text AS kind, k.confmatchtype <> 'f' AS simple, \
       k.contype = 'x' OR coalesce((pg_catalog.to_jsonb(k) ->> 'conperiod')::bool, false) \
         OR coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false) AS strange, \
       ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u(number, place) \
             JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY place) AS columns, \
       fn.nspname::text AS referenced_schema, f.relname::text AS referenced_name, \
       ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS u(number, place) \
             JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number ORDER BY place) \
         AS referenced_columns, \
       ARRAY(SELECT pg_catalog.format('OPERATOR(%I.%s)', s.nspname, o.oprname) \
             FROM pg_catalog.unnest(k.conpfeqop) WITH ORDINALITY AS u(oid, place) \
             JOIN pg_catalog.pg_operator o ON o.oid = u.oid JOIN pg_catalog.pg_namespace s ON s.oid = o.oprnamespace \
             ORDER BY place) AS operators, \
       c.relkind <> 'p' AS only_table, coalesce(f.relkind <> 'p', false) AS only_referenced \
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid \
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
LEFT JOIN pg_catalog.pg_class f ON f.oid = k.confrelid LEFT JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace \
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = k.conindid AND k.contype <> 'f' \
WHERE k.conparentid = 0 AND k.convalidated \
  AND (k.contype = 'f' OR k.contype IN ('p', 'u', 'x') AND k.condeferrable) \
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t \
                  WHERE t.tgconstraint = k.oid AND t.tgrelid = k.conrelid AND t.tgenabled = 'D') \
  AND EXISTS (SELECT FROM filled JOIN pg_catalog.pg_namespace dn ON dn.nspname = filled.schema \
              JOIN pg_catalog.pg_class d ON d.relname = filled.name AND d.relnamespace = dn.oid \
              WHERE d.oid = k.conrelid \
                 OR EXISTS (SELECT FROM pg_catalog.pg_partition_ancestors(d.oid) AS a(relid) WHERE a.relid = k.conrelid)) \
ORDER BY 2, 3, 1";
