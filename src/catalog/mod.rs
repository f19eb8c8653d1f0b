//! The model: what a database holds, read once and then only thought about.
//!
//! Each kind has its own file with one query, one `decode` and one [`Render`]. Reading ([`read`]) is the only I/O; a render
//! is a pure function of the [`Catalog`] and the [`Decisions`]. Kinds refer to each other by [`ObjectId`], never by import.

mod access_method;
mod aggregate;
mod aspect;
pub mod attached;
mod cast;
mod collation;
mod constraint;
mod conversion;
mod database;
mod default_acl;
pub mod depend;
mod event_trigger;
mod extension;
mod foreign;
mod function;
mod globals;
mod hazard;
mod index;
mod language;
mod large_object;
mod membership;
mod opclass;
mod operator;
mod parameter;
mod pattern;
mod place;
mod policy;
mod privileges;
mod publication;
mod query;
pub mod read;
mod reloptions;
mod rename;
mod render;
mod role;
mod rule;
mod schema;
mod sequence;
mod setting;
mod statistics;
mod subscription;
mod table;
mod tablespace;
#[cfg(test)]
mod testing;
mod text_search;
mod transform;
mod trigger;
mod types;
mod unhandled;
mod view;
mod wanted;

use std::collections::{HashMap, HashSet};

pub use access_method::AccessMethod;
pub use aggregate::Aggregate;
pub use aspect::{Aspects, Comment, Label, Target};
pub use cast::Cast;
pub use collation::{Collation, Source as CollationSource, UsedCollation};
pub use constraint::Constraint;
pub use conversion::Conversion;
pub use database::{Database, Provider};
pub use default_acl::DefaultAcl;
pub use event_trigger::EventTrigger;
pub use extension::{Config, Contents, Extension, Presence};
pub use foreign::{ForeignDataWrapper, ForeignServer, UserMapping};
pub use function::Function;
pub use globals::{Action, Carried, Carry, Globals};
pub use hazard::{Hazard, Relic, RelicKind, adapt, gone_extension, hazards, leave_out, settings};
pub use index::Index;
pub use language::Language;
pub use large_object::LargeObjects;
pub use membership::Membership;
pub use opclass::{OperatorClass, OperatorFamily};
pub use operator::Operator;
pub use parameter::ParameterAcl;
pub use pattern::Pattern;
pub use place::Place;
pub use policy::Policy;
pub use privileges::{Acl, AlienAcl};
pub use publication::{Publication, PublicationSchema, PublicationTable};
pub use render::toc;
pub use role::Role;
pub use rule::Rule;
pub use schema::Schema;
pub use sequence::Sequence;
pub use setting::Setting;
pub use statistics::Statistics;
pub use subscription::Subscription;
pub(crate) use table::REHASHED;
pub use table::{AttributeDefault, Table};
pub use tablespace::Tablespace;
pub use text_search::{
    Mapping as TextSearchMapping, TextSearchConfiguration, TextSearchDictionary, TextSearchParser, TextSearchTemplate,
};
pub use transform::Transform;
pub use trigger::Trigger;
pub use types::{Definition as TypeDefinition, DomainConstraint, Type};
pub use view::View;
pub use wanted::{Wanted, wanted, wanted_by_database};

use crate::sql::{Ident, QualName, Sql};
use crate::toc::{Data, Kind, Section};
use crate::wire::version::ServerVersion;

/// A system catalog, by its OID. These are the same on every major (PostgreSQL, `src/include/catalog/pg_*.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(pub u32);

