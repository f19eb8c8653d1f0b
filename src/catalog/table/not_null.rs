//! `NOT NULL`: a mark on the column up to 17, a constraint with a name and rules of inheritance since 18.
//!
//! An older source has no names and does not say who inherits what; and it allows a child that may hold NULLs under a
//! parent that may not, which 18 does not. So each column gets what it needs for a target like the source
//! ([`Column::not_null`](super::Column::not_null)), and for one of 18 or later
//! ([`Column::not_null_18`](super::Column::not_null_18)) where that is something else.

use std::collections::{HashMap, HashSet};

use super::Table;
use super::family::{Family, Place, column, column_mut, places};
use crate::catalog::Constraint;
use crate::catalog::constraint::ConstraintKind;
use crate::sql;
use crate::sql::{Ident, Sql};
use crate::wire::version::ServerVersion;

/// The first major that has a row in `pg_constraint` for each.
pub(super) const CATALOGUED: u32 = 18;

/// That a column may not be NULL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotNull {
    /// The name of the constraint, where the server would choose another.
    pub name: Option<Ident>,
    /// Whether children are free of it.
    pub no_inherit: bool,
    /// Whether it holds by itself, and not only because a parent has it.
    pub local: bool,
}

impl NotNull {
    /// The clause within a column's definition.
    pub fn clause(&self) -> Sql {
        self.around(&Sql::constant("NOT NULL"))
    }

    /// The clause beside the columns' definitions (18).
    pub fn table_clause(&self, column: &Ident) -> Sql {
        self.around(&sql!("NOT NULL {}", column))
    }

    fn around(&self, what: &Sql) -> Sql {
        let name = self.name.as_ref().map_or_else(Sql::default, |name| sql!("CONSTRAINT {} ", name));
        sql!("{}{}{}", name, what, if self.no_inherit { " NO INHERIT" } else { "" })
    }
}

/// Finds out, for every column of every table, what has to be said about NULL.
pub(super) fn settle(tables: &mut [Table], family: &Family, source: ServerVersion, constraints: &[Constraint]) {
    if source.major() >= CATALOGUED {
        catalogued(tables, family, constraints);
    } else {
        marked(tables, family);
        marked_for_18(tables, family, constraints);
    }
}

/// 18 and later: the constraints say it all. Those that are not valid yet are statements of their own.
fn catalogued(tables: &mut [Table], family: &Family, constraints: &[Constraint]) {
    // The server avoids every name in the schema when it chooses one, so ours is safe to leave out only if it is unique.
    // What a child or partition has under the name of its parent's comes later, and is no other use of it.
    let named: HashSet<(u32, &Ident)> = constraints.iter().map(|c| (c.relation, &c.name)).collect();
    let handed_down = |constraint: &Constraint| {
        let table = family.table(constraint.relation).and_then(|i| tables.get(i));
        table.is_some_and(|table| table.parents.iter().any(|parent| named.contains(&(parent.oid, &constraint.name))))
    };
    let mut uses: HashMap<(&Ident, &Ident), u32> = HashMap::new();
    for constraint in constraints.iter().filter(|constraint| !handed_down(constraint)) {
        *uses.entry((&constraint.on.schema, &constraint.name)).or_default() += 1;
    }
    for constraint in constraints.iter().filter(|c| c.kind == ConstraintKind::NotNull && c.validated) {
        let Some(table) = family.table(constraint.relation).and_then(|i| tables.get_mut(i)) else { continue };
        let Some(column) = table.columns.iter_mut().find(|column| constraint.key.first() == Some(&column.number))
        else {
            continue;
        };
        let usual = object_name(table.name.name.as_str(), column.name.as_str(), "not_null");
        let alone = uses.get(&(&constraint.on.schema, &constraint.name)).is_none_or(|uses| *uses == 1);
        column.not_null = Some(NotNull {
            name: (constraint.name.as_str() != usual || !alone).then(|| constraint.name.clone()),
            no_inherit: constraint.no_inherit,
            local: constraint.local,
        });
    }
    // Inherited, but only from constraints that are not valid yet: then it holds here by itself.
    for place in places(tables) {
        let Some((table, here)) = column(tables, place) else { continue };
        let valid_above = |above| column(tables, above).is_some_and(|(_, parent)| parent.not_null.is_some());
        let orphan = !family.above(table, &here.name).any(valid_above);
        if let Some(not_null) = column_mut(tables, place).and_then(|column| column.not_null.as_mut()) {
            not_null.local |= orphan;
        }
    }
}

/// Up to 17, for a target up to 17: it is taken for inherited if any parent has it
/// (PostgreSQL 18, `src/bin/pg_dump/common.c`, `flagInhAttrs`).
fn marked(tables: &mut [Table], family: &Family) {
    for place in places(tables) {
        let Some((table, here)) = column(tables, place) else { continue };
        let marked_above = |above| column(tables, above).is_some_and(|(_, parent)| parent.marked_not_null);
        let inherited = family.above(table, &here.name).any(marked_above);
        let (marked, free) = (here.marked_not_null, !table.is_partition());
        let Some(column) = column_mut(tables, place) else { continue };
        if marked {
            column.not_null = Some(NotNull { name: None, no_inherit: false, local: !inherited });
        } else {
            column.freed = inherited && free;
        }
    }
}

