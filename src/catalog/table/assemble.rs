//! Tables from the rows of several queries.

use std::collections::{HashMap, HashSet};

use super::family::{Family, Place, column, column_mut, places};
use super::{AttributeDefault, Column, Inherits, Initial, Table, not_null};
use crate::catalog::Constraint;
use crate::catalog::constraint::ConstraintKind;
use crate::error::Result;
use crate::sql::{Ident, Sql};
use crate::wire::version::ServerVersion;

/// What was read, and belongs together.
pub(in crate::catalog) struct Rows<'a> {
    /// The tables, from [`RELATIONS`](super::RELATIONS). Those of extensions too: others may inherit from them.
    pub tables: Vec<Table>,
    /// The columns of all relations; those of tables are taken out.
    pub columns: &'a mut HashMap<u32, Vec<Column>>,
    /// The defaults of all columns.
    pub defaults: Vec<AttributeDefault>,
    /// Who inherits from whom, in the order of the parents.
    pub inherits: Vec<(u32, Inherits)>,
    /// The privileges of columns of all relations.
    pub column_acls: &'a [(u32, Ident, Vec<String>)],
    /// The constraints on all tables.
    pub constraints: &'a [Constraint],
    /// The server that it was read from.
    pub source: ServerVersion,
}

/// Puts the tables together, and says of every default whether it stands in its table's statement.
///
/// # Errors
/// If the privileges of a column make no sense.
pub(in crate::catalog) fn assemble(rows: Rows<'_>) -> Result<(Vec<Table>, Vec<AttributeDefault>)> {
    let Rows { mut tables, columns, mut defaults, inherits, column_acls, constraints, source } = rows;
    for table in &mut tables {
        table.columns = columns.remove(&table.id.oid).unwrap_or_default();
    }
    let by_oid: HashMap<u32, usize> = tables.iter().enumerate().map(|(i, table)| (table.id.oid, i)).collect();
    for (child, parent) in inherits {
        if let Some(parent) = by_oid.get(&parent.oid).and_then(|&i| tables.get_mut(i)) {
            parent.children.push(child);
        }
        if let Some(child) = by_oid.get(&child).and_then(|&i| tables.get_mut(i)) {
            child.parents.push(parent);
        }
    }
    for (relation, column, items) in column_acls {
        if let Some(table) = by_oid.get(relation).and_then(|&i| tables.get_mut(i)) {
            table.acl.add_column(column.clone(), items)?;
        }
    }
    for check in constraints.iter().filter(|c| c.kind == ConstraintKind::Check && c.validated) {
        let table = by_oid.get(&check.relation).and_then(|&i| tables.get_mut(i));
        if let Some(table) = table.filter(|table| check.local || table.is_partition()) {
            table.checks.push(check.id.oid);
        }
    }
    let family = Family::of(&tables);
    let joining = joining(&tables, &family, constraints);
    for joins in joining {
        if let Some(table) = tables.get_mut(joins) {
            table.joins = true;
        }
    }
    set_defaults(&mut tables, &family, &mut defaults);
    cancel_defaults(&mut tables, &family, &defaults);
    not_null::settle(&mut tables, &family, source, constraints);
    route(&mut tables, &family);
    Ok((tables, defaults))
}

/// The children whose columns are all their own but stand in another order than `INHERITS` would put them in. That is so
/// after `ALTER TABLE .. INHERIT`, and it takes that to make them. A constraint that is only inherited would become the
/// child's own; then the order has to give way.
fn joining(tables: &[Table], family: &Family, constraints: &[Constraint]) -> Vec<usize> {
    let mut out = Vec::new();
    for (i, table) in tables.iter().enumerate() {
        if table.is_partition() || table.parents.is_empty() || !table.columns.iter().all(|column| column.local) {
            continue;
        }
        let parents = table.parents.iter().filter_map(|parent| tables.get(family.table(parent.oid)?));
        let above = parents.flat_map(|parent| &parent.columns);
        let (mut seen, mut merged): (HashSet<&Ident>, Vec<&Ident>) = Default::default();
        merged.extend(above.chain(&table.columns).map(|column| &column.name).filter(|name| seen.insert(*name)));
        if table.columns.iter().map(|column| &column.name).ne(merged) {
            out.push(i);
        }
    }
    let inherited = constraints.iter().filter(|c| c.is_inline() && !c.local);
    let inherited: HashSet<usize> = inherited.filter_map(|c| family.table(c.relation)).collect();
    // One that may be NULL under a parent's that may not cannot join: it is created so, and freed.
    let free = |table: &Table| {
        table.columns.iter().filter(|column| !column.marked_not_null).any(|free| {
            let mut above = family.above(table, &free.name);
            above.any(|above| column(tables, above).is_some_and(|(_, parent)| parent.marked_not_null))
        })
    };
    out.retain(|i| !inherited.contains(i) && !tables.get(*i).is_some_and(free));
    out
}

