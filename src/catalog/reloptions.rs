//! Storage parameters: `reloptions` of relations, `attoptions` of columns. Both are arrays of `name=value`.

use crate::sql;
use crate::sql::{Ident, Literal, Sql, join};

/// One storage parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloption {
    /// The parameter ("fillfactor").
    pub name: Ident,
    /// Its value, as the catalog holds it.
    pub value: String,
}

impl Reloption {
    /// Reads what the catalog holds. A word without `=` is a parameter with an empty value
    /// (PostgreSQL 18, `src/fe_utils/string_utils.c`, `appendReloptionsArray`).
    pub fn parse(options: Option<Vec<String>>) -> Vec<Self> {
        let split = |option: String| match option.split_once('=') {
            Some((name, value)) => Self { name: Ident::new(name), value: value.to_owned() },
            None => Self { name: Ident::new(option), value: String::new() },
        };
        options.unwrap_or_default().into_iter().map(split).collect()
    }

    /// `"name"='value'`: every value is accepted as a string, whatever its type.
    pub fn clause(&self) -> Sql {
        sql!("{}={}", self.name, Literal(&self.value))
    }
}

/// What stands between the parentheses of `WITH (...)`; the parameters of a TOAST table stand with those of its table.
/// `None` where there are none.
pub fn clauses(options: &[Reloption], toast: &[Reloption]) -> Option<Sql> {
    let own = options.iter().map(Reloption::clause);
    let below = toast.iter().map(|option| sql!("toast.{}", option.clause()));
    let all = join(own.chain(below), ", ");
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_quoted_and_keep_what_follows_the_first_sign() {
        let options = Reloption::parse(Some(vec!["fillfactor=70".into(), "a.b=x=y'".into(), "bare".into()]));
        let toast = Reloption::parse(Some(vec!["autovacuum_enabled=false".into()]));
        let text = clauses(&options, &toast).map(|sql| sql.to_string());
        assert_eq!(
            text.as_deref(),
            Some(r#""fillfactor"='70', "a.b"='x=y''', "bare"='', toast."autovacuum_enabled"='false'"#)
        );
        assert_eq!(clauses(&[], &[]), None);
    }
}
