//! What depends on what (`pg_depend`).

use super::query::{Query, col, expr};
use super::{Class, ObjectId};
use crate::error::Result;
use crate::wire::session::Row;

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
    /// `deptype`: n normal, a auto, i internal, x of an extension, e extension member, P and S of a partition (I in 11).
    pub kind: u8,
}

/// Rows of `pg_depend` between objects that are not the system's own. Extension membership (e) is among them.
pub(super) const QUERY: Query = Query::of(
    &[
        col("classid"),
        col("objid"),
        col("objsubid"),
        col("refclassid"),
        col("refobjid"),
        col("refobjsubid"),
        expr("deptype", "deptype::text"),
    ],
    "FROM pg_catalog.pg_depend WHERE deptype <> 'p' AND objid >= 16384 \
     AND (refobjid >= 16384 OR deptype = 'e') ORDER BY 1, 2, 4, 5, 3, 6",
);

/// The row types of relations, and the array types of those, which stand for the relation.
pub(super) const ROW_TYPES: Query = Query::of(
    &[expr("oid", "y.oid"), expr("relation", "t.typrelid")],
    "FROM pg_catalog.pg_type t JOIN pg_catalog.pg_class c ON c.oid = t.typrelid AND c.relkind <> 'c' \
     JOIN pg_catalog.pg_type y ON y.oid IN (t.oid, t.typarray) WHERE t.oid >= 16384 ORDER BY 1",
);

pub(super) fn decode_row_type(row: &Row) -> Result<(ObjectId, ObjectId)> {
    Ok((ObjectId::new(Class::TYPE, row.get("oid")?), ObjectId::relation(row.get("relation")?)))
}

pub(super) fn decode(row: &Row) -> Result<Dependency> {
    let object = ObjectId::new(Class(row.get("classid")?), row.get("objid")?);
    let needs = ObjectId::new(Class(row.get("refclassid")?), row.get("refobjid")?);
    let kind: String = row.get("deptype")?;
    Ok(Dependency {
        object,
        subid: row.get("objsubid")?,
        needs,
        needs_subid: row.get("refobjsubid")?,
        kind: kind.bytes().next().unwrap_or(b'n'),
    })
}
