//! Type.

use super::*;

/// Type.
#[derive(Clone, Debug)]
pub struct Type {
    /// Which object this is.
    pub id: ObjectId,
}

impl Render for Type {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        Sql::default()
    }
    fn priority(&self, _part: Part) -> Priority {
        Priority::Type
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
