//! Planner statistics, carried from the old server to the new one: what `pg_stats` and `pg_class` hold there, as calls of
//! the functions that take it here (documentation of 18, "Statistics Manipulation Functions").
//!
//! They are read when they are written, table by table, and not with the catalog: with long lists of common values they
//! would be many times as large. Everything is text on the way, so that no value is rounded.

use std::collections::HashSet;

use crate::error::{Error, ErrorKind, Result};
use crate::sql;
use crate::sql::{Ident, Literal, QualName, Sql, join};
use crate::wire::session::{Row, Session};
use crate::wire::version::ServerVersion;

/// The columns of `pg_stats` that are carried: the name, which is that of the argument too, its type, and the first major
/// that has it (PostgreSQL 18, `src/backend/statistics/attribute_stats.c`).
const FIELDS: [(&str, &str, u32); 13] = [
    ("null_frac", "real", 0),
    ("avg_width", "integer", 0),
    ("n_distinct", "real", 0),
    ("most_common_vals", "text", 0),
    ("most_common_freqs", "real[]", 0),
    ("histogram_bounds", "text", 0),
    ("correlation", "real", 0),
    ("most_common_elems", "text", 0),
    ("most_common_elem_freqs", "real[]", 0),
    ("elem_count_histogram", "real[]", 0),
    ("range_length_histogram", "text", 17),
    ("range_empty_frac", "real", 17),
    ("range_bounds_histogram", "text", 17),
];

/// Since when `reltuples` tells a table without rows from one of which nothing is known.
const UNKNOWN_IS_NEGATIVE: u32 = 14;
/// Since when `pg_class` counts the pages that are frozen.
const COUNTS_FROZEN: u32 = 18;
/// Since when `pg_stats` shows the histograms of ranges.
const SHOWS_RANGES: u32 = 17;
/// The first major with generated columns that are not stored, of which there are no statistics.
const VIRTUAL_COLUMNS: u32 = 18;

/// A table, or an index of it.
#[derive(Debug)]
struct Relation {
    name: String,
    is_index: bool,
    /// How many pages it had when it was counted; -1 for a partitioned table, which has none.
    pages: i32,
    tuples: String,
    visible: i32,
    frozen: Option<i32>,
    /// Columns, by number, that ANALYZE makes statistics of; of an index only expressions.
    columns: Vec<i16>,
    /// Whether the old server shows all that it knows, and it is not out of date.
    whole: bool,
}

/// What is known of one column.
#[derive(Debug)]
struct Attribute {
    relation: String,
    name: String,
    number: i16,
    inherited: bool,
    /// As [`FIELDS`].
    values: Vec<Option<String>>,
}

/// What the old server knows of a table and its indexes.
#[derive(Debug)]
pub(super) struct Known {
    source: ServerVersion,
    schema: Ident,
    relations: Vec<Relation>,
    attributes: Vec<Attribute>,
}

/// Reads what the old server knows of a table; `None` where that is not all that ANALYZE would find out. The session is in
/// a transaction, which survives whatever goes wrong with the values.
///
/// # Errors
///
/// If the session is lost, or the statement was cancelled.
pub(super) async fn read(session: &Session, table: &QualName) -> Result<Option<Known>> {
    let version = session.version();
    let (about, values) = (relations_query(table, version), attributes_query(table, version));
    let begin = Sql::constant("SAVEPOINT statistics");
    let read = futures::try_join!(session.run(&begin), session.rows(&about), session.rows(&values));
    match read.and_then(|((), relations, attributes)| Known::decode(table, version, &relations, &attributes)) {
        Ok(known) => {
            session.run(&Sql::constant("RELEASE SAVEPOINT statistics")).await?;
            Ok(Some(known).filter(Known::is_whole))
        }
        Err(error) if is_final(&error) => Err(error),
        Err(error) => {
            tracing::debug!(%error, table = table.label(), "its statistics cannot be read");
            session.run(&Sql::constant("ROLLBACK TO SAVEPOINT statistics; RELEASE SAVEPOINT statistics")).await?;
            Ok(None)
        }
    }
}

