//! What a database refers to outside of itself, and the new server has to have.

use std::collections::{BTreeMap, BTreeSet};

use super::{Catalog, CollationSource, Decisions, Object, Provider, Setting};
use crate::toc::{Kind, Toc};

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

/// What the entries of `toc`, and the database they make up, refer to.
pub fn wanted(catalog: &Catalog, toc: &Toc, how: &Decisions) -> Wanted {
    let mut wanted = Wanted::default();
    let name = |ident: &crate::sql::Ident| ident.as_str().to_owned();
    for entry in toc.entries() {
        wanted.roles.extend(entry.owner.as_ref().map(|owner| name(&owner.role)));
        wanted.tablespaces.extend(entry.tablespace.iter().flatten().map(name));
        // PostgreSQL, `src/backend/commands/event_trigger.c`, `AlterEventTriggerOwner_internal`.
        if let (Kind::EventTrigger, Some(owner)) = (entry.kind, &entry.owner) {
            wanted.superusers.insert(name(&owner.role), entry.label());
        }
    }
    for object in catalog.objects() {
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
    let acls = catalog.objects().iter().filter_map(|object| object.render().acl()).chain(&catalog.database.acl);
    for acl in acls {
        wanted.roles.extend(Some(name(&acl.owner)).filter(|_| !how.without_owners));
        wanted.roles.extend(acl.roles().filter(|_| !how.without_privileges).map(name));
    }
    let alien = catalog.aspects.alien_acls.iter().filter(|_| !how.without_privileges);
    wanted.roles.extend(alien.flat_map(|acl| acl.roles()).map(name));
    wanted.roles.extend(catalog.database.roles().map(name));
    wanted.label_providers.extend(catalog.aspects.labels.iter().map(|label| name(&label.provider)));
    wanted.label_providers.extend(catalog.database.labels.iter().map(|(provider, _)| name(provider)));
    let settings = catalog.database.settings.iter().filter_map(|(_, setting)| setting.role());
    wanted.roles.extend(settings.map(str::to_owned));
    // The number of a role that was dropped is no role.
    wanted.roles.retain(|role| !catalog.aspects.is_dangling(&role.as_str().into()));
    wanted.tablespaces.extend(catalog.database.tablespace.as_ref().map(name));
    if catalog.database.provider != Provider::Builtin {
        wanted.locales.extend([catalog.database.collate.clone(), catalog.database.ctype.clone()]);
    }
    wanted
}
