//! Which roles are members of which (`pg_auth_members`), and an order in which that can be granted.

use std::collections::HashSet;

use super::query::{Query, expr};
use crate::error::Result;
use crate::sql;
use crate::sql::{Ident, Sql};
use crate::wire::session::Row;

/// One role is a member of another, by the will of a third. There may be several for the same two, by several grantors
/// (16 and later).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// What was granted.
    pub role: Ident,
    /// To whom.
    pub member: Ident,
    /// By whom, where the server holds that to be true: before 16 it may be anybody, or nobody that is left.
    pub grantor: Option<Ident>,
    /// Whether the member may grant it on.
    pub admin: bool,
    /// Whether the member has its rights, and whether it may become it. Before 16 the one depends on the member's own
    /// attribute, as `GRANT` without options does, and the other is always so.
    pub options: Option<(bool, bool)>,
}

/// All memberships, but for those of the roles that every server has among each other. Rows of roles that are gone do not
/// count (PostgreSQL 18, `src/bin/pg_dump/pg_dumpall.c`, `dumpRoleMembership`).
pub(super) const QUERY: Query = Query::of(
    &[
        expr("role", "r.rolname::text"),
        expr("member", "m.rolname::text"),
        expr("grantor", "g.rolname::text").since(16, "NULL::text"),
        expr("admin", "a.admin_option"),
        expr("inherit", "a.inherit_option").since(16, "NULL::boolean"),
        expr("set", "a.set_option").since(16, "NULL::boolean"),
    ],
    "FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
        LEFT JOIN pg_roles g ON g.oid = a.grantor
        WHERE NOT (r.rolname ~ '^pg_' AND m.rolname ~ '^pg_') ORDER BY r.rolname, m.rolname, g.rolname",
);

pub(super) fn decode(row: &Row) -> Result<Membership> {
    let (inherit, set): (Option<bool>, Option<bool>) = (row.get("inherit")?, row.get("set")?);
    Ok(Membership {
        role: Ident::new(row.get::<String>("role")?),
        member: Ident::new(row.get::<String>("member")?),
        grantor: row.get::<Option<String>>("grantor")?.map(Ident::new),
        admin: row.get("admin")?,
        options: inherit.zip(set),
    })
}

impl Membership {
    /// Whether another one gives the same member the same, whoever granted it.
    pub fn gives_as_much_as(&self, other: &Self) -> bool {
        let same = self.options.is_none() || other.options.is_none() || self.options == other.options;
        (&self.role, &self.member, self.admin) == (&other.role, &other.member, other.admin) && same
    }

    /// The roles in it.
    pub(super) fn roles_mut(&mut self) -> impl Iterator<Item = &mut Ident> {
        [&mut self.role, &mut self.member].into_iter().chain(&mut self.grantor)
    }

    /// The statement, in the name of its grantor or in our own, which for a superuser is the bootstrap superuser's.
    pub fn grant(&self, as_grantor: bool) -> Sql {
        let mut out = sql!("GRANT {} TO {}", self.role, self.member);
        match self.options {
            Some((inherit, set)) => {
                out.push(&sql!(" WITH ADMIN {}, INHERIT {}, SET {}", self.admin, inherit, set));
            }
            None if self.admin => {
                out.push_str(" WITH ADMIN OPTION");
            }
            None => {}
        }
        if let Some(grantor) = self.grantor.as_ref().filter(|_| as_grantor) {
            out.push(&sql!(" GRANTED BY {}", grantor));
        }
        out
    }
}

/// A grant in its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Turn<'a> {
    pub membership: &'a Membership,
    /// Whether it can be made in the name of its grantor.
    pub as_grantor: bool,
}

/// Puts grants into an order in which every grantor has the right to grant when its turn comes: who has it from the start
/// is in `admins` (role and member); the bootstrap superuser always has it. What can be made in nobody's name but ours comes
/// last.
pub(super) fn in_order<'a>(
    grants: Vec<&'a Membership>,
    mut admins: HashSet<(Ident, Ident)>,
    bootstrap: &Ident,
) -> Vec<Turn<'a>> {
    let mut out = Vec::with_capacity(grants.len());
    let mut waiting = grants;
    loop {
        let before = waiting.len();
        waiting.retain(|membership| {
            let grantor = membership.grantor.as_ref().filter(|grantor| *grantor != bootstrap);
            let may = grantor.is_none_or(|grantor| admins.contains(&(membership.role.clone(), grantor.clone())));
            if may {
                if membership.admin {
                    admins.insert((membership.role.clone(), membership.member.clone()));
                }
                // Without a grantor it is the bootstrap superuser's.
                out.push(Turn { membership, as_grantor: grantor.is_some() });
            }
            !may
        });
        if waiting.len() == before {
            break;
        }
    }
    out.extend(waiting.into_iter().map(|membership| Turn { membership, as_grantor: false }));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn membership(role: &str, member: &str, grantor: Option<&str>, admin: bool) -> Membership {
        let options = grantor.map(|_| (true, false));
        Membership { role: role.into(), member: member.into(), grantor: grantor.map(Ident::from), admin, options }
    }

    #[test]
    fn options_are_those_of_sixteen_or_none() {
        assert_eq!(membership("g", "m", None, true).grant(true).as_str(), "GRANT \"g\" TO \"m\" WITH ADMIN OPTION");
        assert_eq!(membership("g", "m", None, false).grant(true).as_str(), "GRANT \"g\" TO \"m\"");
        assert_eq!(
            membership("g", "m", Some("a b"), false).grant(true).as_str(),
            "GRANT \"g\" TO \"m\" WITH ADMIN false, INHERIT true, SET false GRANTED BY \"a b\""
        );
    }

    #[test]
    fn a_grantor_comes_before_what_it_grants() {
        let all = [
            membership("g", "c", Some("b"), false),
            membership("g", "b", Some("a"), true),
            membership("g", "x", Some("nobody"), true),
            membership("g", "a", Some("boot"), true),
            membership("h", "y", Some("there"), true),
        ];
        let admins = HashSet::from([("h".into(), "there".into())]);
        let order = in_order(all.iter().collect(), admins, &"boot".into());
        let made: Vec<(&str, bool)> =
            order.iter().map(|turn| (turn.membership.member.as_str(), turn.as_grantor)).collect();
        assert_eq!(made, [("a", false), ("y", true), ("b", true), ("c", true), ("x", false)]);
    }
}
