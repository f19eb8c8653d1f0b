//! Workers: each does one task at a time, with a lane into the database that the task is in.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::lane::{Deed, Lane};
use super::run::Database;
use crate::error::{Error, Result};
use crate::event::Tally;
use crate::plan::schedule::{TaskNumber, Work};
use crate::wire::session::Canceller;

/// Opens lanes. A lane belongs to one database; whoever has work in another one needs another lane.
pub trait OpenLane: Send + Sync {
    /// A lane into this database (its place in [`Transfer::databases`](super::Transfer::databases)).
    fn open(&self, database: usize) -> BoxFuture<'_, Result<Box<dyn Lane>>>;
}

/// What a worker is told to do.
pub(super) struct Order {
    pub number: TaskNumber,
    pub database: usize,
    pub work: Work,
    /// How many parallel workers an index build may have, where that is said to the server.
    pub helpers: Option<usize>,
    pub tally: Arc<Tally>,
}

/// What a worker has done.
pub(super) struct Done {
    pub worker: usize,
    pub number: TaskNumber,
    pub result: Result<Deed>,
}

/// A worker as the dispatcher sees it.
pub(super) struct Worker {
    pub orders: mpsc::Sender<Order>,
    pub busy: Option<TaskNumber>,
    /// The database that its lane leads into, once it has one.
    pub database: Option<usize>,
    reach: Arc<Mutex<Option<Reach>>>,
}

/// How a lane is reached while it works.
pub(super) struct Reach {
    /// What ends its statements.
    pub cancellers: Vec<Canceller>,
    /// The process on the new server that works for it, if there is one.
    pub pid: Option<i32>,
}

impl Worker {
    /// Asks about its lane; `None` as long as it has none.
    pub fn reached<T>(&self, ask: impl FnOnce(&Reach) -> T) -> Option<T> {
        self.reach.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(ask)
    }
}

/// Workers as spawned tasks, and where they report what they have done.
pub(super) fn hire(
    jobs: NonZeroUsize,
    databases: &Arc<[Database]>,
    opener: &Arc<dyn OpenLane>,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> (Vec<Worker>, mpsc::Receiver<Done>) {
    let (done, reports) = mpsc::channel(jobs.get());
    let workers = (0..jobs.get()).map(|number| {
        let (orders, inbox) = mpsc::channel(1);
        let reach = Arc::default();
        let service = Service {
            number,
            databases: Arc::clone(databases),
            opener: Arc::clone(opener),
            lane: None,
            reach: Arc::clone(&reach),
            stop: stop.clone(),
        };
        tasks.spawn(service.serve(inbox, done.clone()));
        Worker { orders, busy: None, database: None, reach }
    });
    (workers.collect(), reports)
}

/// A worker at work.
struct Service {
    number: usize,
    databases: Arc<[Database]>,
    opener: Arc<dyn OpenLane>,
    /// The lane that it has, and the database that this leads into.
    lane: Option<(usize, Box<dyn Lane>)>,
    reach: Arc<Mutex<Option<Reach>>>,
    stop: CancellationToken,
}

impl Service {
    /// The life of a worker: an order, the work, a report, until there are no more orders.
    async fn serve(mut self, mut inbox: mpsc::Receiver<Order>, done: mpsc::Sender<Done>) {
        while let Some(order) = inbox.recv().await {
            let result = self.work(&order).await;
            if done.send(Done { worker: self.number, number: order.number, result }).await.is_err() {
                break;
            }
        }
    }

    async fn work(&mut self, order: &Order) -> Result<Deed> {
        let (databases, stop) = (Arc::clone(&self.databases), self.stop.clone());
        let database = databases.get(order.database).ok_or_else(|| Error::malformed("there is no such database"))?;
        let lane = self.lane_into(order.database).await?;
        if let Some(helpers) = order.helpers {
            lane.set_helpers(helpers);
        }
        lane.work(&database.toc, order.work, &order.tally, &stop).await
    }

    async fn lane_into(&mut self, database: usize) -> Result<&mut dyn Lane> {
        let lane = match self.lane.take().filter(|(into, _)| *into == database) {
            Some((_, lane)) => lane,
            None => {
                self.become_reachable(None);
                let lane = tokio::select! {
                    biased;
                    () = self.stop.cancelled() => return Err(Error::cancelled()),
                    lane = self.opener.open(database) => lane?,
                };
                self.become_reachable(Some(Reach { cancellers: lane.cancellers(), pid: lane.sink_pid() }));
                lane
            }
        };
        Ok(self.lane.insert((database, lane)).1.as_mut())
    }

    fn become_reachable(&self, reach: Option<Reach>) {
        *self.reach.lock().unwrap_or_else(PoisonError::into_inner) = reach;
    }
}
