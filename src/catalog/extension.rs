//! Extensions (`pg_extension`), with the rows of their configuration tables.
//!
//! What an extension's script makes is never carried; only the rows that users have put into tables which the extension
//! has marked for it (`pg_extension_config_dump`).

use std::collections::HashMap;

use super::query::{Query, expr};
use super::*;
use crate::error::Result;
use crate::sql;
use crate::sql::Literal;
use crate::toc::Rows;
use crate::wire::session::Row;

/// An extension.
#[derive(Clone, Debug)]
pub struct Extension {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: Ident,
    /// The schema that it is in.
    pub schema: Ident,
    /// Whether a new database has it too.
    pub presence: Presence,
    /// The relations whose contents are carried.
    pub config: Vec<Config>,
}

/// Whether a new database has an extension from the start: only `plpgsql` is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It has to be made.
    Made,
    /// It is there.
    BuiltIn,
    /// It is there, but was dropped on the old server.
    Dropped,
    /// It is for others to make: only contents of its tables are selected.
    Assumed,
}

/// A relation of an extension whose contents are users' data.
#[derive(Clone, Debug)]
pub struct Config {
    /// The relation's OID.
    pub relation: u32,
    /// Its name.
    pub name: QualName,
    /// What is in it.
    pub contents: Contents,
}

/// What a relation of an extension holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Contents {
    /// Rows of a table.
    Rows {
        /// The columns that are written.
        columns: Vec<Ident>,
        /// `WHERE ...`, if only some rows are users'.
        filter: Option<Sql>,
        /// The tables (OIDs) that foreign keys of this one refer to.
        references: Vec<u32>,
        /// Its size in bytes, TOAST included.
        size: u64,
    },
    /// The state of a sequence: `last_value` and `is_called`. `None` as long as it has not been read.
    State(Option<(i64, bool)>),
}

/// Extensions, and `plpgsql` even if it is not there: under an OID that no object has.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "coalesce(e.oid, 1)"),
        expr("name", "coalesce(e.extname, p.extname)::text"),
        expr("schema", "coalesce(n.nspname::text, '')"),
        expr("builtin", "e.oid < 16384"),
    ],
    "FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
        FULL JOIN (SELECT 'plpgsql'::name AS extname) p ON p.extname = e.extname ORDER BY name",
);

pub(super) fn decode(row: &Row) -> Result<Extension> {
    let presence = match row.get::<Option<bool>>("builtin")? {
        Some(false) => Presence::Made,
        Some(true) => Presence::BuiltIn,
        None => Presence::Dropped,
    };
    Ok(Extension {
        id: ObjectId::new(Class::EXTENSION, row.get("oid")?),
        name: Ident::new(row.get::<String>("name")?),
        schema: Ident::new(row.get::<String>("schema")?),
        presence,
        config: Vec::new(),
    })
}

/// The relations whose contents extensions want to be carried. Other kinds than tables and sequences have no contents of
/// their own.
pub(super) const CONFIG: Query = Query::of(
    &[
        expr("extension", "e.oid"),
        expr("relation", "c.oid"),
        expr("schema", "n.nspname::text"),
        expr("name", "c.relname::text"),
        expr("sequence", "c.relkind = 'S'"),
        expr("condition", "coalesce(g.condition, '')"),
        expr("size", "coalesce(pg_table_size(c.oid), 0)"),
        expr(
            "columns",
            "ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
                AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum)",
        )
        .since(
            12,
            "ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
                AND NOT a.attisdropped ORDER BY a.attnum)",
        ),
        expr(
            "references",
            "ARRAY(SELECT DISTINCT k.confrelid FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f'
                AND k.confrelid <> c.oid)",
        ),
    ],
    "FROM pg_extension e CROSS JOIN LATERAL unnest(e.extconfig, e.extcondition) WITH ORDINALITY AS g(relation, condition, n)
        JOIN pg_class c ON c.oid = g.relation JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'S') ORDER BY e.extname, g.n",
);