/// Gives the new server what the old one knows. `false` where it does not take all of it.
///
/// # Errors
///
/// If the session is lost, or the statement was cancelled.
pub(super) async fn write(session: &Session, known: &Known) -> Result<bool> {
    let (relations, attributes) = (known.set_relations(), known.set_attributes());
    let relations = session.row(&relations);
    let done = match &attributes {
        Some(attributes) => futures::try_join!(relations, session.row(attributes)).map(|(a, b)| vec![a, b]),
        None => relations.await.map(|row| vec![row]),
    };
    match done {
        Ok(rows) => Ok(rows.iter().map(|row| row.get("done")).collect::<Result<Vec<bool>>>()?.iter().all(|done| *done)),
        Err(error) if is_final(&error) => Err(error),
        Err(error) => {
            tracing::debug!(%error, schema = known.schema.as_str(), "statistics are not taken");
            Ok(false)
        }
    }
}

/// Whether an error is about more than the values.
fn is_final(error: &Error) -> bool {
    // query_canceled: somebody wants an end.
    !matches!(error.kind(), ErrorKind::Server | ErrorKind::Malformed) || error.sqlstate() == Some("57014")
}

/// The table and its indexes, for the conditions of both queries. Indexes that are not valid stay behind, and those of
/// partitioned tables have no statistics.
fn wanted(table: &QualName) -> Sql {
    sql!(
        "FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid \
         WHERE c.oid = {0} OR i.indrelid = {0} AND i.indisready AND i.indisvalid AND c.relkind = 'i'",
        regclass(table)
    )
}

fn regclass(name: &QualName) -> Sql {
    sql!("{}::pg_catalog.regclass", Literal(&name.to_string()))
}

/// Asks about a table and its indexes. What `pg_stats` does not show is made by analyze functions that it does not know;
/// extended statistics have contents that nobody can carry; and a table that has more than doubled since it was counted
/// is another one.
fn relations_query(table: &QualName, version: ServerVersion) -> Sql {
    let frozen = if version.major() >= COUNTS_FROZEN { "c.relallfrozen" } else { "NULL::integer" };
    let unknown = if version.major() >= UNKNOWN_IS_NEGATIVE { "c.reltuples < 0" } else { "c.reltuples = 0" };
    let shown = match version.major() >= SHOWS_RANGES {
        true => "'array_typanalyze', 'ts_typanalyze', 'range_typanalyze', 'multirange_typanalyze'",
        false => "'array_typanalyze', 'ts_typanalyze'",
    };
    let stored = if version.major() >= VIRTUAL_COLUMNS { " AND a.attgenerated <> 'v'" } else { "" };
    sql!(
        "SELECT c.relname::text AS name, c.relkind = 'i' AS is_index, c.relpages AS pages, c.reltuples::text AS tuples, \
         c.relallvisible AS visible, {} AS frozen, x.columns AS columns, x.shown AND (c.relkind = 'i' OR NOT ({} \
         OR pg_catalog.pg_relation_size(c.oid) > 2 * pg_catalog.current_setting('block_size')::bigint * c.relpages \
            AND c.relkind <> 'p' \
         OR EXISTS (SELECT FROM pg_catalog.pg_statistic_ext e WHERE e.stxrelid = c.oid))) AS whole \
         FROM (SELECT c.oid AS relation, i.indkey::int2[] AS key {}) w JOIN pg_catalog.pg_class c ON c.oid = w.relation \
         CROSS JOIN LATERAL (SELECT coalesce(pg_catalog.array_agg(a.attnum), '{{}}') AS columns, \
            coalesce(pg_catalog.bool_and(y.typanalyze = 0 \
               OR p.proname IN ({}) AND p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace), true) AS shown \
            FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type y ON y.oid = a.atttypid \
            LEFT JOIN pg_catalog.pg_proc p ON p.oid = y.typanalyze \
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
            AND coalesce(a.attstattarget, -1) <> 0{} AND (w.key IS NULL OR w.key[a.attnum - 1] = 0)) x",
        frozen,
        unknown,
        wanted(table),
        shown,
        stored
    )
}

