//! One worker: a session on the old server inside the snapshot, a session on the new server, one task at a time.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::digest::Digest;
use super::pipe::{self, Copied, DigestMode};
use super::sink::{Sink, copy_in};
use super::source::{copy_out, count};
use super::statistics;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Tally;
use crate::plan::schedule::Work;
use crate::sql;
use crate::sql::{QualName, Sql};
use crate::toc::{Data, Entry, Kind, Toc};
use crate::wire::session::{Canceller, Session};
use crate::wire::snapshot::SnapshotHold;

/// How many deadlocks one entry may lose before that is an error.
const DEADLOCKS: usize = 10;

/// What helps where an extension's tables differ between its versions on both servers.
const UPDATE_FIRST: &str = "The rows are users' data in a table of an extension, whose version on the new server has another \
    table or none. Update the extension on the old server first (ALTER EXTENSION .. UPDATE), to a version that the new server \
    has too; or empty the table, if its rows are of no use any more.";

/// A worker.
pub struct Lane {
    source: Session,
    sink: Sink,
    digests: DigestMode,
    encoding: String,
    analyze_only: bool,
    // The snapshot that `source` reads in is there only as long as the transaction that exported it.
    _snapshot: Arc<SnapshotHold>,
}

/// What a task has brought about.
#[derive(Debug)]
pub(super) enum Effect {
    /// Statements ran.
    Made,
    /// There is nothing here to make it on: see [`Entry::only_if`].
    PassedOver,
    /// The server refuses it, and that is no reason to end: see [`Entry::is_on_extension`].
    LeftOut(Error),
    /// Data was copied.
    Copied(Copied),
    /// Data was read back.
    ReadBack(Copied),
    /// Planner statistics were brought from the old server.
    Carried,
    /// Planner statistics were collected here.
    Analyzed,
}

impl Lane {
    /// A lane of two sessions; the one on the old server enters the snapshot. `encoding` is that of both databases.
    ///
    /// # Errors
    ///
    /// If the snapshot cannot be entered.
    pub async fn new(
        snapshot: &Arc<SnapshotHold>,
        source: Session,
        sink: Sink,
        digests: bool,
        encoding: &str,
    ) -> Result<Self> {
        snapshot.import(&source).await?;
        // Names within rows (`regclass` and the like) have to come back as they went out.
        source.run(&Sql::constant("SET quote_all_identifiers TO off")).await?;
        let digests = if digests { DigestMode::Rows } else { DigestMode::None };
        let analyze_only = sink.session().version().has_analyze_only();
        let (encoding, _snapshot) = (encoding.to_owned(), Arc::clone(snapshot));
        Ok(Self { source, sink, digests, encoding, analyze_only, _snapshot })
    }

    /// What ends the statements that the lane runs, on both servers.
    pub(super) fn cancellers(&self) -> [Canceller; 2] {
        [self.source.canceller(), self.sink.session().canceller()]
    }

    /// The process on the new server that works for this lane.
    pub(super) fn sink_pid(&self) -> i32 {
        self.sink.session().backend_pid()
    }

    /// Does one piece of work.
    pub(super) async fn work(
        &mut self,
        toc: &Toc,
        work: Work,
        tally: &Tally,
        cancel: &CancellationToken,
    ) -> Result<Effect> {
        let entry = toc.get(work.entry()).ok_or_else(|| Error::malformed("the table of contents has no such entry"))?;
        let done = match (work, &entry.data) {
            (Work::Entry(_), data) if !self.can_be_made(entry).await? => {
                self.insist_on_nothing(data.as_ref()).await.map(|()| Effect::PassedOver)
            }
            (Work::Entry(_), None) => match self.make(entry).await {
                Err(error) if entry.is_on_extension() && error.kind() == ErrorKind::Server => {
                    Ok(Effect::LeftOut(error))
                }
                done => done.map(|()| Effect::Made),
            },
            (Work::Entry(_), Some(data)) => match self.copy(data, tally, cancel).await {
                // undefined_column, in a table of an extension.
                Err(error) if entry.only_if.is_some() && error.sqlstate() == Some("42703") => {
                    Err(error.with_hint(UPDATE_FIRST))
                }
                copied => copied.map(Effect::Copied),
            },
            // What was passed over is not there.
            (Work::Analyze(_) | Work::Verify(_), _) if !self.can_be_made(entry).await? => Ok(Effect::Made),
            (Work::Statistics(_), _) => self.bring_statistics(entry).await,
            (Work::Analyze(_), _) => self.analyze(entry).await.map(|()| Effect::Analyzed),
            (Work::Verify(_), Some(data)) => self.read_back(data, tally, cancel).await.map(Effect::ReadBack),
            (Work::Verify(_), None) => Ok(Effect::Made),
        };
        done.map_err(|e| e.about(entry.label()))
    }

