//! Access control lists: what a catalog holds (`aclitem`), and the statements that make the same elsewhere.
//!
//! An item reads `grantee=privileges/grantor` (documentation, "Privileges"): no grantee stands for PUBLIC, and a privilege
//! with a star may be granted on. What an object starts with (`acldefault`, or `pg_init_privs` for what a script of
//! initdb or of an extension has made) is the base; only what differs from it becomes statements.

use super::{Ident, Sql};
use crate::error::{Error, Result};
use crate::sql;

/// What privileges are on: decides which there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AclKind {
    /// Tables and everything that is granted like them: views, materialized views, foreign and partitioned tables.
    Table,
    /// Columns of those.
    Column,
    /// Sequences.
    Sequence,
    /// Functions, procedures, aggregates.
    Function,
    /// Types and domains.
    Type,
    /// Schemas.
    Schema,
    /// Languages.
    Language,
    /// Foreign-data wrappers.
    ForeignDataWrapper,
    /// Foreign servers.
    Server,
    /// Databases.
    Database,
    /// Tablespaces.
    Tablespace,
    /// Large objects.
    LargeObject,
    /// Configuration parameters.
    Parameter,
}

/// A privilege: its letter, its name, and the major that introduced it
/// (PostgreSQL 18, `src/include/utils/acl.h` and `src/include/nodes/parsenodes.h`).
type Privilege = (char, &'static str, u32);

impl AclKind {
    /// The kind that the server's function `acldefault` knows by this letter.
    pub const fn from_letter(letter: char) -> Option<Self> {
        Some(match letter {
            'r' => Self::Table,
            'c' => Self::Column,
            's' => Self::Sequence,
            'f' => Self::Function,
            'T' => Self::Type,
            'n' => Self::Schema,
            'l' => Self::Language,
            'F' => Self::ForeignDataWrapper,
            'S' => Self::Server,
            'd' => Self::Database,
            't' => Self::Tablespace,
            'L' => Self::LargeObject,
            'p' => Self::Parameter,
            _ => return None,
        })
    }

    const fn privileges(self) -> &'static [Privilege] {
        match self {
            Self::Table => &[
                ('a', "INSERT", 0),
                ('r', "SELECT", 0),
                ('w', "UPDATE", 0),
                ('d', "DELETE", 0),
                ('D', "TRUNCATE", 0),
                ('x', "REFERENCES", 0),
                ('t', "TRIGGER", 0),
                ('m', "MAINTAIN", 17),
            ],
            Self::Column => &[('a', "INSERT", 0), ('r', "SELECT", 0), ('w', "UPDATE", 0), ('x', "REFERENCES", 0)],
            Self::Sequence => &[('r', "SELECT", 0), ('w', "UPDATE", 0), ('U', "USAGE", 0)],
            Self::Function => &[('X', "EXECUTE", 0)],
            Self::Type | Self::Language | Self::ForeignDataWrapper | Self::Server => &[('U', "USAGE", 0)],
            Self::Schema => &[('U', "USAGE", 0), ('C', "CREATE", 0)],
            Self::Database => &[('C', "CREATE", 0), ('T', "TEMPORARY", 0), ('c', "CONNECT", 0)],
            Self::Tablespace => &[('C', "CREATE", 0)],
            Self::LargeObject => &[('r', "SELECT", 0), ('w', "UPDATE", 0)],
            Self::Parameter => &[('s', "SET", 0), ('A', "ALTER SYSTEM", 0)],
        }
    }
}

/// A privilege within an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    letter: char,
    /// It may be granted on.
    grantable: bool,
}

/// One item of an access control list: what one role has given to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclItem {
    /// Who holds the privileges; `None` is PUBLIC.
    pub grantee: Option<Ident>,
    /// Who gave them.
    pub grantor: Ident,
    held: Vec<Held>,
}

