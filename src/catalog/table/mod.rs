//! Table.

use super::*;

/// Table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: QualName,
}

impl Render for Table {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        Sql::default()
    }
    fn priority(&self, _part: Part) -> Priority {
        Priority::Relation
    }
    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        Default::default()
    }
    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }
    fn draft(&self, _part: Part, _catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        None
    }
}


/// AttributeDefault.
#[derive(Clone, Debug)]
pub struct AttributeDefault {
    /// Which object this is.
    pub id: ObjectId,
}

impl Render for AttributeDefault {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        Sql::default()
    }
    fn priority(&self, _part: Part) -> Priority {
        Priority::Default
    }
    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        Default::default()
    }
    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }
    fn draft(&self, _part: Part, _catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        None
    }
}
