//! What is wrong with an archive, and where.

use std::fmt;
use std::ops::Range;

use crate::error::Error;

/// How many faults are listed; an archive that has more is not worth a longer list.
const LISTED: usize = 1000;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it is in: "TABLE DATA app.orders", "table of contents".
    pub subject: String,
    /// Which frame of how many, counted from 1, where it is in one.
    pub frame: Option<(usize, usize)>,
    /// The bytes of the file that are affected.
    pub bytes: Range<u64>,
    /// What is wrong, as a lower-case fragment.
    pub what: String,
    /// Whether the bytes are as they were written, and the archive contradicts itself.
    pub differs: bool,
}

impl Fault {
    /// Bytes are not as they were written.
    pub(super) fn damage(subject: impl Into<String>, bytes: Range<u64>, what: impl Into<String>) -> Self {
        Self { subject: subject.into(), frame: None, bytes, what: what.into(), differs: false }
    }

    /// What the archive says about itself is not what it holds.
    pub(super) fn differs(subject: impl Into<String>, bytes: Range<u64>, what: impl Into<String>) -> Self {
        Self { differs: true, ..Self::damage(subject, bytes, what) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ", self.subject)?;
        if let Some((frame, frames)) = self.frame {
            write!(f, "frame {frame} of {frames}, ")?;
        }
        write!(f, "bytes {} to {}: {}", self.bytes.start, self.bytes.end, self.what)
    }
}

/// All that is wrong, as far as it is listed.
#[derive(Debug, Default)]
pub(super) struct Faults {
    listed: Vec<Fault>,
    more: u64,
}

impl Faults {
    pub fn add(&mut self, fault: Fault) {
        if self.listed.len() < LISTED {
            self.listed.push(fault);
        } else {
            self.more += 1;
        }
    }

    /// In the order of the file, and how many more there are.
    pub fn in_order(mut self) -> (Vec<Fault>, u64) {
        self.listed.sort_by_key(|fault| (fault.bytes.start, fault.frame, fault.bytes.end));
        (self.listed, self.more)
    }
}

/// What an error says, without the object that the fault names itself.
pub fn words(error: &Error) -> String {
    let told = error.to_string();
    match error.subject() {
        Some(subject) => told.replacen(&format!(": {subject}"), "", 1),
        None => told,
    }
}
