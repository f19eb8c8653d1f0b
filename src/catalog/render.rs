//! From objects to the table of contents.

use std::collections::{BTreeSet, HashMap};

use super::aspect::{Comment, Label};
use super::attached;
use super::{Catalog, Class, Decisions, Draft, Node, Object, ObjectId, Part, Step};
use crate::sql;
use crate::sql::{Ident, Sql, join};
use crate::toc::{Entry, EntryId, Kind, Owner, Section, Toc};

/// Renders every step, in order; comments follow their object, privileges follow everything.
pub fn toc(catalog: &Catalog, steps: &[Step], how: &Decisions) -> Toc {
    let mut writer = Writer::new(catalog, how);
    let (last, main): (Vec<&Step>, Vec<&Step>) = steps.iter().partition(|step| writer.is_last(step));
    for step in main {
        writer.step(step);
    }
    writer.comment_on_parts();
    writer.remarks();
    writer.privileges();
    for step in last {
        writer.step(step);
    }
    writer.toc
}

struct Writer<'a> {
    catalog: &'a Catalog,
    how: &'a Decisions,
    toc: Toc,
    /// The entries behind each node: its own, or, where it stands in another's statement, those that it needs.
    made: HashMap<Node, BTreeSet<EntryId>>,
    /// The entry that makes each object.
    definitions: HashMap<ObjectId, EntryId>,
    comments: HashMap<ObjectId, Vec<&'a Comment>>,
    labels: HashMap<ObjectId, Vec<&'a Label>>,
    /// The extensions with which each object goes.
    extensions: HashMap<ObjectId, Vec<Ident>>,
    /// The entries that grant something.
    grants: BTreeSet<EntryId>,
    /// Objects that stand in another's statement and have a comment: it has to wait until that one has been made.
    parts: Vec<Node>,
}

impl<'a> Writer<'a> {
    fn new(catalog: &'a Catalog, how: &'a Decisions) -> Self {
        let mut comments: HashMap<ObjectId, Vec<&Comment>> = HashMap::new();
        for comment in &catalog.aspects.comments {
            comments.entry(catalog.resolve(comment.on.object)).or_default().push(comment);
        }
        let mut labels: HashMap<ObjectId, Vec<&Label>> = HashMap::new();
        for label in &catalog.aspects.labels {
            labels.entry(catalog.resolve(label.on.object)).or_default().push(label);
        }
        let mut extensions: HashMap<ObjectId, Vec<Ident>> = HashMap::new();
        for row in catalog.depends.iter().filter(|row| row.kind == b'x') {
            if let Some(Object::Extension(extension)) = catalog.get(row.needs) {
                extensions.entry(catalog.resolve(row.object)).or_default().push(extension.name.clone());
            }
        }
        Self {
            catalog,
            how,
            toc: Toc::default(),
            made: HashMap::new(),
            definitions: HashMap::new(),
            comments,
            labels,
            extensions,
            grants: BTreeSet::new(),
            parts: Vec::new(),
        }
    }

    /// Whether a step has to wait for all privileges: a refresh runs with its owner's rights.
    fn is_last(&self, step: &Step) -> bool {
        let object = self.catalog.get(step.node.object);
        object.is_some_and(|o| o.render().section(step.node.part) == Section::Last)
    }

    fn step(&mut self, step: &Step) {
        let mut needs: BTreeSet<EntryId> =
            step.needs.iter().filter_map(|n| self.made.get(n)).flatten().copied().collect();
        let Some(object) = self.catalog.get(step.node.object) else { return };
        let Some(mut draft) = object.render().draft(step.node.part, self.catalog, self.how) else {
            self.made.insert(step.node, needs);
            if step.node.part == Part::Definition && self.comments.contains_key(&step.node.object) {
                self.parts.push(step.node);
            }
            return;
        };
        if draft.section != Section::PreData {
            self.comment_on_parts();
        }
        if draft.section == Section::Last && draft.kind == Kind::MaterializedViewData {
            // Which privileges the query needs is not recorded: functions hide what they read.
            needs.extend(&self.grants);
        }
        if step.node.part == Part::Definition {
            draft.create.extend(self.falls_with(object));
        }
        draft.only_if = draft.only_if.or_else(|| attached::only_if(object, step.node.part, &self.catalog.aspects));
        let locks = self.locks(&draft);
        let id = self.push(step.node.object, draft, needs, locks);
        self.made.insert(step.node, BTreeSet::from([id]));
        if matches!(step.node.part, Part::Definition | Part::Shell) {
            self.definitions.insert(object.id(), id);
        }
        if step.node.part == Part::Definition {
            self.remark(step.node.object, id, Kind::Comment, self.comments_on(step.node.object));
            self.remark(step.node.object, id, Kind::SecurityLabel, self.labels_on(step.node.object));
        }
    }

