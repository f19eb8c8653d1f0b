//! Which tables stand for all, and some of their rows.

use bytes::Bytes;

use super::reading::Readers;
use crate::archive::binary;
use crate::error::Result;
use crate::sql;
use crate::sql::{Ident, Literal, QualName, Sql, join};
use crate::toc::{BinaryForm, Data, Entry, RowForm, Rows, Toc};
use crate::transfer::copy_out;
use crate::wire::session::{Row, Session};

/// How many tables are measured, from the largest down.
const TABLES: usize = 5;
/// How much of a table is kept in memory, in bytes on the old server: with both forms of all tables that makes 80 MB.
pub(super) const KEPT: u64 = 8 << 20;
/// The most that is kept of a table, whatever its rows look like.
const MOST: usize = 16 << 20;

/// A table that stands for others, and some of its rows.
pub(super) struct Sample {
    /// All of its rows.
    pub rows: Rows,
    /// What they weigh on the old server.
    pub weight: u64,
    /// Its place in the table of contents.
    pub entry: Entry,
    /// Some as text.
    pub text: Content,
    /// Some in binary form, where that is safe.
    pub binary: Option<Content>,
    /// How a table is made on the new server that takes them: columns, each with its type. Nothing where a type is the
    /// database's own.
    pub columns: Vec<(Ident, Option<Sql>)>,
    /// Its indexes, as far as they are simple.
    pub indexes: Vec<Index>,
}

/// Rows in one form, without what stands before and after them.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub rows: Bytes,
    pub count: u64,
    /// What part of the table this is.
    part: f64,
}

/// An index that can be made on a copy of the table.
#[derive(Clone, Debug)]
pub(super) struct Index {
    /// The access method.
    pub method: String,
    /// What stands in the parentheses.
    columns: Sql,
}

impl Index {
    /// The statement that makes it.
    pub fn create(&self, name: &Ident, table: &QualName) -> Sql {
        let method = Ident::new(self.method.as_str());
        sql!("CREATE INDEX {} ON {} USING {} ({})", name, table, method, self.columns)
    }
}

impl Sample {
    /// The form in which its rows cross if nobody says otherwise.
    pub fn usual(&self) -> RowForm {
        if self.rows.binary == BinaryForm::Pays && self.binary.is_some() { RowForm::Binary } else { RowForm::Text }
    }

    /// Some rows in this form.
    pub fn content(&self, form: RowForm) -> &Content {
        match (form, &self.binary) {
            (RowForm::Binary, Some(binary)) => binary,
            _ => &self.text,
        }
    }

    /// How many bytes all of its rows are in this form.
    pub fn bytes(&self, form: RowForm) -> f64 {
        let content = self.content(form);
        content.rows.len() as f64 / content.part
    }

    /// A part of the table that is about so many times as large as what is kept of it, and which part that is.
    pub fn larger(&self, times: f64, form: RowForm) -> (Rows, f64) {
        let part = (self.text.part * times.max(1.0)).min(1.0);
        (some(&self.rows, part, form), part)
    }

    /// Whether a copy of it can be made on the new server.
    pub fn can_be_made(&self) -> bool {
        self.columns.iter().all(|(_, made_as)| made_as.is_some())
    }
}

/// Some of the rows of a table, from pages all over it (documentation, SELECT, TABLESAMPLE); the same ones each time.
fn some(rows: &Rows, part: f64, form: RowForm) -> Rows {
    let percent = (part * 100.0) as f32;
    let filter = (percent < 100.0).then(|| sql!("TABLESAMPLE SYSTEM ({}) REPEATABLE (7)", percent));
    Rows { filter, pages: 0, parts: 1, form, ..rows.clone() }
}

/// Takes samples of the largest tables.
///
/// # Errors
///
/// What the server says.
pub(super) async fn take(readers: &mut Readers, toc: &Toc, encoding: &str) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    let parents = parents(readers.session()?).await?;
    for (entry, rows) in largest(toc) {
        if samples.len() == TABLES {
            break;
        }
        // What is read of a parent with a condition would be the rows of its children, too.
        if parents.contains(&rows.table.label()) {
            continue;
        }
        let Some(text) = content(readers, entry, rows, RowForm::Text, encoding).await? else { continue };
        let binary = match rows.binary >= BinaryForm::Safe {
            true => content(readers, entry, rows, RowForm::Binary, encoding).await?,
            false => None,
        };
        let (columns, indexes) = shape(readers.session()?, &rows.table, &rows.columns).await?;
        let (rows, weight, entry) = (rows.clone(), entry.weight, entry.clone());
        samples.push(Sample { rows, weight, entry, text, binary, columns, indexes });
    }
    Ok(samples)
}

/// The tables that are read as a whole, the largest first.
fn largest(toc: &Toc) -> Vec<(&Entry, &Rows)> {
    let mut found: Vec<(&Entry, &Rows)> = toc
        .entries()
        .iter()
        .filter_map(|entry| match &entry.data {
            Some(Data::Rows(rows)) if entry.weight > 0 && rows.filter.is_none() && !rows.columns.is_empty() => {
                entry.only_if.is_none().then_some((entry, rows))
            }
            _ => None,
        })
        .collect();
    found.sort_by_key(|(entry, _)| std::cmp::Reverse(entry.weight));
    found
}

