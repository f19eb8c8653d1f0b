//! To a server: from another one, by a session inside the snapshot, or from an archive.

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::digest::Digest;
use super::lane::{Deed, Effect, Lane};
use super::large_object;
use super::packed::{Packed, Unpacked};
use super::path;
use super::pipe::{self, Copied, DigestMode};
use super::sink::{Sink, copy_in};
use super::source::{copy_out, copy_part, count, count_part, pages};
use super::statistics;
use super::tee::Tee;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Tally;
use crate::plan::schedule::Work;
use crate::sql;
use crate::sql::{QualName, Sql, join};
use crate::toc::{Data, Entry, EntryId, Kind, Part, RowForm, Rows, Toc};
use crate::wire::session::{Canceller, Session};
use crate::wire::snapshot::SnapshotHold;

/// How many deadlocks one entry may lose before that is an error.
const DEADLOCKS: usize = 10;

/// What helps where an extension's tables differ between its versions on both servers.
const UPDATE_FIRST: &str = "The rows are users' data in a table of an extension, whose version on the new server has another \
    table or none. Update the extension on the old server first (ALTER EXTENSION .. UPDATE), to a version that the new server \
    has too; or empty the table, if its rows are of no use any more.";

/// A lane to a server.
pub struct Mover {
    origin: Origin,
    sink: Sink,
    digests: DigestMode,
    encoding: String,
    analyze_only: bool,
    /// The search path of the old database: what follows SET LOCAL.
    path: Sql,
    /// What an archive has given for an entry whose first turn has failed.
    begun: Option<(EntryId, Unpacked)>,
}

/// Where data comes from.
enum Origin {
    Server(Box<Old>),
    Archive(Arc<Packed>),
}

/// A session on the old server.
struct Old {
    session: Session,
    // The snapshot that the session reads in is there only as long as the transaction that exported it.
    snapshot: Arc<SnapshotHold>,
    /// What else takes what is read.
    tee: Option<Arc<Tee>>,
}

impl Lane for Mover {
    fn cancellers(&self) -> Vec<Canceller> {
        let old = match &self.origin {
            Origin::Server(old) => Some(old.session.canceller()),
            Origin::Archive(_) => None,
        };
        old.into_iter().chain([self.sink.session().canceller()]).collect()
    }

    fn sink_pid(&self) -> Option<i32> {
        Some(self.sink.session().backend_pid())
    }

    fn set_helpers(&mut self, helpers: usize) {
        self.sink.set_helpers(helpers);
    }

    fn work<'a>(
        &'a mut self,
        toc: &'a Toc,
        work: Work,
        tally: &'a Tally,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Deed>> {
        Box::pin(self.try_twice(toc, work, tally, cancel))
    }
}

