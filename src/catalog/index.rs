//! Index.

use super::*;

/// Index.
#[derive(Clone, Debug)]
pub struct Index {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: QualName,
}

impl Render for Index {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        Sql::default()
    }
    fn priority(&self, _part: Part) -> Priority {
        Priority::Index
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