impl Class {
    /// `pg_type`
    pub const TYPE: Self = Self(1247);
    /// `pg_proc`
    pub const PROC: Self = Self(1255);
    /// `pg_class`
    pub const RELATION: Self = Self(1259);
    /// `pg_foreign_server`
    pub const FOREIGN_SERVER: Self = Self(1417);
    /// `pg_user_mapping`
    pub const USER_MAPPING: Self = Self(1418);
    /// `pg_foreign_data_wrapper`
    pub const FOREIGN_DATA_WRAPPER: Self = Self(2328);
    /// `pg_am`
    pub const ACCESS_METHOD: Self = Self(2601);
    /// `pg_amop`
    pub const AMOP: Self = Self(2602);
    /// `pg_amproc`
    pub const AMPROC: Self = Self(2603);
    /// `pg_cast`
    pub const CAST: Self = Self(2605);
    /// `pg_conversion`
    pub const CONVERSION: Self = Self(2607);
    /// `pg_opclass`
    pub const OPCLASS: Self = Self(2616);
    /// `pg_operator`
    pub const OPERATOR: Self = Self(2617);
    /// `pg_opfamily`
    pub const OPFAMILY: Self = Self(2753);
    /// `pg_statistic_ext`
    pub const STATISTIC_EXT: Self = Self(3381);
    /// `pg_collation`
    pub const COLLATION: Self = Self(3456);
    /// `pg_event_trigger`
    pub const EVENT_TRIGGER: Self = Self(3466);
    /// `pg_transform`
    pub const TRANSFORM: Self = Self(3576);
    /// `pg_ts_dict`
    pub const TS_DICT: Self = Self(3600);
    /// `pg_ts_parser`
    pub const TS_PARSER: Self = Self(3601);
    /// `pg_ts_config`
    pub const TS_CONFIG: Self = Self(3602);
    /// `pg_ts_template`
    pub const TS_TEMPLATE: Self = Self(3764);
    /// `pg_subscription`
    pub const SUBSCRIPTION: Self = Self(6100);
    /// `pg_publication`
    pub const PUBLICATION: Self = Self(6104);
    /// `pg_publication_rel`
    pub const PUBLICATION_REL: Self = Self(6106);
    /// `pg_publication_namespace`
    pub const PUBLICATION_NAMESPACE: Self = Self(6237);
    /// `pg_database`
    pub const DATABASE: Self = Self(1262);
    /// `pg_attrdef`
    pub const ATTRDEF: Self = Self(2604);
    /// `pg_constraint`
    pub const CONSTRAINT: Self = Self(2606);
    /// `pg_language`
    pub const LANGUAGE: Self = Self(2612);
    /// `pg_largeobject`, which stands for large objects in dependencies and comments
    pub const LARGE_OBJECT: Self = Self(2613);
    /// `pg_namespace`
    pub const NAMESPACE: Self = Self(2615);
    /// `pg_rewrite`
    pub const REWRITE: Self = Self(2618);
    /// `pg_trigger`
    pub const TRIGGER: Self = Self(2620);
    /// `pg_extension`
    pub const EXTENSION: Self = Self(3079);
    /// `pg_policy`
    pub const POLICY: Self = Self(3256);
    /// `pg_default_acl`
    pub const DEFAULT_ACL: Self = Self(826);
}

/// One object of one database: its catalog and its OID there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// The system catalog.
    pub class: Class,
    /// The row.
    pub oid: u32,
}

impl ObjectId {
    /// The object with this OID in this catalog.
    pub const fn new(class: Class, oid: u32) -> Self {
        Self { class, oid }
    }

    /// The relation (table, index, view, sequence, ...) with this OID.
    pub const fn relation(oid: u32) -> Self {
        Self::new(Class::RELATION, oid)
    }
}

/// A part of an object that has its own turn when a database is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A stand-in that others can refer to while the definition has to wait: a view that yields NULLs.
    Shell,
    /// What makes it.
    Definition,
    /// It takes its place: a partition under its parent, an index under its parent's.
    Attach,
    /// A sequence becomes its column's.
    OwnedBy,
    /// Its rows, contents, or state.
    Data,
    /// Row-level security is switched on.
    RowSecurity,
    /// A materialized view is filled.
    Refresh,
    /// The contents of one of an extension's configuration tables or sequences, by its place in their list.
    Config(u16),
}

/// A part of an object: what the order is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// The object.
    pub object: ObjectId,
    /// Which part of it.
    pub part: Part,
}

impl Node {
    /// The definition of an object.
    pub const fn definition(object: ObjectId) -> Self {
        Self { object, part: Part::Definition }
    }
}

