//! The roles that statements of an archive name, as far as they can be found without a grammar: those that are granted
//! something, and those that policies and user mappings are for.

use crate::sql::lex::{Token, tokens};
use crate::toc::Kind;

/// Words that stand where a role does, and are none.
const NO_ROLES: [&str; 5] = ["public", "current_user", "current_role", "session_user", "none"];

/// The roles that the statements of an entry name.
pub(super) fn named(kind: Kind, text: &str, backslashes: bool) -> Vec<String> {
    // Each with the word before it, where it has a meaning only then.
    let after: &[(&str, &str)] = match kind {
        Kind::Acl | Kind::DefaultAcl | Kind::Database => {
            &[("", "to"), ("", "from"), ("for", "role"), ("session", "authorization")]
        }
        Kind::Policy => &[("", "to")],
        Kind::UserMapping => &[("", "for")],
        _ => return Vec::new(),
    };
    let words: Vec<Token> = tokens(text, backslashes).into_iter().map(|(token, _)| token).collect();
    let (mut roles, mut depth, mut at) = (Vec::new(), 0u32, 0);
    while let Some(word) = words.get(at) {
        let before = at.checked_sub(1).and_then(|at| words.get(at));
        let follows = |first: &str| first.is_empty() || before.is_some_and(|before| before.is(first));
        at += 1;
        match word {
            Token::Symbol('(') => depth += 1,
            Token::Symbol(')') => depth = depth.saturating_sub(1),
            _ if depth == 0 && after.iter().any(|(first, keyword)| word.is(keyword) && follows(first)) => {
                at = list(&words, at, &mut roles);
            }
            _ => {}
        }
    }
    if kind == Kind::Database {
        // ALTER DATABASE .. SET x TO y has no role.
        roles.clear();
        let pairs = words.windows(2).filter(|pair| pair.first().is_some_and(|word| word.is("role")));
        roles.extend(pairs.filter_map(|pair| pair.get(1)?.name().map(str::to_owned)));
    }
    roles
}

/// The provider of a security label.
pub(super) fn label_provider(text: &str, backslashes: bool) -> Option<String> {
    let words = tokens(text, backslashes);
    let at = words.iter().position(|(word, _)| word.is("for"))?;
    words.get(at + 1)?.0.name().map(str::to_owned)
}

/// Takes names with commas between, and returns where they end.
fn list(words: &[Token], mut at: usize, roles: &mut Vec<String>) -> usize {
    while let Some(name) = words.get(at) {
        let is_role = match name {
            Token::Word(word) => !NO_ROLES.contains(&word.as_str()) && word != "default",
            // Even between quotes these two are no roles (PostgreSQL 18, `src/backend/parser/gram.y`, `RoleSpec`).
            Token::Name(name) => name != "public" && name != "none",
            _ => break,
        };
        roles.extend(name.name().filter(|_| is_role).map(str::to_owned));
        at += 1;
        if words.get(at) != Some(&Token::Symbol(',')) {
            break;
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_found() {
        let acl = "REVOKE ALL ON TABLE a.t FROM owner;\nSET SESSION AUTHORIZATION \"X y\";\n\
                   GRANT SELECT(a, \"to\") ON TABLE a.t TO PUBLIC, reader WITH GRANT OPTION;\nRESET SESSION AUTHORIZATION;\n";
        assert_eq!(named(Kind::Acl, acl, false), ["owner", "X y", "reader"]);
        assert_eq!(named(Kind::Acl, "GRANT SELECT ON TABLE a.role TO b;", false), ["b"]);
        let default = "ALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA s GRANT SELECT ON TABLES TO b;";
        assert_eq!(named(Kind::DefaultAcl, default, false), ["a", "b"]);
        let policy = "CREATE POLICY p ON a.t FOR SELECT TO x, \"Y\" USING ((a ~~ 'to z'::text) OR f(to));";
        assert_eq!(named(Kind::Policy, policy, false), ["x", "Y"]);
        assert_eq!(
            named(Kind::UserMapping, "CREATE USER MAPPING FOR \"a b\" SERVER s OPTIONS (x 'y');", false),
            ["a b"]
        );
        assert_eq!(named(Kind::UserMapping, "CREATE USER MAPPING FOR PUBLIC SERVER s;", false), [""; 0]);
        assert_eq!(named(Kind::UserMapping, "CREATE USER MAPPING FOR \"public\" SERVER s;", false), [""; 0]);
        let properties = "ALTER DATABASE a SET x TO y; ALTER ROLE r IN DATABASE a SET x TO y";
        assert_eq!(named(Kind::Database, properties, false), ["r"]);
        assert_eq!(named(Kind::Table, "CREATE TABLE a TO b", false), [""; 0]);
    }
}
