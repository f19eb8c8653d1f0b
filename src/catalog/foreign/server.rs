//! Foreign servers (`pg_foreign_server`).

use super::{and, options};
use crate::catalog::query::{Query, expr};
use crate::catalog::reloptions::Reloption;
use crate::catalog::{Acl, Catalog, Class, Decisions, Draft, ObjectId, Part, Priority, Render};
use crate::error::Result;
use crate::sql;
use crate::sql::acl::AclKind;
use crate::sql::{Ident, Literal, Sql};
use crate::toc::{Kind, Section};
use crate::wire::session::Row;

/// All foreign servers.
pub(in crate::catalog) const QUERY: Query = Query::of(
    &[
        expr("oid", "s.oid"),
        expr("name", "s.srvname::text"),
        expr("owner", "pg_get_userbyid(s.srvowner)::text"),
        expr("wrapper", "w.fdwname::text"),
        expr("type", "s.srvtype"),
        expr("version", "s.srvversion"),
        expr("options", "s.srvoptions"),
        expr("acl", "s.srvacl::text[]"),
        expr("acl_base", "acldefault('S', s.srvowner)::text[]"),
    ],
    "FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw ORDER BY s.oid",
);

/// A foreign server.
#[derive(Clone, Debug)]
pub struct ForeignServer {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: Ident,
    /// Its wrapper.
    pub wrapper: Ident,
    /// Its type, which means something to some wrappers.
    pub server_type: Option<String>,
    /// Its version, likewise.
    pub version: Option<String>,
    /// Its options.
    pub options: Vec<Reloption>,
    /// Its privileges and owner.
    pub acl: Acl,
}

/// One row of [`QUERY`].
///
/// # Errors
/// If the row is not what the query promises.
pub(in crate::catalog) fn decode(row: &Row) -> Result<ForeignServer> {
    Ok(ForeignServer {
        id: ObjectId::new(Class::FOREIGN_SERVER, row.get("oid")?),
        name: row.get::<String>("name")?.into(),
        wrapper: row.get::<String>("wrapper")?.into(),
        server_type: row.get("type")?,
        version: row.get("version")?,
        options: Reloption::parse(row.get("options")?),
        acl: Acl::decode(row, AclKind::Server)?,
    })
}

impl Render for ForeignServer {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("SERVER {}", self.name)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::ForeignServer
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.name.as_str().to_owned(), String::new())
    }

    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let identity = self.identity(catalog);
        let mut create = sql!("CREATE {}", identity);
        if let Some(server_type) = &self.server_type {
            create.push(&sql!(" TYPE {}", Literal(server_type)));
        }
        if let Some(version) = &self.version {
            create.push(&sql!(" VERSION {}", Literal(version)));
        }
        create.push(&sql!(" FOREIGN DATA WRAPPER {}{}", self.wrapper, and(options(&self.options).as_ref())));
        let mut draft = Draft::new(Kind::ForeignServer, Section::PreData, self.name.as_str(), vec![create])
            .owned_by(&self.acl.owner, identity.clone());
        draft.remove = Some(sql!("DROP {}", identity));
        Some(draft)
    }

    fn acl(&self) -> Option<&Acl> {
        Some(&self.acl)
    }

    fn grant_target(&self, _catalog: &Catalog) -> Sql {
        sql!("FOREIGN SERVER {}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{catalog, plain, texts};

    #[test]
    fn every_clause() {
        let server = ForeignServer {
            id: ObjectId::new(Class::FOREIGN_SERVER, 1),
            name: "far".into(),
            wrapper: "w".into(),
            server_type: Some("it's".into()),
            version: Some(String::new()),
            options: Reloption::parse(Some(vec!["host=a".into()])),
            acl: plain(AclKind::Server, "o"),
        };
        let draft = server.draft(Part::Definition, &catalog(15), &Decisions::default()).unwrap();
        assert_eq!(
            texts(&draft.create),
            [r#"CREATE SERVER "far" TYPE 'it''s' VERSION '' FOREIGN DATA WRAPPER "w" OPTIONS ("host" 'a')"#]
        );
        assert_eq!(server.grant_target(&catalog(15)).as_str(), r#"FOREIGN SERVER "far""#);
    }
}