/// Asks for what is known of the columns of a table and its indexes.
fn attributes_query(table: &QualName, version: ServerVersion) -> Sql {
    let values = FIELDS.iter().map(|(name, _, since)| match version.major() >= *since {
        true => sql!("s.{}::text AS {}", *name, *name),
        false => sql!("NULL::text AS {}", *name),
    });
    sql!(
        "SELECT s.tablename::text AS relation, s.attname::text AS name, a.attnum AS number, s.inherited AS inherited, {} \
         FROM pg_catalog.pg_stats s JOIN pg_catalog.pg_class r ON r.relname = s.tablename \
         JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace AND n.nspname = s.schemaname \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attname = s.attname \
         WHERE s.schemaname = {} AND s.tablename = ANY (ARRAY(SELECT c.relname {})) ORDER BY 1, 3, 4",
        join(values, ", "),
        Literal(table.schema.as_str()),
        wanted(table)
    )
}

impl Known {
    fn decode(table: &QualName, source: ServerVersion, relations: &[Row], attributes: &[Row]) -> Result<Self> {
        Ok(Self {
            source,
            schema: table.schema.clone(),
            relations: relations.iter().map(Relation::decode).collect::<Result<_>>()?,
            attributes: attributes.iter().map(Attribute::decode).collect::<Result<_>>()?,
        })
    }

    /// Whether every column has statistics that should have some. Those that the reader may not see are missing
    /// (`pg_stats` leaves them out), and so are those of columns that have not been analyzed yet.
    fn is_whole(&self) -> bool {
        let there: HashSet<(&str, i16)> = self.attributes.iter().map(|a| (a.relation.as_str(), a.number)).collect();
        let whole = |relation: &Relation| {
            let complete = || relation.columns.iter().all(|number| there.contains(&(relation.name.as_str(), *number)));
            relation.whole && (relation.is_empty() || complete())
        };
        !self.relations.is_empty() && self.relations.iter().all(whole)
    }

    fn set_relations(&self) -> Sql {
        self.all(self.relations.iter().map(|relation| relation.set(self)))
    }

    /// `None` where there are none: a table without rows has no statistics of its columns.
    fn set_attributes(&self) -> Option<Sql> {
        let calls = self.attributes.iter().map(|attribute| attribute.set(self));
        (!self.attributes.is_empty()).then(|| self.all(calls))
    }

    /// A statement that makes all calls, and says whether each of them has taken everything.
    fn all(&self, calls: impl Iterator<Item = Sql>) -> Sql {
        let rows = join(calls.map(|call| sql!("({})", call)), ", ");
        sql!("SELECT pg_catalog.bool_and(v.done) AS done FROM (VALUES {}) v(done)", rows)
    }

    fn is_index(&self, name: &str) -> bool {
        self.relations.iter().any(|relation| relation.is_index && relation.name == name)
    }
}

impl Relation {
    fn decode(row: &Row) -> Result<Self> {
        Ok(Self {
            name: row.get("name")?,
            is_index: row.get("is_index")?,
            pages: row.get("pages")?,
            tuples: row.get("tuples")?,
            visible: row.get("visible")?,
            frozen: row.get("frozen")?,
            columns: row.get("columns")?,
            whole: row.get("whole")?,
        })
    }

    fn is_empty(&self) -> bool {
        self.tuples == "0"
    }

    /// The call for the relation itself. The number of rows is the old server's; the pages are those that there are here,
    /// since it is the rows on a page that the planner makes use of, and a copy is not as loose as what it was made from.
    /// Of the pages that are all visible or frozen, the share counts.
    fn set(&self, of: &Known) -> Sql {
        let name = Ident::new(self.name.as_str()).within(&of.schema);
        let here =
            sql!("pg_catalog.pg_relation_size({}) / pg_catalog.current_setting('block_size')::bigint", regclass(&name));
        let mut out = sql!(
            "pg_catalog.pg_restore_relation_stats('version', {}, 'schemaname', {}, 'relname', {}, 'reltuples', {}::real",
            of.source.0,
            Literal(of.schema.as_str()),
            Literal(&self.name),
            Literal(&self.tuples)
        );
        if self.pages < 0 {
            out.push(&sql!(", 'relpages', {}", self.pages));
        } else {
            out.push(&sql!(", 'relpages', ({})::integer", here));
        }
        if self.pages > 0 && !self.is_index {
            let share = |pages: i32| sql!("({} * ({}) / {})::integer", pages, here, self.pages);
            out.push(&sql!(", 'relallvisible', {}", share(self.visible)));
            if let Some(frozen) = self.frozen {
                out.push(&sql!(", 'relallfrozen', {}", share(frozen)));
            }
        }
        out.push_str(")");
        out
    }
}