impl Mover {
    /// A lane of two sessions; the one on the old server enters the snapshot. Rows cross in this encoding; `path` is the
    /// search path that the old database gives to its users, as what follows SET.
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
        path: &Sql,
    ) -> Result<Self> {
        let old = Old { session: source, snapshot: Arc::clone(snapshot), tee: None };
        old.enter().await?;
        Ok(Self::between(Origin::Server(Box::new(old)), sink, digests, encoding, path))
    }

    /// The same lane, where what crosses goes into an archive, too.
    #[must_use]
    pub fn beside(mut self, tee: Arc<Tee>) -> Self {
        if let Origin::Server(old) = &mut self.origin {
            old.tee = Some(tee);
        }
        self
    }

    /// A lane from an archive; `path` as in [`Mover::new`].
    pub fn from_archive(packed: &Arc<Packed>, sink: Sink, digests: bool, path: &Sql) -> Self {
        Self::between(Origin::Archive(Arc::clone(packed)), sink, digests, packed.encoding(), path)
    }

    fn between(origin: Origin, sink: Sink, digests: bool, encoding: &str, path: &Sql) -> Self {
        let digests = if digests { DigestMode::Rows } else { DigestMode::None };
        let analyze_only = sink.session().version().has_analyze_only();
        Self { origin, sink, digests, encoding: encoding.to_owned(), analyze_only, path: path.clone(), begun: None }
    }

    /// Does one piece of work; where a function fails for lack of the search path that it is used to, once more with that.
    async fn try_twice(&mut self, toc: &Toc, work: Work, tally: &Tally, cancel: &CancellationToken) -> Result<Deed> {
        let entry = toc.get(work.entry()).ok_or_else(|| Error::malformed("the table of contents has no such entry"))?;
        let done = match self.turn(entry, work, None, tally, cancel).await {
            Err(first) if path::is_lost(&first) => {
                if matches!((work, &entry.data), (Work::Entry(_) | Work::Part(..), Some(_))) {
                    if let Origin::Server(old) = &self.origin {
                        // The COPY on the old server was cancelled, and the transaction with it.
                        old.session.run(&Sql::constant("ROLLBACK")).await?;
                        old.enter().await?;
                        old.tee.iter().try_for_each(|tee| tee.abandon(entry.id))?;
                    }
                    tally.reset();
                }
                let set = path::set(&self.path);
                let again = self.turn(entry, work, Some(&set), tally, cancel).await;
                again.map(|effect| Deed { effect, by_path: true }).map_err(|again| path::failed_twice(first, again))
            }
            done => done.map(|effect| Deed { effect, by_path: false }),
        };
        let error = match (done, work, &self.origin) {
            (Err(error), Work::Entry(_), Origin::Archive(packed)) => packed.lose(entry, error).err(),
            (Err(error), ..) => Some(error),
            (Ok(deed), ..) => return Ok(deed),
        };
        match error {
            Some(error) => Err(error.about(entry.label())),
            None => {
                let effect = if entry.data.is_some() { Effect::Copied(Copied::default()) } else { Effect::Made };
                Ok(Deed { effect, by_path: false })
            }
        }
    }

    /// `first` sets something for the transaction on the new server.
    async fn turn(
        &mut self,
        entry: &Entry,
        work: Work,
        first: Option<&Sql>,
        tally: &Tally,
        cancel: &CancellationToken,
    ) -> Result<Effect> {
        match (work, &entry.data) {
            (Work::Entry(id), data) if !self.can_be_made(entry).await? => {
                self.insist_on_nothing(id, data.as_ref()).await.map(|()| Effect::PassedOver)
            }
            (Work::Entry(_), None) => match self.make(entry, first).await {
                Err(error) if entry.is_on_extension() && error.kind() == ErrorKind::Server => {
                    Ok(Effect::LeftOut(error))
                }
                done => done.map(|()| Effect::Made),
            },
            (Work::Entry(id), Some(data)) => match self.copy(id, data, None, first, tally, cancel).await {
                // undefined_column, in a table of an extension.
                Err(error) if entry.only_if.is_some() && error.sqlstate() == Some("42703") => {
                    Err(error.with_hint(UPDATE_FIRST))
                }
                copied => copied.map(Effect::Copied),
            },
            (Work::Part(id, part), Some(data)) => {
                self.copy(id, data, Some(part), first, tally, cancel).await.map(Effect::Copied)
            }
            (Work::Part(..) | Work::Joined(_), _) => Ok(Effect::Made),
            // What was passed over is not there.
            (Work::Analyze(_) | Work::Verify(_) | Work::VerifyPart(..), _) if !self.can_be_made(entry).await? => {
                Ok(Effect::Made)
            }
            (Work::Statistics(_), _) => self.bring_statistics(entry, first).await,
            (Work::Analyze(_), _) => self.analyze(entry, first).await.map(|()| Effect::Analyzed),
            (Work::Verify(id), Some(data)) => self.read_back(id, data, tally, cancel).await.map(Effect::ReadBack),
            (Work::VerifyPart(id, part), Some(Data::Rows(rows))) => {
                self.read_part_back(id, rows, part, tally, cancel).await.map(Effect::ReadBack)
            }
            (Work::Verify(_) | Work::VerifyPart(..), _) => Ok(Effect::Made),
        }
    }

    async fn can_be_made(&self, entry: &Entry) -> Result<bool> {
        self.sink.has_place_for(entry).await
    }

    /// Data that has no place on the new server is no loss only where there is none.
    async fn insist_on_nothing(&self, id: EntryId, data: Option<&Data>) -> Result<()> {
        let old = match (data, &self.origin) {
            (Some(_), Origin::Archive(packed)) => return packed.pass_over(id),
            (_, Origin::Archive(_)) => return Ok(()),
            (_, Origin::Server(old)) => old,
        };
        let Some(Data::Rows(rows)) = data else { return Ok(()) };
        let query = count(rows);
        let lost: i64 = old.session.row(&query).await?.get("rows")?;
        if lost == 0 {
            return match &old.tee {
                Some(tee) => tee.rows(id)?.finish(0, Some(Digest::default().sum)).await,
                None => Ok(()),
            };
        }
        let what =
            format!("the new server's version of the extension has no such table, and the old one holds {lost} rows");
        Err(Error::new(ErrorKind::Server, what).with_hint(UPDATE_FIRST))
    }

    /// Statements of different lanes can lock the same relations in different orders: partitions and what refers to them.
    /// The server ends one of them then, and undoes it; it has its turn again.
    async fn make(&mut self, entry: &Entry, first: Option<&Sql>) -> Result<()> {
        for _ in 0..DEADLOCKS {
            match self.sink.make_after(entry, first).await {
                Err(error) if error.sqlstate() == Some("40P01") => tracing::debug!(%error, "again"),
                done => return done,
            }
        }
        self.sink.make_after(entry, first).await
    }

    async fn copy(
        &mut self,
        id: EntryId,
        data: &Data,
        part: Option<Part>,
        first: Option<&Sql>,
        tally: &Tally,
        cancel: &CancellationToken,
    ) -> Result<Copied> {
        let sink = self.sink.session();
        let old = match &self.origin {
            Origin::Server(old) => old,
            Origin::Archive(packed) if let Some(part) = part => {
                let form = match data {
                    Data::Rows(rows) => rows.form,
                    Data::LargeObjects(_) => RowForm::Text,
                };
                let mut from = packed.open_part(id, part, form)?;
                return packed.copy((id, data), &mut from, sink, first, self.digests, (tally, cancel)).await;
            }
            Origin::Archive(packed) => {
                let mut from = match self.begun.take().filter(|(begun, _)| *begun == id) {
                    Some((_, begun)) => packed.reopen(id, data, self.digests, begun)?,
                    None => packed.open(id, data, self.digests)?,
                };
                let copied = packed.copy((id, data), &mut from, sink, first, self.digests, (tally, cancel)).await;
                self.begun = copied.is_err().then_some((id, from));
                return copied;
            }
        };
        // An archive has digests, whatever becomes of them here.
        let digests = if old.tee.is_some() { DigestMode::Rows } else { self.digests };
        let copied = match data {
            Data::Rows(rows) => {
                let out = match part {
                    None => copy_out(rows, &self.encoding),
                    Some(part) => copy_part(rows, part, &self.encoding),
                };
                let into = join(first.cloned().into_iter().chain([copy_in(rows, &self.encoding)]), ";\n");
                let framer = old.tee.as_ref().map(|tee| tee.rows(id)).transpose()?;
                let copied = pipe::copy_with(&old.session, sink, &out, &into, framer, tally, digests, cancel).await?;
                match self.is_rounded(rows) {
                    true => {
                        let digest = rounded(&old.session, &out, &Tally::default(), cancel).await?.digest;
                        Copied { digest, ..copied }
                    }
                    false => copied,
                }
            }
            Data::LargeObjects(oids) => {
                let framer = old.tee.as_ref().map(|tee| tee.large_objects(id)).transpose()?;
                large_object::copy_with(&old.session, sink, oids, framer, tally, digests, cancel).await?
            }
        };
        Ok(match self.digests {
            DigestMode::Rows => copied,
            DigestMode::None => Copied { digest: Digest::default(), ..copied },
        })
    }

    async fn read_back(
        &mut self,
        id: EntryId,
        data: &Data,
        tally: &Tally,
        cancel: &CancellationToken,
    ) -> Result<Copied> {
        let session = self.sink.session();
        let digests = match (&self.origin, data) {
            (Origin::Archive(packed), Data::Rows(rows)) if !packed.is_comparable(id, rows) => DigestMode::None,
            _ => self.digests,
        };
        match (data, digests) {
            (Data::Rows(rows), DigestMode::Rows) if self.is_rounded(rows) => {
                rounded(session, &copy_out(rows, &self.encoding), tally, cancel).await
            }
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

    /// Reads rows back that lie on a range of the pages which the table has now: nobody adds any.
    async fn read_part_back(
        &mut self,
        id: EntryId,
        rows: &Rows,
        part: Part,
        tally: &Tally,
        cancel: &CancellationToken,
    ) -> Result<Copied> {
        let session = self.sink.session();
        let pages: i64 = session.row(&pages(rows)).await?.get("pages")?;
        let rows = &Rows { pages: u32::try_from(pages).unwrap_or(u32::MAX), ..rows.clone() };
        let comparable = match &self.origin {
            Origin::Archive(packed) => packed.is_comparable(id, rows),
            Origin::Server(_) => true,
        };
        let out = copy_part(rows, part, &self.encoding);
        match self.digests {
            DigestMode::Rows if comparable && self.is_rounded(rows) => rounded(session, &out, tally, cancel).await,
            DigestMode::Rows if comparable => pipe::digest_table(session, &out, tally, cancel).await,
            _ => {
                let counted: i64 = session.row(&count_part(rows, part)).await?.get("rows")?;
                Ok(Copied { bytes: 0, rows: counted.unsigned_abs(), digest: Digest::default() })
            }
        }
    }

    /// Whether the digest is one of rows in which floating-point numbers are [rounded]: the digits that the old server sends
    /// to lose nothing are others than those that the new one sends.
    fn is_rounded(&self, rows: &Rows) -> bool {
        match &self.origin {
            Origin::Server(old) => {
                rows.floats
                    && rows.form == RowForm::Text
                    && self.digests == DigestMode::Rows
                    && !old.session.version().has_shortest_floats()
            }
            Origin::Archive(_) => false,
        }
    }

    /// What the old server knows is as good as what ANALYZE finds out, if it is all there.
    async fn bring_statistics(&mut self, entry: &Entry, first: Option<&Sql>) -> Result<Effect> {
        if let (Some(name), Origin::Server(old)) = (relation(entry), &self.origin)
            && let Some(known) = statistics::read(&old.session, &name).await?
            && statistics::write(self.sink.session(), &known).await?
        {
            return Ok(Effect::Carried);
        }
        self.analyze(entry, first).await.map(|()| Effect::Analyzed)
    }

    async fn analyze(&mut self, entry: &Entry, first: Option<&Sql>) -> Result<()> {
        let Some(name) = relation(entry) else { return Ok(()) };
        // Without ONLY the partitions are included; the schedule has none of their own then.
        let statement = match self.analyze_only && entry.kind == Kind::Table {
            true => sql!("ANALYZE ONLY {}", name),
            false => sql!("ANALYZE {}", name),
        };
        self.sink.session().run(&join(first.cloned().into_iter().chain([statement]), ";\n")).await
    }
}

impl Old {
    /// Enters the snapshot.
    async fn enter(&self) -> Result<()> {
        self.snapshot.import(&self.session).await?;
        // Names within rows (`regclass` and the like) have to come back as they went out.
        self.session.run(&Sql::constant("SET quote_all_identifiers TO off")).await
    }
}

/// The name of the relation that an entry is about.
fn relation(entry: &Entry) -> Option<QualName> {
    Some(sql::Ident::new(entry.tag.as_str()).within(entry.namespace.as_ref()?))
}

/// The digest of rows in which floating-point numbers have the digits that are always right (documentation,
/// `extra_float_digits`): with these, all majors write them alike.
async fn rounded(session: &Session, out: &Sql, tally: &Tally, cancel: &CancellationToken) -> Result<Copied> {
    session.run(&Sql::constant("SET extra_float_digits TO 0")).await?;
    let copied = pipe::digest_table(session, out, tally, cancel).await?;
    session.run(&Sql::constant("SET extra_float_digits TO 3")).await?;
    Ok(copied)
}
