//! What crosses from a source to a sink: entries in an order that works, with what they depend on.
//!
//! The shape is that of the table of contents of a pg_dump archive (PostgreSQL 18, `src/bin/pg_dump/pg_backup_archiver.h`,
//! `TocEntry`), so that an archive can hold it without loss.

use std::collections::BTreeSet;
use std::fmt;

use crate::sql::{Ident, QualName, Sql};

/// The number of an entry within its [`Toc`]: 1 and up, without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub u32);

/// When an entry has its turn, coarsely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// Never: it stands there already, and others need it.
    Standing,
    /// What data needs to exist.
    PreData,
    /// Rows, large objects, sequence states.
    Data,
    /// What is faster or safer after the data.
    PostData,
    /// Privileges and comments that follow everything else, and what has to come after those: event triggers, refreshes.
    Last,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident => $desc:literal,)*) => {
        /// What an entry makes. The text form is the one that archives use.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($(#[$doc])* $variant,)* }

        impl Kind {
            /// The name in a table of contents ("TABLE DATA").
            pub const fn desc(self) -> &'static str {
                match self { $(Self::$variant => $desc,)* }
            }

            /// The kind that bears this name in a table of contents.
            pub fn from_desc(desc: &str) -> Option<Self> {
                match desc { $($desc => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

kinds! {
    /// The database itself: only its properties; who makes it is the sink's affair.
    Database => "DATABASE PROPERTIES",
    /// A schema.
    Schema => "SCHEMA",
    /// A procedural language.
    Language => "PROCEDURAL LANGUAGE",
    /// A collation.
    Collation => "COLLATION",
    /// How values of a type look to a language.
    Transform => "TRANSFORM",
    /// An extension.
    Extension => "EXTENSION",
    /// A type that is only declared.
    ShellType => "SHELL TYPE",
    /// An enum, composite, range or base type.
    Type => "TYPE",
    /// A domain.
    Domain => "DOMAIN",
    /// A function.
    Function => "FUNCTION",
    /// A procedure.
    Procedure => "PROCEDURE",
    /// An aggregate.
    Aggregate => "AGGREGATE",
    /// A cast.
    Cast => "CAST",
    /// An access method for tables or indexes.
    AccessMethod => "ACCESS METHOD",
    /// An operator.
    Operator => "OPERATOR",
    /// An operator family, with the members that belong to no class.
    OperatorFamily => "OPERATOR FAMILY",
    /// An operator class.
    OperatorClass => "OPERATOR CLASS",
    /// A conversion between encodings.
    Conversion => "CONVERSION",
    /// A text search parser.
    TextSearchParser => "TEXT SEARCH PARSER",
    /// A text search template.
    TextSearchTemplate => "TEXT SEARCH TEMPLATE",
    /// A text search dictionary.
    TextSearchDictionary => "TEXT SEARCH DICTIONARY",
    /// A text search configuration.
    TextSearchConfiguration => "TEXT SEARCH CONFIGURATION",
    /// A foreign-data wrapper.
    ForeignDataWrapper => "FOREIGN DATA WRAPPER",
    /// A foreign server.
    ForeignServer => "SERVER",
    /// Who somebody is on a foreign server.
    UserMapping => "USER MAPPING",
    /// A foreign table.
    ForeignTable => "FOREIGN TABLE",
    /// A table, partitioned or not.
    Table => "TABLE",
    /// A partition takes its place.
    TableAttach => "TABLE ATTACH",
    /// A view.
    View => "VIEW",
    /// A materialized view, still empty.
    MaterializedView => "MATERIALIZED VIEW",
    /// A sequence.
    Sequence => "SEQUENCE",
    /// Which column owns a sequence.
    SequenceOwnedBy => "SEQUENCE OWNED BY",
    /// A column's default that had to wait.
    Default => "DEFAULT",
    /// The rows of a table.
    TableData => "TABLE DATA",
    /// Where a sequence stands.
    SequenceSet => "SEQUENCE SET",
    /// Large objects, still empty.
    LargeObject => "BLOB METADATA",
    /// A single large object, still empty, as archives up to 1.15 have it.
    SingleLargeObject => "BLOB",
    /// Comments on large objects, as very old archives have them.
    LargeObjectComments => "BLOB COMMENTS",
    /// The contents of large objects.
    LargeObjectData => "BLOBS",
    /// A CHECK constraint that had to wait, on a table.
    CheckConstraint => "CHECK CONSTRAINT",
    /// PRIMARY KEY, UNIQUE or EXCLUDE.
    Constraint => "CONSTRAINT",
    /// An index.
    Index => "INDEX",
    /// A partition's index takes its place.
    IndexAttach => "INDEX ATTACH",
    /// A foreign key.
    ForeignKey => "FK CONSTRAINT",
    /// Extended statistics.
    Statistics => "STATISTICS",
    /// A rewrite rule.
    Rule => "RULE",
    /// A trigger.
    Trigger => "TRIGGER",
    /// Row-level security is switched on.
    RowSecurity => "ROW SECURITY",
    /// A row-level security policy.
    Policy => "POLICY",
    /// A publication.
    Publication => "PUBLICATION",
    /// A table of a publication.
    PublicationTable => "PUBLICATION TABLE",
    /// A schema of a publication.
    PublicationSchema => "PUBLICATION TABLES IN SCHEMA",
    /// A subscription.
    Subscription => "SUBSCRIPTION",
    /// A comment.
    Comment => "COMMENT",
    /// A security label.
    SecurityLabel => "SECURITY LABEL",
    /// Privileges.
    Acl => "ACL",
    /// Default privileges.
    DefaultAcl => "DEFAULT ACL",
    /// An event trigger.
    EventTrigger => "EVENT TRIGGER",
    /// A materialized view is filled.
    MaterializedViewData => "MATERIALIZED VIEW DATA",
    /// Planner statistics of a relation.
    StatisticsData => "STATISTICS DATA",
    /// How far a table of a subscription has come, in archives of `pg_upgrade`.
    SubscriptionTable => "SUBSCRIPTION TABLE",
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.desc())
    }
}

/// The owner of an entry's object, and the statement that makes it so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The role.
    pub role: Ident,
    /// `ALTER ... OWNER TO ...`.
    pub alter: Sql,
}

/// The data that an entry carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// The rows of one table.
    Rows(Rows),
    /// The contents of these large objects (OIDs).
    LargeObjects(Vec<u32>),
}

