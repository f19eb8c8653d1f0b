//! Collations (`pg_collation`): users' own, and which of the server's own are used.
//!
//! Versions are not carried: the new server records those of its own libraries.

use super::query::{Query, expr, in_user_schema};
use super::{Catalog, Class, Decisions, Draft, ObjectId, Part, Priority, Provider, Render};
use crate::error::{Error, Result};
use crate::sql;
use crate::sql::{Ident, Literal, QualName, Sql, join};
use crate::toc::{Kind, Section};
use crate::wire::session::Row;

/// Users' collations. One for another encoding than the database's cannot be used in it (`unhandled` lists those).
///
/// What ICU and the builtin provider call the locale was in `collcollate` up to 14, in `colliculocale` in 15 and 16.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "c.oid"),
        expr("schema", "n.nspname::text"),
        expr("name", "c.collname::text"),
        expr("owner", "pg_get_userbyid(c.collowner)::text"),
        expr("provider", "c.collprovider::text"),
        expr("deterministic", "c.collisdeterministic").since(12, "true"),
        expr("collate", "CASE WHEN c.collprovider = 'c' THEN c.collcollate::text END"),
        expr("ctype", "CASE WHEN c.collprovider = 'c' THEN c.collctype::text END"),
        expr("locale", "coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale')")
            .since(15, "CASE WHEN c.collprovider = 'i' THEN c.collcollate::text END"),
        expr("rules", "c.collicurules").since(16, "NULL::text"),
    ],
    concat!(
        "FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
        WHERE c.collencoding IN (-1, pg_char_to_encoding(getdatabaseencoding())) AND ",
        in_user_schema!(),
        " ORDER BY n.nspname, c.collname"
    ),
);

/// The collations of `pg_catalog` that users' objects refer to. They are not moved: initdb makes them from what ICU and
/// the operating system have. Only those that no server lacks are pinned (OIDs below 12000), and have no row here.
pub(super) const USED: Query = Query::of(
    &[
        expr("name", "u.name"),
        expr("uses", "u.uses"),
        expr("user", "pg_describe_object(u.first[1]::oid, u.first[2]::oid, u.first[3]::integer)"),
    ],
    "FROM (
        SELECT c.collname::text AS name, count(DISTINCT (d.classid, d.objid, d.objsubid)) AS uses,
            min(ARRAY[d.classid::bigint, d.objid::bigint, d.objsubid::bigint]) AS first
        FROM pg_depend d JOIN pg_collation c ON c.oid = d.refobjid JOIN pg_namespace n ON n.oid = c.collnamespace
        WHERE d.refclassid = 'pg_collation'::regclass AND n.nspname = 'pg_catalog' AND d.objid >= 16384
        GROUP BY c.collname
    ) u ORDER BY u.name",
);

/// A collation of `pg_catalog` that is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedCollation {
    /// Its name.
    pub name: String,
    /// One of the objects that use it, as the server describes it.
    pub user: String,
    /// How many there are.
    pub uses: i64,
}

pub(super) fn decode_used(row: &Row) -> Result<UsedCollation> {
    Ok(UsedCollation { name: row.get("name")?, user: row.get("user")?, uses: row.get("uses")? })
}

/// A collation.
#[derive(Clone, Debug)]
pub struct Collation {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: QualName,
    /// Its owner.
    pub owner: Ident,
    /// Whether strings are equal only if their bytes are.
    pub deterministic: bool,
    /// What it is made of.
    pub source: Source,
}

/// What a collation is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Locales of the operating system.
    System {
        /// `LC_COLLATE`.
        collate: String,
        /// `LC_CTYPE`.
        ctype: String,
    },
    /// A locale of another provider.
    Other {
        /// Which one.
        provider: Provider,
        /// The locale.
        locale: String,
        /// What ICU tailors it with.
        rules: Option<String>,
    },
}

