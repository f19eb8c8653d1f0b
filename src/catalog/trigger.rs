//! Triggers (`pg_trigger`).
//!
//! A row trigger on a partitioned table has a clone on every partition. The server makes these; we only say which of them
//! are enabled otherwise than the original.

use std::collections::HashMap;

use super::query::{Query, expr, in_user_schema};
use super::rule::enabled;
use super::table::with_partitions;
use super::{Catalog, Class, Decisions, Draft, Node, ObjectId, Part, Priority, Render};
use crate::error::Result;
use crate::sql;
use crate::sql::{Ident, QualName, Sql};
use crate::toc::{Kind, Section};
use crate::wire::session::Row;

/// All triggers that users made, and their clones. Clones count as internal up to 14; those that serve foreign keys and
/// deferrable keys always do.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "g.oid"),
        expr("name", "g.tgname::text"),
        expr("relation", "g.tgrelid"),
        expr("schema", "n.nspname::text"),
        expr("relation_name", "c.relname::text"),
        expr("enabled", "g.tgenabled::text"),
        expr("internal", "g.tgisinternal"),
        expr("parent", "nullif(g.tgparentid, 0)").since(
            13,
            "(SELECT d.refobjid FROM pg_depend d WHERE d.classid = 'pg_trigger'::regclass AND d.objid = g.oid \
             AND d.refclassid = 'pg_trigger'::regclass)",
        ),
        // Not the pretty form: that leaves out parentheses which a later server may need.
        expr("definition", "CASE WHEN NOT g.tgisinternal THEN pg_get_triggerdef(g.oid, false) END"),
    ],
    concat!(
        "FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace ",
        "LEFT JOIN pg_constraint k ON k.oid = g.tgconstraint ",
        "WHERE c.relkind IN ('r', 'p', 'v', 'f') AND coalesce(k.contype, 't') = 't' AND ",
        in_user_schema!(),
        " ORDER BY g.oid"
    ),
);

/// A trigger.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: Ident,
    /// The table or view.
    pub relation: u32,
    /// Its name.
    pub on: QualName,
    /// When it fires, where that is not what is usual: what follows `ALTER TABLE t` and precedes `TRIGGER`.
    pub enabled: Option<&'static str>,
    /// What makes it.
    pub made: Made,
}

/// How a trigger comes into being.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// By this statement.
    By(Sql),
    /// With the trigger (OID) on the partitioned table above.
    With(u32),
}

/// One row of [`QUERY`]; `None` for an internal trigger that is no clone.
///
/// # Errors
/// If the row is not what the query promises.
pub(super) fn decode(row: &Row) -> Result<Option<Trigger>> {
    let name: String = row.get("name")?;
    let made = match (row.get::<Option<u32>>("parent")?, row.get::<Option<String>>("definition")?) {
        (Some(parent), _) => Made::With(parent),
        (None, Some(definition)) if !row.get::<bool>("internal")? => Made::By(Sql::deparsed(definition)),
        (None, _) => return Ok(None),
    };
    Ok(Some(Trigger {
        id: ObjectId::new(Class::TRIGGER, row.get("oid")?),
        relation: row.get("relation")?,
        on: QualName::new(row.get::<String>("schema")?, row.get::<String>("relation_name")?),
        enabled: enabled(&row.get::<String>("enabled")?).map_err(|error| error.about(&name))?,
        made,
        name: name.into(),
    }))
}

