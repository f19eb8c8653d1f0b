//! Roles (`pg_authid`): attributes, settings, comments, labels. What they are members of is another room's
//! ([`Membership`](super::Membership)).

use super::query::{Query, expr};
use super::setting::Setting;
use crate::error::Result;
use crate::sql;
use crate::sql::{Ident, Literal, Sql, join};
use crate::wire::secret::Secret;
use crate::wire::session::Row;

/// A role.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its OID.
    pub oid: u32,
    /// Its name.
    pub name: Ident,
    /// What it may do and may not do, each as `CREATE ROLE` has it, in the order of `ATTRIBUTES`.
    pub attributes: Vec<&'static str>,
    /// Whether it may log in.
    pub login: bool,
    /// How many sessions it may have; -1 is any number.
    pub connection_limit: i32,
    /// Until when its password is good, in UTC.
    pub valid_until: Option<String>,
    /// Its password, as far as the reader may see it: as the server has stored it, which is never the plain text.
    pub password: Option<Secret>,
    /// Settings for its sessions in any database.
    pub settings: Vec<Setting>,
    /// The comment on it.
    pub comment: Option<String>,
    /// Its security labels: provider and label.
    pub labels: Vec<(Ident, String)>,
}

/// Attributes: the column, the word for it, and the word for its absence.
const ATTRIBUTES: [(&str, &str, &str); 7] = [
    ("superuser", "SUPERUSER", "NOSUPERUSER"),
    ("inherit", "INHERIT", "NOINHERIT"),
    ("create_role", "CREATEROLE", "NOCREATEROLE"),
    ("create_database", "CREATEDB", "NOCREATEDB"),
    ("login", "LOGIN", "NOLOGIN"),
    ("replication", "REPLICATION", "NOREPLICATION"),
    ("bypass_rls", "BYPASSRLS", "NOBYPASSRLS"),
];

/// All roles. Those that every server has begin with `pg_`.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "r.oid"),
        expr("name", "r.rolname::text"),
        expr("superuser", "r.rolsuper"),
        expr("inherit", "r.rolinherit"),
        expr("create_role", "r.rolcreaterole"),
        expr("create_database", "r.rolcreatedb"),
        expr("login", "r.rolcanlogin"),
        expr("replication", "r.rolreplication"),
        expr("bypass_rls", "r.rolbypassrls"),
        expr("connection_limit", "r.rolconnlimit"),
        expr(
            "valid_until",
            "CASE WHEN isfinite(r.rolvaliduntil) THEN (r.rolvaliduntil AT TIME ZONE 'UTC')::text || ' UTC'
                ELSE r.rolvaliduntil::text END",
        ),
        expr("settings", "r.rolconfig"),
        expr("comment", "shobj_description(r.oid, 'pg_authid')"),
        expr(
            "providers",
            "ARRAY(SELECT l.provider FROM pg_shseclabel l WHERE l.classoid = 'pg_authid'::regclass AND l.objoid = r.oid ORDER BY 1)",
        ),
        expr(
            "labels",
            "ARRAY(SELECT l.label FROM pg_shseclabel l WHERE l.classoid = 'pg_authid'::regclass AND l.objoid = r.oid ORDER BY l.provider)",
        ),
    ],
    "FROM pg_roles r ORDER BY r.rolname",
);

/// The passwords, which only superusers may read unless somebody has granted it.
pub(super) const PASSWORDS: Query = Query::of(
    &[expr("oid", "a.oid"), expr("password", "a.rolpassword")],
    "FROM pg_authid a WHERE a.rolpassword IS NOT NULL",
);

/// Whether [`PASSWORDS`] can be read.
pub(super) const PASSWORDS_READABLE: Query =
    Query::of(&[expr("readable", "has_table_privilege('pg_authid', 'SELECT')")], "");

/// The settings for everybody in every database (`ALTER ROLE ALL SET`), which belong to no role.
pub(super) const SETTINGS_FOR_ALL: Query = Query::of(
    &[expr("settings", "s.setconfig")],
    "FROM pg_db_role_setting s WHERE s.setdatabase = 0 AND s.setrole = 0",
);

pub(super) fn decode(row: &Row) -> Result<Role> {
    let attributes = ATTRIBUTES.iter().map(|(column, yes, no)| Ok(if row.get::<bool>(column)? { *yes } else { *no }));
    let (providers, labels): (Vec<String>, Vec<String>) = (row.get("providers")?, row.get("labels")?);
    Ok(Role {
        oid: row.get("oid")?,
        name: Ident::new(row.get::<String>("name")?),
        attributes: attributes.collect::<Result<_>>()?,
        login: row.get("login")?,
        connection_limit: row.get("connection_limit")?,
        valid_until: row.get("valid_until")?,
        password: None,
        settings: Setting::parse_all(row.get("settings")?)?,
        comment: row.get("comment")?,
        labels: providers.into_iter().map(Ident::new).zip(labels).collect(),
    })
}

pub(super) fn decode_password(row: &Row) -> Result<(u32, Secret)> {
    Ok((row.get("oid")?, Secret::new(row.get::<String>("password")?)))
}

/// Whether a role comes with every server. Nobody can make one of such a name.
pub(super) fn is_systems_own(name: &Ident) -> bool {
    name.as_str().starts_with("pg_")
}

