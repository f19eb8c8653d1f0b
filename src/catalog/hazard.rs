//! What a newer major does not allow, or not in the same way, although the old one did.

use std::collections::{HashMap, HashSet};

use super::constraint::triggers::is_lost;
use super::sequence::Belongs;
use super::table::{Column, Table, with_children};
use super::{Catalog, Class, Object, ObjectId, Part, subscription};

/// Since when a column and that of its parent must both be generated, or neither.
const GENERATED_ALIKE: u32 = 16;
/// Since when a partition cannot have an identity column of its own.
const NO_IDENTITY_IN_PARTITIONS: u32 = 17;
/// Since when NOT NULL is always handed down.
const NOT_NULL_HANDED_DOWN: u32 = 18;

/// Something that cannot be made as it is on the old server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hazard {
    /// The object, as a user would name it.
    pub subject: String,
    /// What is the matter, as a lower-case fragment.
    pub text: String,
    /// What to do about it, as a sentence.
    pub remedy: &'static str,
    /// Whether it cannot be made at all. Otherwise something else is made in its place, or its rows may be refused.
    pub fatal: bool,
}

/// Finds what a server of major `target` would refuse or change.
pub fn hazards(catalog: &Catalog, target: u32) -> Vec<Hazard> {
    let source = catalog.version.major();
    let crosses = |since: u32| source < since && target >= since;
    let mut out: Vec<Hazard> =
        catalog.aspects.unreadable_subscriptions.iter().map(|name| subscription::unreadable(name)).collect();
    out.extend(catalog.aspects.remarks.iter().filter(|remark| remark.is_set).map(|remark| Hazard {
        subject: remark.label(),
        text: "its planner settings are left behind, as it is an extension's".to_owned(),
        remedy: "Repeat ALTER TABLE .. ALTER COLUMN .. SET on the new server.",
        fatal: false,
    }));
    out.extend(filled_from_afar(catalog));
    for object in catalog.objects() {
        match object {
            Object::Subscription(subscription) => out.push(subscription.hazard()),
            Object::Table(table) => {
                out.extend(over_foreign(catalog, table));
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
                    text:
                        "the identity column of a partition becomes a column with a sequence and a default".to_owned(),
                    remedy: "Roles that insert into the partition itself need USAGE on the sequence.",
                    fatal: false,
                }));
            }
            Object::Constraint(constraint) if is_lost(constraint, catalog) => out.push(Hazard {
                subject: format!("constraint {} on {}", constraint.name.as_str(), constraint.on.label()),
                text: "its triggers are not in the usual state here, and will be there: there is no plpgsql to set it with"
                    .to_owned(),
                remedy: "CREATE EXTENSION plpgsql on the old server, or say ALTER TABLE .. DISABLE TRIGGER ALL on the new one.",
                fatal: false,
            }),
            Object::UserMapping(mapping) if mapping.hidden => out.push(Hazard {
                subject: mapping.label(),
                text: "its options are hidden from this role, so that it is made without any".to_owned(),
                remedy: "Connect to the old server as a superuser, or say ALTER USER MAPPING .. OPTIONS (ADD ..) on the new one.",
                fatal: false,
            }),
            _ => {}
        }
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

/// What becomes of a table that has foreign ones below it.
fn over_foreign(catalog: &Catalog, table: &Table) -> Option<Hazard> {
    if table.foreign.is_some() || table.children.is_empty() {
        return None;
    }
    let below = with_children(catalog, table.id.oid);
    let foreign = below.iter().filter_map(|id| catalog.table(id.oid)).find(|below| below.foreign.is_some())?;
    let far = foreign.name.label();
    let hazard = |text, remedy, fatal| Hazard { subject: format!("table {}", table.name.label()), text, remedy, fatal };
    Some(if table.rehashed {
        let text = format!("its rows may belong elsewhere on the new server, and so into the foreign table {far}");
        hazard(text, "Detach the foreign partitions, and attach them on the new server.", true)
    } else {
        let text = format!("no planner statistics are collected: that would read the foreign table {far} below it");
        hazard(text, "ANALYZE it when the new server can reach what is far.", false)
    })
}

/// The materialized views that are filled from foreign tables, by themselves or by way of views that they read.
fn filled_from_afar(catalog: &Catalog) -> Vec<Hazard> {
    let is_foreign = |id: &ObjectId| catalog.table(id.oid).is_some_and(|table| table.foreign.is_some());
    if !catalog.objects().iter().any(|object| is_foreign(&object.id())) {
        return Vec::new();
    }
    let mut reads: HashMap<ObjectId, Vec<ObjectId>> = HashMap::new();
    for row in &catalog.depends {
        let (object, needs) = (catalog.resolve(row.object), catalog.resolve(row.needs));
        if matches!(catalog.get(object), Some(Object::View(_))) && needs.class == Class::RELATION {
            reads.entry(object).or_default().push(needs);
        }
    }
    let mut out = Vec::new();
    for object in catalog.objects().iter().filter(|object| object.render().parts().contains(&Part::Refresh)) {
        let (mut next, mut seen) = (vec![object.id()], HashSet::new());
        while let Some(id) = next.pop() {
            next.extend(reads.get(&id).into_iter().flatten().copied().filter(|read| seen.insert(*read)));
        }
        let far = seen.iter().filter(|id| is_foreign(id)).filter_map(|id| catalog.relation_name(id.oid)).min();
        let view = catalog.relation_name(object.id().oid);
        out.extend(far.zip(view).map(|(far, view)| Hazard {
            subject: format!("materialized view {}", view.label()),
            text: format!("it is filled by reading the foreign table {}, wherever that is", far.label()),
            remedy: "The run fails if the new server cannot. REFRESH MATERIALIZED VIEW .. WITH NO DATA on the old server \
                     leaves it empty on both.",
            fatal: false,
        }));
    }
    out
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
