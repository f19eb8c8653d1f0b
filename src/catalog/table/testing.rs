//! What unit tests make tables from.

use super::{Column, ReplicaIdentity, Table};
use crate::catalog::ObjectId;
use crate::catalog::testing::plain;
use crate::sql::QualName;
use crate::sql::acl::AclKind;

/// A table with these columns and nothing else.
pub(in crate::catalog) fn table(oid: u32, name: &str, columns: Vec<Column>) -> Table {
    Table {
        id: ObjectId::relation(oid),
        name: QualName::new("s", name),
        owner: "o".into(),
        unlogged: false,
        oids: false,
        partition_key: None,
        bound: None,
        of_type: None,
        options: Vec::new(),
        toast_options: Vec::new(),
        tablespace: None,
        access_method: Some("heap".into()),
        replica_identity: ReplicaIdentity::Key,
        row_security: false,
        force_row_security: false,
        rehashed: false,
        size: 8192,
        pages: 1,
        foreign: None,
        columns,
        parents: Vec::new(),
        joins: false,
        children: Vec::new(),
        checks: Vec::new(),
        into: None,
        acl: plain(AclKind::Table, "o"),
    }
}
