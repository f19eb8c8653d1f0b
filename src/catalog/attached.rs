//! What users have put on the relations of extensions: indexes, constraints, triggers, rules, policies, column defaults,
//! extended statistics, and comments on those. pg_dump loses nearly all of them.
//!
//! Nothing tells such an object from one that the extension's script made on its own table: neither is a member of the
//! extension, only the table is (PostgreSQL 18, `src/backend/catalog/pg_depend.c`: members are recorded where
//! `recordDependencyOnCurrentExtension` is called, which it is for none of these kinds). Ages prove nothing either: updates of
//! the extension, restores and pg_upgrade give both kinds whatever OIDs and transaction numbers come. But the new server's
//! own script has the last word on what belongs to its version, and has spoken before any of these has its turn. So each is
//! made only if nothing of its name is there by then ([`Entry::only_if`](crate::toc::Entry::only_if)):
//!
//! * what the script has made stays as that made it, and is compared with the old one afterwards;
//! * what it has not made is the user's, or something that only the old version of the extension brought along. It is made,
//!   and told. The latter may not fit any more; so one that the server refuses is left out with a warning, and does not end
//!   the run.
//!
//! The same holds for comments on such relations themselves and on their columns (`REMARKS`).
//!
//! All come after the data, whatever their kind, and after the extension's own configuration rows. Not carried is what has
//! no name of its own: columns that were added, NOT NULL up to 17, what was dropped or altered, the state of clones of
//! triggers; and the planner settings of columns, of which [hazards](crate::catalog::hazards) tells.

use std::collections::{HashMap, HashSet};

use super::constraint::ConstraintKind;
use super::query::{Query, expr, in_user_schema};
use super::{Aspects, Catalog, Class, Node, Object, ObjectId, Part};
use crate::error::Result;
use crate::sql;
use crate::sql::{Ident, Literal, QualName, Sql};
use crate::wire::session::Row;

/// Extensions' relations and their columns as far as they have comments or planner settings.
pub(super) const REMARKS: Query = Query::of(
    &[
        expr("oid", "c.oid"),
        expr(
            "kind",
            "CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
                WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END",
        ),
        expr("schema", "n.nspname::text"),
        expr("name", "c.relname::text"),
        expr("column_name", "a.attname::text"),
        expr("comment", "d.description"),
        expr("is_set", "coalesce(a.attstattarget >= 0 OR a.attoptions::text LIKE '%n\\_distinct%', false)"),
    ],
    concat!(
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_depend e ON e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e'
        CROSS JOIN LATERAL (SELECT NULL::name AS attname, 0::int2 AS attnum, -1 AS attstattarget, NULL::text[] AS attoptions
            UNION ALL SELECT attname, attnum, attstattarget, attoptions FROM pg_attribute
            WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) a
        LEFT JOIN pg_description d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid AND d.objsubid = a.attnum
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND ",
        in_user_schema!(),
        " AND (d.description IS NOT NULL OR a.attstattarget >= 0 OR a.attoptions IS NOT NULL)
        ORDER BY n.nspname, c.relname, a.attnum"
    ),
);

/// What is said about an extension's relation, or a column of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The relation.
    pub object: ObjectId,
    /// Its name.
    pub on: QualName,
    /// The column, for one.
    pub column: Option<Ident>,
    /// The comment on it.
    pub comment: Option<String>,
    /// Whether the column has a statistics target, or numbers of distinct values, of its own.
    pub is_set: bool,
    /// What it is called in `COMMENT ON`.
    target: Sql,
}

/// One row of [`REMARKS`].
///
/// # Errors
/// If the row is not what the query promises.
pub(super) fn decode(row: &Row) -> Result<Remark> {
    let on = QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?);
    let column = row.get::<Option<String>>("column_name")?.map(Ident::from);
    let target = match &column {
        Some(column) => sql!("COLUMN {}.{}", on, column),
        None => sql!("{} {}", Sql::deparsed(row.get::<String>("kind")?), on),
    };
    let (object, comment) = (ObjectId::relation(row.get("oid")?), row.get("comment")?);
    Ok(Remark { object, on, column, comment, is_set: row.get("is_set")?, target })
}

impl Remark {
    /// What it is about, for people.
    pub fn label(&self) -> String {
        match &self.column {
            Some(column) => format!("COLUMN {}.{}", self.on.label(), column.as_str()),
            None => format!("RELATION {}", self.on.label()),
        }
    }

