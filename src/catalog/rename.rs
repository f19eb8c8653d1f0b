//! One role under another name: the bootstrap superuser need not be called the same on both servers.

use super::{Catalog, Object};
use crate::sql::Ident;

impl Catalog {
    /// Calls a role otherwise, wherever it is named: as an owner, in privileges, in policies and settings. Text of functions
    /// and expressions that mentions it is left alone.
    pub fn rename_role(&mut self, from: &Ident, to: &Ident) {
        let rename = |role: &mut Ident| {
            if role == from {
                role.clone_from(to);
            }
        };
        for object in &mut self.objects {
            roles_of(object).into_iter().for_each(rename);
            if let Object::Function(function) = object {
                function.settings.iter_mut().for_each(|setting| setting.rename_role(from, to));
            }
        }
        self.aspects.alien_acls.iter_mut().flat_map(|acl| acl.roles_mut()).for_each(rename);
        self.database.acl.iter_mut().flat_map(|acl| acl.roles_mut()).for_each(rename);
        for (role, setting) in &mut self.database.settings {
            role.iter_mut().for_each(rename);
            setting.rename_role(from, to);
        }
    }
}

/// Every role that an object names, but for what its settings say. Every kind has its line.
fn roles_of(object: &mut Object) -> Vec<&mut Ident> {
    match object {
        Object::Schema(schema) => schema.acl.roles_mut().collect(),
        Object::Type(of) => of.acl.roles_mut().collect(),
        Object::Function(function) => function.acl.roles_mut().collect(),
        Object::Aggregate(aggregate) => aggregate.acl.roles_mut().collect(),
        Object::Language(language) => language.acl.roles_mut().collect(),
        Object::ForeignDataWrapper(wrapper) => wrapper.acl.roles_mut().collect(),
        Object::ForeignServer(server) => server.acl.roles_mut().collect(),
        Object::LargeObjects(batch) => batch.acl.roles_mut().collect(),
        Object::Table(table) => [&mut table.owner].into_iter().chain(table.acl.roles_mut()).collect(),
        Object::View(view) => [&mut view.owner].into_iter().chain(view.acl.roles_mut()).collect(),
        Object::Sequence(sequence) => [&mut sequence.owner].into_iter().chain(sequence.acl.roles_mut()).collect(),
        Object::Policy(policy) => policy.roles.iter_mut().collect(),
        Object::DefaultAcl(acl) => acl.roles_mut().collect(),
        Object::UserMapping(mapping) => mapping.user.iter_mut().collect(),
        Object::Conversion(conversion) => vec![&mut conversion.owner],
        Object::Operator(operator) => vec![&mut operator.owner],
        Object::OperatorFamily(family) => vec![&mut family.owner],
        Object::OperatorClass(class) => vec![&mut class.owner],
        Object::Collation(collation) => vec![&mut collation.owner],
        Object::TextSearchDictionary(dictionary) => vec![&mut dictionary.owner],
        Object::TextSearchConfiguration(configuration) => vec![&mut configuration.owner],
        Object::Statistics(statistics) => vec![&mut statistics.owner],
        Object::Publication(publication) => vec![&mut publication.owner],
        Object::Subscription(subscription) => vec![&mut subscription.owner],
        Object::EventTrigger(trigger) => vec![&mut trigger.owner],
        Object::Extension(_)
        | Object::DomainConstraint(_)
        | Object::Cast(_)
        | Object::Transform(_)
        | Object::AccessMethod(_)
        | Object::AttributeDefault(_)
        | Object::Index(_)
        | Object::Constraint(_)
        | Object::Trigger(_)
        | Object::Rule(_)
        | Object::TextSearchParser(_)
        | Object::TextSearchTemplate(_)
        | Object::PublicationTable(_)
        | Object::PublicationSchema(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{holding, plain};
    use super::super::{Class, Object, ObjectId, Schema};
    use super::*;
    use crate::sql::acl::{AclItem, AclKind};

    #[test]
    fn wherever_it_is_named() {
        let mut acl = plain(AclKind::Schema, "old");
        acl.items = Some(AclItem::parse_all(&["old=UC/old", "other=U/old"], AclKind::Schema).unwrap());
        let id = ObjectId::new(Class::NAMESPACE, 1);
        let mut catalog = holding(15, vec![Schema { id, name: "old".into(), acl, absent: false }.into()]);
        catalog.rename_role(&"old".into(), &"new".into());
        let Some(Object::Schema(schema)) = catalog.get(id) else { panic!("the schema is gone") };
        assert_eq!(schema.name.as_str(), "old");
        let roles: Vec<&str> = [&schema.acl.owner].into_iter().chain(schema.acl.roles()).map(Ident::as_str).collect();
        assert_eq!(roles, ["new", "new", "new", "other", "new"]);
    }
}