/// Up to 17, for a target of 18 or later.
fn marked_for_18(tables: &mut [Table], family: &Family, constraints: &[Constraint]) {
    let lenient = lenient(tables, family, constraints);
    let strict = strict(tables, family);
    let mut names: HashMap<u32, HashSet<&str>> = HashMap::new();
    for constraint in constraints {
        names.entry(constraint.relation).or_default().insert(constraint.name.as_str());
    }
    for place in places(tables) {
        if !strict.contains(&place) {
            continue;
        }
        let Some((table, here)) = column(tables, place) else { continue };
        let inherited =
            family.above(table, &here.name).any(|above| strict.contains(&above) && !lenient.contains(&above));
        let taken = names.get(&table.id.oid);
        let not_null = NotNull {
            name: taken.and_then(|taken| free_name(table.name.name.as_str(), here.name.as_str(), taken)),
            no_inherit: lenient.contains(&place),
            local: !inherited,
        };
        if let Some(column) = column_mut(tables, place) {
            column.not_null_18 = Some(not_null);
        }
    }
}

/// The columns that may not be NULL but have, by ordinary inheritance, a child below that may. They become NO INHERIT.
/// A primary key cannot: there the child's load fails if it does hold NULLs.
fn lenient(tables: &[Table], family: &Family, constraints: &[Constraint]) -> HashSet<Place> {
    let keys = constraints.iter().filter(|c| c.kind == ConstraintKind::PrimaryKey);
    let keys: HashSet<(u32, i16)> = keys.flat_map(|c| c.key.iter().map(|&number| (c.relation, number))).collect();
    let mut out = HashSet::new();
    for place in places(tables) {
        let Some((table, nullable)) = column(tables, place) else { continue };
        if nullable.marked_not_null || table.is_partition() {
            continue;
        }
        let mut seen = HashSet::new();
        let mut climb: Vec<Place> = family.above(table, &nullable.name).collect();
        while let Some(above) = climb.pop() {
            let Some((parent, column)) = column(tables, above).filter(|_| seen.insert(above)) else { continue };
            if column.marked_not_null && !keys.contains(&(parent.id.oid, column.number)) {
                out.insert(above);
            }
            climb.extend(family.above(parent, &column.name));
        }
    }
    out
}

/// The columns that may not be NULL, and those of partitions whose parent's may not: no partition is attached without it.
fn strict(tables: &[Table], family: &Family) -> HashSet<Place> {
    let (mut out, mut rest): (HashSet<Place>, Vec<Place>) = (HashSet::new(), Vec::new());
    for place in places(tables) {
        match column(tables, place) {
            Some((_, column)) if column.marked_not_null => drop(out.insert(place)),
            Some((table, _)) if table.is_partition() => rest.push(place),
            _ => {}
        }
    }
    loop {
        let under = |place: &Place| {
            column(tables, *place)
                .is_some_and(|(table, column)| family.above(table, &column.name).any(|above| out.contains(&above)))
        };
        let (found, left): (Vec<Place>, Vec<Place>) = rest.into_iter().partition(under);
        if found.is_empty() {
            return out;
        }
        out.extend(found);
        rest = left;
    }
}

/// A name for the constraint, if the one that the server would choose belongs to another constraint of the table.
fn free_name(table: &str, column: &str, taken: &HashSet<&str>) -> Option<Ident> {
    if !taken.contains(object_name(table, column, "not_null").as_str()) {
        return None;
    }
    let names = (1..=taken.len()).map(|n| object_name(table, column, &format!("not_null{n}")));
    names.into_iter().find(|name| !taken.contains(name.as_str())).map(Ident::new)
}

/// The longest name in bytes (`NAMEDATALEN` - 1).
const LONGEST_NAME: usize = 63;

/// The name that the server makes of two names and a label: it shortens the longer one until all fits
/// (PostgreSQL 18, `src/backend/commands/indexcmds.c`, `makeObjectName`).
fn object_name(first: &str, second: &str, label: &str) -> String {
    let room = LONGEST_NAME.saturating_sub(label.len() + 2);
    let (mut one, mut two) = (first.len(), second.len());
    while one + two > room {
        if one > two { one -= 1 } else { two -= 1 }
    }
    // Never within a character.
    let clip = |text: &str, at: usize| (0..=at).rev().find_map(|at| text.get(..at)).unwrap_or_default().to_owned();
    format!("{}_{}_{label}", clip(first, one), clip(second, two))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shortened_as_the_server_does_it() {
        assert_eq!(object_name("t", "c", "not_null"), "t_c_not_null");
        let long = object_name(&"t".repeat(63), &"c".repeat(10), "not_null");
        assert_eq!(long, format!("{}_cccccccccc_not_null", "t".repeat(43)));
        assert_eq!(object_name(&"é".repeat(31), &"c".repeat(31), "not_null").len(), 26 + 26 + 10);
    }

    #[test]
    fn a_taken_name_gets_a_number() {
        let taken = HashSet::from(["t_c_not_null", "t_c_not_null1"]);
        assert_eq!(free_name("t", "c", &taken), Some(Ident::new("t_c_not_null2")));
        assert_eq!(free_name("t", "d", &taken), None);
    }

    #[test]
    fn clauses() {
        let named = NotNull { name: Some("a b".into()), no_inherit: true, local: true };
        assert_eq!(named.clause().as_str(), r#"CONSTRAINT "a b" NOT NULL NO INHERIT"#);
        let plain = NotNull { name: None, no_inherit: false, local: true };
        assert_eq!(plain.table_clause(&"c".into()).as_str(), r#"NOT NULL "c""#);
    }
}
