//! Aspects.
/// Acl.
#[derive(Clone, Debug)]
pub struct Acl {}
/// Aspects.
#[derive(Clone, Debug, Default)]
pub struct Aspects {}
