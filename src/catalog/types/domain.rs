//! Domains.

use super::*;
use crate::catalog::query::Column;

/// A domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// The type that it stands on, with its modifier.
    pub base: Sql,
    /// Its collation, if that is not the base type's own.
    pub collation: Option<Sql>,
    /// Its default.
    pub default: Option<Sql>,
    /// Whether it refuses NULL.
    pub not_null: bool,
    /// Its constraints (OIDs in `pg_constraint`), by name. Servers before 17 have none there for NOT NULL.
    pub constraints: Vec<u32>,
}

pub(super) const BASE: Column = expr("base", "format_type(t.typbasetype, t.typtypmod)");
pub(super) const COLLATION: Column = expr(
    "domain_collation",
    "CASE WHEN t.typtype = 'd' AND t.typcollation <> b.typcollation THEN (
        SELECT quote_ident(cn.nspname) || '.' || quote_ident(co.collname)
        FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = t.typcollation) END",
);
pub(super) const DEFAULT: Column =
    expr("domain_default", "coalesce(pg_get_expr(t.typdefaultbin, 'pg_type'::regclass), quote_literal(t.typdefault))");
pub(super) const NOT_NULL: Column = expr("not_null", "t.typnotnull");
pub(super) const CONSTRAINTS: Column = expr(
    "constraints",
    "ARRAY(SELECT k.oid FROM pg_constraint k WHERE t.typtype = 'd' AND k.contypid = t.oid ORDER BY k.conname)",
);

pub(super) fn decode(row: &Row) -> Result<Domain> {
    Ok(Domain {
        base: Sql::deparsed(row.get::<String>("base")?),
        collation: row.get::<Option<String>>("domain_collation")?.map(Sql::deparsed),
        default: row.get::<Option<String>>("domain_default")?.map(Sql::deparsed),
        not_null: row.get("not_null")?,
        constraints: row.get("constraints")?,
    })
}

impl Domain {
    pub(super) fn definition(&self, catalog: &Catalog, how: &Decisions) -> Sql {
        let mut out = self.base.clone();
        if let Some(collation) = &self.collation {
            out.push(&sql!(" COLLATE {}", collation));
        }
        if let Some(default) = &self.default {
            out.push(&sql!(" DEFAULT {}", default));
        }
        let constraints =
            self.constraints.iter().filter_map(|oid| match catalog.get(ObjectId::new(Class::CONSTRAINT, *oid))? {
                Object::DomainConstraint(constraint) => Some(constraint),
                _ => None,
            });
        let mut not_null = self.not_null;
        for constraint in constraints {
            not_null &= !constraint.is_not_null();
            if constraint.is_inline(how) {
                out.push(&sql!("\n    CONSTRAINT {} {}", constraint.name, constraint.definition));
            }
        }
        // Last, so that the name which a newer server invents for it does not take that of a constraint.
        if not_null {
            out.push_str("\n    NOT NULL");
        }
        out
    }
}
