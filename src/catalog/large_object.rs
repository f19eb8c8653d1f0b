//! LargeObject.

use super::*;

/// LargeObject.
#[derive(Clone, Debug)]
pub struct LargeObject {
    /// Which object this is.
    pub id: ObjectId,
}

impl Render for LargeObject {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        Sql::default()
    }
    fn priority(&self, _part: Part) -> Priority {
        Priority::LargeObject
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