impl AclItem {
    /// What `grantor` has given to `grantee` by these letters.
    ///
    /// # Errors
    /// * If a letter is not that of a privilege that this kind has.
    pub fn new(grantee: Option<Ident>, letters: &str, grantor: Ident, kind: AclKind) -> Result<Self> {
        let malformed = || Error::malformed("cannot read privileges").about(letters);
        let mut held: Vec<Held> = Vec::new();
        for letter in letters.chars() {
            if letter == '*' {
                held.last_mut().ok_or_else(malformed)?.grantable = true;
            } else if kind.privileges().iter().any(|p| p.0 == letter) {
                held.push(Held { letter, grantable: false });
            } else {
                return Err(malformed());
            }
        }
        Ok(Self { grantee, grantor, held })
    }

    /// Reads the text form (PostgreSQL, `src/backend/utils/adt/acl.c`, `aclitemout`).
    ///
    /// # Errors
    /// * If the text is not an item, or holds a privilege that this kind does not have.
    pub fn parse(text: &str, kind: AclKind) -> Result<Self> {
        let malformed = || Error::malformed("cannot read privileges").about(text);
        let (grantee, rest) = split_role(text, '=').ok_or_else(malformed)?;
        let (letters, grantor) = rest.split_once('/').ok_or_else(malformed)?;
        let (grantor, rest) = split_role(grantor, '\0').ok_or_else(malformed)?;
        if grantor.is_empty() || !rest.is_empty() {
            return Err(malformed());
        }
        let grantee = if grantee.is_empty() { None } else { Some(Ident::new(grantee)) };
        Self::new(grantee, letters, Ident::new(grantor), kind).map_err(|_| malformed())
    }

    /// Reads a whole list.
    ///
    /// # Errors
    /// * As [`AclItem::parse`].
    pub fn parse_all<S: AsRef<str>>(items: &[S], kind: AclKind) -> Result<Vec<Self>> {
        items.iter().map(|item| Self::parse(item.as_ref(), kind)).collect()
    }

    /// The same as a server of an older major would hold it: without privileges that it does not know.
    #[must_use]
    pub fn known_to(&self, major: u32, kind: AclKind) -> Self {
        let known = |held: &&Held| kind.privileges().iter().any(|p| p.0 == held.letter && p.2 <= major);
        Self { held: self.held.iter().filter(known).copied().collect(), ..self.clone() }
    }

    /// The roles in it.
    pub fn roles(&self) -> impl Iterator<Item = &Ident> {
        self.grantee.iter().chain([&self.grantor])
    }

    /// Who holds it, as `GRANT` has it.
    fn holder(&self) -> Sql {
        match &self.grantee {
            Some(role) => sql!("{}", role),
            None => Sql::constant("PUBLIC"),
        }
    }
}

/// The roles that stand in a list, with repetitions.
pub fn roles(items: &[AclItem]) -> impl Iterator<Item = &Ident> {
    items.iter().flat_map(AclItem::roles)
}

/// The same, to be changed.
pub fn roles_mut(items: &mut [AclItem]) -> impl Iterator<Item = &mut Ident> {
    items.iter_mut().flat_map(|item| item.grantee.iter_mut().chain([&mut item.grantor]))
}

/// Whether a name in a list may be the number of a role that is no more: the server prints a dropped role so,
/// and does not quote a role whose name consists of digits.
pub fn may_be_dangling(role: &Ident) -> bool {
    !role.as_str().is_empty() && role.as_str().bytes().all(|b| b.is_ascii_digit())
}

/// Takes a role's name off the front of a text, unquoted; the name ends before `end`, which is taken off too, or with the
/// text. `None` if it does not end.
fn split_role(text: &str, end: char) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        return match text.split_once(end) {
            Some((name, rest)) => Some((name.to_owned(), rest)),
            None if end == '\0' => Some((text.to_owned(), "")),
            None => None,
        };
    };
    let mut name = String::new();
    loop {
        let (part, after) = rest.split_once('"')?;
        name.push_str(part);
        match after.strip_prefix('"') {
            Some(after) => {
                name.push('"');
                rest = after;
            }
            None if after.is_empty() && end == '\0' => return Some((name, "")),
            None => return Some((name, after.strip_prefix(end)?)),
        }
    }
}

