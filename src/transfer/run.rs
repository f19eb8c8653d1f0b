//! The dispatcher: gives tasks to lanes, hears of what they have done, and tells the reporter.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::digest::Digest;
use super::lane::{Effect, Lane};
use super::monitor;
use super::progress::Progress;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Reporter, Tally};
use crate::plan::schedule::{Schedule, TaskNumber, Work};
use crate::sql::QualName;
use crate::toc::{Data, Entry, EntryId, Kind, Toc};
use crate::wire::session::{Canceller, Session};

/// How long lanes may take to come to an end once their statements have been cancelled.
const DRAIN: Duration = Duration::from_secs(10);

/// What is to be moved, and by whom.
pub struct Transfer {
    /// The entries. Those before the data have been made already.
    pub toc: Arc<Toc>,
    /// The tasks that the entries become.
    pub schedule: Schedule,
    /// The workers; at least one.
    pub lanes: Vec<Lane>,
    /// A session on the new server that asks how far index builds are.
    pub monitor: Option<Session>,
    /// When the run began.
    pub begun: Instant,
}

/// What has been moved.
#[derive(Debug, Default)]
pub struct Moved {
    /// Rows copied.
    pub rows: u64,
    /// Bytes of COPY data and large objects.
    pub bytes: u64,
    /// When the build of each index began, from the beginning of the run.
    pub indexes: Vec<(EntryId, Duration)>,
    /// Entries that were not made, because the new server has nothing to make them on ([`Entry::only_if`]).
    pub passed_over: BTreeSet<EntryId>,
    /// What both sides hold: by table (the partitioned one, where rows were loaded through it), and by `None` for large
    /// objects.
    pub checked: BTreeMap<Option<QualName>, Checked>,
}

/// What both sides hold of one thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// What the old server sent.
    pub old: Digest,
    /// What the new server gave back.
    pub new: Digest,
}

/// What a lane is told to do.
struct Order {
    number: TaskNumber,
    work: Work,
    tally: Arc<Tally>,
}

/// What a lane has done.
struct Done {
    lane: usize,
    number: TaskNumber,
    result: Result<Effect>,
}

/// A lane as the dispatcher sees it.
struct Worker {
    orders: mpsc::Sender<Order>,
    busy: Option<TaskNumber>,
    cancellers: [Canceller; 2],
    pid: i32,
}

impl Transfer {
    /// Works on the schedule to its end.
    ///
    /// # Errors
    ///
    /// The first error of any lane; the others are stopped and waited for. `Cancelled` if `cancel` asked for it.
    pub async fn run(self, reporter: &mut dyn Reporter, cancel: CancellationToken) -> Result<Moved> {
        let stop = cancel.child_token();
        let (done, reports) = mpsc::channel(self.lanes.len().max(1));
        let mut tasks = JoinSet::new();
        let mut workers = Vec::with_capacity(self.lanes.len());
        for (number, lane) in self.lanes.into_iter().enumerate() {
            let (orders, inbox) = mpsc::channel(1);
            let (cancellers, pid) = (lane.cancellers(), lane.sink_pid());
            tasks.spawn(serve(number, lane, Arc::clone(&self.toc), inbox, done.clone(), stop.clone()));
            workers.push(Worker { orders, busy: None, cancellers, pid });
        }
        drop(done);
        let progress = Progress::new(&self.toc, &self.schedule, reporter);
        let mut dispatcher = Dispatcher {
            toc: &self.toc,
            schedule: self.schedule,
            workers,
            reports,
            progress,
            monitor: self.monitor,
            begun: self.begun,
            moved: Moved::default(),
        };
        let result = dispatcher.dispatch(&cancel).await;
        if result.is_err() {
            stop.cancel();
            dispatcher.drain().await;
        }
        let moved = std::mem::take(&mut dispatcher.moved);
        drop(dispatcher);
        if result.is_err() {
            tasks.abort_all();
        }
        while tasks.join_next().await.is_some() {}
        result.map(|()| moved)
    }
}

/// The life of a lane: an order, the work, a report, until there are no more orders.
async fn serve(
    number: usize,
    mut lane: Lane,
    toc: Arc<Toc>,
    mut inbox: mpsc::Receiver<Order>,
    done: mpsc::Sender<Done>,
    stop: CancellationToken,
) {
    while let Some(order) = inbox.recv().await {
        let result = lane.work(&toc, order.work, &order.tally, &stop).await;
        if done.send(Done { lane: number, number: order.number, result }).await.is_err() {
            break;
        }
    }
}

struct Dispatcher<'a> {
    toc: &'a Toc,
    schedule: Schedule,
    workers: Vec<Worker>,
    reports: mpsc::Receiver<Done>,
    progress: Progress<'a>,
    monitor: Option<Session>,
    begun: Instant,
    moved: Moved,
}

