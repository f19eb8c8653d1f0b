//! What a selection leaves dangling: something is selected, what it needs is not, and a new database does not have it.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Selected;
use crate::catalog::{Catalog, Object, ObjectId, Part, Place, Render as _, Unhandled};

/// Something that is selected and needs something that is not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dangling {
    /// What is selected.
    pub object: String,
    /// What it needs.
    pub needs: String,
    /// Whether it cannot be made without. Otherwise it comes without that tie.
    pub fatal: bool,
}

/// The extension that every database has from the start.
const PLPGSQL: &str = "plpgsql";

pub(super) fn find(selected: &Selected, catalog: &Catalog, held: &HashSet<ObjectId>) -> Vec<Dangling> {
    let unhandled = catalog.unhandled.iter().map(|object| (object.id, object)).collect();
    let finder = Finder { selected, catalog, held, unhandled };
    let mut found: BTreeSet<Dangling> = BTreeSet::new();
    for row in &catalog.depends {
        let object = catalog.resolve(row.object);
        // To fall with an extension, or to belong to a column, is no condition for being there.
        let is_owned = matches!(catalog.get(object), Some(Object::Sequence(_))) && row.kind == b'a';
        found.extend(finder.between(object, row.needs, row.kind != b'x' && !is_owned));
    }
    for object in catalog.objects().iter().filter(|object| held.contains(&object.id())) {
        for (node, needs) in object.render().edges(catalog) {
            found.extend(finder.between(node.object, needs.object, node.part != Part::OwnedBy));
        }
    }
    found.extend(finder.contents());
    found.into_iter().collect()
}

struct Finder<'a> {
    selected: &'a Selected,
    catalog: &'a Catalog,
    held: &'a HashSet<ObjectId>,
    unhandled: HashMap<ObjectId, &'a Unhandled>,
}

impl Finder<'_> {
    fn between(&self, object: ObjectId, needs: ObjectId, fatal: bool) -> Option<Dangling> {
        if !self.held.contains(&object) {
            return None;
        }
        let needs = self.missing(needs)?;
        let object = self.catalog.get(object)?.render().identity(self.catalog).to_string();
        Some(Dangling { object, needs, fatal })
    }

    /// What to call something that is needed, if it is neither selected nor in every new database. What comes with
    /// something else is called by that.
    fn missing(&self, needs: ObjectId) -> Option<String> {
        if let Some(other) = self.unhandled.get(&needs) {
            return (!self.selected.has_unhandled(other)).then(|| format!("{} {}", other.kind, other.name));
        }
        let object = self.catalog.get(needs)?;
        if self.held.contains(&object.id()) {
            return None;
        }
        match object {
            Object::Schema(schema) if schema.is_public() => return None,
            Object::Extension(extension) if extension.name.as_str() == PLPGSQL => return None,
            _ => {}
        }
        if let Place::With(other) = object.place()
            && let Some(missing) = self.missing(other)
        {
            return Some(missing);
        }
        Some(object.render().identity(self.catalog).to_string())
    }

    /// Contents of an extension's tables, without the extension.
    fn contents(&self) -> impl Iterator<Item = Dangling> {
        let extensions = self.catalog.objects().iter().filter_map(|object| match object {
            Object::Extension(extension) if !self.held.contains(&extension.id) => Some(extension),
            _ => None,
        });
        extensions.flat_map(|extension| {
            let selected = extension.config.iter().filter(|config| self.selected.has_config(config));
            selected.map(|config| Dangling {
                object: format!("the contents of {}", config.name),
                needs: extension.identity(self.catalog).to_string(),
                fatal: true,
            })
        })
    }
}
