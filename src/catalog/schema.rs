//! Schema.

use super::*;

/// Schema.
#[derive(Clone, Debug)]
pub struct Schema {
    /// Which object this is.
    pub id: ObjectId,
}

impl Render for Schema {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        Sql::default()
    }
    fn priority(&self, _part: Part) -> Priority {
        Priority::Schema
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