/// The extension's OID and one of its relations.
pub(super) fn decode_config(row: &Row) -> Result<(u32, Config)> {
    let contents = if row.get("sequence")? {
        Contents::State(None)
    } else {
        let (columns, filter): (Vec<String>, String) = (row.get("columns")?, row.get("condition")?);
        Contents::Rows {
            columns: columns.into_iter().map(Ident::new).collect(),
            filter: Some(Sql::deparsed(filter.trim())).filter(|filter| !filter.is_empty()),
            references: row.get("references")?,
            size: u64::try_from(row.get::<i64>("size")?).unwrap_or(0),
        }
    };
    let name = QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?);
    Ok((row.get("extension")?, Config { relation: row.get("relation")?, name, contents }))
}

/// Gives the extensions their relations.
pub(super) fn assemble(extensions: &mut [Extension], config: Vec<(u32, Config)>) {
    let mut of: HashMap<u32, Vec<Config>> = HashMap::new();
    for (extension, relation) in config {
        of.entry(extension).or_default().push(relation);
    }
    for extension in extensions {
        extension.config = of.remove(&extension.id.oid).unwrap_or_default();
    }
}

impl Extension {
    /// The sequences (OIDs) whose state is carried and has yet to be read, as `last_value` and `is_called` of each.
    pub fn sequences(&self) -> impl Iterator<Item = (u32, &QualName)> {
        self.config.iter().filter(|c| c.contents == Contents::State(None)).map(|c| (c.relation, &c.name))
    }

    /// Takes the state of one of its sequences.
    pub fn set_state(&mut self, sequence: u32, last_value: i64, is_called: bool) {
        for config in self.config.iter_mut().filter(|c| c.relation == sequence) {
            if let Contents::State(state) = &mut config.contents {
                *state = Some((last_value, is_called));
            }
        }
    }

    fn config(&self, part: Part) -> Option<&Config> {
        match part {
            Part::Config(n) => self.config.get(usize::from(n)),
            _ => None,
        }
    }

    /// The parts that hold the contents of its relations, with these.
    fn contents(&self) -> impl Iterator<Item = (Part, &Config)> {
        (0..=u16::MAX).map(Part::Config).zip(&self.config)
    }
}

impl Config {
    fn draft(&self) -> Option<Draft> {
        let tag = self.name.name.as_str();
        // Another version of the extension may do without it.
        let full = self.name.to_string();
        let exists = sql!("pg_catalog.to_regclass({}) IS NOT NULL", Literal(&full));
        let draft = |kind, create| {
            let draft = Draft::new(kind, Section::Data, tag, create).within(&self.name.schema);
            Draft { only_if: Some(exists), ..draft }
        };
        match &self.contents {
            Contents::Rows { columns, filter, size, .. } => {
                let mut draft = draft(Kind::TableData, Vec::new());
                draft.data = Some(Data::Rows(Rows {
                    filter: filter.clone(),
                    floats: true,
                    ..Rows::of(self.name.clone(), columns.clone())
                }));
                draft.weight = *size;
                Some(draft)
            }
            Contents::State(state) => {
                let (value, called) = (*state)?;
                let set = sql!("SELECT pg_catalog.setval({}, {}, {})", Literal(&full), value, called);
                Some(draft(Kind::SequenceSet, vec![set]))
            }
        }
    }
}

