//! What children and partitions may no longer have otherwise than their parents.

use super::Hazard;
use crate::catalog::sequence::Belongs;
use crate::catalog::table::{Column, Table};
use crate::catalog::{Catalog, Object};

/// Since when a column and that of its parent must both be generated, or neither.
const GENERATED_ALIKE: u32 = 16;
/// Since when a partition cannot have an identity column of its own.
const NO_IDENTITY_IN_PARTITIONS: u32 = 17;
/// Since when NOT NULL is always handed down.
const NOT_NULL_HANDED_DOWN: u32 = 18;

/// Finds them for one object; `crosses` says whether the run leads over a major.
pub(super) fn find(catalog: &Catalog, object: &Object, crosses: impl Fn(u32) -> bool) -> Vec<Hazard> {
    let mut out = Vec::new();
    match object {
        Object::Table(table) => {
            for column in &table.columns {
                if crosses(GENERATED_ALIKE) {
                    out.extend(generated(catalog, table, column));
                }
                if crosses(NOT_NULL_HANDED_DOWN) {
                    out.extend(nullable(catalog, table, column));
                }
            }
        }
        Object::Sequence(sequence) if crosses(NO_IDENTITY_IN_PARTITIONS) => {
            let column = sequence.column.as_ref();
            out.extend(column.filter(|c| c.in_partition && c.belongs != Belongs::Owned).map(|column| Hazard {
                subject: format!("column {}.{}", column.on.label(), column.name.as_str()),
                text: "the identity column of a partition becomes a column with a sequence and a default".to_owned(),
                remedy: "Roles that insert into the partition itself need USAGE on the sequence.",
                fatal: false,
            }));
        }
        _ => {}
    }
    out
}

/// The columns of the same name in the parents of a table.
fn above<'a>(
    catalog: &'a Catalog,
    table: &'a Table,
    column: &'a Column,
) -> impl Iterator<Item = (&'a Table, &'a Column)> {
    let parents = table.parents.iter().filter_map(|parent| catalog.table(parent.oid));
    parents.filter_map(|parent| Some((parent, parent.columns.iter().find(|above| above.name == column.name)?)))
}

fn generated(catalog: &Catalog, table: &Table, column: &Column) -> Option<Hazard> {
    let differs = |above: &Column| above.generated.is_some() != column.generated.is_some();
    let (parent, _) = above(catalog, table, column).find(|(_, above)| differs(above))?;
    let (here, there) = if column.generated.is_some() { ("generated", "not") } else { ("not generated", "generated") };
    Some(Hazard {
        subject: format!("column {}.{}", table.name.label(), column.name.as_str()),
        text: format!(
            "it is {here}, and that of its parent {} is {there}: 16 and later refuse this",
            parent.name.label()
        ),
        remedy: "Make both columns alike, or end the inheritance (ALTER TABLE .. NO INHERIT).",
        fatal: true,
    })
}

fn nullable(catalog: &Catalog, table: &Table, column: &Column) -> Option<Hazard> {
    let strict = |above: &Column| above.not_null_18.as_ref().is_some_and(|not_null| !not_null.no_inherit);
    let here = !column.marked_not_null && above(catalog, table, column).any(|(_, above)| strict(above));
    here.then(|| Hazard {
        subject: format!("column {}.{}", table.name.label(), column.name.as_str()),
        text: "it may be NULL, and that of its parent may not; 18 and later hand NOT NULL down".to_owned(),
        remedy: "The load fails if there are NULLs in it.",
        fatal: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::hazards;
    use crate::catalog::table::{Inherits, testing::table};
    use crate::catalog::testing::holding;

    fn family(generated: bool) -> Vec<Object> {
        let parent = table(1, "parent", vec![Column::plain(1, "a", "integer")]);
        let mut child = table(2, "child", vec![Column::plain(1, "a", "integer")]);
        child.parents.push(Inherits { oid: 1, name: parent.name.clone() });
        child.columns[0].generated = generated.then_some(true);
        vec![parent.into(), child.into()]
    }

    #[test]
    fn a_generated_column_under_a_plain_one_is_refused_from_16_on() {
        let fatal = |source, target| hazards(&holding(source, family(true)), target).iter().any(|hazard| hazard.fatal);
        assert!(fatal(15, 16));
        assert!(!fatal(15, 15));
        assert!(hazards(&holding(15, family(false)), 18).is_empty());
    }

    #[test]
    fn a_nullable_child_of_a_strict_parent_may_be_refused_by_18() {
        let mut objects = family(false);
        if let Some(Object::Table(parent)) = objects.first_mut() {
            let not_null = crate::catalog::table::NotNull { name: None, no_inherit: false, local: true };
            parent.columns[0].not_null_18 = Some(not_null);
        }
        let found = hazards(&holding(15, objects), 18);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].subject.as_str(), found[0].fatal), ("column s.child.a", false));
    }
}
