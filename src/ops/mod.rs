//! One file a command: each takes its options, reports through a [`Reporter`](crate::event::Reporter), and returns an
//! outcome. The only place that puts the other rooms together.

mod check;
mod collation;
mod compare;
mod outcome;
mod report;
mod staging;
pub mod upgrade;

pub use outcome::{IndexEvidence, Outcome, Plan, PlannedStep, Verified};
pub use upgrade::Upgrade;
