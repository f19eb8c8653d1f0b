//! The database itself (`pg_database`): how it is made, and what it has besides its objects.

use super::aspect::label;
use super::query::{Query, expr};
use super::setting::Setting;
use super::{Acl, Catalog, Decisions};
use crate::error::Result;
use crate::sql;
use crate::sql::acl::AclKind;
use crate::sql::{Ident, Literal, Sql};
use crate::wire::session::Row;
use crate::wire::version::ServerVersion;

/// A database.
#[derive(Clone, Debug, Default)]
pub struct Database {
    /// Its OID.
    pub oid: u32,
    /// Its name.
    pub name: String,
    /// Its privileges and owner.
    pub acl: Option<Acl>,
    /// Its encoding, by its name.
    pub encoding: String,
    /// Where its collation comes from.
    pub provider: Provider,
    /// `LC_COLLATE`.
    pub collate: String,
    /// `LC_CTYPE`.
    pub ctype: String,
    /// The locale of a provider other than libc.
    pub locale: Option<String>,
    /// The tailoring of an ICU collation.
    pub icu_rules: Option<String>,
    /// The collation's version when the database was made or last refreshed.
    pub collation_version: Option<String>,
    /// How many sessions it takes; -1 is any number.
    pub connection_limit: i32,
    /// Whether others may copy it.
    pub is_template: bool,
    /// Whether it takes sessions at all.
    pub allow_connections: bool,
    /// Its tablespace, unless that is `pg_default`.
    pub tablespace: Option<Ident>,
    /// The comment on it.
    pub comment: Option<String>,
    /// The security labels on it: provider and text.
    pub labels: Vec<(Ident, String)>,
    /// Settings for sessions in it: of everybody, or of one role.
    pub settings: Vec<(Option<Ident>, Setting)>,
}

/// Where a database's collation comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Provider {
    /// The operating system's C library.
    #[default]
    Libc,
    /// ICU (as a database's own since 15).
    Icu,
    /// PostgreSQL itself (17 and later).
    Builtin,
}

/// The labels on the database that a query calls `d`, in their order.
macro_rules! labels {
    () => {
        "FROM pg_shseclabel l WHERE l.classoid = 'pg_database'::regclass AND l.objoid = d.oid ORDER BY l.provider"
    };
}

/// The database of this session.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "d.oid"),
        expr("name", "d.datname::text"),
        expr("owner", "pg_get_userbyid(d.datdba)::text"),
        expr("acl", "d.datacl::text[]"),
        expr("acl_base", "acldefault('d', d.datdba)::text[]"),
        expr("encoding", "pg_encoding_to_char(d.encoding)::text"),
        expr("provider", "d.datlocprovider::text").since(15, "'c'::text"),
        expr("collate", "d.datcollate::text"),
        expr("ctype", "d.datctype::text"),
        // `daticulocale` in 15 and 16, `datlocale` since.
        expr("locale", "coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale')").since(15, "NULL::text"),
        expr("icu_rules", "d.daticurules").since(16, "NULL::text"),
        expr("collation_version", "d.datcollversion").since(15, "NULL::text"),
        expr("connection_limit", "d.datconnlimit"),
        expr("is_template", "d.datistemplate"),
        expr("allow_connections", "d.datallowconn"),
        expr("tablespace", "nullif(t.spcname, 'pg_default')::text"),
        expr("comment", "shobj_description(d.oid, 'pg_database')"),
        expr("providers", concat!("ARRAY(SELECT l.provider ", labels!(), ")")),
        expr("labels", concat!("ARRAY(SELECT l.label ", labels!(), ")")),
    ],
    "FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = current_database()",
);

/// Settings for this database: those for everybody, then those of roles.
pub(super) const SETTINGS: Query = Query::of(
    &[expr("role", "r.rolname::text"), expr("settings", "s.setconfig")],
    "FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole
        WHERE d.datname = current_database() AND (s.setrole = 0 OR r.oid IS NOT NULL) ORDER BY r.rolname NULLS FIRST",
);

