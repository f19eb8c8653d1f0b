//! SQL text, built so that a name or a value can never become syntax.
//!
//! [`Sql`] is text that may be sent to a server. It is made from string constants of this crate and from [`Fragment`]s only:
//! [`Ident`], [`QualName`], [`Literal`], [`Secret`], numbers, and other [`Sql`]. A `String` is not a fragment, so that a name that was
//! not quoted does not compile. Text that a server has deparsed comes in through [`Sql::deparsed`].

pub mod acl;
mod ident;
pub mod lex;
mod text;

pub use ident::{Ident, QualName};
pub use text::{DollarQuoted, Fragment, Literal, Secret, Sql, guard, join};

/// Builds [`Sql`] from a constant format string and [`Fragment`]s.
///
/// ```
/// use pgtandem::sql::{Ident, QualName};
/// let table = QualName::new("shop", "or\"ders");
/// let owner = Ident::new("Ann");
/// let sql = pgtandem::sql!("ALTER TABLE {} OWNER TO {}", table, owner);
/// assert_eq!(sql.as_str(), r#"ALTER TABLE "shop"."or""ders" OWNER TO "Ann""#);
/// ```
///
/// What holds a [`Secret`](crate::sql::Secret) is not shown in messages.
///
/// Names in the braces (`{table}`) do not compile, because they would pass by the check.
#[macro_export]
macro_rules! sql {
    ($format:literal $(, $fragment:expr)* $(,)?) => {{
        #[allow(unused_mut, reason = "there may be no fragments")]
        let mut secret = false;
        // The arguments end here, and do not live on in the expression around: they cannot be sent between threads.
        let sql =
            $crate::sql::Sql::from_parts(format_args!(concat!($format) $(, $crate::sql::guard(&$fragment, &mut secret))*), secret);
        sql
    }};
}
