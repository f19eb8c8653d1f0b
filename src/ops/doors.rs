//! How lanes get at the databases of a run, on both sides.

use std::sync::Arc;

use futures::future::BoxFuture;

use crate::error::{Error, Result};
use crate::sql::Sql;
use crate::transfer::{Lane, Mover, OpenLane, Sink, Tee};
use crate::wire::conninfo::ConnInfo;
use crate::wire::session::{NoticeSink, Session, Side};
use crate::wire::snapshot::SnapshotHold;

/// How lanes get at the databases, in their order.
pub(super) struct Doors {
    pub databases: Vec<Door>,
}

/// How lanes get at one database, on both sides.
pub(super) struct Door {
    /// The old one.
    pub from: ConnInfo,
    /// Where the new one is being made.
    pub to: ConnInfo,
    /// What is read.
    pub snapshot: Arc<SnapshotHold>,
    /// The encoding in which rows cross.
    pub encoding: String,
    /// The archive that takes them, too.
    pub tee: Option<Arc<Tee>>,
    /// The search path that the old one gives to its users: what follows SET.
    pub path: Sql,
    /// What every session of the new one sets first.
    pub first: Sql,
    /// Whether rows are digested on the way.
    pub digests: bool,
    /// Where warnings of the servers go.
    pub notices: NoticeSink,
}

impl OpenLane for Doors {
    fn open(&self, database: usize) -> BoxFuture<'_, Result<Box<dyn Lane>>> {
        Box::pin(async move {
            let door = self.databases.get(database).ok_or_else(|| Error::malformed("there is no such database"))?;
            let (source, sink) = futures::try_join!(
                Session::connect(&door.from, Side::Old, "lane", door.notices.clone()),
                Session::connect(&door.to, Side::New, "lane", door.notices.clone()),
            )?;
            sink.run(&door.first).await?;
            let sink = Sink::new(sink);
            let mover = Mover::new(&door.snapshot, source, sink, door.digests, &door.encoding, &door.path).await?;
            let mover = match &door.tee {
                Some(tee) => mover.beside(Arc::clone(tee)),
                None => mover,
            };
            Ok(Box::new(mover) as Box<dyn Lane>)
        })
    }
}
