//! The dispatcher: gives tasks to lanes, hears of what they have done, and tells the reporter.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::digest::Digest;
use super::lane::{Deed, Effect};
use super::monitor;
use super::progress::Progress;
use super::worker::{self, Done, OpenLane, Order, Worker};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Reporter};
use crate::plan::means::Means;
use crate::plan::pace::{Look, Pace};
use crate::plan::schedule::{Schedule, TaskNumber, Work};
use crate::sql::QualName;
use crate::toc::{Data, Entry, EntryId, Kind, Toc};
use crate::wire::session::{Canceller, Session};

/// How long lanes may take to come to an end once their statements have been cancelled.
const DRAIN: Duration = Duration::from_secs(10);
/// How often the pace of the lanes is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// What is to be moved, and by whom.
pub struct Transfer {
    /// The databases, as the schedule counts them.
    pub databases: Vec<Database>,
    /// The tasks that the entries become.
    pub schedule: Schedule,
    /// How many lanes work side by side, in whichever databases there is something to do, and what each may take.
    pub means: Means,
    /// Who opens lanes.
    pub opener: Arc<dyn OpenLane>,
    /// A session on the new server that asks how far index builds are.
    pub monitor: Option<Session>,
    /// Where data come one after the other: how many tasks have had all of theirs.
    pub had: Option<watch::Receiver<usize>>,
    /// When the run began.
    pub begun: Instant,
}

/// A database that is moved.
#[derive(Clone, Debug)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// The entries. Those before the data have been made already.
    pub toc: Arc<Toc>,
}

/// What has been moved of one database.
#[derive(Debug, Default)]
pub struct Moved {
    /// Rows copied.
    pub rows: u64,
    /// Bytes of COPY data and large objects.
    pub bytes: u64,
    /// When the build of each index began, from the beginning of the run.
    pub indexes: Vec<(EntryId, Duration)>,
    /// Entries that were not made, because the new server has nothing to make them on, or has them ([`Entry::only_if`]).
    pub passed_over: BTreeSet<EntryId>,
    /// Tables whose planner statistics were brought from the old server.
    pub carried: u64,
    /// Tables whose planner statistics were collected on the new one.
    pub analyzed: u64,
    /// Entries that the new server refused, with what it said ([`Entry::is_on_extension`]).
    pub left_out: BTreeMap<EntryId, Error>,
    /// Entries that could only be made, or analyzed, with the search path of the old database.
    pub by_path: BTreeSet<EntryId>,
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

impl Transfer {
    /// Works on the schedule to its end.
    ///
    /// # Errors
    ///
    /// The first error of any lane; the others are stopped and waited for. `Cancelled` if `cancel` asked for it.
    pub async fn run(self, reporter: &mut dyn Reporter, cancel: CancellationToken) -> Result<Vec<Moved>> {
        let stop = cancel.child_token();
        let databases: Arc<[Database]> = self.databases.into();
        let mut tasks = JoinSet::new();
        let (workers, reports) = worker::hire(self.means.most, &databases, &self.opener, &stop, &mut tasks);
        let progress = Progress::new(&databases, &self.schedule, reporter);
        let mut dispatcher = Dispatcher {
            databases: &databases,
            schedule: self.schedule,
            workers,
            reports,
            progress,
            means: self.means,
            pace: Pace::new(self.means.lanes.get(), self.means.most.get()),
            copied: 0,
            monitor: self.monitor,
            had: self.had,
            begun: self.begun,
            moved: databases.iter().map(|_| Moved::default()).collect(),
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

struct Dispatcher<'a> {
    databases: &'a [Database],
    schedule: Schedule,
    workers: Vec<Worker>,
    reports: mpsc::Receiver<Done>,
    progress: Progress<'a>,
    means: Means,
    pace: Pace,
    /// How many tasks that copy have come to their end.
    copied: usize,
    monitor: Option<Session>,
    had: Option<watch::Receiver<usize>>,
    begun: Instant,
    moved: Vec<Moved>,
}

impl Dispatcher<'_> {
    async fn dispatch(&mut self, cancel: &CancellationToken) -> Result<()> {
        let period = self.progress.tick();
        let mut ticks = tokio::time::interval(period.unwrap_or(Duration::from_secs(3600)));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
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
                had = more(&mut self.had) => self.schedule.have_had(had),
                _ = ticks.tick(), if period.is_some() => {
                    self.ask_for_builds().await;
                    self.progress.sample();
                }
                _ = looks.tick(), if self.means.is_adapted() => self.look(),
            }
        }
        Ok(())
    }

    /// Gives idle lanes tasks, as far as there are any that may start.
    async fn give_orders(&mut self) -> Result<()> {
        while let Some(number) = self.next() {
            // Of what could begin beside it, too, nobody knows better what to do with a processor.
            let beside = self.schedule.could_start(self.workers.len()) + self.busy().count();
            self.schedule.begin(number);
            let task = self.schedule.task(number);
            let (database, work) = (task.database, task.work);
            let tally = self.progress.begin(number, task);
            if let Work::Entry(id) = work
                && self.entry(database, id).is_some_and(|e| matches!(e.kind, Kind::Index | Kind::Constraint))
                && let Some(moved) = self.moved.get_mut(database)
            {
                moved.indexes.push((id, self.begun.elapsed()));
            }
            let helpers = self.means.workers_beside(beside);
            let Some(worker) = self.idle_worker(database) else { break };
            worker.busy = Some(number);
            worker.database = Some(database);
            let sent = worker.orders.send(Order { number, database, work, helpers, tally }).await;
            sent.map_err(|_| Error::malformed("a lane has ended before the work was done"))?;
        }
        if self.busy().next().is_none() && self.schedule.left() > 0 {
            return Err(Error::malformed("the schedule has tasks left, and none that may start"));
        }
        Ok(())
    }

