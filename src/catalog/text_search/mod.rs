//! Text search: parsers, templates, dictionaries and configurations, each of which refers to the ones before.

mod configuration;
mod dictionary;
mod parser;
mod template;

pub(super) use configuration::{MAPPINGS, QUERY as CONFIGURATIONS, assemble};
pub use configuration::{Mapping, TextSearchConfiguration};
pub(super) use configuration::{decode as decode_configuration, decode_mapping};
pub use dictionary::TextSearchDictionary;
pub(super) use dictionary::{QUERY as DICTIONARIES, decode as decode_dictionary};
pub use parser::TextSearchParser;
pub(super) use parser::{QUERY as PARSERS, decode as decode_parser};
pub use template::TextSearchTemplate;
pub(super) use template::{QUERY as TEMPLATES, decode as decode_template};

use super::Draft;
use crate::sql;
use crate::sql::{QualName, Sql};
use crate::toc::{Kind, Section};

/// "TEXT SEARCH PARSER s.p": these kinds are called the same in every statement.
fn identity(kind: Kind, name: &QualName) -> Sql {
    sql!("{} {}", kind.desc(), name)
}

/// A draft that makes an object of one of these kinds.
fn draft(kind: Kind, name: &QualName, create: Vec<Sql>) -> Draft {
    let mut draft = Draft::new(kind, Section::PreData, name.name.as_str(), create).within(&name.schema);
    draft.remove = Some(sql!("DROP {}", identity(kind, name)));
    draft
}

/// Schema and name.
fn sort_key(name: &QualName) -> (String, String) {
    (name.schema.as_str().to_owned(), name.name.as_str().to_owned())
}
