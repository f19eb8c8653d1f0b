//! What the unit tests of the kinds share.

use std::collections::HashMap;

use super::*;

/// A catalog of a server of this major, with nothing in it.
pub(super) fn catalog(major: u32) -> Catalog {
    holding(major, Vec::new())
}

/// A catalog of a server of this major, with these objects.
pub(super) fn holding(major: u32, objects: Vec<Object>) -> Catalog {
    let index = objects.iter().enumerate().map(|(i, object)| (object.id(), i)).collect();
    Catalog {
        version: ServerVersion(major * 10_000),
        database: Database::default(),
        aspects: Aspects::default(),
        depends: Vec::new(),
        unhandled: Vec::new(),
        relics: Vec::new(),
        objects,
        index,
        aliases: HashMap::new(),
    }
}

/// Statements as plain text.
pub(super) fn texts(statements: &[Sql]) -> Vec<&str> {
    statements.iter().map(Sql::as_str).collect()
}

/// Privileges of an object that has only those of every new one.
pub(super) fn plain(kind: crate::sql::acl::AclKind, owner: &str) -> Acl {
    Acl { kind, owner: Ident::new(owner), items: None, base: Vec::new(), base_since: None, columns: Vec::new() }
}
