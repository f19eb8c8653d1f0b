//! Enums.

use super::*;
use crate::catalog::query::Column;
use crate::sql::{Literal, join};

/// An enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enumeration {
    /// Its labels, in their order. There may be none.
    pub labels: Vec<String>,
}

pub(super) const LABELS: Column = expr(
    "labels",
    "ARRAY(SELECT l.enumlabel::text FROM pg_enum l WHERE t.typtype = 'e' AND l.enumtypid = t.oid ORDER BY l.enumsortorder)",
);

pub(super) fn decode(row: &Row) -> Result<Enumeration> {
    Ok(Enumeration { labels: row.get("labels")? })
}

impl Enumeration {
    pub(super) fn definition(&self) -> Sql {
        sql!("ENUM ({})", join(self.labels.iter().map(|label| Literal(label)), ", "))
    }
}
