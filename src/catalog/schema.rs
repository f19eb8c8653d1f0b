//! Schemas (`pg_namespace`).

use super::query::{Query, expr, in_user_schema};
use super::*;
use crate::error::Result;
use crate::sql;
use crate::sql::acl::{AclItem, AclKind};
use crate::wire::session::Row;

/// The schema that a new database has.
const PUBLIC: &str = "public";
/// The role that stands for whoever owns the database, and owns `public` where nobody said otherwise (15 and later).
const DATABASE_OWNER: &str = "pg_database_owner";
/// The major since which `public` belongs to [`DATABASE_OWNER`] and not everybody may create in it.
const PUBLIC_CLOSED: u32 = 15;

/// A schema.
#[derive(Clone, Debug)]
pub struct Schema {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: Ident,
    /// Its privileges and owner.
    pub acl: Acl,
    /// Whether it is the `public` of every new database, which was dropped here.
    pub absent: bool,
}

/// Users' schemas, and `public` even if it is not there: under the OID that initdb gives it.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "coalesce(n.oid, 2200)"),
        expr("name", "coalesce(n.nspname, p.nspname)::text"),
        expr("owner", "coalesce(pg_get_userbyid(n.nspowner)::text, '')"),
        expr("acl", "n.nspacl::text[]"),
        expr("acl_base", "coalesce(acldefault('n', n.nspowner)::text[], '{}')"),
        expr("absent", "n.oid IS NULL"),
    ],
    concat!(
        "FROM pg_namespace n FULL JOIN (SELECT 'public'::name AS nspname) p ON p.nspname = n.nspname
        WHERE n.oid IS NULL OR ",
        in_user_schema!(),
        " ORDER BY name"
    ),
);

pub(super) fn decode(row: &Row) -> Result<Schema> {
    let mut schema = Schema {
        id: ObjectId::new(Class::NAMESPACE, row.get("oid")?),
        name: Ident::new(row.get::<String>("name")?),
        acl: Acl::decode(row, AclKind::Schema)?,
        absent: row.get("absent")?,
    };
    if schema.is_public() {
        schema.acl = already_there(schema.acl)?;
    }
    Ok(schema)
}

/// The privileges on `public`, told from what a new database gives: once it has its owner, these are the owner's and
/// everybody's (PostgreSQL, `src/bin/initdb/initdb.c` and `src/include/catalog/pg_namespace.dat`).
fn already_there(mut acl: Acl) -> Result<Acl> {
    let everybody = |letters| -> Result<Vec<AclItem>> {
        let own = AclItem::new(Some(acl.owner.clone()), "UC", acl.owner.clone(), AclKind::Schema)?;
        Ok(vec![own, AclItem::new(None, letters, acl.owner.clone(), AclKind::Schema)?])
    };
    let (open, closed) = (everybody("UC")?, everybody("U")?);
    // What a schema has that somebody made is not what `public` has from the start.
    acl.items = Some(acl.items.unwrap_or(acl.base));
    acl.base = open;
    acl.base_since = Some((PUBLIC_CLOSED, closed));
    Ok(acl)
}

impl Schema {
    /// Whether a new database has it.
    pub fn is_public(&self) -> bool {
        self.name.as_str() == PUBLIC
    }
}

impl Render for Schema {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("SCHEMA {}", self.name)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::Schema
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.name.as_str().to_owned(), String::new())
    }

    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, how: &Decisions) -> Option<Draft> {
        let identity = self.identity(catalog);
        let draft = |create| Draft::new(Kind::Schema, Section::PreData, self.name.as_str(), create);
        if self.absent {
            return Some(draft(vec![sql!("DROP {}", identity)]));
        }
        if !self.is_public() {
            let mut draft = draft(vec![sql!("CREATE {}", identity)]).owned_by(&self.acl.owner, identity.clone());
            draft.remove = Some(sql!("DROP {}", identity));
            return Some(draft);
        }
        if self.acl.owner.as_str() == DATABASE_OWNER && how.target >= PUBLIC_CLOSED {
            return Some(draft(Vec::new()));
        }
        Some(draft(Vec::new()).owned_by(&self.acl.owner, identity))
    }

    fn acl(&self) -> Option<&Acl> {
        Some(&self.acl).filter(|_| !self.absent)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, texts};
    use super::*;

    fn schema(name: &str, owner: &str, items: Option<&[&str]>) -> Schema {
        let strings = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let items = items.map(strings);
        let base = strings(&[&format!("{owner}=UC/{owner}")]);
        let acl = Acl::new(AclKind::Schema, Ident::new(owner), &base, items.as_deref()).unwrap();
        let acl = if name == PUBLIC { already_there(acl).unwrap() } else { acl };
        Schema { id: ObjectId::new(Class::NAMESPACE, 2200), name: Ident::new(name), acl, absent: false }
    }

    fn privileges(schema: &Schema, target: u32) -> Vec<String> {
        let catalog = catalog(12);
        let how = Decisions { target, ..Decisions::default() };
        let made = schema.acl.statements(&schema.grant_target(&catalog), &catalog, &how);
        made.iter().map(|s| s.as_str().to_owned()).collect()
    }

    #[test]
    fn public_is_as_the_source_has_it() {
        let old = schema("public", "pg", Some(&["pg=UC/pg", "=UC/pg"]));
        assert!(privileges(&old, 14).is_empty());
        assert_eq!(
            privileges(&old, 15),
            ["REVOKE USAGE ON SCHEMA \"public\" FROM PUBLIC", "GRANT ALL ON SCHEMA \"public\" TO PUBLIC"]
        );
        let made_again = schema("public", "pg", None);
        assert_eq!(privileges(&made_again, 18), ["REVOKE USAGE ON SCHEMA \"public\" FROM PUBLIC"]);
        assert_eq!(privileges(&made_again, 12), ["REVOKE ALL ON SCHEMA \"public\" FROM PUBLIC"]);
    }

    #[test]
    fn public_is_never_made() {
        let how = Decisions { target: 18, ..Decisions::default() };
        let catalog = catalog(12);
        let draft = |schema: &Schema| schema.draft(Part::Definition, &catalog, &how);
        let new = schema("public", DATABASE_OWNER, Some(&[]));
        assert!(draft(&new).unwrap().owner.is_none());
        let owned = draft(&schema("public", "pg", None)).unwrap();
        assert!(owned.create.is_empty() && owned.remove.is_none() && owned.owner.is_some());
        let dropped = draft(&Schema { absent: true, ..new }).unwrap();
        assert_eq!(texts(&dropped.create), ["DROP SCHEMA \"public\""]);
        let own = draft(&schema("a\"b", "pg", None)).unwrap();
        assert_eq!(texts(&own.create), ["CREATE SCHEMA \"a\"\"b\""]);
    }
}
