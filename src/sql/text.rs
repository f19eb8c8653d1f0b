//! Statements, literals, and how they are put together.

use std::fmt::{self, Write as _};

use super::{Ident, QualName};

/// Text that may be sent to a server. See [the module](super) for how it is made.
///
/// What holds a [`Secret`] is secret as a whole: it is sent, but [`Sql::shown`] and `Debug` do not give it away.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sql {
    text: String,
    secret: bool,
}

/// What is shown in the place of a statement that holds a [`Secret`].
const NOT_SHOWN: &str = "(not shown, as it holds a password)";

impl Sql {
    /// A constant of this crate.
    pub fn constant(text: &'static str) -> Self {
        Self { text: text.to_owned(), secret: false }
    }

    /// Text that a server's own functions have deparsed from its catalog (`pg_get_viewdef` and the like), quoted by them.
    /// It is untrusted all the same: it only ever runs where the source's owner could have run it.
    pub fn deparsed(text: impl Into<String>) -> Self {
        Self { text: text.into(), secret: false }
    }

    /// Statement text of an archive's entry. Untrusted, like [`Sql::deparsed`].
    pub fn archived(text: impl Into<String>) -> Self {
        Self { text: text.into(), secret: false }
    }

    /// For the macro [`sql!`](crate::sql!) alone, which has checked the arguments.
    #[doc(hidden)]
    pub fn from_parts(parts: fmt::Arguments<'_>, secret: bool) -> Self {
        Self { text: parts.to_string(), secret }
    }

    /// The text, for a server and for comparing; for people there is [`Sql::shown`].
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text as messages may show it.
    pub fn shown(&self) -> &str {
        if self.secret { NOT_SHOWN } else { &self.text }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Adds a fragment at the end.
    pub fn push(&mut self, fragment: &impl Fragment) -> &mut Self {
        // Writing to a `String` cannot fail.
        let _ = write!(self.text, "{fragment}");
        self.secret |= fragment.is_secret();
        self
    }

    /// Adds a constant at the end.
    pub fn push_str(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }
}

impl fmt::Display for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shown())
    }
}

/// What may become part of an [`Sql`]: its `Display` is valid syntax by construction.
pub trait Fragment: fmt::Display {
    /// Whether no message may show it.
    fn is_secret(&self) -> bool {
        false
    }
}

impl Fragment for Sql {
    fn is_secret(&self) -> bool {
        self.secret
    }
}

impl Fragment for Secret<'_> {
    fn is_secret(&self) -> bool {
        true
    }
}

impl Fragment for Ident {}
impl Fragment for QualName {}
impl Fragment for Literal<'_> {}
impl Fragment for DollarQuoted<'_> {}
impl Fragment for &'static str {}
impl Fragment for i16 {}
impl Fragment for i32 {}
impl Fragment for i64 {}
impl Fragment for u32 {}
impl Fragment for usize {}
impl Fragment for f32 {}
impl Fragment for bool {}
impl<T: Fragment> Fragment for &T {
    fn is_secret(&self) -> bool {
        (**self).is_secret()
    }
}

/// Lets only a [`Fragment`] pass, and notes whether it is secret. For the macro [`sql!`](crate::sql!).
#[doc(hidden)]
pub fn guard<'a, T: Fragment>(fragment: &'a T, secret: &mut bool) -> &'a T {
    *secret |= fragment.is_secret();
    fragment
}

/// Puts fragments together with a constant between them.
pub fn join<T: Fragment>(fragments: impl IntoIterator<Item = T>, between: &'static str) -> Sql {
    let mut out = Sql::default();
    for (i, fragment) in fragments.into_iter().enumerate() {
        if i > 0 {
            out.push_str(between);
        }
        out.push(&fragment);
    }
    out
}

/// A string constant. `Display` quotes it so that it reads the same under either setting of
/// `standard_conforming_strings` (documentation, "String Constants with C-Style Escapes").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Literal<'a>(pub &'a str);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.contains('\\') { "E'" } else { "'" })?;
        for c in self.0.chars() {
            match c {
                '\'' => f.write_str("''")?,
                '\\' => f.write_str("\\\\")?,
                c => f.write_char(c)?,
            }
        }
        f.write_str("'")
    }
}

/// A string constant, like [`Literal`], that no message may show: a password, or what may hold one. There is no `Debug`.
#[derive(Clone, Copy)]
pub struct Secret<'a>(pub &'a str);

impl fmt::Display for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Literal(self.0).fmt(f)
    }
}

/// A string constant between dollar quotes, under a tag that does not occur in it: for function bodies, which people read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DollarQuoted<'a>(pub &'a str);

impl fmt::Display for DollarQuoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The opening part of the tag (`$_1`) must not occur, so that a body ending in `$` cannot complete it either.
        let body = self.0;
        let mut tag = String::new();
        let mut n = 0u32;
        while body.contains(&format!("${tag}")) {
            tag = format!("_{n}");
            n += 1;
        }
        write!(f, "${tag}${body}${tag}$")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql;

    #[test]
    fn literals() {
        assert_eq!(Literal("it's").to_string(), "'it''s'");
        assert_eq!(Literal(r"a\'b").to_string(), r"E'a\\''b'");
    }

    #[test]
    fn dollar_quotes_find_a_tag_that_is_free() {
        assert_eq!(DollarQuoted("a").to_string(), "$$a$$");
        assert_eq!(DollarQuoted("a$").to_string(), "$_0$a$$_0$");
        assert_eq!(DollarQuoted("$_0$ x $_1").to_string(), "$_2$$_0$ x $_1$_2$");
    }

    #[test]
    fn what_holds_a_secret_is_not_shown() {
        let options = join([sql!("a {}", Literal("x")), sql!("b {}", Secret("it's"))], ", ");
        let mut whole = sql!("OPTIONS ({})", options);
        whole.push_str(" ");
        assert_eq!(whole.as_str(), "OPTIONS (a 'x', b 'it''s') ");
        assert_eq!((whole.shown(), format!("{whole:?}").as_str()), (NOT_SHOWN, NOT_SHOWN));
        let mut pushed = Sql::constant("PASSWORD ");
        assert_eq!(pushed.push(&Secret("x")).shown(), NOT_SHOWN);
    }

    #[test]
    fn fragments_are_put_together() {
        let columns = join([Ident::new("a"), Ident::new("b c")], ", ");
        assert_eq!(sql!("SELECT {} LIMIT {}", columns, 3i64).as_str(), r#"SELECT "a", "b c" LIMIT 3"#);
    }
}
