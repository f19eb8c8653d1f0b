//! What depends on what (`pg_depend`).

use super::ObjectId;

/// One row of `pg_depend` between two objects that are not the system's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The object that depends.
    pub object: ObjectId,
    /// The column of it, or 0.
    pub subid: i32,
    /// What it depends on.
    pub needs: ObjectId,
    /// The column of that, or 0.
    pub needs_subid: i32,
    /// `deptype`: n normal, a auto, i internal, x of an extension, e extension member, P and S of a partition.
    pub kind: u8,
}