/// One step of the order: a part of an object, and what has to come before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What has its turn.
    pub node: Node,
    /// What must have been done.
    pub needs: Vec<Node>,
}

/// What planning has decided and rendering has to know.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    /// The major of the server (or the newest one known) that the statements are for.
    pub target: u32,
    /// Column defaults and CHECK constraints that cannot stand in the CREATE statement of their table or domain.
    pub apart: HashSet<ObjectId>,
    /// Views that come as a stand-in first and are replaced after the data.
    pub shells: HashSet<ObjectId>,
    /// Functions and materialized views that have to wait until after the data.
    pub postponed: HashSet<ObjectId>,
    /// Nothing is given to its owner: it is whoever makes it who owns it.
    pub without_owners: bool,
    /// Nothing is granted or revoked.
    pub without_privileges: bool,
    /// Only what this major knows counts (privileges, names of multirange types): that of the old server, when what the new
    /// one holds is compared with it.
    pub as_known_by: Option<u32>,
}

/// What the rendering of one [`Node`] yields: an [`Entry`](crate::toc::Entry) without its number and dependencies.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What it makes.
    pub kind: Kind,
    /// When it has its turn.
    pub section: Section,
    /// The object's own name, as a table of contents lists it.
    pub tag: String,
    /// The schema, if the object has one.
    pub namespace: Option<Ident>,
    /// The role that has to own it, if the kind has owners; with what follows `ALTER` and precedes `OWNER TO`, of each object.
    pub owner: Option<(Ident, Vec<Sql>)>,
    /// The statements, each complete, without semicolon.
    pub create: Vec<Sql>,
    /// As in [`Entry::only_if`](crate::toc::Entry::only_if).
    pub only_if: Option<Sql>,
    /// What removes it.
    pub remove: Option<Sql>,
    /// As in [`Entry::tablespace`](crate::toc::Entry::tablespace).
    pub tablespace: Option<Option<Ident>>,
    /// As in [`Entry::table_am`](crate::toc::Entry::table_am).
    pub table_am: Option<Ident>,
    /// The data that it carries.
    pub data: Option<Data>,
    /// Relations that it locks against everybody else while it runs (not those that only CREATE INDEX locks).
    pub locks: Vec<ObjectId>,
    /// As in [`Entry::weight`](crate::toc::Entry::weight).
    pub weight: u64,
}

impl Draft {
    /// A draft with these four and nothing else.
    pub fn new(kind: Kind, section: Section, tag: impl Into<String>, create: Vec<Sql>) -> Self {
        Self {
            kind,
            section,
            tag: tag.into(),
            namespace: None,
            owner: None,
            create,
            only_if: None,
            remove: None,
            tablespace: None,
            table_am: None,
            data: None,
            locks: Vec::new(),
            weight: 0,
        }
    }

    /// The same, in a schema.
    #[must_use]
    pub fn within(mut self, namespace: &Ident) -> Self {
        self.namespace = Some(namespace.clone());
        self
    }

    /// The same, owned; `what` is what follows `ALTER` ("TABLE s.t").
    #[must_use]
    pub fn owned_by(mut self, role: &Ident, what: Sql) -> Self {
        self.owner = Some((role.clone(), vec![what]));
        self
    }
}

/// How an object becomes statements. Pure: everything was read before.
pub trait Render {
    /// What the object is called in `COMMENT ON` and `ALTER`: "TABLE s.t", "POLICY p ON s.t", "FUNCTION s.f(integer)".
    fn identity(&self, catalog: &Catalog) -> Sql;

    /// Where it stands among all kinds, before dependencies have their say. See [`Priority`].
    fn priority(&self, part: Part) -> Priority;

    /// What decides between objects of one priority: schema and name, or whatever is stable and natural for the kind.
    fn sort_key(&self, catalog: &Catalog) -> (String, String);

    /// The parts that have their own turn. A part that stands in another's statement (an inline CHECK, unless
    /// [`Decisions::apart`] says otherwise) counts too: [`Render::draft`] gives `None` for it.
    fn parts(&self) -> Vec<Part> {
        vec![Part::Definition]
    }