impl Dispatcher<'_> {
    async fn dispatch(&mut self, cancel: &CancellationToken) -> Result<()> {
        let period = self.progress.tick();
        let mut ticks = tokio::time::interval(period.unwrap_or(Duration::from_secs(3600)));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while self.schedule.left() > 0 {
            self.give_orders().await?;
            tokio::select! {
                biased;
                () = cancel.cancelled() => {
                    self.progress.event(&Event::Cancelling);
                    return Err(Error::cancelled());
                }
                report = self.reports.recv() => match report {
                    Some(done) => self.take_report(done)?,
                    None => return Err(Error::malformed("all lanes have ended before the work was done")),
                },
                _ = ticks.tick(), if period.is_some() => {
                    self.ask_for_builds().await;
                    self.progress.sample();
                }
            }
        }
        Ok(())
    }

    /// Gives every idle lane a task, as far as there are any that may start.
    async fn give_orders(&mut self) -> Result<()> {
        while let Some(lane) = self.workers.iter().position(|w| w.busy.is_none()) {
            let Some(number) = self.schedule.take() else { break };
            let task = self.schedule.task(number);
            let work = task.work;
            let tally = self.progress.begin(number, task);
            if let Work::Entry(id) = work
                && self.toc.get(id).is_some_and(|e| matches!(e.kind, Kind::Index | Kind::Constraint))
            {
                self.moved.indexes.push((id, self.begun.elapsed()));
            }
            let Some(worker) = self.workers.get_mut(lane) else { break };
            worker.busy = Some(number);
            let sent = worker.orders.send(Order { number, work, tally }).await;
            sent.map_err(|_| Error::malformed("a lane has ended before the work was done"))?;
        }
        if self.workers.iter().all(|w| w.busy.is_none()) && self.schedule.left() > 0 {
            return Err(Error::malformed("the schedule has tasks left, and none that may start"));
        }
        Ok(())
    }

    fn take_report(&mut self, done: Done) -> Result<()> {
        if let Some(worker) = self.workers.get_mut(done.lane) {
            worker.busy = None;
        }
        let effect = done.result?;
        let work = self.progress.work(done.number);
        match (effect, work) {
            (Effect::Copied(copied), Some(Work::Entry(id))) => {
                self.moved.rows += copied.rows;
                self.moved.bytes += copied.bytes;
                self.checked(id).old.merge(&copied.digest_or_rows());
            }
            (Effect::PassedOver, Some(Work::Entry(id))) => {
                self.moved.passed_over.insert(id);
            }
            (Effect::ReadBack(copied), Some(Work::Verify(id))) => {
                self.checked(id).new.merge(&copied.digest_or_rows());
            }
            _ => {}
        }
        self.progress.end(done.number);
        self.schedule.finish(done.number);
        Ok(())
    }

    fn checked(&mut self, id: EntryId) -> &mut Checked {
        self.moved.checked.entry(self.toc.get(id).and_then(checked_as)).or_default()
    }

    /// Learns how far the builds are, if it can; a run does not fail for the sake of its bars.
    async fn ask_for_builds(&mut self) {
        let Some(monitor) = &self.monitor else { return };
        let building: HashMap<i32, TaskNumber> = self
            .workers
            .iter()
            .filter_map(|w| w.busy.filter(|n| self.progress.is_building(*n)).map(|n| (w.pid, n)))
            .collect();
        if building.is_empty() {
            return;
        }
        match monitor::builds(monitor).await {
            Ok(builds) => {
                for (pid, share) in builds {
                    if let Some(&number) = building.get(&pid) {
                        self.progress.built(number, share);
                    }
                }
            }
            Err(error) => {
                tracing::debug!(%error, "no progress of index builds");
                self.monitor = None;
            }
        }
    }

    /// Ends what the lanes still do and waits for it.
    async fn drain(&mut self) {
        let busy = self.workers.iter().filter(|w| w.busy.is_some());
        let cancellers: Vec<Canceller> = busy.flat_map(|w| w.cancellers.iter().cloned()).collect();
        let drained = async {
            futures::future::join_all(cancellers.iter().map(Canceller::cancel)).await;
            while self.workers.iter().any(|w| w.busy.is_some()) {
                let Some(done) = self.reports.recv().await else { break };
                if let Some(worker) = self.workers.get_mut(done.lane) {
                    worker.busy = None;
                }
                if let Err(error) = done.result
                    && error.kind() != ErrorKind::Cancelled
                {
                    tracing::debug!(%error, "a lane ended after the run had failed");
                }
            }
        };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::warn!("lanes did not end in time");
        }
    }
}

/// What the data of an entry is compared as.
fn checked_as(entry: &Entry) -> Option<QualName> {
    match &entry.data {
        Some(Data::Rows(rows)) => Some(rows.into.as_ref().unwrap_or(&rows.table).clone()),
        _ => None,
    }
}