    /// The statement that comments on it, and the expression that is true where it has to: what is there has no comment.
    pub fn statement(&self) -> Option<(Sql, Sql)> {
        let statement = sql!("COMMENT ON {} IS {}", self.target, Literal(self.comment.as_deref()?));
        let relation = resolved(&self.on);
        let silent = match &self.column {
            Some(column) => sql!(
                "EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = {} AND attname = {} AND NOT attisdropped \
                 AND pg_catalog.col_description(attrelid, attnum) IS NULL)",
                relation,
                Literal(column.as_str())
            ),
            None => {
                sql!("{} IS NOT NULL AND pg_catalog.obj_description({}, 'pg_class') IS NULL", relation, relation)
            }
        };
        Some((statement, silent))
    }
}

/// An object that hangs on a relation.
struct Attached<'a> {
    /// The relation (OID).
    relation: u32,
    /// Its name.
    on: &'a QualName,
    /// What it is called there.
    name: &'a Ident,
    place: Place,
}

/// Where the catalog has an object of this kind: the system table, and its columns for the relation and the name.
#[derive(Clone, Copy)]
enum Place {
    /// An index has the name of a relation.
    Index,
    /// A default has that of its column.
    Default,
    /// Extended statistics have a name of their own, in a schema that need not be the table's: that stands for the table's.
    Statistics,
    /// All others.
    Row(&'static str, &'static str, &'static str),
}

impl<'a> Attached<'a> {
    fn of(object: &'a Object) -> Option<Self> {
        let (relation, on, name, place) = match object {
            Object::AttributeDefault(default) => (default.table(), &default.on, &default.column, Place::Default),
            Object::Index(index) => (index.table(), &index.on, &index.name.name, Place::Index),
            Object::Constraint(constraint) => {
                let place = Place::Row("pg_constraint", "conrelid", "conname");
                (constraint.table(), &constraint.on, &constraint.name, place)
            }
            Object::Trigger(trigger) => {
                (trigger.table(), &trigger.on, &trigger.name, Place::Row("pg_trigger", "tgrelid", "tgname"))
            }
            Object::Rule(rule) => {
                (rule.table(), &rule.on, &rule.name, Place::Row("pg_rewrite", "ev_class", "rulename"))
            }
            Object::Policy(policy) => {
                (policy.table(), &policy.on, &policy.name, Place::Row("pg_policy", "polrelid", "polname"))
            }
            Object::Statistics(statistics) => {
                (statistics.relation, &statistics.name, &statistics.name.name, Place::Statistics)
            }
            _ => return None,
        };
        Some(Self { relation, on, name, place })
    }

    /// One that is on an extension's relation.
    fn on_extension(object: &'a Object, aspects: &Aspects) -> Option<Self> {
        Self::of(object).filter(|on| aspects.members.contains_key(&ObjectId::relation(on.relation)))
    }

    /// The OID of the relation on the new server, or NULL.
    fn table(&self) -> Sql {
        resolved(self.on)
    }

    /// The row of extended statistics of this name.
    fn statistics(&self) -> Sql {
        sql!(
            "SELECT FROM pg_catalog.pg_statistic_ext o WHERE stxname = {} \
             AND stxnamespace = pg_catalog.to_regnamespace({})",
            Literal(self.name.as_str()),
            Literal(&self.on.schema.to_string())
        )
    }

    /// True where the relation is there, and no object of this kind and name is on it.
    fn is_absent(&self) -> Sql {
        match self.place {
            Place::Index => {
                let index = resolved(&self.name.within(&self.on.schema));
                sql!("{} IS NOT NULL AND {} IS NULL", self.table(), index)
            }
            Place::Default => sql!(
                "EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = {} AND attname = {} \
                 AND NOT attisdropped AND NOT atthasdef)",
                self.table(),
                Literal(self.name.as_str())
            ),
            Place::Statistics => sql!("NOT EXISTS ({})", self.statistics()),
            Place::Row(catalog, relation, name) => sql!(
                "{} IS NOT NULL AND NOT EXISTS (SELECT FROM pg_catalog.{} WHERE {} = {} AND {} = {})",
                self.table(),
                catalog,
                relation,
                self.table(),
                name,
                Literal(self.name.as_str())
            ),
        }
    }