    /// The section of a part, unless [`Decisions`] move it.
    fn section(&self, part: Part) -> Section;

    /// The statements of one part; `None` where another entry holds them.
    fn draft(&self, part: Part, catalog: &Catalog, how: &Decisions) -> Option<Draft>;

    /// Dependencies between parts that `pg_depend` does not hold: pairs of a node and what it needs.
    /// Those between the parts of one object (data needs definition, attach needs definition) belong here too.
    fn edges(&self, _catalog: &Catalog) -> Vec<(Node, Node)> {
        Vec::new()
    }

    /// The object's privileges, if its kind has any.
    fn acl(&self) -> Option<&Acl> {
        None
    }

    /// What the privileges are granted on ("TABLE s.t", "FUNCTION s.f(integer)"): the default is the identity.
    fn grant_target(&self, catalog: &Catalog) -> Sql {
        self.identity(catalog)
    }

    /// The columns of a relation or the attributes of a composite type, by number, as far as they can have comments.
    fn column(&self, _number: i32) -> Option<&Ident> {
        None
    }
}

/// The rank of a kind before dependencies have their say (PostgreSQL 18, `src/bin/pg_dump/pg_dump_sort.c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it all")]
pub enum Priority {
    Schema,
    Language,
    Collation,
    Transform,
    Extension,
    Type,
    Cast,
    Function,
    Aggregate,
    AccessMethod,
    Operator,
    OperatorFamily,
    Conversion,
    TextSearchParser,
    TextSearchTemplate,
    TextSearchDictionary,
    TextSearchConfiguration,
    ForeignDataWrapper,
    ForeignServer,
    Relation,
    TableAttach,
    Default,
    LargeObject,
    PreDataBoundary,
    TableData,
    SequenceSet,
    LargeObjectData,
    PostDataBoundary,
    Constraint,
    Index,
    IndexAttach,
    Statistics,
    Rule,
    Trigger,
    ForeignKey,
    Policy,
    Publication,
    PublicationTable,
    PublicationSchema,
    Subscription,
    DefaultAcl,
    Refresh,
    // pg_dump has them before the refreshes, which they can fire on.
    EventTrigger,
}

