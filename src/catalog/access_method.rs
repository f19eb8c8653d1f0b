//! Access methods for tables and indexes (`pg_am`).

use super::query::{Query, expr};
use super::*;
use crate::error::{Error, Result};
use crate::sql;
use crate::wire::session::Row;

/// An access method. It has neither owner nor privileges.
#[derive(Clone, Debug)]
pub struct AccessMethod {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: Ident,
    /// `TABLE` (since 12) or `INDEX`.
    pub of: &'static str,
    /// What gives its functions.
    pub handler: Sql,
}

/// Access methods that are no system objects.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "a.oid"),
        expr("name", "a.amname::text"),
        expr("kind", "a.amtype::text"),
        expr("handler", "a.amhandler::regproc::text"),
    ],
    "FROM pg_am a WHERE a.oid >= 16384 ORDER BY a.amname",
);

pub(super) fn decode(row: &Row) -> Result<AccessMethod> {
    let name: String = row.get("name")?;
    let of = match row.get::<String>("kind")?.as_str() {
        "i" => "INDEX",
        "t" => "TABLE",
        _ => return Err(Error::malformed("cannot read an access method: unknown type").about(name)),
    };
    Ok(AccessMethod {
        id: ObjectId::new(Class::ACCESS_METHOD, row.get("oid")?),
        name: Ident::new(name),
        of,
        handler: Sql::deparsed(row.get::<String>("handler")?),
    })
}

impl Render for AccessMethod {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("ACCESS METHOD {}", self.name)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::AccessMethod
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.name.as_str().to_owned(), String::new())
    }

    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let identity = self.identity(catalog);
        let create = sql!("CREATE {} TYPE {} HANDLER {}", identity, self.of, self.handler);
        let mut draft = Draft::new(Kind::AccessMethod, Section::PreData, self.name.as_str(), vec![create]);
        draft.remove = Some(sql!("DROP {}", identity));
        Some(draft)
    }
}
