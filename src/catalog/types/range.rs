//! Range types. One with a canonical function is declared first, so that the function can name it.

use super::*;
use crate::catalog::query::Column;
use crate::sql::join;

/// The major since which a range type comes with a multirange type.
const MULTIRANGES: u32 = 14;
/// The longest name, in bytes (PostgreSQL, `src/include/pg_config_manual.h`, `NAMEDATALEN` less the final zero).
const NAME_LENGTH: usize = 63;

/// A range type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// What it is a range of.
    pub subtype: Sql,
    /// The operator class that orders it, if that is not the subtype's default.
    pub opclass: Option<Sql>,
    /// The collation, if that is not the subtype's own.
    pub collation: Option<Sql>,
    /// The function that gives the distance of two values.
    pub diff: Option<Sql>,
    /// The function that gives equal ranges one form.
    pub canonical: Option<Sql>,
    /// Its multirange type; `None` where the server does not know these.
    pub multirange: Option<QualName>,
}

pub(super) const SUBTYPE: Column = expr("subtype", "format_type(r.rngsubtype, NULL)");
pub(super) const OPCLASS: Column = expr(
    "opclass",
    "(SELECT quote_ident(cn.nspname) || '.' || quote_ident(o.opcname)
        FROM pg_opclass o JOIN pg_namespace cn ON cn.oid = o.opcnamespace
        WHERE o.oid = r.rngsubopc AND NOT (o.opcdefault AND o.opcintype = r.rngsubtype))",
);
pub(super) const COLLATION: Column = expr(
    "range_collation",
    "CASE WHEN r.rngcollation <> s.typcollation THEN (
        SELECT quote_ident(cn.nspname) || '.' || quote_ident(co.collname)
        FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = r.rngcollation) END",
);
pub(super) const DIFF: Column = expr("diff", "nullif(r.rngsubdiff::oid, 0)::regproc::text");
pub(super) const CANONICAL: Column = expr("canonical", "nullif(r.rngcanonical::oid, 0)::regproc::text");
pub(super) const MULTIRANGE: Column = expr(
    "multirange_name",
    "CASE WHEN m.oid IS NOT NULL THEN ARRAY[(SELECT nspname FROM pg_namespace WHERE oid = m.typnamespace), m.typname]::text[]
        END",
)
.since(MULTIRANGES, "NULL::text[]");

pub(super) fn decode(row: &Row) -> Result<Range> {
    let text = |name| row.get::<Option<String>>(name).map(|text| text.map(Sql::deparsed));
    let multirange: Option<Vec<String>> = row.get("multirange_name")?;
    Ok(Range {
        subtype: Sql::deparsed(row.get::<String>("subtype")?),
        opclass: text("opclass")?,
        collation: text("range_collation")?,
        diff: text("diff")?,
        canonical: text("canonical")?,
        multirange: multirange.and_then(|parts| match <[String; 2]>::try_from(parts) {
            Ok([schema, name]) => Some(QualName::new(schema, name)),
            Err(_) => None,
        }),
    })
}

impl Range {
    pub(super) fn definition(&self, name: &QualName, catalog: &Catalog, how: &Decisions) -> Sql {
        let mut options = vec![sql!("subtype = {}", self.subtype)];
        // Compared with a server that knew no multiranges, the name that a server invents says nothing.
        let unknown = how.as_known_by.is_some_and(|major| major < MULTIRANGES);
        let own = self.multirange.clone().filter(|own| !unknown || own.name.as_str() != invented_name(name));
        if let Some(multirange) = own.or_else(|| free_name(name, catalog, how)) {
            options.push(sql!("multirange_type_name = {}", multirange));
        }
        if let Some(opclass) = &self.opclass {
            options.push(sql!("subtype_opclass = {}", opclass));
        }
        if let Some(collation) = &self.collation {
            options.push(sql!("collation = {}", collation));
        }
        if let Some(canonical) = &self.canonical {
            options.push(sql!("canonical = {}", canonical));
        }
        if let Some(diff) = &self.diff {
            options.push(sql!("subtype_diff = {}", diff));
        }
        sql!("RANGE (\n    {}\n)", join(options, ",\n    "))
    }
}

/// The name that a server gives to the multirange type where nobody says one.
fn invented_name(range: &QualName) -> String {
    let bare = range.name.as_str();
    match bare.find("range") {
        Some(_) => clipped(&bare.replacen("range", "multirange", 1), ""),
        None => clipped(bare, "_multirange"),
    }
}

/// A name for the multirange type of a source that does not know these, where the one that the new server would invent
/// (PostgreSQL, `src/backend/catalog/pg_type.c`, `makeMultirangeTypeName`) is taken; it refuses to make the range then.
fn free_name(range: &QualName, catalog: &Catalog, how: &Decisions) -> Option<QualName> {
    if how.target < MULTIRANGES {
        return None;
    }
    let invented = invented_name(range);
    let taken = |name: &Ident| {
        catalog.objects().iter().any(|object| {
            let other = match object {
                Object::Type(other) => Some(&other.name),
                Object::Table(_) | Object::View(_) => catalog.relation_name(object.id().oid),
                _ => None,
            };
            other.is_some_and(|other| other.schema == range.schema && other.name == *name)
        })
    };
    if !taken(&Ident::new(invented.as_str())) {
        return None;
    }
    let mut candidates = (1u32..).map(|n| Ident::new(clipped(&invented, &format!("_{n}"))));
    candidates.find(|name| !taken(name)).map(|name| name.within(&range.schema))
}

/// A name with a suffix, cut before that to fit.
fn clipped(name: &str, suffix: &str) -> String {
    let mut end = name.len().min(NAME_LENGTH.saturating_sub(suffix.len()));
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{suffix}", name.get(..end).unwrap_or(name))
}
