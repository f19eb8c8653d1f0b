//! Foreign data: wrappers, servers, and who users are on those. Foreign tables are [tables](super::table).

mod mapping;
mod server;
mod wrapper;

pub(super) use mapping::{QUERY as MAPPINGS, decode as decode_mapping};
pub(super) use server::{QUERY as SERVERS, decode as decode_server};
pub(super) use wrapper::{QUERY as WRAPPERS, decode as decode_wrapper};

pub use mapping::UserMapping;
pub use server::ForeignServer;
pub use wrapper::ForeignDataWrapper;

use super::reloptions::Reloption;
use crate::sql;
use crate::sql::{Literal, Secret, Sql, join};

/// `OPTIONS (...)`; `None` where there are none. What they mean is the wrapper's affair alone. Catalogs hold them as
/// they hold storage parameters (PostgreSQL 18, `src/backend/commands/foreigncmds.c`, `optionListToArray`).
pub(super) fn options(options: &[Reloption]) -> Option<Sql> {
    clause(options, |value| sql!("{}", Literal(value)))
}

/// The same where any of them may be a password, whatever it is called.
fn secret_options(options: &[Reloption]) -> Option<Sql> {
    clause(options, |value| sql!("{}", Secret(value)))
}

fn clause(options: &[Reloption], constant: impl Fn(&str) -> Sql) -> Option<Sql> {
    let each = options.iter().map(|option| sql!("{} {}", option.name, constant(&option.value)));
    (!options.is_empty()).then(|| sql!("OPTIONS ({})", join(each, ", ")))
}

/// A space and the clause, if there is one.
fn and(clause: Option<&Sql>) -> Sql {
    clause.map_or_else(Sql::default, |clause| sql!(" {}", clause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_quoted() {
        let some = Reloption::parse(Some(vec!["user=a=b".into(), "x \"y=it's".into(), "empty=".into()]));
        let (plain, secret) = (options(&some).unwrap(), secret_options(&some).unwrap());
        assert_eq!(plain.as_str(), r#"OPTIONS ("user" 'a=b', "x ""y" 'it''s', "empty" '')"#);
        assert_eq!(secret.as_str(), plain.as_str());
        assert_ne!(secret.shown(), plain.shown());
        assert_eq!(options(&[]), None);
    }
}
