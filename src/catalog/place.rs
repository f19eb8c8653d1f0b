//! Where objects belong, which is what a selection goes by (PostgreSQL 18, `src/bin/pg_dump/pg_dump.c`,
//! `selectDumpable...`).

use super::{Class, Object, ObjectId};
use crate::sql::{Ident, QualName};

/// Where an object belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// To the database as a whole: it is in no schema.
    Database,
    /// It is a schema.
    Schema(&'a Ident),
    /// In a schema.
    Within(&'a Ident),
    /// In a schema, and it can be selected by its own name.
    Relation(&'a QualName),
    /// It comes with another object, and goes with it.
    With(ObjectId),
}

impl Object {
    /// Where it belongs. Exhaustive: what belongs nowhere would be left behind.
    pub fn place(&self) -> Place<'_> {
        match self {
            Self::Schema(schema) => Place::Schema(&schema.name),
            Self::Extension(_) | Self::LargeObjects(_) => Place::Database,
            Self::Language(_) | Self::Cast(_) | Self::Transform(_) | Self::AccessMethod(_) => Place::Database,
            Self::ForeignDataWrapper(_) | Self::ForeignServer(_) | Self::EventTrigger(_) => Place::Database,
            Self::Publication(_) | Self::PublicationTable(_) | Self::PublicationSchema(_) => Place::Database,
            Self::Subscription(_) => Place::Database,
            Self::UserMapping(mapping) => Place::With(ObjectId::new(Class::FOREIGN_SERVER, mapping.server_oid)),
            Self::Type(of) => Place::Within(&of.name.schema),
            Self::Function(function) => Place::Within(&function.name.schema),
            Self::Aggregate(aggregate) => Place::Within(&aggregate.name.schema),
            Self::Operator(operator) => Place::Within(&operator.schema),
            Self::OperatorFamily(family) => Place::Within(&family.name.schema),
            Self::OperatorClass(class) => Place::Within(&class.name.schema),
            Self::Conversion(conversion) => Place::Within(&conversion.name.schema),
            Self::Collation(collation) => Place::Within(&collation.name.schema),
            Self::TextSearchParser(parser) => Place::Within(&parser.name.schema),
            Self::TextSearchTemplate(template) => Place::Within(&template.name.schema),
            Self::TextSearchDictionary(dictionary) => Place::Within(&dictionary.name.schema),
            Self::TextSearchConfiguration(configuration) => Place::Within(&configuration.name.schema),
            Self::Statistics(statistics) => Place::Within(&statistics.name.schema),
            Self::DefaultAcl(acl) => acl.schema.as_ref().map_or(Place::Database, Place::Within),
            Self::Table(table) => Place::Relation(&table.name),
            Self::View(view) => Place::Relation(&view.name),
            Self::Sequence(sequence) => Place::Relation(&sequence.name),
            Self::DomainConstraint(constraint) => Place::With(constraint.domain),
            Self::AttributeDefault(default) => Place::With(ObjectId::relation(default.table())),
            Self::Index(index) => Place::With(ObjectId::relation(index.table())),
            Self::Constraint(constraint) => Place::With(ObjectId::relation(constraint.table())),
            Self::Trigger(trigger) => Place::With(ObjectId::relation(trigger.table())),
            Self::Rule(rule) => Place::With(ObjectId::relation(rule.table())),
            Self::Policy(policy) => Place::With(ObjectId::relation(policy.table())),
        }
    }
}
