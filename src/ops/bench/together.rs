//! Everything together, for samples: a dump, and an upgrade without its proof, by the lanes that real ones have.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::disk::Scratch;
use super::leg::Flow;
use super::sample::Sample;
use crate::archive::codec::Codec;
use crate::archive::write::Place;
use crate::catalog::Catalog;
use crate::error::Result;
use crate::event::Silent;
use crate::ops::archiving::{Archivable, Destination, Options, Readers};
use crate::ops::doors::{Door, Doors};
use crate::ops::dump;
use crate::plan::form::Format;
use crate::plan::means::Means;
use crate::plan::schedule::{Extras, Schedule};
use crate::sql::Ident;
use crate::toc::{Data, Entry, EntryId, Kind, RowForm, Section, Toc};
use crate::transfer::{Database, Moved, OpenLane, Transfer};
use crate::wire::conninfo::ConnInfo;
use crate::wire::session::NoticeSink;
use crate::wire::snapshot::SnapshotHold;
use crate::wire::version::ServerVersion;

/// What both kinds of a run read from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub from: &'a ConnInfo,
    pub snapshot: &'a Arc<SnapshotHold>,
    pub catalog: &'a Catalog,
    pub notices: &'a NoticeSink,
}

impl Source<'_> {
    /// Dumps these samples, so many times as large as what is kept of them, to a scratch file or to nowhere.
    pub async fn dump(
        &self,
        samples: &[Sample],
        times: f64,
        lanes: NonZeroUsize,
        codec: Codec,
        scratch: Option<&Scratch>,
        cancel: CancellationToken,
    ) -> Result<Flow> {
        let mut toc = Toc::default();
        for sample in samples {
            push_rows(&mut toc, sample, times, RowForm::Text);
        }
        let options = Options { to: Destination::Stdout, codec, readers: Readers::default(), format: Format::Text };
        let begun = Instant::now();
        let mut database = Archivable::some(self.catalog, toc, &options);
        let place = Place::Stream(match scratch {
            Some(scratch) => Box::new(scratch.handle()?),
            None => Box::new(std::io::sink()),
        });
        let archivist = database.begin_at(place, codec)?;
        let door = dump::Door {
            from: self.from.clone(),
            snapshot: Arc::clone(self.snapshot),
            encoding: database.encoding.clone(),
            desk: archivist.desk(),
            notices: self.notices.clone(),
        };
        let schedule = Schedule::of_data(&database.toc);
        let moved =
            self.transfer(Arc::clone(&database.toc), schedule, Means::only(lanes), Arc::new(door), cancel).await;
        let moved = match moved {
            Ok(moved) => moved,
            Err(error) => {
                archivist.discard().await;
                return Err(error);
            }
        };
        archivist.finish(database.manifest(self.snapshot, std::iter::empty()).await?).await?;
        if let Some(scratch) = scratch {
            scratch.sync()?;
        }
        Ok(Flow { bytes: moved.bytes, rows: moved.rows, elapsed: begun.elapsed() })
    }

    /// Moves these samples with their indexes to a database where their tables are.
    pub async fn upgrade(
        &self,
        samples: &[&Sample],
        times: f64,
        means: Means,
        target: Target,
        cancel: CancellationToken,
    ) -> Result<Flow> {
        let mut toc = Toc::default();
        for sample in samples {
            let rows = push_rows(&mut toc, sample, times, sample.usual());
            for index in &sample.indexes {
                let name = Ident::new(format!("tandem_bench_{}", toc.next_id().0));
                let create = vec![index.create(&name, &sample.rows.table)];
                let (kind, section) = (Kind::Index, Section::PostData);
                let tag = name.as_str().to_owned();
                let entry = Entry { kind, section, tag, create, data: None, needs: vec![rows], ..bare(&sample.entry) };
                toc.push(entry);
            }
        }
        let extras = Extras {
            verify: false,
            verify_parts: false,
            analyze_only: target.version.has_analyze_only(),
            carry_statistics: false,
            partial: true,
        };
        let schedule = Schedule::new([&toc], extras);
        let door = Door {
            from: self.from.clone(),
            to: target.to,
            snapshot: Arc::clone(self.snapshot),
            encoding: self.catalog.database.encoding.clone(),
            tee: None,
            path: target.path,
            first: means.settings(),
            digests: true,
            notices: self.notices.clone(),
        };
        let begun = Instant::now();
        let doors = Arc::new(Doors { databases: vec![door] });
        let moved = self.transfer(Arc::new(toc), schedule, means, doors, cancel).await?;
        Ok(Flow { bytes: moved.bytes, rows: moved.rows, elapsed: begun.elapsed() })
    }

    async fn transfer(
        &self,
        toc: Arc<Toc>,
        schedule: Schedule,
        means: Means,
        opener: Arc<dyn OpenLane>,
        cancel: CancellationToken,
    ) -> Result<Moved> {
        let databases = vec![Database { name: self.from.database().to_owned(), toc }];
        let transfer = Transfer { databases, schedule, means, opener, monitor: None, had: None, begun: Instant::now() };
        Ok(transfer.run(&mut Silent, cancel).await?.pop().unwrap_or_default())
    }
}

/// Where an upgrade goes.
pub(super) struct Target {
    /// The database.
    pub to: ConnInfo,
    /// The version of its server.
    pub version: ServerVersion,
    /// The search path that the old database gives to its users: what follows SET.
    pub path: crate::sql::Sql,
}

/// Some rows of a table, as an entry.
fn push_rows(toc: &mut Toc, sample: &Sample, times: f64, form: RowForm) -> EntryId {
    let (mut rows, part) = sample.larger(times, form);
    rows.fresh = true;
    rows.into = None;
    let weight = (sample.weight as f64 * part) as u64;
    toc.push(Entry { data: Some(Data::Rows(rows)), weight, ..bare(&sample.entry) })
}

/// An entry without what ties it to others.
fn bare(entry: &Entry) -> Entry {
    Entry { needs: Vec::new(), locks: Vec::new(), owner: None, tablespace: None, create: Vec::new(), ..entry.clone() }
}