    /// The statements that make an object go when an extension goes (`DEPENDS ON EXTENSION`, deptype x).
    fn falls_with(&self, object: &Object) -> Vec<Sql> {
        let extensions = self.extensions.get(&object.id()).into_iter().flatten();
        let identity = object.render().identity(self.catalog);
        extensions.map(|name| sql!("ALTER {} DEPENDS ON EXTENSION {}", identity, name)).collect()
    }

    fn locks(&self, draft: &Draft) -> Vec<EntryId> {
        let made = draft.locks.iter().filter_map(|relation| self.definitions.get(&self.catalog.resolve(*relation)));
        made.copied().collect()
    }

    fn push(&mut self, id: ObjectId, draft: Draft, needs: BTreeSet<EntryId>, locks: Vec<EntryId>) -> EntryId {
        let owner = draft.owner.filter(|_| !self.how.without_owners);
        let owner = owner.map(|(role, objects)| {
            let each = objects.iter().map(|what| sql!("ALTER {} OWNER TO {}", what, role));
            Owner { alter: join(each, ";\n"), role: role.clone() }
        });
        self.toc.push(Entry {
            id: self.toc.next_id(),
            kind: draft.kind,
            section: draft.section,
            source: (id.class.0, id.oid),
            tag: draft.tag,
            namespace: draft.namespace,
            owner,
            create: draft.create,
            only_if: draft.only_if,
            remove: draft.remove,
            tablespace: draft.tablespace,
            table_am: draft.table_am,
            data: draft.data,
            needs: needs.into_iter().collect(),
            locks,
            weight: draft.weight,
        })
    }

    /// The comments or labels on an object and its columns, all in one entry behind it.
    fn remark(&mut self, id: ObjectId, made: EntryId, kind: Kind, create: Vec<Sql>) {
        let Some(entry) = self.toc.get(made) else { return };
        if create.is_empty() {
            return;
        }
        let draft = Draft::new(kind, entry.section, tag_of(entry), create);
        let object = self.catalog.get(id);
        let only_if = object.and_then(|object| attached::comment_only_if(object, &self.catalog.aspects));
        let draft = Draft { namespace: entry.namespace.clone(), only_if, ..draft };
        let locks = entry.locks.clone();
        self.push(id, draft, BTreeSet::from([made]), locks);
    }

    fn comments_on(&self, id: ObjectId) -> Vec<Sql> {
        let comments = self.comments.get(&self.catalog.resolve(id)).into_iter().flatten();
        comments.filter_map(|comment| comment.statement(self.catalog)).collect()
    }

    fn labels_on(&self, id: ObjectId) -> Vec<Sql> {
        let labels = self.labels.get(&self.catalog.resolve(id)).into_iter().flatten();
        labels.filter_map(|label| label.statement(self.catalog)).collect()
    }

    fn comment_on_parts(&mut self) {
        for node in std::mem::take(&mut self.parts) {
            let Some(mut needs) = self.makers(node) else {
                self.parts.push(node);
                continue;
            };
            let create = self.comments_on(node.object);
            let Some(object) = self.catalog.get(node.object) else { continue };
            if create.is_empty() {
                continue;
            }
            let tag = object.render().identity(self.catalog).to_string();
            let sections = needs.iter().filter_map(|need| self.toc.get(*need)).map(|entry| entry.section);
            let own = object.render().section(Part::Definition);
            let section = sections.fold(own, std::cmp::max);
            let draft = Draft::new(Kind::Comment, section, tag, create);
            // What chooses among the entries of an archive asks for the schema, and for what the comment needs.
            let (draft, of) = match object {
                Object::Constraint(constraint) => {
                    (draft.within(&constraint.on.schema), Some(ObjectId::relation(constraint.relation)))
                }
                Object::DomainConstraint(constraint) => {
                    (draft.within(&constraint.domain_name.schema), Some(constraint.domain))
                }
                _ => (draft, None),
            };
            needs.extend(of.and_then(|of| self.definitions.get(&self.catalog.resolve(of))));
            self.push(node.object, draft, needs, Vec::new());
        }
    }

