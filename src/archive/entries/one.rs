//! From one record to one entry, apart from what it needs.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::copy::{self, Copy};
use super::{Block, Form, Reading};
use crate::archive::large_object;
use crate::archive::owner;
use crate::archive::toc::Record;
use crate::error::{Error, Result};
use crate::sql;
use crate::sql::{Ident, QualName, Sql, join};
use crate::toc::{Data, Entry, EntryId, Kind, Owner, RowForm, Rows, Section};

/// What a partition's definition says where it does not stand in an entry of its own (up to 13).
const PARTITION: &str = "PARTITION OF";

impl<'a> Reading<'a> {
    /// The entry of a record, and its block. The owner's role is noted.
    pub(super) fn draft(&mut self, record: &Record, kind: Kind, definition: String) -> Result<(Entry, Option<Block>)> {
        let namespace = record.namespace.as_deref().filter(|name| !name.is_empty());
        let namespace = namespace.map(|name| self.settings.text(name)).transpose()?.map(Ident::new);
        let tag = self.settings.text(&record.tag)?;
        let owner = self.owner(record)?;
        let path = self.settings.path(namespace.as_ref());
        let (data, block) = self.data(record, kind, &definition, namespace.as_ref(), &tag, path.clone())?;
        let create = match (kind, &data) {
            (_, Some(_)) => Vec::new(),
            _ => path.into_iter().chain(self.create(record, kind, definition, namespace.as_ref(), &tag)?).collect(),
        };
        let number = |digits: &[u8]| std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        let tablespace = record.tablespace.as_deref().map(|name| self.settings.text(name)).transpose()?;
        let entry = Entry {
            id: EntryId(0),
            kind,
            section: section(record, kind),
            source: (number(&record.catalog), number(&record.object)),
            tag,
            namespace,
            owner,
            create,
            only_if: None,
            remove: None,
            tablespace: tablespace.map(|name| Some(name).filter(|name| !name.is_empty()).map(Ident::new)),
            table_am: self.table_am(record)?.filter(|_| record.relation_kind != b'p'),
            data,
            needs: Vec::new(),
            locks: Vec::new(),
            weight: 0,
        };
        Ok((entry, block))
    }

    fn table_am(&self, record: &Record) -> Result<Option<Ident>> {
        let name = record.table_am.as_deref().filter(|name| !name.is_empty());
        Ok(name.map(|name| self.settings.text(name)).transpose()?.map(Ident::new))
    }

    /// The role that owns an object, unless owners do not count.
    pub(super) fn owner_of(&mut self, record: &Record) -> Result<Option<Ident>> {
        let name = record.owner.as_deref().filter(|name| !name.is_empty() && !self.without.owners);
        name.map(|name| self.settings.text(name).map(Ident::new)).transpose()
    }

    fn owner(&mut self, record: &Record) -> Result<Option<Owner>> {
        let Some(role) = self.owner_of(record)? else { return Ok(None) };
        let statements = owner::alter(record)?;
        if statements.is_empty() {
            return Ok(None);
        }
        let statements = statements.iter().map(|text| self.settings.text(text).map(Sql::archived));
        let alter = join(statements.collect::<Result<Vec<_>>>()?, ";\n");
        self.roles.entry(role.as_str().to_owned()).or_insert_with(|| super::label(record));
        Ok(Some(Owner { role, alter }))
    }

    /// The statements that make it.
    fn create(
        &self,
        record: &Record,
        kind: Kind,
        definition: String,
        namespace: Option<&Ident>,
        tag: &str,
    ) -> Result<Vec<Sql>> {
        let texts = if kind == Kind::LargeObject {
            large_object::create(record)?
        } else if large_object::is_on_many(record) {
            let first = record.needs.first();
            let metadata = self.all.iter().find(|other| Some(&other.id) == first);
            large_object::privileges(record, metadata)?
        } else {
            let mut create = vec![Sql::archived(definition)];
            // It cannot be said in the statement that makes a partitioned table before 17, nor by a setting since.
            if let (b'p', Some(method), Some(schema)) = (record.relation_kind, self.table_am(record)?, namespace) {
                create.push(sql!("ALTER TABLE {} SET ACCESS METHOD {}", Ident::from(tag).within(schema), method));
            }
            return Ok(create.into_iter().filter(|sql| !sql.is_empty()).collect());
        };
        texts.iter().map(|text| self.settings.text(text).map(Sql::archived)).collect()
    }

    fn data(
        &self,
        record: &Record,
        kind: Kind,
        definition: &str,
        namespace: Option<&Ident>,
        tag: &str,
        path: Option<Sql>,
    ) -> Result<(Option<Data>, Option<Block>)> {
        let block = |form| Some(Block { record: record.id, form, path });
        match kind {
            Kind::TableData | Kind::LargeObjectData if !record.has_block => {
                Err(Error::malformed("an entry with data has no block"))
            }
            Kind::LargeObjectData => Ok((Some(Data::LargeObjects(Vec::new())), block(Form::LargeObjects))),
            Kind::TableData => {
                let schema = namespace.ok_or_else(|| Error::malformed("rows belong to a table without a schema"))?;
                let (rows, form) = self.rows(record, definition, Ident::from(tag).within(schema))?;
                Ok((Some(Data::Rows(rows)), block(form)))
            }
            _ if record.has_block => Err(Error::malformed("an entry that carries no data has a block")),
            _ => Ok((None, None)),
        }
    }