pub(super) fn decode(row: &Row) -> Result<Database> {
    let (providers, labels): (Vec<String>, Vec<String>) = (row.get("providers")?, row.get("labels")?);
    Ok(Database {
        oid: row.get("oid")?,
        name: row.get("name")?,
        acl: Some(Acl::decode(row, AclKind::Database)?),
        encoding: row.get("encoding")?,
        provider: match row.get::<String>("provider")?.as_str() {
            "i" => Provider::Icu,
            "b" => Provider::Builtin,
            _ => Provider::Libc,
        },
        collate: row.get("collate")?,
        ctype: row.get("ctype")?,
        locale: row.get("locale")?,
        icu_rules: row.get("icu_rules")?,
        collation_version: row.get("collation_version")?,
        connection_limit: row.get("connection_limit")?,
        is_template: row.get("is_template")?,
        allow_connections: row.get("allow_connections")?,
        tablespace: row.get::<Option<String>>("tablespace")?.map(Ident::new),
        comment: row.get("comment")?,
        labels: providers.into_iter().map(Ident::new).zip(labels).collect(),
        settings: Vec::new(),
    })
}

/// The settings of one row of [`SETTINGS`], for [`Database::settings`].
pub(super) fn decode_settings(row: &Row) -> Result<Vec<(Option<Ident>, Setting)>> {
    let role = row.get::<Option<String>>("role")?.map(Ident::new);
    let settings = Setting::parse_all(row.get("settings")?)?;
    Ok(settings.into_iter().map(|setting| (role.clone(), setting)).collect())
}

impl Database {
    /// The owner.
    pub fn owner(&self) -> Option<&Ident> {
        self.acl.as_ref().map(|acl| &acl.owner)
    }

    /// The statement that makes an empty database of this kind under a name. It must stand alone, outside of a
    /// transaction. Nothing here needs a newer target than the source: only 15 and later have another provider than libc.
    pub fn create_statement(&self, name: &Ident, target: ServerVersion) -> Sql {
        let mut out = sql!("CREATE DATABASE {} TEMPLATE template0 ENCODING {}", name, Literal(&self.encoding));
        if target.has_locale_provider() {
            out.push_str(match self.provider {
                Provider::Libc => " LOCALE_PROVIDER libc",
                Provider::Icu => " LOCALE_PROVIDER icu",
                Provider::Builtin => " LOCALE_PROVIDER builtin",
            });
        }
        out.push(&sql!(" LC_COLLATE {} LC_CTYPE {}", Literal(&self.collate), Literal(&self.ctype)));
        let word = match self.provider {
            Provider::Libc => None,
            Provider::Icu => Some("ICU_LOCALE"),
            Provider::Builtin => Some("BUILTIN_LOCALE"),
        };
        if let (Some(word), Some(locale)) = (word, &self.locale) {
            out.push(&sql!(" {} {}", word, Literal(locale)));
        }
        if let Some(rules) = &self.icu_rules {
            out.push(&sql!(" ICU_RULES {}", Literal(rules)));
        }
        if let Some(tablespace) = &self.tablespace {
            out.push(&sql!(" TABLESPACE {}", tablespace));
        }
        out
    }

    /// The statements that give a database of this name everything else that this one has: owner, comment, privileges,
    /// limits, settings. They come last, since some of them would hold for the sessions that load it. As with
    /// [`Acl::statements`], some belong together in one session.
    pub fn properties(&self, name: &Ident, catalog: &Catalog, how: &Decisions) -> Vec<Sql> {
        let target = sql!("DATABASE {}", name);
        let mut out = Vec::new();
        if let Some(owner) = self.owner().filter(|_| !how.without_owners) {
            out.push(sql!("ALTER {} OWNER TO {}", target, owner));
        }
        if let Some(comment) = &self.comment {
            out.push(sql!("COMMENT ON {} IS {}", target, Literal(comment)));
        }
        out.extend(self.labels.iter().map(|(provider, text)| label(provider, &target, text)));
        if let Some(acl) = self.acl.as_ref().filter(|_| !how.without_privileges) {
            out.extend(acl.statements(&target, catalog, how));
        }
        if self.connection_limit != -1 {
            out.push(sql!("ALTER {} CONNECTION LIMIT {}", target, self.connection_limit));
        }
        if self.is_template {
            out.push(sql!("ALTER {} IS_TEMPLATE true", target));
        }
        if !self.allow_connections {
            out.push(sql!("ALTER {} ALLOW_CONNECTIONS false", target));
        }
        out.extend(self.settings.iter().map(|(role, setting)| match role {
            None => sql!("ALTER {} SET {}", target, setting.assignment()),
            Some(role) => sql!("ALTER ROLE {} IN {} SET {}", role, target, setting.assignment()),
        }));
        out
    }