    /// True where it is there, and has no comment.
    fn is_silent(&self) -> Sql {
        match self.place {
            Place::Row(catalog, relation, name) => sql!(
                "EXISTS (SELECT FROM pg_catalog.{} o WHERE {} = {} AND {} = {} AND pg_catalog.obj_description(o.oid, {}) IS NULL)",
                catalog,
                relation,
                self.table(),
                name,
                Literal(self.name.as_str()),
                Literal(catalog)
            ),
            Place::Statistics => {
                sql!("EXISTS ({} AND pg_catalog.obj_description(o.oid, 'pg_statistic_ext') IS NULL)", self.statistics())
            }
            Place::Index | Place::Default => {
                let index = resolved(&self.name.within(&self.on.schema));
                sql!("{} IS NOT NULL AND pg_catalog.obj_description({}, 'pg_class') IS NULL", index, index)
            }
        }
    }
}

/// The OID of a relation on the new server, or NULL.
fn resolved(name: &QualName) -> Sql {
    sql!("pg_catalog.to_regclass({})", Literal(&name.to_string()))
}

/// Drops what hangs on relations that are neither ours nor an extension's, and makes what hangs on an extension's stand by
/// itself.
pub(super) fn keep(objects: &mut Vec<Object>, aspects: &Aspects) {
    let ours: HashSet<u32> =
        objects.iter().map(Object::id).filter(|id| id.class == Class::RELATION).map(|id| id.oid).collect();
    objects.retain_mut(|object| {
        let Some(attached) = Attached::of(object) else { return true };
        let relation = attached.relation;
        if ours.contains(&relation) {
            return true;
        }
        if !aspects.members.contains_key(&ObjectId::relation(relation)) {
            return false;
        }
        match object {
            Object::AttributeDefault(default) => default.stands_alone(),
            Object::Constraint(constraint) => constraint.stands_alone(),
            Object::Trigger(trigger) => return !trigger.is_clone(),
            _ => {}
        }
        true
    });
}

/// Where an object hangs on an extension's relation: the expression that is true where a part of it has to be made.
pub(super) fn only_if(object: &Object, part: Part, aspects: &Aspects) -> Option<Sql> {
    let attached = Attached::on_extension(object, aspects)?;
    match (object, part) {
        (Object::Index(index), Part::Attach) => {
            let index = resolved(&index.name);
            let inherits = sql!("SELECT FROM pg_catalog.pg_inherits WHERE inhrelid = {}", index);
            Some(sql!("{} IS NOT NULL AND NOT EXISTS ({})", index, inherits))
        }
        _ => Some(attached.is_absent()),
    }
}

/// The same for a comment on it.
pub(super) fn comment_only_if(object: &Object, aspects: &Aspects) -> Option<Sql> {
    Attached::on_extension(object, aspects).map(|attached| attached.is_silent())
}

/// What hangs on an extension's relation, or refers to it, comes after the rows of that: pairs of a node and what it needs.
pub fn edges(catalog: &Catalog) -> Vec<(Node, Node)> {
    let mut rows: HashMap<u32, Node> = HashMap::new();
    for object in catalog.objects() {
        let Object::Extension(extension) = object else { continue };
        let parts = (0..=u16::MAX).map(|n| Node { object: extension.id, part: Part::Config(n) });
        rows.extend(extension.config.iter().map(|config| config.relation).zip(parts));
    }
    let after = |object: &Object| {
        let on = Attached::of(object).map(|attached| attached.relation);
        let referenced = match object {
            Object::Constraint(constraint) if constraint.kind == ConstraintKind::ForeignKey => {
                Some(constraint.referenced)
            }
            _ => None,
        };
        let (own, rows) = (Node::definition(object.id()), &rows);
        on.into_iter()
            .chain(referenced)
            .filter_map(move |relation| Some((own, *rows.get(&relation)?)))
            .collect::<Vec<_>>()
    };
    if rows.is_empty() { Vec::new() } else { catalog.objects().iter().flat_map(after).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Policy;

    fn policy() -> Object {
        Object::Policy(Policy {
            id: ObjectId::new(Class::POLICY, 1),
            name: "p'".into(),
            relation: 2,
            on: QualName::new("ext", "t"),
            command: None,
            restrictive: false,
            roles: Vec::new(),
            using: None,
            check: None,
        })
    }

    #[test]
    fn what_hangs_on_an_extensions_relation_is_made_where_the_script_has_not() {
        let mut aspects = Aspects::default();
        let mut objects = vec![policy()];
        assert_eq!(only_if(&objects[0], Part::Definition, &aspects), None);
        keep(&mut objects, &aspects);
        assert!(objects.is_empty());
        aspects.members.insert(ObjectId::relation(2), 9);
        let mut objects = vec![policy()];
        keep(&mut objects, &aspects);
        let condition = objects.first().and_then(|object| only_if(object, Part::Definition, &aspects)).unwrap();
        assert_eq!(
            condition.as_str(),
            "pg_catalog.to_regclass('\"ext\".\"t\"') IS NOT NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_policy \
             WHERE polrelid = pg_catalog.to_regclass('\"ext\".\"t\"') AND polname = 'p''')"
        );
    }
}