macro_rules! objects {
    ($($(#[$doc:meta])* $variant:ident,)*) => {
        /// Any object. Exhaustive: a kind without a room does not compile.
        #[derive(Clone, Debug)]
        pub enum Object { $($(#[$doc])* $variant($variant),)* }

        impl Object {
            /// Which object this is.
            pub fn id(&self) -> ObjectId {
                match self { $(Self::$variant(object) => object.id,)* }
            }

            /// How it becomes statements.
            pub fn render(&self) -> &dyn Render {
                match self { $(Self::$variant(object) => object,)* }
            }
        }

        $(impl From<$variant> for Object {
            fn from(object: $variant) -> Self {
                Self::$variant(object)
            }
        })*
    };
}

objects! {
    /// A schema.
    Schema,
    /// An extension.
    Extension,
    /// An enum, domain, composite or range type.
    Type,
    /// A constraint on a domain.
    DomainConstraint,
    /// A function or procedure.
    Function,
    /// An aggregate.
    Aggregate,
    /// A procedural language.
    Language,
    /// A cast.
    Cast,
    /// A transform.
    Transform,
    /// An access method.
    AccessMethod,
    /// A conversion between encodings.
    Conversion,
    /// An operator.
    Operator,
    /// An operator family.
    OperatorFamily,
    /// An operator class.
    OperatorClass,
    /// A table, partitioned or not.
    Table,
    /// A column's default or generation expression.
    AttributeDefault,
    /// A view or materialized view.
    View,
    /// A sequence.
    Sequence,
    /// An index, that of a constraint included.
    Index,
    /// A constraint on a table.
    Constraint,
    /// A trigger.
    Trigger,
    /// A rewrite rule, other than those that make a view.
    Rule,
    /// A row-level security policy.
    Policy,
    /// A foreign-data wrapper.
    ForeignDataWrapper,
    /// A foreign server.
    ForeignServer,
    /// Who a user is on a foreign server.
    UserMapping,
    /// Large objects that have one owner and the same privileges.
    LargeObjects,
    /// Default privileges.
    DefaultAcl,
    /// A collation.
    Collation,
    /// A text search parser.
    TextSearchParser,
    /// A text search template.
    TextSearchTemplate,
    /// A text search dictionary.
    TextSearchDictionary,
    /// A text search configuration.
    TextSearchConfiguration,
    /// Extended statistics.
    Statistics,
    /// A publication.
    Publication,
    /// A table of a publication.
    PublicationTable,
    /// A schema of a publication.
    PublicationSchema,
    /// A subscription.
    Subscription,
    /// An event trigger.
    EventTrigger,
}

/// Everything that was read from one database.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// The server that it was read from.
    pub version: ServerVersion,
    /// The database itself.
    pub database: Database,
    /// Comments, labels, privileges on what is not ours.
    pub aspects: Aspects,
    /// What depends on what, as `pg_depend` has it.
    pub depends: Vec<depend::Dependency>,
    /// Objects of kinds that cannot be carried yet.
    pub unhandled: Vec<Unhandled>,
    /// What only old majors had.
    pub relics: Vec<Relic>,
    objects: Vec<Object>,
    index: HashMap<ObjectId, usize>,
    /// Objects that stand for others in dependencies: a row type for its table, an array type for its element.
    aliases: HashMap<ObjectId, ObjectId>,
}

/// An object of a kind that cannot be carried yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unhandled {
    /// Which object this is.
    pub id: ObjectId,
    /// The schema, if it is in one.
    pub schema: Option<Ident>,
    /// The relation that it is, or is about, if it is one.
    pub relation: Option<QualName>,
    /// The kind, as a user would name it ("publication").
    pub kind: String,
    /// The object's name.
    pub name: String,
}

impl Catalog {
    /// All objects, in the order in which they were read.
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// The object with this id, if it is one of ours (not a system object, not an extension's).
    pub fn get(&self, id: ObjectId) -> Option<&Object> {
        self.index.get(&self.resolve(id)).and_then(|&i| self.objects.get(i))
    }

    /// The object that stands for this one in dependencies.
    pub fn resolve(&self, id: ObjectId) -> ObjectId {
        let mut id = id;
        // Aliases are at most a few steps deep (array of a row type of a table); the bound guards against a loop.
        for _ in 0..8 {
            match self.aliases.get(&id) {
                Some(&next) => id = next,
                None => break,
            }
        }
        id
    }

    /// Keeps some of the objects only; `keep` may change those that it keeps.
    pub fn retain(&mut self, keep: impl FnMut(&mut Object) -> bool) {
        self.objects.retain_mut(keep);
        self.link();
    }

    /// Makes objects findable, and says who stands for whom in dependencies.
    fn link(&mut self) {
        self.index = self.objects.iter().enumerate().map(|(i, object)| (object.id(), i)).collect();
        for object in &self.objects {
            match object {
                Object::Type(of) => self.aliases.extend(of.aliases()),
                Object::OperatorFamily(family) => self.aliases.extend(family.aliases()),
                Object::LargeObjects(batch) => self.aliases.extend(batch.aliases()),
                _ => {}
            }
        }
        for (member, extension) in &self.aspects.members {
            self.aliases.insert(*member, ObjectId::new(Class::EXTENSION, *extension));
        }
    }

    /// The table with this OID.
    pub fn table(&self, oid: u32) -> Option<&Table> {
        match self.get(ObjectId::relation(oid)) {
            Some(Object::Table(table)) => Some(table),
            _ => None,
        }
    }

    /// The name of the relation with this OID, if it is one of ours.
    pub fn relation_name(&self, oid: u32) -> Option<&QualName> {
        match self.get(ObjectId::relation(oid))? {
            Object::Table(table) => Some(&table.name),
            Object::View(view) => Some(&view.name),
            Object::Sequence(sequence) => Some(&sequence.name),
            Object::Index(index) => Some(&index.name),
            _ => None,
        }
    }
}