    /// The entries that make what stands in no statement of its own; `None` as long as one is to come. A constraint that is
    /// only inherited is made with that of the parent, which may have to wait until after the data.
    fn makers(&self, node: Node) -> Option<BTreeSet<EntryId>> {
        if let Some(&own) = self.definitions.get(&node.object) {
            return Some(BTreeSet::from([own]));
        }
        let made = self.made.get(&node)?;
        let above = match self.catalog.get(node.object) {
            Some(Object::Constraint(constraint)) => constraint.above.as_slice(),
            _ => &[],
        };
        let mut out = made.clone();
        for &oid in above {
            out.extend(self.makers(Node::definition(ObjectId::new(Class::CONSTRAINT, oid)))?);
        }
        Some(out)
    }

    /// Comments on relations of extensions and on their columns, as far as the extension has not made any.
    fn remarks(&mut self) {
        for remark in &self.catalog.aspects.remarks {
            let Some((create, only_if)) = remark.statement() else { continue };
            let draft = Draft::new(Kind::Comment, Section::PostData, remark.label(), vec![create]);
            let draft = Draft { only_if: Some(only_if), ..draft };
            self.push(remark.object, draft, BTreeSet::new(), Vec::new());
        }
    }

    /// The privileges on every object, after all that may need to be done without them; and those on what is not ours.
    ///
    /// Those on a schema come before those on what is in it: whoever hands on a privilege has to see the object.
    fn privileges(&mut self) {
        if self.how.without_privileges {
            return;
        }
        let mut on_schemas: HashMap<Ident, EntryId> = HashMap::new();
        for object in self.catalog.objects() {
            let render = object.render();
            let Some(acl) = render.acl() else { continue };
            let create = acl.statements(&render.grant_target(self.catalog), self.catalog, self.how);
            let Some(&made) = self.definitions.get(&object.id()) else { continue };
            let Some(entry) = self.toc.get(made) else { continue };
            if create.is_empty() {
                continue;
            }
            let draft = Draft::new(Kind::Acl, Section::Last, tag_of(entry), create);
            let draft = Draft { namespace: entry.namespace.clone(), ..draft };
            let is_relation = matches!(
                entry.kind,
                Kind::Table | Kind::ForeignTable | Kind::MaterializedView | Kind::View | Kind::Sequence
            );
            let locks = if is_relation { vec![made] } else { Vec::new() };
            let mut needs = BTreeSet::from([made]);
            needs.extend(draft.namespace.as_ref().and_then(|schema| on_schemas.get(schema)));
            let granted = self.push(object.id(), draft, needs, locks);
            self.grants.insert(granted);
            if let Object::Schema(schema) = object {
                on_schemas.insert(schema.name.clone(), granted);
            }
        }
        for alien in &self.catalog.aspects.alien_acls {
            let create = alien.statements(self.catalog);
            if !create.is_empty() {
                let draft = Draft::new(Kind::Acl, Section::Last, alien.label.clone(), create);
                let draft = Draft { only_if: Some(alien.exists.clone()), ..draft };
                let granted = self.push(alien.object, draft, BTreeSet::new(), Vec::new());
                self.grants.insert(granted);
            }
        }
    }
}

/// What privileges, comments and labels on what an entry makes are called. Stock tools tell those on large objects, which
/// count as data, by how this begins (PostgreSQL 18, `src/bin/pg_dump/pg_backup_archiver.c`, `_tocEntryRequired`).
fn tag_of(entry: &Entry) -> String {
    match entry.kind {
        Kind::LargeObject => format!("LARGE OBJECT {}", entry.tag),
        kind => format!("{kind} {}", entry.tag),
    }
}