impl Render for Extension {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("EXTENSION {}", self.name)
    }

    fn priority(&self, part: Part) -> Priority {
        match self.config(part) {
            Some(Config { contents: Contents::Rows { .. }, .. }) => Priority::TableData,
            Some(Config { contents: Contents::State(_), .. }) => Priority::SequenceSet,
            None => Priority::Extension,
        }
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.name.as_str().to_owned(), String::new())
    }

    fn parts(&self) -> Vec<Part> {
        [Part::Definition].into_iter().chain(self.contents().map(|(part, _)| part)).collect()
    }

    fn section(&self, part: Part) -> Section {
        match part {
            Part::Config(_) => Section::Data,
            _ => Section::PreData,
        }
    }

    fn draft(&self, part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        if part != Part::Definition {
            return self.config(part)?.draft();
        }
        let identity = self.identity(catalog);
        let draft = |create| Draft::new(Kind::Extension, Section::PreData, self.name.as_str(), vec![create]);
        match self.presence {
            Presence::BuiltIn | Presence::Assumed => None,
            Presence::Dropped => Some(draft(sql!("DROP {}", identity))),
            // No version: the new server's own is what has to be there.
            Presence::Made => {
                let create = sql!("CREATE EXTENSION IF NOT EXISTS {} WITH SCHEMA {}", self.name, self.schema);
                Some(Draft { remove: Some(sql!("DROP {}", identity)), ..draft(create) })
            }
        }
    }

    fn edges(&self, catalog: &Catalog) -> Vec<(Node, Node)> {
        let node = |object, part| Node { object, part };
        let mut edges = Vec::new();
        for (part, config) in self.contents() {
            let this = node(self.id, part);
            edges.push((this, Node::definition(self.id)));
            // Foreign keys between such tables are there from the start, so that rows have to come in their order.
            let Contents::Rows { references, .. } = &config.contents else { continue };
            if references.is_empty() {
                continue;
            }
            for object in catalog.objects() {
                let Object::Extension(other) = object else { continue };
                let needed = other.contents().filter(|(_, c)| references.contains(&c.relation));
                edges.extend(needed.map(|(part, _)| (this, node(other.id, part))));
            }
        }
        edges
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{holding, texts};
    use super::*;

    fn rows(relation: u32, references: Vec<u32>) -> Config {
        let contents =
            Contents::Rows { columns: vec!["a".into()], filter: Some(Sql::constant("WHERE b")), references, size: 8 };
        Config { relation, name: QualName::new("s", "conf"), contents }
    }

    fn extension(presence: Presence, config: Vec<Config>) -> Extension {
        let id = ObjectId::new(Class::EXTENSION, 20_000);
        Extension { id, name: "x-y".into(), schema: "s".into(), presence, config }
    }

    #[test]
    fn only_what_a_new_database_lacks_is_made() {
        let catalog = holding(12, Vec::new());
        let create = |presence| {
            let draft = extension(presence, vec![]).draft(Part::Definition, &catalog, &Decisions::default());
            draft.map(|d| d.create.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(create(Presence::Made).unwrap(), ["CREATE EXTENSION IF NOT EXISTS \"x-y\" WITH SCHEMA \"s\""]);
        assert_eq!(create(Presence::BuiltIn), None);
        assert_eq!(create(Presence::Dropped).unwrap(), ["DROP EXTENSION \"x-y\""]);
    }

    #[test]
    fn contents_are_parts() {
        let state = Config { relation: 3, name: QualName::new("s", "q"), contents: Contents::State(None) };
        let mut x = extension(Presence::Made, vec![rows(1, vec![2]), rows(2, vec![]), state]);
        let catalog = holding(12, vec![x.clone().into()]);
        let how = Decisions::default();
        assert_eq!(x.parts(), [Part::Definition, Part::Config(0), Part::Config(1), Part::Config(2)]);
        let Some(Data::Rows(first)) = x.draft(Part::Config(0), &catalog, &how).unwrap().data else { panic!() };
        assert_eq!((first.filter.unwrap().as_str(), first.fresh), ("WHERE b", false));
        let config = |n| Node { object: x.id, part: Part::Config(n) };
        assert!(x.edges(&catalog).contains(&(config(0), config(1))));
        assert!(x.draft(Part::Config(2), &catalog, &how).is_none());
        assert_eq!(x.sequences().count(), 1);
        x.set_state(3, 7, true);
        assert_eq!(x.sequences().count(), 0);
        let set = x.draft(Part::Config(2), &catalog, &how).unwrap();
        assert_eq!(texts(&set.create), ["SELECT pg_catalog.setval('\"s\".\"q\"', 7, true)"]);
    }
}
