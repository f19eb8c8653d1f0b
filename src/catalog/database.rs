//! Database.
/// Database.
#[derive(Clone, Debug)]
pub struct Database {}
