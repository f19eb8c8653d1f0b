//! The statements that make a table.

use super::not_null::{CATALOGUED, NotNull};
use super::{Column, Initial, ReplicaIdentity, Table};
use crate::catalog::foreign::options;
use crate::catalog::reloptions::clauses;
use crate::catalog::{Catalog, Class, Decisions, Draft, Object, ObjectId};
use crate::sql;
use crate::sql::{Sql, join};
use crate::toc::{Kind, Section};

/// The first major that can give an inherited generated column another expression.
const SET_EXPRESSION: u32 = 17;

impl Table {
    /// The defaults and constraints that stand in the CREATE statement, if nothing sets them apart.
    pub(super) fn inline(&self) -> impl Iterator<Item = ObjectId> + '_ {
        let initial = self.columns.iter().filter_map(|column| match column.initial {
            Initial::Default(oid) | Initial::Recomputed(oid) => Some(oid),
            Initial::Generated { expression, .. } => Some(expression),
            Initial::Nothing | Initial::Null => None,
        });
        let checks = self.checks.iter().map(|&oid| ObjectId::new(Class::CONSTRAINT, oid));
        initial.map(|oid| ObjectId::new(Class::ATTRDEF, oid)).chain(checks)
    }

    pub(super) fn definition(&self, catalog: &Catalog, how: &Decisions) -> Draft {
        let mut create = vec![self.create(catalog, how)];
        if self.joins {
            create.extend(self.parents.iter().map(|parent| sql!("ALTER TABLE {} INHERIT {}", self.name, parent.name)));
        }
        if let Some(method) = self.access_method.as_ref().filter(|_| self.is_partitioned()) {
            create.push(sql!("ALTER TABLE {} SET ACCESS METHOD {}", self.name, method));
        }
        for column in &self.columns {
            create.extend(self.amend(column, catalog, how));
            create.extend(column.alter(&self.name));
        }
        match self.replica_identity {
            ReplicaIdentity::Key => {}
            ReplicaIdentity::Nothing => create.push(sql!("ALTER TABLE ONLY {} REPLICA IDENTITY NOTHING", self.name)),
            ReplicaIdentity::Full => create.push(sql!("ALTER TABLE ONLY {} REPLICA IDENTITY FULL", self.name)),
        }
        if self.force_row_security {
            create.push(sql!("ALTER TABLE ONLY {} FORCE ROW LEVEL SECURITY", self.name));
        }
        let target = self.target();
        let kind = if self.foreign.is_some() { Kind::ForeignTable } else { Kind::Table };
        let mut draft = Draft::new(kind, Section::PreData, self.name.name.as_str(), create)
            .within(&self.name.schema)
            .owned_by(&self.owner, target.clone());
        draft.remove = Some(sql!("DROP {}", target));
        if self.foreign.is_none() {
            draft.tablespace = Some(self.tablespace.clone());
        }
        draft.table_am = self.access_method.clone().filter(|_| self.has_rows());
        draft
    }

    fn create(&self, catalog: &Catalog, how: &Decisions) -> Sql {
        // 18 refuses the word for partitioned tables, and it never meant anything there.
        let unlogged = if self.unlogged && !self.is_partitioned() { "UNLOGGED " } else { "" };
        let mut out = sql!("CREATE {}{}", unlogged, self.target());
        if let Some(of_type) = &self.of_type {
            out.push(&sql!(" OF {}", of_type));
        }
        let elements = self.elements(catalog, how);
        if !elements.is_empty() {
            out.push(&sql!(" (\n    {}\n)", join(elements, ",\n    ")));
        } else if self.of_type.is_none() {
            out.push_str(" (\n)");
        }
        if !self.is_partition() && !self.joins && !self.parents.is_empty() {
            let parents = self.parents.iter().map(|parent| &parent.name);
            out.push(&sql!("\nINHERITS ({})", join(parents, ", ")));
        }
        if let Some(key) = &self.partition_key {
            out.push(&sql!("\nPARTITION BY {}", key));
        }
        if let Some(options) = clauses(&self.options, &self.toast_options) {
            out.push(&sql!("\nWITH ({})", options));
        }
        if let Some(foreign) = &self.foreign {
            out.push(&sql!("\nSERVER {}", foreign.server));
            out.push(&options(&foreign.options).map_or_else(Sql::default, |options| sql!("\n{}", options)));
        }
        out
    }

    /// Columns, constraints on columns of parents, CHECKs.
    fn elements(&self, catalog: &Catalog, how: &Decisions) -> Vec<Sql> {
        let mut out: Vec<Sql> = self.columns.iter().filter_map(|column| self.clause(column, catalog, how)).collect();
        if how.target >= CATALOGUED {
            let inherited = self.columns.iter().filter(|column| !self.prints(column));
            out.extend(inherited.filter_map(|column| {
                Some(column.not_null(how).filter(|not_null| not_null.local)?.table_clause(&column.name))
            }));
        }
        for &check in &self.checks {
            let id = ObjectId::new(Class::CONSTRAINT, check);
            if let Some(Object::Constraint(check)) = catalog.get(id).filter(|_| !how.apart.contains(&id)) {
                out.push(sql!("CONSTRAINT {} {}", check.name, check.definition));
            }
        }
        out
    }

    /// The column within the parentheses; `None` where a parent or the type says it all.
    fn clause(&self, column: &Column, catalog: &Catalog, how: &Decisions) -> Option<Sql> {
        if !self.prints(column) {
            return None;
        }
        let initial = match column.initial {
            Initial::Null => Some(Sql::constant(" DEFAULT NULL")),
            Initial::Default(oid) if how.apart.contains(&ObjectId::new(Class::ATTRDEF, oid)) => None,
            Initial::Default(oid) => expression(catalog, oid).map(|default| sql!(" DEFAULT {}", default)),
            Initial::Generated { expression: oid, stored } => expression(catalog, oid)
                .map(|expression| sql!(" GENERATED ALWAYS AS ({}){}", expression, if stored { " STORED" } else { "" })),
            Initial::Nothing | Initial::Recomputed(_) => None,
        };
        let not_null = column.not_null(how).filter(|not_null| not_null.local || self.is_partition() || self.joins);
        let mut out = sql!("{}", column.name);
        if self.of_type.is_some() {
            if initial.is_none() && not_null.is_none() {
                return None;
            }
        } else {
            out.push(&sql!(" {}{}", column.data_type, column.collate()));
        }
        out.push(&initial.unwrap_or_default());
        if let Some(not_null) = not_null {
            out.push(&sql!(" {}", not_null.clause()));
        }
        Some(out)
    }

    /// What an inherited column has of its own. A default has its own entry, as it may have to wait for others.
    fn amend(&self, column: &Column, catalog: &Catalog, how: &Decisions) -> Vec<Sql> {
        let mut what = Vec::new();
        let inherited = !self.prints(column);
        match column.initial {
            Initial::Null if inherited => what.push(Sql::constant("SET DEFAULT NULL")),
            Initial::Recomputed(oid) if how.target >= SET_EXPRESSION => {
                what.extend(expression(catalog, oid).map(|expression| sql!("SET EXPRESSION AS ({})", expression)));
            }
            _ => {}
        }
        if how.target < CATALOGUED {
            let local = column.not_null.as_ref().is_some_and(|not_null| not_null.local);
            what.extend((inherited && local).then(|| Sql::constant("SET NOT NULL")));
            what.extend(column.freed.then(|| Sql::constant("DROP NOT NULL")));
        }
        let alter = |what| sql!("ALTER TABLE ONLY {} ALTER COLUMN {} {}", self.name, column.name, what);
        what.into_iter().map(alter).collect()
    }
}

impl Column {
    /// That it may not be NULL, for the target.
    fn not_null(&self, how: &Decisions) -> Option<&NotNull> {
        let newer = self.not_null_18.as_ref().filter(|_| how.target >= CATALOGUED);
        newer.or(self.not_null.as_ref())
    }
}

fn expression(catalog: &Catalog, oid: u32) -> Option<&Sql> {
    match catalog.get(ObjectId::new(Class::ATTRDEF, oid))? {
        Object::AttributeDefault(default) => Some(&default.expression),
        _ => None,
    }
}
