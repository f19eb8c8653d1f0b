//! Privileges on configuration parameters (`pg_parameter_acl`, 15 and later): who may set one, or change it for all.

use super::query::{Query, expr};
use crate::error::Result;
use crate::sql;
use crate::sql::acl::{AclItem, AclKind, Grants};
use crate::sql::{Ident, Sql};
use crate::wire::session::Row;

/// The privileges on one parameter, which belongs to the bootstrap superuser.
#[derive(Clone, Debug)]
pub struct ParameterAcl {
    /// The parameter.
    pub name: Ident,
    /// What was granted on it.
    pub items: Vec<AclItem>,
}

/// All of them; since 15.
pub(super) const QUERY: Query = Query::of(
    &[expr("name", "p.parname"), expr("acl", "p.paracl::text[]")],
    "FROM pg_parameter_acl p ORDER BY p.parname",
);

pub(super) fn decode(row: &Row) -> Result<ParameterAcl> {
    let items: Vec<String> = row.get("acl")?;
    let name = Ident::new(row.get::<String>("name")?);
    Ok(ParameterAcl { name, items: AclItem::parse_all(&items, AclKind::Parameter)? })
}

impl ParameterAcl {
    fn target(&self) -> Sql {
        sql!("PARAMETER {}", self.name)
    }

    /// The statements for one item of the list, which belong together.
    pub fn grant(&self, item: &AclItem, bootstrap: &Ident) -> Vec<Sql> {
        let target = self.target();
        let grants = Grants { kind: AclKind::Parameter, target: &target, column: None, prefix: None, owner: bootstrap };
        grants.statements(&[], std::slice::from_ref(item), |_| false)
    }

    /// The statement that takes back whatever a role was granted, and what it has granted on.
    pub fn revoke_all(&self, role: &Ident) -> Sql {
        sql!("REVOKE ALL ON {} FROM {} CASCADE", self.target(), role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn item_by_item() {
        let items = AclItem::parse_all(&["alice=s*A/boot", "bob=s/alice"], AclKind::Parameter).unwrap();
        let acl = ParameterAcl { name: "my.own".into(), items };
        let made: Vec<Vec<Sql>> = acl.items.iter().map(|item| acl.grant(item, &"boot".into())).collect();
        let made: Vec<Vec<&str>> = made.iter().map(|sqls| sqls.iter().map(Sql::as_str).collect()).collect();
        assert_eq!(
            made,
            [
                vec![
                    "GRANT ALTER SYSTEM ON PARAMETER \"my.own\" TO \"alice\"",
                    "GRANT SET ON PARAMETER \"my.own\" TO \"alice\" WITH GRANT OPTION",
                ],
                vec![
                    "SET SESSION AUTHORIZATION \"alice\"",
                    "GRANT SET ON PARAMETER \"my.own\" TO \"bob\"",
                    "RESET SESSION AUTHORIZATION",
                ],
            ]
        );
    }
}
