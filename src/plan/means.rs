//! With how many lanes a run begins, and what each session of the new server may take, by what that server has.

use std::num::NonZeroUsize;

use crate::sql;
use crate::sql::Sql;

/// How many lanes work if nothing is known: enough that copies and index builds overlap on a small machine, and not so many
/// that they take the servers from each other.
pub const LANES: NonZeroUsize = NonZeroUsize::new(4).unwrap();

/// How many lanes there are at most where nobody says how many: each takes a session of both servers.
const MOST: usize = 16;
/// Sessions that others may want while a run has its lanes.
const SPARE: usize = 5;

/// The most that one session is given for an index build, in bytes. More brought nothing where it was tried (1 GB, btree and
/// GIN of a database of 1.7 GB).
const PLENTY: u64 = 512 << 20;
/// The part of the free memory that all lanes together may take.
const PART: u64 = 4;

/// What is known of the new server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Processors that may work for it at once.
    pub processors: Option<NonZeroUsize>,
    /// Memory that it could take, in bytes.
    pub memory: Option<u64>,
    /// What it keeps for pages (`shared_buffers`), in bytes.
    pub shared_buffers: u64,
    /// Its `maintenance_work_mem`, in bytes; `None` where whoever runs us has set one for this run.
    pub maintenance_work_mem: Option<u64>,
    /// Its `max_parallel_maintenance_workers`; `None` as above.
    pub workers: Option<usize>,
    /// How many more sessions both servers take.
    pub sessions: usize,
}

/// What a run works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Means {
    /// How many lanes it begins with.
    pub lanes: NonZeroUsize,
    /// How many there may be where that turns out to be faster; the same number where somebody has said how many.
    pub most: NonZeroUsize,
    /// The processors of the new server, where they are known.
    pub processors: Option<NonZeroUsize>,
    /// What an index build may take, in bytes; `None` for what the server gives by itself.
    pub memory: Option<u64>,
    /// The most parallel workers of one index build; `None` for what the server gives by itself.
    pub workers: Option<usize>,
}

impl Means {
    /// So many lanes, and nothing else said to the server.
    pub const fn only(lanes: NonZeroUsize) -> Self {
        Self { lanes, most: lanes, processors: None, memory: None, workers: None }
    }

    /// What suits a server, with so many lanes, if somebody has said how many.
    ///
    /// A lane keeps a processor of the new server busy, most of the time: so there is one for each, and more are tried while
    /// the run goes on. The memory for an index build is never less than the server's own setting; where it is not known how
    /// much there is, all lanes together get no more than what the server has taken for pages already.
    pub fn of(known: Known, asked: Option<NonZeroUsize>) -> Self {
        let room = known.sessions.saturating_sub(SPARE).clamp(1, MOST);
        let (lanes, most) = match asked {
            Some(lanes) => (lanes, lanes),
            None => {
                let lanes = known.processors.unwrap_or(LANES).get().min(room);
                (number(lanes), number(lanes.saturating_mul(2).clamp(LANES.get(), MOST).min(room).max(lanes)))
            }
        };
        let together = known.memory.map_or(known.shared_buffers, |memory| memory / PART);
        let share = (together / lanes.get() as u64).min(PLENTY);
        // Whole megabytes, which is how people write it.
        let share = share >> 20 << 20;
        let memory = known.maintenance_work_mem.filter(|own| share > *own).map(|_| share);
        let workers = known.workers.filter(|_| known.processors.is_some());
        Self { lanes, most, processors: known.processors, memory, workers }
    }

    /// Whether the number of lanes that copy follows what is measured.
    pub fn is_adapted(&self) -> bool {
        self.most > self.lanes
    }

    /// What a session of the new server sets before its work; empty where it takes what the server gives.
    pub fn settings(&self) -> Sql {
        match self.memory {
            Some(bytes) => sql!("SET maintenance_work_mem TO '{}kB'", i64::try_from(bytes >> 10).unwrap_or(i64::MAX)),
            None => Sql::default(),
        }
    }

    /// How many parallel workers an index build may take that begins while so many tasks run, itself included, or could:
    /// processors that nobody else has work for. `None` where that is left to the server.
    pub fn workers_beside(&self, tasks: usize) -> Option<usize> {
        let (most, processors) = (self.workers?, self.processors?);
        Some(processors.get().saturating_sub(tasks.max(1)).min(most))
    }
}

fn number(lanes: usize) -> NonZeroUsize {
    NonZeroUsize::new(lanes).unwrap_or(NonZeroUsize::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1 << 20;

    fn known(processors: usize, memory: u64) -> Known {
        Known {
            processors: NonZeroUsize::new(processors),
            memory: (memory > 0).then_some(memory),
            shared_buffers: 128 * MB,
            maintenance_work_mem: Some(64 * MB),
            workers: Some(2),
            sessions: 97,
        }
    }

    fn lanes(means: Means) -> (usize, usize) {
        (means.lanes.get(), means.most.get())
    }

    #[test]
    fn a_lane_for_each_processor() {
        for (processors, expected) in
            [(1, (1, 4)), (2, (2, 4)), (4, (4, 8)), (12, (12, 16)), (64, (16, 16)), (0, (4, 8))]
        {
            assert_eq!(lanes(Means::of(known(processors, 0), None)), expected, "{processors}");
        }
    }

    #[test]
    fn what_somebody_says_is_done() {
        assert_eq!(lanes(Means::of(known(2, 0), NonZeroUsize::new(40))), (40, 40));
    }

    #[test]
    fn no_more_lanes_than_the_servers_have_sessions() {
        for (sessions, expected) in [(0, (1, 1)), (6, (1, 1)), (8, (3, 3)), (11, (4, 6))] {
            assert_eq!(lanes(Means::of(Known { sessions, ..known(4, 0) }, None)), expected, "{sessions}");
        }
    }

    #[test]
    fn memory_for_builds() {
        let memory = |known| Means::of(known, None).memory.map(|bytes| bytes / MB);
        assert_eq!(memory(known(2, 2048 * MB)), Some(256));
        assert_eq!(memory(known(2, 64 * 1024 * MB)), Some(512));
        // A small pod: what the server has is as much as it can be.
        assert_eq!(memory(known(2, 300 * MB)), None);
        // Nothing known: 128 MB for two is what they have.
        assert_eq!(memory(known(2, 0)), None);
        assert_eq!(memory(Known { shared_buffers: 1024 * MB, ..known(2, 0) }), Some(512));
        assert_eq!(memory(Known { maintenance_work_mem: Some(1024 * MB), ..known(2, 64 * 1024 * MB) }), None);
        assert_eq!(memory(Known { maintenance_work_mem: None, ..known(2, 64 * 1024 * MB) }), None);
        let means = Means { memory: Some(256 * MB), ..Means::only(LANES) };
        assert_eq!(means.settings().as_str(), "SET maintenance_work_mem TO '262144kB'");
        assert_eq!(Means::only(LANES).settings().as_str(), "");
    }

    #[test]
    fn workers_for_idle_processors() {
        let means = Means::of(known(4, 0), None);
        let beside = |tasks| means.workers_beside(tasks);
        assert_eq!([1, 2, 3, 4, 9].map(beside), [2, 2, 1, 0, 0].map(Some));
        assert_eq!(Means::of(known(0, 0), None).workers_beside(1), None);
        assert_eq!(Means::of(Known { workers: None, ..known(4, 0) }, None).workers_beside(1), None);
    }
}
