//! What arrives with less than it had, whatever the majors.

use std::collections::{HashMap, HashSet};

use super::Hazard;
use crate::catalog::constraint::triggers::is_lost;
use crate::catalog::table::{Table, with_children};
use crate::catalog::{Catalog, Class, Object, ObjectId, Part, subscription};

/// Finds what is of no single object.
pub(super) fn find_all(catalog: &Catalog) -> Vec<Hazard> {
    let mut out: Vec<Hazard> =
        catalog.aspects.unreadable_subscriptions.iter().map(|name| subscription::unreadable(name)).collect();
    out.extend(catalog.aspects.remarks.iter().filter(|remark| remark.is_set).map(|remark| Hazard {
        subject: remark.label(),
        text: "its planner settings are left behind, as it is an extension's".to_owned(),
        remedy: "Repeat ALTER TABLE .. ALTER COLUMN .. SET on the new server.",
        fatal: false,
    }));
    out.extend(filled_from_afar(catalog));
    out
}

/// Finds it for one object.
pub(super) fn find(catalog: &Catalog, object: &Object) -> Option<Hazard> {
    match object {
        Object::Subscription(subscription) => Some(subscription.hazard()),
        Object::Table(table) => over_foreign(catalog, table),
        Object::Constraint(constraint) if is_lost(constraint, catalog) => Some(Hazard {
            subject: format!("constraint {} on {}", constraint.name.as_str(), constraint.on.label()),
            text: "its triggers are not in the usual state here, and will be there: there is no plpgsql to set it with"
                .to_owned(),
            remedy: "CREATE EXTENSION plpgsql on the old server, or say ALTER TABLE .. DISABLE TRIGGER ALL on the new one.",
            fatal: false,
        }),
        Object::UserMapping(mapping) if mapping.hidden => Some(Hazard {
            subject: mapping.label(),
            text: "its options are hidden from this role, so that it is made without any".to_owned(),
            remedy: "Connect to the old server as a superuser, or say ALTER USER MAPPING .. OPTIONS (ADD ..) on the new one.",
            fatal: false,
        }),
        _ => None,
    }
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