/// One row of [`QUERY`].
///
/// # Errors
/// If the row is not what the query promises.
pub(super) fn decode(row: &Row) -> Result<Collation> {
    let name = QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?);
    let (locale, rules): (Option<String>, Option<String>) = (row.get("locale")?, row.get("rules")?);
    let provider: String = row.get("provider")?;
    let source = match (provider.as_str(), row.get("collate")?, row.get("ctype")?, locale) {
        ("c", Some(collate), Some(ctype), _) => Source::System { collate, ctype },
        ("i", _, _, Some(locale)) => Source::Other { provider: Provider::Icu, locale, rules },
        ("b", _, _, Some(locale)) => Source::Other { provider: Provider::Builtin, locale, rules },
        _ => return Err(Error::malformed("cannot read a collation").about(name.label())),
    };
    Ok(Collation {
        id: ObjectId::new(Class::COLLATION, row.get("oid")?),
        name,
        owner: Ident::new(row.get::<String>("owner")?),
        deterministic: row.get("deterministic")?,
        source,
    })
}

impl Source {
    /// What stands between the parentheses of `CREATE COLLATION`.
    fn parameters(&self, deterministic: bool) -> Sql {
        let mut out = match self {
            Self::System { .. } => vec![Sql::constant("provider = libc")],
            Self::Other { provider: Provider::Icu, .. } => vec![Sql::constant("provider = icu")],
            Self::Other { .. } => vec![Sql::constant("provider = builtin")],
        };
        if !deterministic {
            out.push(Sql::constant("deterministic = false"));
        }
        match self {
            Self::System { collate, ctype } if collate == ctype => out.push(sql!("locale = {}", Literal(collate))),
            Self::System { collate, ctype } => {
                out.push(sql!("lc_collate = {}", Literal(collate)));
                out.push(sql!("lc_ctype = {}", Literal(ctype)));
            }
            Self::Other { locale, rules, .. } => {
                out.push(sql!("locale = {}", Literal(locale)));
                out.extend(rules.iter().map(|rules| sql!("rules = {}", Literal(rules))));
            }
        }
        join(out, ", ")
    }

    /// The statement that makes such a collation among the session's temporary objects: the server says whether it knows
    /// the locale.
    pub fn trial(&self) -> Sql {
        sql!("CREATE COLLATION pg_temp.pgtandem ({})", self.parameters(true))
    }
}

impl Render for Collation {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("COLLATION {}", self.name)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::Collation
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.name.schema.as_str().to_owned(), self.name.name.as_str().to_owned())
    }

    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let identity = self.identity(catalog);
        let create = sql!("CREATE {} ({})", identity, self.source.parameters(self.deterministic));
        let mut draft = Draft::new(Kind::Collation, Section::PreData, self.name.name.as_str(), vec![create])
            .within(&self.name.schema)
            .owned_by(&self.owner, identity.clone());
        draft.remove = Some(sql!("DROP {}", identity));
        Some(draft)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(source: &Source, deterministic: bool) -> String {
        source.parameters(deterministic).to_string()
    }

    #[test]
    fn one_locale_or_two() {
        let system = |collate: &str, ctype: &str| Source::System { collate: collate.into(), ctype: ctype.into() };
        assert_eq!(parameters(&system("C", "C"), true), "provider = libc, locale = 'C'");
        assert_eq!(
            parameters(&system("C", "it's"), false),
            "provider = libc, deterministic = false, lc_collate = 'C', lc_ctype = 'it''s'"
        );
    }

    #[test]
    fn other_providers() {
        let icu = Source::Other { provider: Provider::Icu, locale: "de".into(), rules: Some("&a < 'b'".into()) };
        assert_eq!(parameters(&icu, true), "provider = icu, locale = 'de', rules = '&a < ''b'''");
        let builtin = Source::Other { provider: Provider::Builtin, locale: "C.UTF-8".into(), rules: None };
        assert_eq!(
            builtin.trial().as_str(),
            "CREATE COLLATION pg_temp.pgtandem (provider = builtin, locale = 'C.UTF-8')"
        );
    }
}
