//! Tablespaces (`pg_tablespace`): what is known of them. They are not made over the wire: their directories are the affair
//! of whoever runs the server.

use super::Acl;
use super::query::{Query, expr};
use super::setting::Setting;
use crate::error::Result;
use crate::sql;
use crate::sql::acl::{self, AclKind, Grants};
use crate::sql::{Ident, Literal, Sql, join};
use crate::wire::session::Row;

/// A tablespace.
#[derive(Clone, Debug)]
pub struct Tablespace {
    /// Its name.
    pub name: Ident,
    /// Its directory; empty for those that every cluster has.
    pub location: String,
    /// Its privileges and owner.
    pub acl: Acl,
    /// Costs and the like.
    pub options: Vec<Setting>,
    /// The comment on it.
    pub comment: Option<String>,
}

/// All of them, but for `pg_default` and `pg_global`.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("name", "t.spcname::text"),
        expr("location", "pg_tablespace_location(t.oid)"),
        expr("owner", "pg_get_userbyid(t.spcowner)::text"),
        expr("acl", "t.spcacl::text[]"),
        expr("acl_base", "acldefault('t', t.spcowner)::text[]"),
        expr("options", "t.spcoptions"),
        expr("comment", "shobj_description(t.oid, 'pg_tablespace')"),
    ],
    "FROM pg_tablespace t WHERE t.spcname !~ '^pg_' ORDER BY t.spcname",
);

pub(super) fn decode(row: &Row) -> Result<Tablespace> {
    Ok(Tablespace {
        name: Ident::new(row.get::<String>("name")?),
        location: row.get("location")?,
        acl: Acl::decode(row, AclKind::Tablespace)?,
        options: Setting::parse_all(row.get("options")?)?,
        comment: row.get("comment")?,
    })
}

impl Tablespace {
    /// The statement that makes it, for somebody who has made its directory.
    pub fn create(&self) -> Sql {
        sql!("CREATE TABLESPACE {} OWNER {} LOCATION {}", self.name, self.acl.owner, Literal(&self.location))
    }

    /// Everything else that it has, as statements.
    fn properties(&self) -> Vec<Sql> {
        let target = sql!("TABLESPACE {}", self.name);
        let mut out = vec![sql!("ALTER {} OWNER TO {}", target, self.acl.owner)];
        if !self.options.is_empty() {
            let option = |o: &Setting| sql!("{} = {}", Ident::new(o.name.as_str()), Literal(&o.value));
            out.push(sql!("ALTER {} SET ({})", target, join(self.options.iter().map(option), ", ")));
        }
        let grants =
            Grants { kind: AclKind::Tablespace, target: &target, column: None, prefix: None, owner: &self.acl.owner };
        let items = self.acl.items.as_deref().unwrap_or(&self.acl.base);
        out.extend(grants.statements(&self.acl.base, items, acl::may_be_dangling));
        out.extend(self.comment.as_ref().map(|text| sql!("COMMENT ON {} IS {}", target, Literal(text))));
        out
    }

    /// The statements that would give `other`, one of the same name elsewhere, what it lacks.
    pub fn differences(&self, other: &Self) -> Vec<Sql> {
        let theirs = other.properties();
        self.properties().into_iter().filter(|own| !theirs.contains(own)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::plain;
    use super::*;
    use crate::sql::acl::AclItem;

    #[test]
    fn what_it_lacks() {
        let other = Tablespace {
            name: "fast".into(),
            location: "/fast".into(),
            acl: plain(AclKind::Tablespace, "own"),
            options: Vec::new(),
            comment: None,
        };
        let mut own = other.clone();
        assert!(own.differences(&other).is_empty());
        own.options = vec![Setting::parse("seq_page_cost=0.5").unwrap()];
        own.acl.items = Some(AclItem::parse_all(&["bob=C/own"], AclKind::Tablespace).unwrap());
        assert_eq!(
            own.differences(&other).iter().map(Sql::as_str).collect::<Vec<_>>(),
            [
                "ALTER TABLESPACE \"fast\" SET (\"seq_page_cost\" = '0.5')",
                "GRANT ALL ON TABLESPACE \"fast\" TO \"bob\"",
            ]
        );
        assert_eq!(own.create().as_str(), "CREATE TABLESPACE \"fast\" OWNER \"own\" LOCATION '/fast'");
    }
}
