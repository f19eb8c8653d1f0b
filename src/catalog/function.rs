//! Function.

use super::*;

/// Function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Which object this is.
    pub id: ObjectId,
}

impl Render for Function {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        Sql::default()
    }
    fn priority(&self, _part: Part) -> Priority {
        Priority::Function
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