/// What is granted on, by whom: everything but the lists themselves.
///
/// `ALL` is only said where the newest major means nothing else by it. A server before 17 knows no `MAINTAIN`: whom it has
/// given everything else gets just that, and an owner who has given up rights keeps this one, without which a newer server
/// would not let him do what the older one did (`VACUUM`, `REINDEX`, `REFRESH`). Stock pg_dump 18 does the same.
#[derive(Clone, Copy, Debug)]
pub struct Grants<'a> {
    /// What decides which privileges there are.
    pub kind: AclKind,
    /// What stands between `ON` and `TO`: `TABLE "s"."t"`, or `TABLES` for default privileges.
    pub target: &'a Sql,
    /// The column, for privileges on one.
    pub column: Option<&'a Ident>,
    /// What precedes each statement, for default privileges: `ALTER DEFAULT PRIVILEGES ...`.
    pub prefix: Option<&'a Sql>,
    /// The owner, who grants without further ado.
    pub owner: &'a Ident,
}

impl Grants<'_> {
    /// The statements that turn `base` into `actual`: first what has to go, then what has to come in the order of the list
    /// (grants of those who were granted something depend on it), the owner's own first (PostgreSQL 18,
    /// `src/bin/pg_dump/dumputils.c`, `buildACLCommands`). Items in which `skip` knows a role are left out.
    pub fn statements(&self, base: &[AclItem], actual: &[AclItem], skip: impl Fn(&Ident) -> bool) -> Vec<Sql> {
        let mut out = Vec::new();
        let usable = |item: &&AclItem| !item.held.is_empty() && !item.roles().any(&skip);
        for item in base.iter().filter(|item| !actual.contains(item)).filter(usable) {
            let every: Vec<char> = item.held.iter().map(|h| h.letter).collect();
            let revoke = sql!("REVOKE {} ON {} FROM {}", self.privileges(&every), self.target, item.holder());
            self.as_grantor(&item.grantor, vec![revoke], &mut out);
        }
        let own = |item: &&AclItem| item.grantee.as_ref() == Some(self.owner) && item.grantor == *self.owner;
        let added: Vec<&AclItem> = actual.iter().filter(|item| !base.contains(item)).filter(usable).collect();
        let (own, others): (Vec<&AclItem>, Vec<&AclItem>) = added.into_iter().partition(own);
        for item in own.into_iter().chain(others) {
            self.as_grantor(&item.grantor, self.grant(item), &mut out);
        }
        out
    }

    fn grant(&self, item: &AclItem) -> Vec<Sql> {
        [(false, ""), (true, " WITH GRANT OPTION")]
            .into_iter()
            .filter_map(|(grantable, suffix)| {
                let letters: Vec<char> =
                    item.held.iter().filter(|h| h.grantable == grantable).map(|h| h.letter).collect();
                if letters.is_empty() {
                    return None;
                }
                Some(sql!("GRANT {} ON {} TO {}{}", self.privileges(&letters), self.target, item.holder(), suffix))
            })
            .collect()
    }

    /// Adds statements in the name of a grantor.
    fn as_grantor(&self, grantor: &Ident, statements: Vec<Sql>, out: &mut Vec<Sql>) {
        let foreign = grantor != self.owner;
        if foreign {
            out.push(sql!("SET SESSION AUTHORIZATION {}", grantor));
        }
        for statement in statements {
            out.push(match self.prefix {
                Some(prefix) => sql!("{} {}", prefix, statement),
                None => statement,
            });
        }
        if foreign {
            out.push(Sql::constant("RESET SESSION AUTHORIZATION"));
        }
    }

    /// The names of privileges, or ALL where these are all that there are.
    fn privileges(&self, letters: &[char]) -> Sql {
        let known = self.kind.privileges();
        let all = known.iter().all(|p| letters.contains(&p.0));
        let names: Vec<&'static str> =
            if all { vec!["ALL"] } else { known.iter().filter(|p| letters.contains(&p.0)).map(|p| p.1).collect() };
        sql::join(
            names.into_iter().map(|name| match self.column {
                Some(column) => sql!("{} ({})", name, column),
                None => Sql::constant(name),
            }),
            ", ",
        )
    }
}

#[cfg(test)]
mod tests;
