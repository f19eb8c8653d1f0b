//! Settings (`name=value`) that functions, databases and roles carry.

use crate::error::{Error, Result};
use crate::sql::{self, Ident, Literal, Sql};

/// One configuration parameter and its value, as `proconfig` and `setconfig` hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The parameter.
    pub name: String,
    /// The value. That of a parameter which is a list of names holds the quotes of its elements.
    pub value: String,
}

/// Parameters whose value is a list of names, each quoted where it needs to be, so that `SET` must be given the elements
/// one by one (PostgreSQL 18, `src/bin/pg_dump/dumputils.c`, `variable_is_guc_list_quote`; `output_plugin_libraries` came
/// with minor releases).
const LISTS: [&str; 8] = [
    "local_preload_libraries",
    "oauth_validator_libraries",
    "output_plugin_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

impl Setting {
    /// Reads `name=value`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let (name, value) =
            text.split_once('=').ok_or_else(|| Error::malformed("cannot read a setting").about(text))?;
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }

    pub(super) fn parse_all(texts: Option<Vec<String>>) -> Result<Vec<Self>> {
        texts.unwrap_or_default().iter().map(|text| Self::parse(text)).collect()
    }

    /// The role that it names, if it is one of those whose value is a role.
    pub fn role(&self) -> Option<&str> {
        let names_role = ["role", "session_authorization"].iter().any(|name| self.name.eq_ignore_ascii_case(name));
        Some(self.value.as_str()).filter(|value| names_role && *value != "none")
    }

    /// The same for a server on which a role bears another name.
    pub(super) fn rename_role(&mut self, from: &Ident, to: &Ident) {
        if self.role() == Some(from.as_str()) {
            self.value = to.as_str().to_owned();
        }
    }

    /// What follows the word SET: `"name" TO 'value'`.
    pub fn assignment(&self) -> Sql {
        let name = Ident::new(self.name.as_str());
        let elements = match LISTS.iter().any(|list| self.name.eq_ignore_ascii_case(list)) {
            true => split(&self.value).filter(|elements| !elements.is_empty()),
            false => None,
        };
        let value = match elements {
            Some(elements) => sql::join(elements.iter().map(|element| Literal(element)), ", "),
            None => crate::sql!("{}", Literal(&self.value)),
        };
        crate::sql!("{} TO {}", name, value)
    }
}

/// The elements of a list of names, without their quotes (PostgreSQL, `src/backend/utils/adt/varlena.c`, `SplitGUCList`).
/// `None` if it is not such a list.
fn split(value: &str) -> Option<Vec<String>> {
    let mut elements = Vec::new();
    let mut rest = value.trim();
    if rest.is_empty() {
        return Some(elements);
    }
    loop {
        let (element, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_element(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (bare, after) = rest.split_at(end);
                let bare = bare.trim_end();
                if bare.is_empty() || bare.contains(|c: char| c.is_ascii_whitespace()) {
                    return None;
                }
                (bare.to_owned(), after)
            }
        };
        elements.push(element);
        let after = after.trim_start();
        if after.is_empty() {
            return Some(elements);
        }
        rest = after.strip_prefix(',')?.trim_start();
    }
}

/// An element whose opening quote was taken off, and what follows the closing one.
fn quoted_element(mut rest: &str) -> Option<(String, &str)> {
    let mut element = String::new();
    loop {
        let (part, after) = rest.split_once('"')?;
        element.push_str(part);
        match after.strip_prefix('"') {
            Some(after) => {
                element.push('"');
                rest = after;
            }
            None => return Some((element, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment(text: &str) -> String {
        Setting::parse(text).unwrap().assignment().as_str().to_owned()
    }

    #[test]
    fn an_ordinary_value_is_one_literal() {
        assert_eq!(assignment("work_mem=4MB"), r#""work_mem" TO '4MB'"#);
        assert_eq!(assignment("my.x=a=b, 'c'"), r#""my.x" TO 'a=b, ''c'''"#);
        assert_eq!(assignment("DateStyle=ISO, DMY"), r#""DateStyle" TO 'ISO, DMY'"#);
    }

    #[test]
    fn lists_are_given_element_by_element() {
        assert_eq!(
            assignment(r#"search_path="", "we ird", "a""b,c", pg_temp"#),
            r#""search_path" TO '', 'we ird', 'a"b,c', 'pg_temp'"#
        );
        assert_eq!(assignment(r#"search_path="$user", public"#), r#""search_path" TO '$user', 'public'"#);
        assert_eq!(assignment("search_path=\"\""), r#""search_path" TO ''"#);
        assert_eq!(assignment("Search_Path=a,b"), r#""Search_Path" TO 'a', 'b'"#);
    }

    #[test]
    fn some_name_a_role() {
        let role = |text: &str| Setting::parse(text).unwrap().role().map(str::to_owned);
        assert_eq!(role("role=my owner"), Some("my owner".to_owned()));
        assert_eq!(role("role=none"), None);
        assert_eq!(role("my.role=a"), None);
    }

    #[test]
    fn what_is_no_list_stays_whole() {
        assert_eq!(assignment("search_path="), r#""search_path" TO ''"#);
        assert_eq!(assignment("search_path=\"a"), r#""search_path" TO '"a'"#);
        assert_eq!(assignment("search_path=a,"), r#""search_path" TO 'a,'"#);
        assert!(Setting::parse("x").is_err());
    }
}