impl Role {
    /// The role as a user would name it.
    pub fn label(&self) -> String {
        format!("role {}", self.name.as_str())
    }

    /// Whether nothing is forbidden to it.
    pub fn is_superuser(&self) -> bool {
        self.attributes.contains(&"SUPERUSER")
    }

    /// The statement that makes it, with its password. All attributes are in it, so that one who is no superuser can run
    /// it: such a one may not even say NOSUPERUSER in `ALTER ROLE` (PostgreSQL 16, `src/backend/commands/user.c`).
    pub fn create(&self) -> Sql {
        let mut out = sql!("CREATE ROLE {} WITH", self.name);
        self.options().iter().for_each(|option| {
            out.push(&sql!(" {}", option));
        });
        if let Some(password) = &self.password {
            out.push(&sql!(" PASSWORD {}", sql::Secret(password.reveal())));
        }
        out
    }

    /// Everything that `CREATE ROLE` and `ALTER ROLE` say of it alike, but for the password.
    fn options(&self) -> Vec<Sql> {
        let mut options: Vec<Sql> = self.attributes.iter().map(|word| Sql::constant(word)).collect();
        options.push(sql!("CONNECTION LIMIT {}", self.connection_limit));
        options.extend(self.valid_until.as_ref().map(|until| sql!("VALID UNTIL {}", Literal(until))));
        options
    }

    /// The statement that puts the comment on it.
    pub fn comment_statement(&self) -> Option<Sql> {
        self.comment.as_ref().map(|comment| sql!("COMMENT ON ROLE {} IS {}", self.name, Literal(comment)))
    }

    /// The statements that give it its settings.
    pub fn setting_statements(&self) -> impl Iterator<Item = Sql> {
        self.settings.iter().map(|setting| sql!("ALTER ROLE {} SET {}", self.name, setting.assignment()))
    }

    /// The statements that give it its labels.
    pub fn label_statements(&self) -> impl Iterator<Item = Sql> {
        self.labels.iter().map(|(provider, label)| {
            sql!("SECURITY LABEL FOR {} ON ROLE {} IS {}", provider, self.name, Literal(label))
        })
    }

    /// The statements that would make `other`, a role of the same name elsewhere, the same. Passwords do not count.
    pub fn differences(&self, other: &Self) -> Vec<Sql> {
        let mut out = Vec::new();
        let theirs = other.options();
        let mut options: Vec<Sql> = self.options().into_iter().filter(|option| !theirs.contains(option)).collect();
        if self.valid_until.is_none() && other.valid_until.is_some() {
            options.push(Sql::constant("VALID UNTIL 'infinity'"));
        }
        if !options.is_empty() {
            out.push(sql!("ALTER ROLE {} {}", self.name, join(options, " ")));
        }
        let wanted = self.settings.iter().filter(|setting| !other.settings.contains(setting));
        out.extend(wanted.map(|setting| sql!("ALTER ROLE {} SET {}", self.name, setting.assignment())));
        let more = other.settings.iter().filter(|theirs| !self.settings.iter().any(|own| own.name == theirs.name));
        out.extend(more.map(|setting| sql!("ALTER ROLE {} RESET {}", self.name, Ident::new(setting.name.as_str()))));
        if self.comment != other.comment {
            let none = || sql!("COMMENT ON ROLE {} IS NULL", self.name);
            out.push(self.comment_statement().unwrap_or_else(none));
        }
        out
    }
}

#[cfg(test)]
pub(super) fn example(name: &str) -> Role {
    Role {
        oid: 16384,
        name: name.into(),
        attributes: ATTRIBUTES.iter().map(|attribute| attribute.2).collect(),
        login: false,
        connection_limit: -1,
        valid_until: None,
        password: None,
        settings: Vec::new(),
        comment: None,
        labels: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_in_one_statement() {
        let mut role = example("a\"b");
        role.attributes[4] = "LOGIN";
        role.password = Some(Secret::new("md5it's"));
        role.valid_until = Some("2030-01-01 00:00:00 UTC".into());
        assert_eq!(
            role.create().as_str(),
            "CREATE ROLE \"a\"\"b\" WITH NOSUPERUSER NOINHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS \
             CONNECTION LIMIT -1 VALID UNTIL '2030-01-01 00:00:00 UTC' PASSWORD 'md5it''s'"
        );
        assert!(
            !format!("{role:?} {:?} {}", role.create(), role.create().shown()).contains("md5"),
            "a password was printed"
        );
    }

    #[test]
    fn differences_are_statements() {
        let (mut role, mut other) = (example("a"), example("a"));
        assert!(role.differences(&other).is_empty());
        role.attributes[3] = "CREATEDB";
        role.settings = vec![Setting::parse("work_mem=1GB").unwrap()];
        other.settings = vec![Setting::parse("jit=off").unwrap()];
        other.valid_until = Some("infinity".into());
        role.comment = Some("x".into());
        let differences = role.differences(&other);
        assert_eq!(
            differences.iter().map(Sql::as_str).collect::<Vec<_>>(),
            [
                "ALTER ROLE \"a\" CREATEDB VALID UNTIL 'infinity'",
                "ALTER ROLE \"a\" SET \"work_mem\" TO '1GB'",
                "ALTER ROLE \"a\" RESET \"jit\"",
                "COMMENT ON ROLE \"a\" IS 'x'",
            ]
        );
    }
}