/// Some rows of a table; nothing if there are none.
async fn content(
    readers: &mut Readers,
    entry: &Entry,
    rows: &Rows,
    form: RowForm,
    encoding: &str,
) -> Result<Option<Content>> {
    let mut part = (KEPT as f64 / entry.weight.max(1) as f64).min(1.0);
    loop {
        let taken = readers.take(&copy_out(&some(rows, part, form), encoding), MOST).await?;
        let mut bytes = taken.bytes;
        if form == RowForm::Binary {
            let inner = bytes.strip_prefix(binary::HEAD.as_slice()).unwrap_or_default();
            let inner = inner.strip_suffix(binary::TAIL.as_slice()).filter(|_| taken.whole).unwrap_or(inner);
            bytes = bytes.slice_ref(inner);
        }
        if !bytes.is_empty() {
            // What was too much is taken to be like its table, byte for byte.
            let kept = bytes.len() as f64 / entry.weight.max(1) as f64;
            let part = if taken.whole { part } else { kept.min(part) };
            return Ok(Some(Content { rows: bytes, count: taken.rows, part }));
        }
        // Of a few pages none may have been chosen: there are such where all that weighs something is elsewhere (TOAST).
        if part >= 1.0 || !taken.whole {
            return Ok(None);
        }
        part = (part * 16.0).min(1.0);
    }
}

/// Tables that others inherit from.
async fn parents(old: &Session) -> Result<std::collections::BTreeSet<String>> {
    let query = Sql::constant(
        "SELECT DISTINCT n.nspname || '.' || c.relname AS name FROM pg_catalog.pg_inherits i \
         JOIN pg_catalog.pg_class c ON c.oid = i.inhparent JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind = 'r'",
    );
    old.rows(&query).await?.iter().map(|row| row.get("name")).collect()
}

/// The columns with types that every server has, and the indexes that need nothing else.
///
/// A domain is taken for what it is over, an enum for text, which it is in either form.
async fn shape(old: &Session, table: &QualName, columns: &[Ident]) -> Result<(Vec<(Ident, Option<Sql>)>, Vec<Index>)> {
    let name = table.to_string();
    let types = sql!("{} WHERE a.attrelid = {}::pg_catalog.regclass", Sql::constant(TYPES), Literal(&name));
    let mut found = std::collections::HashMap::new();
    for row in old.rows(&types).await? {
        let made_as: Option<String> = row.get("made_as")?;
        found.insert(row.get::<String>("name")?, made_as.map(Sql::deparsed));
    }
    let columns: Vec<_> =
        columns.iter().map(|column| (column.clone(), found.get(column.as_str()).cloned().flatten())).collect();
    let known = |name: &Ident, columns: &[(Ident, Option<Sql>)]| columns.iter().any(|(column, _)| column == name);
    let mut indexes = Vec::new();
    let query = sql!("{} AND i.indrelid = {}::pg_catalog.regclass", Sql::constant(INDEXES), Literal(&name));
    for row in old.rows(&query).await? {
        let (method, parts) = (row.get("method")?, parts(&row)?);
        if parts.iter().all(|(column, _)| known(column, &columns)) {
            let parts = parts.iter().map(|(column, class)| match class {
                Some(class) => sql!("{} {}", column, QualName::new("pg_catalog", class.clone())),
                None => sql!("{}", column),
            });
            indexes.push(Index { method, columns: join(parts, ", ") });
        }
    }
    Ok((columns, indexes))
}

fn parts(row: &Row) -> Result<Vec<(Ident, Option<Ident>)>> {
    let (names, classes): (Vec<String>, Vec<Option<String>>) = (row.get("columns")?, row.get("classes")?);
    Ok(names.into_iter().map(Ident::new).zip(classes.into_iter().map(|class| class.map(Ident::new))).collect())
}

/// Objects with a lower OID are there from the beginning (`FirstNormalObjectId`, `src/include/access/transam.h`).
const TYPES: &str = "\
SELECT a.attname::text AS name, CASE \
  WHEN t.typtype = 'e' THEN 'pg_catalog.text' \
  WHEN t.typtype = 'd' AND b.typtype = 'e' THEN 'pg_catalog.text' \
  WHEN t.typtype = 'd' AND b.oid < 16384 AND b.typtype = 'b' THEN pg_catalog.format_type(b.oid, t.typtypmod) \
  WHEN t.oid < 16384 AND t.typtype IN ('b', 'r', 'm') THEN pg_catalog.format_type(t.oid, a.atttypmod) END AS made_as \
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype";

const INDEXES: &str = "\
SELECT m.amname::text AS method, k.columns, k.classes \
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_am m ON m.oid = c.relam \
CROSS JOIN LATERAL (SELECT pg_catalog.array_agg(a.attname::text ORDER BY u.place) AS columns, \
  pg_catalog.array_agg(CASE WHEN NOT o.opcdefault THEN o.opcname::text END ORDER BY u.place) AS classes, \
  pg_catalog.bool_and(o.oid < 16384) AS usual, pg_catalog.count(*) = pg_catalog.array_length(i.indclass, 1) AS whole \
  FROM pg_catalog.unnest(i.indclass) WITH ORDINALITY AS u (class, place) \
  JOIN pg_catalog.pg_opclass o ON o.oid = u.class \
  JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[u.place - 1]) AS k \
WHERE i.indisvalid AND i.indexprs IS NULL AND i.indpred IS NULL AND k.usual AND m.oid < 16384";