    fn rows(&self, record: &Record, definition: &str, table: QualName) -> Result<(Rows, Form)> {
        let root = copy::root(definition);
        let statement = record.copy.as_deref().filter(|text| !text.is_empty());
        let (columns, into, form) = match statement {
            None => (Vec::new(), root, Form::Statements),
            Some(text) => {
                let copy = Copy::parse(&self.settings.text(text)?)?;
                let target = copy.table.within(copy.schema.as_ref().unwrap_or(&table.schema));
                // Before 2022 nothing but the statement itself says that rows go through a root.
                let into = (target != table || root.is_some()).then_some(target);
                (copy.columns, into, if copy.binary { Form::Binary } else { Form::Text })
            }
        };
        let row_form = if form == Form::Binary { RowForm::Binary } else { RowForm::Text };
        Ok((Rows { into, form: row_form, ..Rows::of(table, columns) }, form))
    }

    /// Says which tables hold nothing but what this restore brings: they are made by it, and no other entry brings rows.
    pub(super) fn settle_fresh(&mut self) {
        let name = |entry: &Entry| Some(Ident::from(entry.tag.as_str()).within(entry.namespace.as_ref()?));
        let (mut made, mut partitions) = (HashSet::new(), HashSet::new());
        let (mut loaded, mut through_roots): (HashMap<QualName, usize>, bool) = (HashMap::new(), false);
        for (_, entry, _) in &self.drafts {
            let Some(name) = name(entry) else { continue };
            if entry.kind == Kind::TableAttach
                || entry.kind == Kind::Table && entry.create.iter().any(|sql| sql.as_str().contains(PARTITION))
            {
                partitions.insert(name.clone());
            }
            match &entry.data {
                Some(Data::Rows(rows)) => {
                    *loaded.entry(rows.into.as_ref().unwrap_or(&rows.table).clone()).or_default() += 1;
                    through_roots |= rows.into.is_some();
                }
                _ if entry.kind == Kind::Table => {
                    made.insert(name);
                }
                _ => {}
            }
        }
        for (_, entry, _) in &mut self.drafts {
            if let Some(Data::Rows(rows)) = &mut entry.data {
                let alone = loaded.get(&rows.table) == Some(&1) && rows.into.is_none();
                rows.fresh =
                    alone && made.contains(&rows.table) && !(through_roots && partitions.contains(&rows.table));
            }
        }
    }

    /// Says which large objects each block of them holds: those that its first needs make; where it needs none, all that
    /// single records make, or those whose OIDs its tag names.
    pub(super) fn fill_large_objects(&mut self) -> Result<()> {
        let mut made: HashMap<i64, Vec<u32>> = HashMap::new();
        let mut single = BTreeSet::new();
        for (record, entry, _) in &self.drafts {
            if matches!(entry.kind, Kind::LargeObject | Kind::SingleLargeObject) {
                let oids = large_object::made_by(record)?;
                single.extend(oids.iter().copied().filter(|_| entry.kind == Kind::SingleLargeObject));
                made.insert(record.id, oids);
            }
        }
        let contents = self.drafts.iter().filter(|(_, entry, _)| entry.kind == Kind::LargeObjectData).count();
        for (record, entry, _) in &mut self.drafts {
            if let Some(Data::LargeObjects(oids)) = &mut entry.data {
                let needed: Vec<u32> =
                    record.needs.iter().filter_map(|need| made.get(need)).flatten().copied().collect();
                *oids = match (needed.is_empty() && !makes_needed(self.all, record), range(&entry.tag)) {
                    (false, _) => needed,
                    (true, Some(range)) if contents > 1 => single.range(range).copied().collect(),
                    (true, _) => single.iter().copied().collect(),
                };
            }
        }
        Ok(())
    }
}

/// Whether a record needs some that make large objects, chosen or not.
fn makes_needed(all: &[Record], record: &Record) -> bool {
    let makes = |other: &&Record| other.desc == large_object::METADATA || other.desc == large_object::ONE;
    all.iter().filter(makes).any(|other| record.needs.contains(&other.id))
}

/// "7" or "7..9".
fn range(tag: &str) -> Option<std::ops::RangeInclusive<u32>> {
    let (first, last) = tag.split_once("..").unwrap_or((tag, tag));
    let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some(first..=last)
}

/// When a record has its turn. What says nothing of it itself is settled by what it needs.
fn section(record: &Record, kind: Kind) -> Section {
    match (kind, record.section) {
        (Kind::Acl | Kind::DefaultAcl | Kind::EventTrigger | Kind::MaterializedViewData | Kind::StatisticsData, _) => {
            Section::Last
        }
        (Kind::TableData | Kind::LargeObjectData, _) => Section::Data,
        (_, 3) => Section::Data,
        (_, 4) => Section::PostData,
        _ => Section::PreData,
    }
}