    /// The roles that it refers to, its owner and those of its privileges apart; with repetitions.
    pub fn roles(&self) -> impl Iterator<Item = &Ident> {
        self.settings.iter().filter_map(|(role, _)| role.as_ref())
    }

    /// The locales of the operating system that it needs, whatever its provider.
    pub fn system_locales(&self) -> Vec<String> {
        let mut locales = vec![self.collate.clone(), self.ctype.clone()];
        locales.dedup();
        locales
    }

    /// The names of the parameters that it sets, with repetitions: a newer server may have dropped one.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.settings.iter().map(|(_, setting)| setting.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, plain, texts};
    use super::*;

    fn database() -> Database {
        Database {
            name: "old".into(),
            acl: Some(plain(AclKind::Database, "own")),
            encoding: "UTF8".into(),
            collate: "C".into(),
            ctype: "en_US.utf8".into(),
            connection_limit: -1,
            allow_connections: true,
            ..Database::default()
        }
    }

    fn create(database: &Database, major: u32) -> String {
        database.create_statement(&"new".into(), ServerVersion(major * 10_000)).as_str().to_owned()
    }

    #[test]
    fn made_with_the_same_locale() {
        let libc = "LC_COLLATE 'C' LC_CTYPE 'en_US.utf8'";
        let start = "CREATE DATABASE \"new\" TEMPLATE template0 ENCODING 'UTF8'";
        assert_eq!(create(&database(), 14), format!("{start} {libc}"));
        assert_eq!(create(&database(), 15), format!("{start} LOCALE_PROVIDER libc {libc}"));
        let icu = Database { provider: Provider::Icu, locale: Some("de".into()), ..database() };
        assert_eq!(create(&icu, 15), format!("{start} LOCALE_PROVIDER icu {libc} ICU_LOCALE 'de'"));
        let icu = Database { icu_rules: Some("&a < b".into()), tablespace: Some("fast".into()), ..icu };
        assert!(create(&icu, 16).ends_with(" ICU_LOCALE 'de' ICU_RULES '&a < b' TABLESPACE \"fast\""));
        let builtin = Database { provider: Provider::Builtin, locale: Some("C.UTF-8".into()), ..database() };
        assert_eq!(create(&builtin, 17), format!("{start} LOCALE_PROVIDER builtin {libc} BUILTIN_LOCALE 'C.UTF-8'"));
    }

    #[test]
    fn properties_follow() {
        let mut database = database();
        let (catalog, how) = (catalog(15), Decisions::default());
        let properties = database.properties(&"new".into(), &catalog, &how);
        assert_eq!(texts(&properties), ["ALTER DATABASE \"new\" OWNER TO \"own\""]);
        database.comment = Some("it's".into());
        database.labels = vec![("p".into(), "secret".into())];
        database.connection_limit = 3;
        database.is_template = true;
        database.settings = vec![
            (None, Setting::parse("search_path=a, b").unwrap()),
            (Some("r".into()), Setting::parse("work_mem=1GB").unwrap()),
        ];
        assert_eq!(
            texts(&database.properties(&"new".into(), &catalog, &how)),
            [
                "ALTER DATABASE \"new\" OWNER TO \"own\"",
                "COMMENT ON DATABASE \"new\" IS 'it''s'",
                "SECURITY LABEL FOR \"p\" ON DATABASE \"new\" IS 'secret'",
                "ALTER DATABASE \"new\" CONNECTION LIMIT 3",
                "ALTER DATABASE \"new\" IS_TEMPLATE true",
                "ALTER DATABASE \"new\" SET \"search_path\" TO 'a', 'b'",
                "ALTER ROLE \"r\" IN DATABASE \"new\" SET \"work_mem\" TO '1GB'",
            ]
        );
        assert_eq!(database.parameters().collect::<Vec<_>>(), ["search_path", "work_mem"]);
        assert_eq!(database.roles().count(), 1);
    }
}
