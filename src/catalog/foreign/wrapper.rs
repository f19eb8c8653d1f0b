//! Foreign-data wrappers (`pg_foreign_data_wrapper`). Those of extensions come with these.

use super::{and, options};
use crate::catalog::query::{Query, expr};
use crate::catalog::reloptions::Reloption;
use crate::catalog::{Acl, Catalog, Class, Decisions, Draft, ObjectId, Part, Priority, Render};
use crate::error::Result;
use crate::sql;
use crate::sql::acl::AclKind;
use crate::sql::{Ident, Sql};
use crate::toc::{Kind, Section};
use crate::wire::session::Row;

/// All wrappers. There are none in a new database.
pub(in crate::catalog) const QUERY: Query = Query::of(
    &[
        expr("oid", "w.oid"),
        expr("name", "w.fdwname::text"),
        expr("owner", "pg_get_userbyid(w.fdwowner)::text"),
        expr("handler", "nullif(w.fdwhandler, 0)::regproc::text"),
        expr("validator", "nullif(w.fdwvalidator, 0)::regproc::text"),
        expr("options", "w.fdwoptions"),
        expr("acl", "w.fdwacl::text[]"),
        expr("acl_base", "acldefault('F', w.fdwowner)::text[]"),
    ],
    "FROM pg_foreign_data_wrapper w ORDER BY w.oid",
);

/// A foreign-data wrapper.
#[derive(Clone, Debug)]
pub struct ForeignDataWrapper {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: Ident,
    /// The function that gives what reads and writes; one without is good for definitions only.
    pub handler: Option<Sql>,
    /// The function that knows which options there are.
    pub validator: Option<Sql>,
    /// Its options.
    pub options: Vec<Reloption>,
    /// Its privileges and owner, who must be a superuser.
    pub acl: Acl,
}

/// One row of [`QUERY`].
///
/// # Errors
/// If the row is not what the query promises.
pub(in crate::catalog) fn decode(row: &Row) -> Result<ForeignDataWrapper> {
    let function = |column| Ok(row.get::<Option<String>>(column)?.map(Sql::deparsed));
    Ok(ForeignDataWrapper {
        id: ObjectId::new(Class::FOREIGN_DATA_WRAPPER, row.get("oid")?),
        name: row.get::<String>("name")?.into(),
        handler: function("handler")?,
        validator: function("validator")?,
        options: Reloption::parse(row.get("options")?),
        acl: Acl::decode(row, AclKind::ForeignDataWrapper)?,
    })
}

impl Render for ForeignDataWrapper {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("FOREIGN DATA WRAPPER {}", self.name)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::ForeignDataWrapper
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (String::new(), self.name.as_str().to_owned())
    }

    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let identity = self.identity(catalog);
        let mut create = sql!("CREATE {}", identity);
        if let Some(handler) = &self.handler {
            create.push(&sql!(" HANDLER {}", handler));
        }
        if let Some(validator) = &self.validator {
            create.push(&sql!(" VALIDATOR {}", validator));
        }
        create.push(&and(options(&self.options).as_ref()));
        let mut draft = Draft::new(Kind::ForeignDataWrapper, Section::PreData, self.name.as_str(), vec![create])
            .owned_by(&self.acl.owner, identity.clone());
        draft.remove = Some(sql!("DROP {}", identity));
        Some(draft)
    }

    fn acl(&self) -> Option<&Acl> {
        Some(&self.acl)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{catalog, plain, texts};

    #[test]
    fn every_clause() {
        let mut wrapper = ForeignDataWrapper {
            id: ObjectId::new(Class::FOREIGN_DATA_WRAPPER, 1),
            name: "w\"".into(),
            handler: None,
            validator: None,
            options: Vec::new(),
            acl: plain(AclKind::ForeignDataWrapper, "o"),
        };
        let create = |wrapper: &ForeignDataWrapper| {
            let draft = wrapper.draft(Part::Definition, &catalog(15), &Decisions::default()).unwrap();
            texts(&draft.create).join(";")
        };
        assert_eq!(create(&wrapper), r#"CREATE FOREIGN DATA WRAPPER "w""""#);
        wrapper.handler = Some(Sql::constant("\"s\".\"h\""));
        wrapper.validator = Some(Sql::constant("\"s\".\"v\""));
        wrapper.options = Reloption::parse(Some(vec!["a=1".into()]));
        assert_eq!(
            create(&wrapper),
            r#"CREATE FOREIGN DATA WRAPPER "w""" HANDLER "s"."h" VALIDATOR "s"."v" OPTIONS ("a" '1')"#
        );
    }
}
