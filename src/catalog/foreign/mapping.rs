//! User mappings (`pg_user_mapping`, by way of the view that everybody may read).
//!
//! Their options hold passwords, under whatever names a wrapper gives them, so that no message shows any. To a role that is
//! neither a superuser nor allowed to use the server they are hidden: the mapping is made without them then, and
//! [hazards](crate::catalog::hazards) tells so. One on an extension's server is nobody's member (PostgreSQL 18,
//! `src/backend/commands/foreigncmds.c`, `CreateUserMapping`) and is carried like any other; should the extension's script
//! have made one for the same user, it takes its place.

use super::{and, secret_options};
use crate::catalog::query::{Query, expr};
use crate::catalog::reloptions::Reloption;
use crate::catalog::{Catalog, Class, Decisions, Draft, Node, ObjectId, Part, Priority, Render};
use crate::error::Result;
use crate::sql;
use crate::sql::{Ident, Sql};
use crate::toc::{Kind, Section};
use crate::wire::session::Row;

/// All user mappings. Options are hidden where the view has none and this role is not one that it shows them to
/// (PostgreSQL, `src/backend/catalog/system_views.sql`, `pg_user_mappings`, the same from 12 to 18).
pub(in crate::catalog) const QUERY: Query = Query::of(
    &[
        expr("oid", "m.umid"),
        expr("user", "r.rolname::text"),
        expr("server", "m.srvname::text"),
        expr("server_oid", "m.srvid"),
        expr("options", "m.umoptions"),
        expr(
            "hidden",
            "m.umoptions IS NULL AND NOT (SELECT o.rolsuper FROM pg_roles o WHERE o.rolname = current_user)
                AND NOT (pg_has_role(s.srvowner, 'USAGE')
                    AND (m.umuser = 0 OR r.rolname IS NOT DISTINCT FROM current_user))
                AND NOT (r.rolname IS NOT DISTINCT FROM current_user AND has_server_privilege(s.oid, 'USAGE'))",
        ),
    ],
    "FROM pg_user_mappings m JOIN pg_foreign_server s ON s.oid = m.srvid LEFT JOIN pg_roles r ON r.oid = m.umuser
        ORDER BY m.umid",
);

/// A user mapping.
#[derive(Clone, Debug)]
pub struct UserMapping {
    /// Which object this is.
    pub id: ObjectId,
    /// The user; `None` for everybody who has none of their own.
    pub user: Option<Ident>,
    /// The server.
    pub server: Ident,
    /// Its OID.
    pub server_oid: u32,
    /// Whether its options could not be read.
    pub hidden: bool,
    /// `OPTIONS (...)`, secret.
    options: Option<Sql>,
}

/// One row of [`QUERY`].
///
/// # Errors
/// If the row is not what the query promises.
pub(in crate::catalog) fn decode(row: &Row) -> Result<UserMapping> {
    Ok(UserMapping {
        id: ObjectId::new(Class::USER_MAPPING, row.get("oid")?),
        user: row.get::<Option<String>>("user")?.map(Ident::from),
        server: row.get::<String>("server")?.into(),
        server_oid: row.get("server_oid")?,
        hidden: row.get("hidden")?,
        options: secret_options(&Reloption::parse(row.get("options")?)),
    })
}

impl UserMapping {
    /// What it is called, for people.
    pub fn label(&self) -> String {
        format!("user mapping {}", self.tag())
    }

    /// What an entry calls it.
    pub fn tag(&self) -> String {
        format!("{} SERVER {}", self.user.as_ref().map_or("public", Ident::as_str), self.server.as_str())
    }
}

impl Render for UserMapping {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        match &self.user {
            Some(user) => sql!("USER MAPPING FOR {} SERVER {}", user, self.server),
            None => sql!("USER MAPPING FOR PUBLIC SERVER {}", self.server),
        }
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::ForeignServer
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        let user = self.user.as_ref().map_or("", Ident::as_str);
        (self.server.as_str().to_owned(), format!("\0{user}"))
    }

    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let identity = self.identity(catalog);
        let mut create = Vec::new();
        if !is_ours(catalog, self.server_oid) {
            let user = self.user.as_ref().map_or_else(|| Sql::constant("PUBLIC"), |user| sql!("{}", user));
            create.push(sql!("DROP USER MAPPING IF EXISTS FOR {} SERVER {}", user, self.server));
        }
        create.push(sql!("CREATE {}{}", identity, and(self.options.as_ref())));
        let mut draft = Draft::new(Kind::UserMapping, Section::PreData, self.tag(), create);
        draft.remove = Some(sql!("DROP {}", identity));
        Some(draft)
    }

    fn edges(&self, _catalog: &Catalog) -> Vec<(Node, Node)> {
        let server = ObjectId::new(Class::FOREIGN_SERVER, self.server_oid);
        vec![(Node::definition(self.id), Node::definition(server))]
    }
}

/// Whether a server is not an extension's.
fn is_ours(catalog: &Catalog, server: u32) -> bool {
    catalog.get(ObjectId::new(Class::FOREIGN_SERVER, server)).is_some_and(|o| o.id().class == Class::FOREIGN_SERVER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{catalog, texts};

    #[test]
    fn options_are_sent_and_never_shown() {
        let mut mapping = UserMapping {
            id: ObjectId::new(Class::USER_MAPPING, 1),
            user: Some("b\"".into()),
            server: "far".into(),
            server_oid: 2,
            hidden: false,
            options: secret_options(&Reloption::parse(Some(vec!["token=s3cr3t".into()]))),
        };
        let draft =
            |mapping: &UserMapping| mapping.draft(Part::Definition, &catalog(15), &Decisions::default()).unwrap();
        let first = draft(&mapping);
        assert_eq!(texts(&first.create)[1], r#"CREATE USER MAPPING FOR "b""" SERVER "far" OPTIONS ("token" 's3cr3t')"#);
        assert!(!format!("{first:?} {mapping:?}").contains("s3cr3t"));
        mapping.user = None;
        mapping.options = None;
        assert_eq!(texts(&draft(&mapping).create)[1], r#"CREATE USER MAPPING FOR PUBLIC SERVER "far""#);
        assert_eq!(mapping.label(), "user mapping public SERVER far");
    }
}
