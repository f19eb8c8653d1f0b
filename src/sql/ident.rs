//! Names, quoted.

use std::fmt;

/// The name of one thing, as the catalog holds it (unquoted).
///
/// `Display` always quotes it: then no keyword of any server, known or yet to come, can change what a statement means.
/// [`Ident::as_str`] gives the bare name, for people and for comparisons.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ident(Box<str>);

impl Ident {
    /// A name as the catalog holds it.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self(name.into())
    }

    /// The bare name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This name within a schema.
    pub fn within(&self, schema: &Ident) -> QualName {
        QualName { schema: schema.clone(), name: self.clone() }
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        let mut parts = self.0.split('"');
        if let Some(first) = parts.next() {
            f.write_str(first)?;
        }
        for part in parts {
            write!(f, "\"\"{part}")?;
        }
        f.write_str("\"")
    }
}

impl fmt::Debug for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<&str> for Ident {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for Ident {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

/// The name of a thing within its schema.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QualName {
    /// The schema.
    pub schema: Ident,
    /// The name within it.
    pub name: Ident,
}

impl QualName {
    /// A name within a schema, both as the catalog holds them.
    pub fn new(schema: impl Into<Ident>, name: impl Into<Ident>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }

    /// The bare names with a dot between, for people only.
    pub fn label(&self) -> String {
        format!("{}.{}", self.schema.as_str(), self.name.as_str())
    }
}

impl fmt::Display for QualName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

impl fmt::Debug for QualName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_doubled() {
        assert_eq!(Ident::new("a").to_string(), "\"a\"");
        assert_eq!(Ident::new("a\"b\"").to_string(), "\"a\"\"b\"\"\"");
        assert_eq!(Ident::new("\"").to_string(), "\"\"\"\"");
        assert_eq!(QualName::new("S p", "t\n").to_string(), "\"S p\".\"t\n\"");
    }
}