/// The rows of one table: how they are read and how they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The table that is read. The same name is written, unless `into` says otherwise.
    pub table: QualName,
    /// The columns, in order; dropped and generated ones are left out. May be empty: rows without columns are rows too.
    pub columns: Vec<Ident>,
    /// `WHERE ...`: only these rows (an extension's configuration table may hold rows that the extension brings itself).
    pub filter: Option<Sql>,
    /// The partitioned table through which the rows must be loaded, where they may belong elsewhere on the new server.
    pub into: Option<QualName>,
    /// Whether the table was made by this very restore and holds nothing, so that it may be truncated and loaded frozen.
    pub fresh: bool,
    /// Whether there may be floating-point numbers among the values: their text is not the same before 12 and since.
    pub floats: bool,
    /// How many pages the table has on the old server, or frames in an archive, where ranges of them can be read; otherwise 0.
    pub pages: u32,
    /// How many tasks share the rows, each with a range of these: 1 where one has them all.
    pub parts: u32,
    /// Whether they can cross in binary form.
    pub binary: BinaryForm,
    /// The form in which they cross, both ways.
    pub form: RowForm,
}

/// The form of rows (documentation, COPY, "File Formats").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RowForm {
    /// Text: every server and every reader takes it.
    #[default]
    Text,
    /// Binary.
    Binary,
}

/// Whether rows can cross in binary form, by the types of their columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BinaryForm {
    /// They cannot: a type has no such form, holds numbers that mean something on one server alone (OIDs), or is not known.
    #[default]
    Unsafe,
    /// They can, and servers have as much to do.
    Safe,
    /// They can, and servers have less to do.
    Pays,
}

impl Rows {
    /// All rows of a table, in text form.
    pub fn of(table: QualName, columns: Vec<Ident>) -> Self {
        Self {
            table,
            columns,
            filter: None,
            into: None,
            fresh: false,
            floats: false,
            pages: 0,
            parts: 1,
            binary: BinaryForm::Unsafe,
            form: RowForm::Text,
        }
    }
}

/// Some of the rows of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part {
    /// Which one, from 0.
    pub number: u32,
    /// Of how many.
    pub of: u32,
}

