//! Constraints on domains (`pg_constraint`): CHECKs, and since 17 NOT NULL.

use super::*;

/// A constraint on a domain.
#[derive(Clone, Debug)]
pub struct DomainConstraint {
    /// Which object this is.
    pub id: ObjectId,
    /// The domain.
    pub domain: ObjectId,
    /// The domain's name.
    pub domain_name: QualName,
    /// The constraint's own name.
    pub name: Ident,
    /// What follows its name, `NOT VALID` included.
    pub definition: Sql,
    /// Whether all values are known to satisfy it.
    pub validated: bool,
}

pub(in crate::catalog) const QUERY: Query = Query::of(
    &[
        expr("oid", "k.oid"),
        expr("domain", "k.contypid"),
        expr("schema", "n.nspname::text"),
        expr("domain_name", "t.typname::text"),
        expr("name", "k.conname::text"),
        expr("definition", "pg_get_constraintdef(k.oid)"),
        expr("validated", "k.convalidated"),
    ],
    concat!(
        "FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE k.contypid <> 0 AND ",
        in_user_schema!(),
        " ORDER BY n.nspname, t.typname, k.conname"
    ),
);

pub(in crate::catalog) fn decode(row: &Row) -> Result<DomainConstraint> {
    Ok(DomainConstraint {
        id: ObjectId::new(Class::CONSTRAINT, row.get("oid")?),
        domain: ObjectId::new(Class::TYPE, row.get("domain")?),
        domain_name: QualName::new(row.get::<String>("schema")?, row.get::<String>("domain_name")?),
        name: Ident::new(row.get::<String>("name")?),
        definition: Sql::deparsed(row.get::<String>("definition")?),
        validated: row.get("validated")?,
    })
}

impl DomainConstraint {
    /// Whether it stands in the statement that makes the domain.
    pub fn is_inline(&self, how: &Decisions) -> bool {
        self.validated && !how.apart.contains(&self.id)
    }

    pub(super) fn is_not_null(&self) -> bool {
        self.definition.as_str().starts_with("NOT NULL")
    }
}

impl Render for DomainConstraint {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("CONSTRAINT {} ON DOMAIN {}", self.name, self.domain_name)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::Constraint
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        let domain = &self.domain_name;
        (domain.schema.as_str().to_owned(), format!("{} {}", domain.name.as_str(), self.name.as_str()))
    }

    fn section(&self, _part: Part) -> Section {
        if self.validated { Section::PreData } else { Section::PostData }
    }

    fn draft(&self, _part: Part, _catalog: &Catalog, how: &Decisions) -> Option<Draft> {
        if self.is_inline(how) {
            return None;
        }
        let domain = &self.domain_name;
        let create = sql!("ALTER DOMAIN {} ADD CONSTRAINT {} {}", domain, self.name, self.definition);
        let tag = format!("{} {}", domain.name.as_str(), self.name.as_str());
        let mut draft = Draft::new(Kind::CheckConstraint, Section::PostData, tag, vec![create]).within(&domain.schema);
        draft.remove = Some(sql!("ALTER DOMAIN {} DROP CONSTRAINT {}", domain, self.name));
        Some(draft)
    }

    fn edges(&self, _catalog: &Catalog) -> Vec<(Node, Node)> {
        // The domain is made with it. The loop that this closes is what planning looks for.
        if self.validated { vec![(Node::definition(self.domain), Node::definition(self.id))] } else { Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{catalog, texts};
    use super::*;

    #[test]
    fn one_that_waits_is_added() {
        let constraint = |validated| DomainConstraint {
            id: ObjectId::new(Class::CONSTRAINT, 1),
            domain: ObjectId::new(Class::TYPE, 7),
            domain_name: QualName::new("s", "d"),
            name: "k".into(),
            definition: Sql::constant("CHECK (f(VALUE))"),
            validated,
        };
        let mut how = Decisions::default();
        let draft = |validated, how: &Decisions| constraint(validated).draft(Part::Definition, &catalog(12), how);
        assert!(draft(true, &how).is_none());
        let added = draft(false, &how).unwrap();
        assert_eq!(texts(&added.create), ["ALTER DOMAIN \"s\".\"d\" ADD CONSTRAINT \"k\" CHECK (f(VALUE))"]);
        how.apart.insert(ObjectId::new(Class::CONSTRAINT, 1));
        assert_eq!(draft(true, &how).unwrap().section, Section::PostData);
        assert_eq!(constraint(true).edges(&catalog(12)).len(), 1);
        assert!(constraint(false).edges(&catalog(12)).is_empty());
    }
}
