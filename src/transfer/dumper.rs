//! From a server into an archive.

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::archivist::Desk;
use super::framer::{self, RowFramer};
use super::lane::{Deed, Effect, Lane};
use super::large_object::archive_large_objects;
use super::object_framer::ObjectFramer;
use super::pipe::{self, Copied};
use super::source::{copy_out, copy_part};
use crate::error::{Error, Result};
use crate::event::Tally;
use crate::plan::schedule::Work;
use crate::sql::Sql;
use crate::toc::{Data, Entry, Part, RowForm, Toc};
use crate::wire::session::{Canceller, Session};
use crate::wire::snapshot::SnapshotHold;

/// A lane from a server into an archive: it moves data alone, since the archive has all else already.
pub struct Dumper {
    source: Session,
    desk: Desk,
    encoding: String,
    // The snapshot that `source` reads in is there only as long as the transaction that exported it.
    _snapshot: Arc<SnapshotHold>,
}

impl Dumper {
    /// A lane with a session that enters the snapshot. Rows are written in this encoding.
    ///
    /// # Errors
    ///
    /// If the snapshot cannot be entered.
    pub async fn new(snapshot: &Arc<SnapshotHold>, source: Session, desk: Desk, encoding: &str) -> Result<Self> {
        snapshot.import(&source).await?;
        // Names within rows (`regclass` and the like) have to come back as they went out.
        source.run(&Sql::constant("SET quote_all_identifiers TO off")).await?;
        Ok(Self { source, desk, encoding: encoding.to_owned(), _snapshot: Arc::clone(snapshot) })
    }

    async fn dump(
        &self,
        entry: &Entry,
        part: Option<Part>,
        tally: &Tally,
        cancel: &CancellationToken,
    ) -> Result<Copied> {
        match &entry.data {
            Some(Data::Rows(rows)) => {
                let (out, framer) = match part {
                    None => (copy_out(rows, &self.encoding), RowFramer::new(&self.desk, entry.id, rows.form)?),
                    Some(part) => {
                        (copy_part(rows, part, &self.encoding), RowFramer::of_part(&self.desk, entry.id, rows.form)?)
                    }
                };
                pipe::archive_table(&self.source, &out, framer, tally, cancel).await
            }
            Some(Data::LargeObjects(oids)) => {
                let framer = ObjectFramer::new(&self.desk, entry.id)?;
                archive_large_objects(&self.source, oids, framer, tally, cancel).await
            }
            None => Err(Error::malformed("there is no data to be dumped; this is a bug")),
        }
    }
}

impl Lane for Dumper {
    fn cancellers(&self) -> Vec<Canceller> {
        vec![self.source.canceller()]
    }

    fn sink_pid(&self) -> Option<i32> {
        None
    }

    fn work<'a>(
        &'a mut self,
        toc: &'a Toc,
        work: Work,
        tally: &'a Tally,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Deed>> {
        Box::pin(async move {
            let missing = || Error::malformed("the table of contents has no such entry");
            let entry = toc.get(work.entry()).ok_or_else(missing)?;
            let done = match work {
                Work::Joined(id) => {
                    let form = match &entry.data {
                        Some(Data::Rows(rows)) => rows.form,
                        _ => RowForm::Text,
                    };
                    framer::join(&self.desk, id, form).await.map(|_| Effect::Made)
                }
                Work::Part(_, part) => self.dump(entry, Some(part), tally, cancel).await.map(Effect::Copied),
                _ => self.dump(entry, None, tally, cancel).await.map(Effect::Copied),
            };
            let effect = done.map_err(|error| error.about(entry.label()))?;
            Ok(Deed { effect, by_path: false })
        })
    }
}