    /// The task that should begin now, where a lane may take one: so many lanes copy as the [pace](Pace) says, and whatever is
    /// done on the new server alone has one for each of its processors. What should come first is waited for.
    fn next(&self) -> Option<TaskNumber> {
        let busy = self.busy().count();
        let copying = self.busy().filter(|number| self.schedule.task(*number).class.copies()).count();
        let (may_copy, may_build) = (copying < self.pace.lanes(), busy < self.means.lanes.get());
        if !may_copy && !may_build || busy == self.workers.len() {
            return None;
        }
        let number = self.schedule.next(|task| may_copy || !task.class.copies())?;
        (may_build || self.schedule.task(number).class.copies()).then_some(number)
    }

    /// The tasks under way.
    fn busy(&self) -> impl Iterator<Item = TaskNumber> {
        self.workers.iter().filter_map(|worker| worker.busy)
    }

    /// Looks whether another number of lanes may be faster.
    fn look(&mut self) {
        let copying = self.busy().filter(|number| self.schedule.task(*number).class.copies());
        let under_way =
            copying.filter_map(|number| Some((number, self.progress.running(number)?.tally.bytes()))).collect();
        let more = self.schedule.next(|task| task.class.copies()).is_some();
        let before = self.pace.lanes();
        self.pace.look(self.begun.elapsed(), Look { under_way, ended: self.copied, more });
        if self.pace.lanes() != before {
            tracing::debug!(lanes = self.pace.lanes(), before, "another number of lanes copies");
        }
    }

    fn entry(&self, database: usize, id: EntryId) -> Option<&Entry> {
        self.databases.get(database)?.toc.get(id)
    }

    /// An idle worker: best of all one whose lane leads into this database already, then one that has none yet.
    fn idle_worker(&mut self, database: usize) -> Option<&mut Worker> {
        let effort = |worker: &&mut Worker| match worker.database {
            Some(into) if into == database => 0,
            None => 1,
            Some(_) => 2,
        };
        self.workers.iter_mut().filter(|worker| worker.busy.is_none()).min_by_key(effort)
    }

    fn take_report(&mut self, done: Done) -> Result<()> {
        if let Some(worker) = self.workers.get_mut(done.worker) {
            worker.busy = None;
        }
        let Deed { effect, by_path } = done.result?;
        if let Some(running) = self.progress.running(done.number) {
            let (database, work) = (running.database, running.work);
            self.take_effect(database, work, effect);
            if let (true, Some(moved)) = (by_path, self.moved.get_mut(database)) {
                moved.by_path.insert(work.entry());
            }
        }
        let elapsed = self.progress.end(done.number);
        self.copied += usize::from(self.schedule.task(done.number).class.copies());
        self.schedule.finish_after(done.number, elapsed);
        Ok(())
    }

    fn take_effect(&mut self, database: usize, work: Work, effect: Effect) {
        let checked_as = self.entry(database, work.entry()).and_then(checked_as);
        let Some(moved) = self.moved.get_mut(database) else { return };
        match (effect, work) {
            (Effect::Copied(copied), Work::Entry(_) | Work::Part(..)) => {
                moved.rows += copied.rows;
                moved.bytes += copied.bytes;
                moved.checked.entry(checked_as).or_default().old.merge(&copied.digest_or_rows());
            }
            (Effect::PassedOver, Work::Entry(id)) => {
                moved.passed_over.insert(id);
            }
            (Effect::LeftOut(error), Work::Entry(id)) => {
                moved.left_out.insert(id, error);
            }
            (Effect::ReadBack(copied), Work::Verify(_) | Work::VerifyPart(..)) => {
                moved.checked.entry(checked_as).or_default().new.merge(&copied.digest_or_rows());
            }
            (Effect::Carried, _) => moved.carried += 1,
            (Effect::Analyzed, _) => moved.analyzed += 1,
            _ => {}
        }
    }

    /// Learns how far the builds are, if it can; a run does not fail for the sake of its bars.
    async fn ask_for_builds(&mut self) {
        let Some(monitor) = &self.monitor else { return };
        let building: HashMap<i32, TaskNumber> = self
            .workers
            .iter()
            .filter_map(|w| w.busy.filter(|n| self.progress.is_building(*n)).zip(w.reached(|reach| reach.pid)?))
            .map(|(number, pid)| (pid, number))
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
        let cancellers: Vec<Canceller> =
            busy.filter_map(|w| w.reached(|reach| reach.cancellers.clone())).flatten().collect();
        let drained = async {
            futures::future::join_all(cancellers.iter().map(Canceller::cancel)).await;
            while self.workers.iter().any(|w| w.busy.is_some()) {
                let Some(done) = self.reports.recv().await else { break };
                if let Some(worker) = self.workers.get_mut(done.worker) {
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

/// How many it says there are now, once these are others.
async fn more(counted: &mut Option<watch::Receiver<usize>>) -> usize {
    if let Some(count) = counted
        && count.changed().await.is_ok()
    {
        return *count.borrow_and_update();
    }
    // Nobody counts, or no more.
    std::future::pending().await
}

/// What the data of an entry is compared as.
fn checked_as(entry: &Entry) -> Option<QualName> {
    match &entry.data {
        Some(Data::Rows(rows)) => Some(rows.into.as_ref().unwrap_or(&rows.table).clone()),
        _ => None,
    }
}