impl Attribute {
    fn decode(row: &Row) -> Result<Self> {
        Ok(Self {
            relation: row.get("relation")?,
            name: row.get("name")?,
            number: row.get("number")?,
            inherited: row.get("inherited")?,
            values: FIELDS.iter().map(|(name, ..)| row.get(name)).collect::<Result<_>>()?,
        })
    }

    /// The call for one column. The columns of an index have names that the new server may not give them; those of a table
    /// have numbers that change where others were dropped.
    fn set(&self, of: &Known) -> Sql {
        let mut out = sql!(
            "pg_catalog.pg_restore_attribute_stats('version', {}, 'schemaname', {}, 'relname', {}",
            of.source.0,
            Literal(of.schema.as_str()),
            Literal(&self.relation)
        );
        out.push(&match of.is_index(&self.relation) {
            true => sql!(", 'attnum', {}::smallint", self.number),
            false => sql!(", 'attname', {}", Literal(&self.name)),
        });
        out.push(&sql!(", 'inherited', {}", self.inherited));
        for ((name, kind, _), value) in FIELDS.iter().zip(&self.values) {
            if let Some(value) = value {
                out.push(&sql!(", {}, {}::{}", Literal(name), Literal(value), *kind));
            }
        }
        out.push_str(")");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(name: &str, is_index: bool, columns: &[i16]) -> Relation {
        Relation {
            name: name.into(),
            is_index,
            pages: 10,
            tuples: "42".into(),
            visible: 5,
            frozen: None,
            columns: columns.to_vec(),
            whole: true,
        }
    }

    fn attribute(relation: &str, number: i16) -> Attribute {
        let mut values = vec![None; FIELDS.len()];
        values[0] = Some("0.5".into());
        values[3] = Some("{a,\"it's\"}".into());
        Attribute { relation: relation.into(), name: "a'b".into(), number, inherited: false, values }
    }

    fn known(attributes: Vec<Attribute>) -> Known {
        let relations = vec![relation("t\"", false, &[1]), relation("i", true, &[2])];
        Known { source: ServerVersion(150_018), schema: "s".into(), relations, attributes }
    }

    #[test]
    fn every_column_has_to_have_some() {
        assert!(known(vec![attribute("t\"", 1), attribute("i", 2)]).is_whole());
        assert!(!known(vec![attribute("t\"", 1)]).is_whole());
        assert!(!known(vec![attribute("i", 1), attribute("i", 2)]).is_whole());
        let mut empty = known(vec![]);
        empty.relations.iter_mut().for_each(|relation| relation.tuples = "0".into());
        assert!(empty.is_whole() && empty.set_attributes().is_none());
        empty.relations[0].whole = false;
        assert!(!empty.is_whole());
    }

    #[test]
    fn values_are_quoted_and_nulls_left_out() {
        let known = known(vec![attribute("t\"", 1), attribute("i", 2)]);
        assert_eq!(
            known.set_attributes().unwrap().as_str(),
            "SELECT pg_catalog.bool_and(v.done) AS done FROM (VALUES \
             (pg_catalog.pg_restore_attribute_stats('version', 150018, 'schemaname', 's', 'relname', 't\"', 'attname', 'a''b', \
             'inherited', false, 'null_frac', '0.5'::real, 'most_common_vals', '{a,\"it''s\"}'::text)), \
             (pg_catalog.pg_restore_attribute_stats('version', 150018, 'schemaname', 's', 'relname', 'i', 'attnum', 2::smallint, \
             'inherited', false, 'null_frac', '0.5'::real, 'most_common_vals', '{a,\"it''s\"}'::text))) v(done)"
        );
    }

    #[test]
    fn pages_are_those_of_the_new_server() {
        let text = known(vec![]).set_relations();
        let size = "pg_catalog.pg_relation_size('\"s\".\"t\"\"\"'::pg_catalog.regclass) / \
                    pg_catalog.current_setting('block_size')::bigint";
        assert!(text.as_str().contains(&format!("'relpages', ({size})::integer")), "{text}");
        assert!(text.as_str().contains(&format!("'relallvisible', (5 * ({size}) / 10)::integer")), "{text}");
        assert_eq!(text.as_str().matches("relallvisible").count(), 1, "{text}");
    }
}
