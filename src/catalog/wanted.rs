//! What a database refers to outside of itself, and the new server has to have.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{Acl, Catalog, CollationSource, Decisions, Object, ObjectId, Provider, Setting};
use crate::sql::Ident;
use crate::toc::{Entry, Kind, Toc};

/// Names that must exist on the new server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Roles that own something, are granted something, or are named by a policy or setting.
    pub roles: BTreeSet<String>,
    /// Tablespaces of tables, indexes, or the database.
    pub tablespaces: BTreeSet<String>,
    /// Extensions.
    pub extensions: BTreeSet<String>,
    /// Providers of security labels.
    pub label_providers: BTreeSet<String>,
    /// Locales of the operating system.
    pub locales: BTreeSet<String>,
    /// Roles that have to be superusers, each with something that it owns.
    pub superusers: BTreeMap<String, String>,
}

impl Wanted {
    /// The number of a role that was dropped is no role.
    fn forget_dropped_roles(mut self, catalog: &Catalog) -> Self {
        self.roles.retain(|role| !catalog.aspects.is_dangling(&role.as_str().into()));
        self
    }

    /// Adds what another database wants.
    pub fn merge(&mut self, other: Self) {
        let Self { roles, tablespaces, extensions, label_providers, locales, superusers } = other;
        self.roles.extend(roles);
        self.tablespaces.extend(tablespaces);
        self.extensions.extend(extensions);
        self.label_providers.extend(label_providers);
        self.locales.extend(locales);
        self.superusers.extend(superusers);
    }
}

/// What a database itself refers to, apart from what is in it.
pub fn wanted_by_database(catalog: &Catalog, how: &Decisions) -> Wanted {
    let mut wanted = Wanted::default();
    let database = &catalog.database;
    if let Some(acl) = &database.acl {
        wanted.roles.extend(roles(acl, how));
    }
    wanted.roles.extend(database.roles().map(name));
    wanted.label_providers.extend(database.labels.iter().map(|(provider, _)| name(provider)));
    wanted.roles.extend(database.settings.iter().filter_map(|(_, setting)| setting.role()).map(str::to_owned));
    wanted.tablespaces.extend(database.tablespace.as_ref().map(name));
    if database.provider != Provider::Builtin {
        wanted.locales.extend([database.collate.clone(), database.ctype.clone()]);
    }
    wanted.forget_dropped_roles(catalog)
}

/// What the entries of `toc` that are made refer to.
pub fn wanted(catalog: &Catalog, toc: &Toc, how: &Decisions) -> Wanted {
    let mut wanted = Wanted::default();
    let is_definition = |entry: &&Entry| entry.is_made() && entry.data.is_none() && entry.kind != Kind::SequenceSet;
    let definitions = toc.entries().iter().filter(is_definition);
    let made: HashSet<(u32, u32)> = definitions.clone().map(|entry| entry.source).collect();
    let is_made = |object: &ObjectId| made.contains(&(object.class.0, object.oid));
    for entry in definitions {
        wanted.roles.extend(entry.owner.as_ref().map(|owner| name(&owner.role)));
        wanted.tablespaces.extend(entry.tablespace.iter().flatten().map(name));
        // PostgreSQL, `src/backend/commands/event_trigger.c`, `AlterEventTriggerOwner_internal`.
        if let (Kind::EventTrigger, Some(owner)) = (entry.kind, &entry.owner) {
            wanted.superusers.insert(name(&owner.role), entry.label());
        }
    }
    for object in catalog.objects().iter().filter(|object| is_made(&object.id())) {
        wanted.roles.extend(object.render().acl().into_iter().flat_map(|acl| roles(acl, how)));
        match object {
            Object::Extension(extension) if extension.presence == super::Presence::Made => {
                wanted.extensions.insert(name(&extension.name));
            }
            Object::Policy(policy) => wanted.roles.extend(policy.roles.iter().map(name)),
            Object::UserMapping(mapping) => wanted.roles.extend(mapping.user.iter().map(name)),
            Object::Collation(collation) => {
                if let CollationSource::System { collate, ctype } = &collation.source {
                    wanted.locales.extend([collate.clone(), ctype.clone()]);
                }
            }
            Object::DefaultAcl(acl) if !how.without_privileges => wanted.roles.extend(acl.roles().map(name)),
            Object::Function(function) => {
                wanted.roles.extend(function.settings.iter().filter_map(Setting::role).map(str::to_owned));
            }
            _ => {}
        }
    }
    let alien = catalog.aspects.alien_acls.iter().filter(|acl| !how.without_privileges && is_made(&acl.object));
    wanted.roles.extend(alien.flat_map(|acl| acl.roles()).map(name));
    let labels = catalog.aspects.labels.iter().filter(|label| is_made(&label.on.object));
    wanted.label_providers.extend(labels.map(|label| name(&label.provider)));
    wanted.forget_dropped_roles(catalog)
}

fn name(ident: &Ident) -> String {
    ident.as_str().to_owned()
}

/// The roles that own something, or are granted something on it, as far as that counts.
fn roles<'a>(acl: &'a Acl, how: &Decisions) -> impl Iterator<Item = String> + 'a {
    let owner = (!how.without_owners).then(|| name(&acl.owner));
    let granted = (!how.without_privileges).then(|| acl.roles().map(name));
    owner.into_iter().chain(granted.into_iter().flatten())
}
