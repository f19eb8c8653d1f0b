//! What belongs to a server and not to one of its databases: roles with what they are members of, privileges on parameters,
//! settings for everybody, tablespaces.

use std::collections::{BTreeSet, HashMap};

use super::membership::Membership;
use super::parameter::ParameterAcl;
use super::role::Role;
use super::setting::Setting;
use super::tablespace::Tablespace;
use crate::sql::Ident;
use crate::sql::acl;

mod carry;

pub use carry::{Action, Carried, Carry};

/// The OID of the role that `initdb` has made, under whatever name (`src/include/catalog/pg_authid.dat`).
const BOOTSTRAP: u32 = 10;

/// Everything that a server has beside its databases.
#[derive(Clone, Debug, Default)]
pub struct Globals {
    /// All roles, those that every server has among them.
    pub roles: Vec<Role>,
    /// Whether passwords could be read.
    pub passwords_read: bool,
    /// Which roles are members of which.
    pub memberships: Vec<Membership>,
    /// Privileges on parameters.
    pub parameters: Vec<ParameterAcl>,
    /// Settings for everybody in every database.
    pub settings: Vec<Setting>,
    /// Tablespaces.
    pub tablespaces: Vec<Tablespace>,
}

impl Globals {
    /// The role of this name.
    pub fn role(&self, name: &Ident) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == *name)
    }

    /// The bootstrap superuser.
    fn bootstrap(&self) -> Option<&Ident> {
        self.roles.iter().find(|role| role.oid == BOOTSTRAP).map(|role| &role.name)
    }

    /// What the bootstrap superuser of this server has to be called on `new`, if it is another name.
    ///
    /// Where a role of the one name is on the other side too, as somebody else, each keeps its own: then the old bootstrap
    /// superuser is a role like any other there.
    pub fn bootstrap_renamed(&self, new: &Self) -> Option<(Ident, Ident)> {
        let (from, to) = (self.bootstrap()?, new.bootstrap()?);
        let apart = from != to && new.role(from).is_none() && self.role(to).is_none();
        apart.then(|| (from.clone(), to.clone()))
    }

    /// Calls a role otherwise, wherever it is named.
    pub fn rename_role(&mut self, from: &Ident, to: &Ident) {
        let rename = |role: &mut Ident| {
            if role == from {
                role.clone_from(to);
            }
        };
        for role in &mut self.roles {
            rename(&mut role.name);
            role.settings.iter_mut().for_each(|setting| setting.rename_role(from, to));
        }
        self.settings.iter_mut().for_each(|setting| setting.rename_role(from, to));
        self.memberships.iter_mut().flat_map(Membership::roles_mut).for_each(rename);
        self.parameters.iter_mut().flat_map(|parameter| acl::roles_mut(&mut parameter.items)).for_each(rename);
        self.tablespaces.iter_mut().flat_map(|tablespace| tablespace.acl.roles_mut()).for_each(rename);
    }

    /// The wanted roles and, of those that are not on `new`, whatever else they need: what they are members of, whoever has
    /// granted that, and the roles that their settings name.
    fn closure(&self, wanted: &BTreeSet<String>, new: &Self) -> BTreeSet<Ident> {
        let mut groups: HashMap<&Ident, Vec<&Membership>> = HashMap::new();
        for membership in &self.memberships {
            groups.entry(&membership.member).or_default().push(membership);
        }
        let mut found = BTreeSet::new();
        let mut waiting: Vec<Ident> = wanted.iter().map(|name| name.as_str().into()).collect();
        while let Some(name) = waiting.pop() {
            if new.role(&name).is_none() {
                for membership in groups.get(&name).into_iter().flatten() {
                    waiting.extend([&membership.role].into_iter().chain(&membership.grantor).cloned());
                }
                let items = self.parameters.iter().flat_map(|parameter| &parameter.items);
                waiting.extend(items.filter(|item| item.grantee.as_ref() == Some(&name)).map(|i| i.grantor.clone()));
                let settings = self.role(&name).into_iter().flat_map(|role| &role.settings);
                waiting.extend(settings.filter_map(Setting::role).map(Ident::from));
            }
            waiting.retain(|name| !found.contains(name));
            found.insert(name);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::role::example;
    use super::*;

    fn server(bootstrap: &str, others: &[&str]) -> Globals {
        let mut roles: Vec<Role> = others.iter().map(|name| example(name)).collect();
        roles.push(Role { oid: BOOTSTRAP, ..example(bootstrap) });
        Globals { roles, ..Globals::default() }
    }

    #[test]
    fn the_bootstrap_superuser_is_mapped_where_it_is_nobody_else() {
        let old = server("admin", &["alice"]);
        assert_eq!(old.bootstrap_renamed(&server("admin", &[])), None);
        assert_eq!(old.bootstrap_renamed(&server("postgres", &[])), Some(("admin".into(), "postgres".into())));
        assert_eq!(old.bootstrap_renamed(&server("postgres", &["admin"])), None);
        assert_eq!(old.bootstrap_renamed(&server("alice", &[])), None);
    }

    #[test]
    fn roles_that_are_needed() {
        let mut old = server("boot", &["a", "b", "c", "d", "there", "group"]);
        let grant = |role: &str, member: &str, grantor: &str| Membership {
            role: role.into(),
            member: member.into(),
            grantor: Some(grantor.into()),
            admin: false,
            options: Some((true, true)),
        };
        old.memberships = vec![grant("b", "a", "c"), grant("group", "there", "boot"), grant("a", "d", "boot")];
        old.roles[2].settings = vec![Setting::parse("role=d").unwrap()];
        let wanted = BTreeSet::from(["a".to_owned(), "there".to_owned()]);
        let found = old.closure(&wanted, &server("boot", &["there"]));
        assert_eq!(found.iter().map(Ident::as_str).collect::<Vec<_>>(), ["a", "b", "boot", "c", "d", "there"]);
    }
}