impl Part {
    /// Where it begins, of so many things in a row.
    pub fn begins_at(self, count: u64) -> u64 {
        // An archive may say that there are more of them than anybody has.
        let place = u128::from(count) * u128::from(self.number) / u128::from(self.of.max(1));
        u64::try_from(place).unwrap_or(u64::MAX)
    }

    /// Whether it is the last one.
    pub const fn is_last(self) -> bool {
        self.number + 1 >= self.of
    }

    /// The one that follows.
    #[must_use]
    pub const fn next(self) -> Self {
        Self { number: self.number + 1, of: self.of }
    }
}

/// One entry: one object, or one part of it that has to have its own turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub id: EntryId,
    /// What it makes.
    pub kind: Kind,
    /// When it has its turn.
    pub section: Section,
    /// The catalog (OID of the system table) and the row (OID) on the server where it was read; zeros where there is none.
    pub source: (u32, u32),
    /// The object's own name, as a table of contents lists it ("orders", "total(bigint)", "orders orders_pkey").
    pub tag: String,
    /// The schema, if the object has one.
    pub namespace: Option<Ident>,
    /// The owner, if the object has one of its own.
    pub owner: Option<Owner>,
    /// What makes it. Empty for pure data.
    pub create: Vec<Sql>,
    /// An expression that is true where it is to be made: for what belongs to something that came with a server or an
    /// extension, which may be gone in another version (privileges on it, rows in it), or may bring this along itself.
    pub only_if: Option<Sql>,
    /// What removes it.
    pub remove: Option<Sql>,
    /// Which tablespace it has to lie in: `None` where the kind has none, `Some(None)` for the database's own.
    pub tablespace: Option<Option<Ident>>,
    /// The table access method, for those that have one.
    pub table_am: Option<Ident>,
    /// The data that it carries.
    pub data: Option<Data>,
    /// What must be done before.
    pub needs: Vec<EntryId>,
    /// The relations (entries that create them) that it locks against everybody else while it runs.
    pub locks: Vec<EntryId>,
    /// What it weighs on the old server, in bytes: the size of a table with its TOAST, of an index, of large objects.
    pub weight: u64,
}

impl Entry {
    /// Whether it hangs on a relation of an extension, whose script may have made it.
    pub fn is_on_extension(&self) -> bool {
        self.only_if.is_some() && self.kind != Kind::Acl && self.section != Section::Data
    }

    /// Whether anything is done about it.
    pub fn is_made(&self) -> bool {
        self.section != Section::Standing
    }

    /// The object as a user would name it: "TABLE shop.orders".
    pub fn label(&self) -> String {
        format!("{} {}", self.kind, self.name())
    }

    /// The object's bare name with its schema: "shop.orders".
    pub fn name(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{}.{}", namespace.as_str(), self.tag),
            None => self.tag.clone(),
        }
    }
}

/// The table of contents: entries in an order in which they can be made one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Toc {
    entries: Vec<Entry>,
}

impl Toc {
    /// The next free number.
    pub fn next_id(&self) -> EntryId {
        EntryId(self.entries.len() as u32 + 1)
    }

    /// Adds an entry at the end, under the number that [`Toc::next_id`] gave; whatever it bears is replaced.
    pub fn push(&mut self, mut entry: Entry) -> EntryId {
        entry.id = self.next_id();
        let id = entry.id;
        self.entries.push(entry);
        id
    }

    /// Lets everything lie in the tablespace of its database, and tells in which ones it lay.
    pub fn into_one_tablespace(&mut self) -> BTreeSet<String> {
        let places = self.entries.iter_mut().filter_map(|entry| entry.tablespace.as_mut());
        places.filter_map(Option::take).map(|name| name.as_str().to_owned()).collect()
    }

    /// All entries, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// All entries, in order, for changes that have nothing to do with it.
    pub fn entries_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.entries.iter_mut()
    }

    /// What all entries together weigh, in bytes.
    pub fn weight(&self) -> u64 {
        self.entries.iter().map(|entry| entry.weight).fold(0, u64::saturating_add)
    }

    /// The entry with this number.
    pub fn get(&self, id: EntryId) -> Option<&Entry> {
        self.entries.get((id.0 as usize).checked_sub(1)?)
    }
}