/// Says of every column what it holds when nothing is given.
fn set_defaults(tables: &mut [Table], family: &Family, defaults: &mut [AttributeDefault]) {
    let mut at: HashMap<Place, Sql> = HashMap::new();
    let mut found: Vec<(usize, Place)> = Vec::new();
    for (number, default) in defaults.iter().enumerate() {
        let Some(i) = family.table(default.relation) else { continue };
        let columns = tables.get(i).map(|table| table.columns.as_slice()).unwrap_or_default();
        let Some(j) = columns.iter().position(|column| column.number == default.number) else { continue };
        at.insert((i, j), default.expression.clone());
        found.push((number, (i, j)));
    }
    for (number, place) in found {
        let (Some(default), Some((table, here))) = (defaults.get_mut(number), column(tables, place)) else { continue };
        let printed = table.prints(here);
        let oid = default.id.oid;
        let initial = match here.generated {
            None if printed => Initial::Default(oid),
            None => Initial::Nothing,
            Some(stored) => {
                let above = family
                    .above(table, &here.name)
                    .filter(|&above| column(tables, above).is_some_and(|(_, parent)| parent.generated.is_some()));
                let same: Vec<bool> = above.map(|above| at.get(&above) == Some(&default.expression)).collect();
                match (same.contains(&true), same.contains(&false)) {
                    (true, false) if !table.is_partition() && !table.joins => Initial::Nothing,
                    _ if printed => Initial::Generated { expression: oid, stored },
                    _ => Initial::Recomputed(oid),
                }
            }
        };
        default.inline = initial != Initial::Nothing;
        if let Some(column) = column_mut(tables, place) {
            column.initial = initial;
        }
    }
}

/// A child without default, of a parent with one, must say so.
fn cancel_defaults(tables: &mut [Table], family: &Family, defaults: &[AttributeDefault]) {
    let real = defaults.iter().filter(|default| !default.generated && default.expression.as_str() != "NULL");
    let mut own: HashMap<(u32, i16), bool> = defaults.iter().map(|d| ((d.relation, d.number), false)).collect();
    own.extend(real.map(|default| ((default.relation, default.number), true)));
    for place in places(tables) {
        let Some((table, here)) = column(tables, place) else { continue };
        let key = |table: &Table, column: &Column| (table.id.oid, column.number);
        if own.contains_key(&key(table, here)) {
            continue;
        }
        let cancelled = family.above(table, &here.name).any(|above| {
            column(tables, above).is_some_and(|(parent, column)| own.get(&key(parent, column)) == Some(&true))
        });
        if let Some(column) = column_mut(tables, place).filter(|_| cancelled) {
            column.initial = Initial::Null;
        }
    }
}

/// Finds the tables whose rows may belong elsewhere on the new server, and what they must be loaded through: the topmost
/// partitioned table whose key is hashed into something else there.
fn route(tables: &mut [Table], family: &Family) {
    let parent_of = |table: &Table| {
        let parent = table.parents.first().filter(|_| table.is_partition())?;
        family.table(parent.oid)
    };
    let mut found = Vec::new();
    for (i, table) in tables.iter().enumerate().filter(|(_, table)| !table.is_partitioned()) {
        let mut into = None;
        let mut up = parent_of(table);
        // No chain is longer than there are tables.
        for _ in 0..tables.len() {
            let Some(parent) = up.and_then(|i| tables.get(i)) else { break };
            if parent.rehashed {
                into = Some((parent.id.oid, parent.name.clone()));
            }
            up = parent_of(parent);
        }
        found.extend(into.map(|into| (i, into)));
    }
    for (i, into) in found {
        if let Some(table) = tables.get_mut(i) {
            table.into = Some(into);
        }
    }
}