/// Leaves out the clones that are as enabled as what they are clones of, and ties the others to the next one above that is
/// left: its state is handed down to them, so theirs comes after.
pub(super) fn assemble(triggers: Vec<Trigger>) -> Vec<Trigger> {
    let above: HashMap<u32, (Option<&'static str>, Option<u32>)> =
        triggers.iter().map(|trigger| (trigger.id.oid, (trigger.enabled, trigger.clone_of()))).collect();
    let differs = |trigger: &(Option<&'static str>, Option<u32>)| match trigger.1 {
        Some(parent) => above.get(&parent).is_some_and(|parent| parent.0 != trigger.0),
        None => true,
    };
    let mut out = Vec::new();
    for mut trigger in triggers {
        if let Some(mut parent) = trigger.clone_of() {
            if !differs(&(trigger.enabled, Some(parent))) {
                continue;
            }
            // No chain is longer than there are triggers.
            for _ in 0..above.len() {
                match above.get(&parent) {
                    Some(state) if !differs(state) => parent = state.1.unwrap_or(parent),
                    _ => break,
                }
            }
            trigger.made = Made::With(parent);
        }
        out.push(trigger);
    }
    out
}

impl Trigger {
    /// The OID of the table or view.
    pub fn table(&self) -> u32 {
        self.relation
    }

    /// Whether it comes with a trigger on the partitioned table above.
    pub fn is_clone(&self) -> bool {
        self.clone_of().is_some()
    }

    fn clone_of(&self) -> Option<u32> {
        match self.made {
            Made::With(parent) => Some(parent),
            Made::By(_) => None,
        }
    }
}

impl Render for Trigger {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("TRIGGER {} ON {}", self.name, self.on)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::Trigger
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.on.schema.as_str().to_owned(), format!("{}\0{}", self.name.as_str(), self.on.name.as_str()))
    }

    fn section(&self, _part: Part) -> Section {
        Section::PostData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let set = |state| sql!("ALTER TABLE {} {} TRIGGER {}", self.on, state, self.name);
        let create = match &self.made {
            Made::By(definition) => [definition.clone()].into_iter().chain(self.enabled.map(set)).collect(),
            // The clone has the state of what it is a clone of, so that the usual one must be said too.
            Made::With(_) => vec![set(self.enabled.unwrap_or("ENABLE"))],
        };
        let tag = format!("{} {}", self.on.name.as_str(), self.name.as_str());
        let mut draft = Draft::new(Kind::Trigger, Section::PostData, tag, create).within(&self.on.schema);
        if self.clone_of().is_none() {
            draft.remove = Some(sql!("DROP {}", self.identity(catalog)));
        }
        draft.locks = with_partitions(catalog, self.relation);
        Some(draft)
    }

    fn edges(&self, _catalog: &Catalog) -> Vec<(Node, Node)> {
        let own = Node::definition(self.id);
        let mut edges = vec![(own, Node::definition(ObjectId::relation(self.relation)))];
        edges.extend(self.clone_of().map(|parent| (own, Node::definition(ObjectId::new(Class::TRIGGER, parent)))));
        edges
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{catalog, texts};

    fn trigger(oid: u32, parent: Option<u32>, enabled: Option<&'static str>) -> Trigger {
        let made = match parent {
            Some(parent) => Made::With(parent),
            None => Made::By(Sql::constant("CREATE TRIGGER g BEFORE INSERT ON s.t EXECUTE FUNCTION s.f()")),
        };
        Trigger {
            id: ObjectId::new(Class::TRIGGER, oid),
            name: "g".into(),
            relation: 9,
            on: QualName::new("s", "t"),
            enabled,
            made,
        }
    }

    fn create(trigger: &Trigger) -> Vec<Sql> {
        let draft = trigger.draft(Part::Definition, &catalog(15), &Decisions::default());
        draft.map(|draft| draft.create).unwrap_or_default()
    }

    #[test]
    fn only_clones_that_differ_are_left_and_they_follow_whoever_hands_down_a_state() {
        let left = assemble(vec![
            trigger(1, None, Some("DISABLE")),
            trigger(2, Some(1), Some("DISABLE")),
            trigger(3, Some(2), None),
            trigger(4, Some(3), None),
        ]);
        let left: Vec<_> = left.iter().map(|trigger| (trigger.id.oid, trigger.clone_of())).collect();
        assert_eq!(left, [(1, None), (3, Some(1))]);
    }

    #[test]
    fn a_trigger_and_its_state() {
        let made = create(&trigger(1, None, Some("ENABLE REPLICA")));
        assert_eq!(made[1].as_str(), r#"ALTER TABLE "s"."t" ENABLE REPLICA TRIGGER "g""#);
        assert_eq!(texts(&create(&trigger(3, Some(1), None))), [r#"ALTER TABLE "s"."t" ENABLE TRIGGER "g""#]);
    }
}
