//! ACLs.
