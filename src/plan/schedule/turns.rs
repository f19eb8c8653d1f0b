//! Tasks whose data come one after the other.

use std::collections::{HashSet, VecDeque};

use super::TaskNumber;

/// Tasks that take turns.
#[derive(Debug)]
pub(super) struct Turns {
    /// Those that were not started, in their sequence.
    queue: VecDeque<TaskNumber>,
    members: HashSet<TaskNumber>,
    /// How many were started, have ended, and have had their data.
    begun: usize,
    ended: usize,
    had: usize,
}

impl Turns {
    pub fn new(queue: VecDeque<TaskNumber>) -> Self {
        let members = queue.iter().copied().collect();
        Self { queue, members, begun: 0, ended: 0, had: 0 }
    }

    /// Whether no other task has to be started before.
    pub fn is_next(&self, number: TaskNumber) -> bool {
        self.queue.front() == Some(&number) || !self.members.contains(&number)
    }

    /// Whether others have to have their data first.
    pub fn is_held_up(&self, number: TaskNumber) -> bool {
        self.members.contains(&number) && self.begun > self.had.max(self.ended) + 1
    }

    /// A task was started. Returns the one that is next, if it was one of these.
    pub fn begin(&mut self, number: TaskNumber) -> Option<TaskNumber> {
        if self.queue.front() != Some(&number) {
            return None;
        }
        self.queue.pop_front();
        self.begun += 1;
        self.queue.front().copied()
    }

    /// A task has ended.
    pub fn end(&mut self, number: TaskNumber) {
        self.ended += usize::from(self.members.contains(&number));
    }

    /// So many have had all their data.
    pub fn have_had(&mut self, count: usize) {
        self.had = count;
    }
}