    async fn can_be_made(&self, entry: &Entry) -> Result<bool> {
        let Some(condition) = &entry.only_if else { return Ok(true) };
        let query = sql!("SELECT {} AS here", condition);
        self.sink.session().row(&query).await?.get("here")
    }

    /// Data that has no place on the new server is no loss only where there is none.
    async fn insist_on_nothing(&self, data: Option<&Data>) -> Result<()> {
        let Some(Data::Rows(rows)) = data else { return Ok(()) };
        let query = count(rows);
        let lost: i64 = self.source.row(&query).await?.get("rows")?;
        if lost == 0 {
            return Ok(());
        }
        let what =
            format!("the new server's version of the extension has no such table, and the old one holds {lost} rows");
        Err(Error::new(ErrorKind::Server, what).with_hint(UPDATE_FIRST))
    }

    /// Statements of different lanes can lock the same relations in different orders: partitions and what refers to them.
    /// The server ends one of them then, and undoes it; it has its turn again.
    async fn make(&mut self, entry: &Entry) -> Result<()> {
        for _ in 0..DEADLOCKS {
            match self.sink.make(entry).await {
                Err(error) if error.sqlstate() == Some("40P01") => tracing::debug!(%error, "again"),
                done => return done,
            }
        }
        self.sink.make(entry).await
    }

    async fn copy(&mut self, data: &Data, tally: &Tally, cancel: &CancellationToken) -> Result<Copied> {
        let (source, sink) = (&self.source, self.sink.session());
        match data {
            Data::Rows(rows) => {
                let (out, into) = (copy_out(rows, &self.encoding), copy_in(rows, &self.encoding));
                pipe::copy_table(source, sink, &out, &into, tally, self.digests, cancel).await
            }
            Data::LargeObjects(oids) => pipe::copy_large_objects(source, sink, oids, tally, self.digests, cancel).await,
        }
    }

    async fn read_back(&mut self, data: &Data, tally: &Tally, cancel: &CancellationToken) -> Result<Copied> {
        let session = self.sink.session();
        match (data, self.digests) {
            (Data::Rows(rows), DigestMode::Rows) => {
                pipe::digest_table(session, &copy_out(rows, &self.encoding), tally, cancel).await
            }
            (Data::Rows(rows), DigestMode::None) => {
                let counted: i64 = session.row(&count(rows)).await?.get("rows")?;
                Ok(Copied { bytes: 0, rows: counted.unsigned_abs(), digest: Digest::default() })
            }
            (Data::LargeObjects(oids), mode) => pipe::digest_large_objects(session, oids, tally, mode, cancel).await,
        }
    }

    /// What the old server knows is as good as what ANALYZE finds out, if it is all there.
    async fn bring_statistics(&mut self, entry: &Entry) -> Result<Effect> {
        if let Some(name) = relation(entry)
            && let Some(known) = statistics::read(&self.source, &name).await?
            && statistics::write(self.sink.session(), &known).await?
        {
            return Ok(Effect::Carried);
        }
        self.analyze(entry).await.map(|()| Effect::Analyzed)
    }

    async fn analyze(&mut self, entry: &Entry) -> Result<()> {
        let Some(name) = relation(entry) else { return Ok(()) };
        // Without ONLY the partitions are included; the schedule has none of their own then.
        let statement = match self.analyze_only && entry.kind == Kind::Table {
            true => sql!("ANALYZE ONLY {}", name),
            false => sql!("ANALYZE {}", name),
        };
        self.sink.session().run(&statement).await
    }
}

/// The name of the relation that an entry is about.
fn relation(entry: &Entry) -> Option<QualName> {
    Some(sql::Ident::new(entry.tag.as_str()).within(entry.namespace.as_ref()?))
}
