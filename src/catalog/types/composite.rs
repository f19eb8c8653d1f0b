//! Composite types that stand alone: those of tables come with their table.

use super::*;
use crate::catalog::query::{Column, col};
use crate::sql::join;

/// A composite type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composite {
    /// Its attributes, in their order. There may be none.
    pub attributes: Vec<Attribute>,
}

/// An attribute of a composite type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its number (`attnum`).
    pub number: i16,
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub type_name: Sql,
    /// Its collation, if that is not its type's own.
    pub collation: Option<Sql>,
}

pub(super) const NAMES: Column = col("names");
pub(super) const TYPES: Column = col("types");
pub(super) const COLLATIONS: Column = col("collations");
pub(super) const NUMBERS: Column = col("numbers");

pub(super) fn decode(row: &Row) -> Result<Composite> {
    // Without attributes the aggregates give NULL.
    let numbers: Vec<i16> = row.get::<Option<_>>("numbers")?.unwrap_or_default();
    let names: Vec<String> = row.get::<Option<_>>("names")?.unwrap_or_default();
    let types: Vec<String> = row.get::<Option<_>>("types")?.unwrap_or_default();
    let collations: Vec<Option<String>> = row.get::<Option<_>>("collations")?.unwrap_or_default();
    let attributes = numbers.into_iter().zip(names).zip(types).zip(collations);
    Ok(Composite {
        attributes: attributes
            .map(|(((number, name), type_name), collation)| Attribute {
                number,
                name: Ident::new(name),
                type_name: Sql::deparsed(type_name),
                collation: collation.map(Sql::deparsed),
            })
            .collect(),
    })
}

impl Composite {
    pub(super) fn attribute(&self, number: i32) -> Option<&Ident> {
        self.attributes.iter().find(|a| i32::from(a.number) == number).map(|a| &a.name)
    }

    pub(super) fn definition(&self) -> Sql {
        if self.attributes.is_empty() {
            return Sql::constant("()");
        }
        let attributes = self.attributes.iter().map(|a| match &a.collation {
            Some(collation) => sql!("{} {} COLLATE {}", a.name, a.type_name, collation),
            None => sql!("{} {}", a.name, a.type_name),
        });
        sql!("(\n    {}\n)", join(attributes, ",\n    "))
    }
}
