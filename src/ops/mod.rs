//! One file a command: each takes its options, reports through a [`Reporter`](crate::event::Reporter), and returns an
//! outcome. The only place that puts the other rooms together.

mod archives;
pub mod archiving;
mod arrived;
mod check;
mod collation;
mod compare;
mod databases;
mod doors;
pub mod dump;
mod globals;
mod gone;
mod ground;
mod input;
pub mod list;
mod locale;
mod means;
mod outcome;
mod pick;
mod prepare;
mod report;
pub mod restore;
pub mod script;
mod settings;
mod space;
mod staging;
mod standing;
pub mod upgrade;
pub mod verify;

pub use crate::archive::codec::Codec;
pub use crate::catalog::Pattern;
pub use crate::plan::form::Format;
pub use crate::plan::select::{Content, Selection};
pub use crate::toc::Section;
pub use crate::transfer::Loss;
pub use databases::Databases;
pub use dump::{Dump, Dumped};
pub use globals::Tablespaces;
pub use input::Input;
pub use list::{List, Listed, ListedEntry};
pub use outcome::{ArchiveFile, Arrived, IndexEvidence, Outcome, Plan, PlannedStep, Verified};
pub use pick::Wanted;
pub use restore::{Restore, Restored};
pub use script::Script;
pub use upgrade::Upgrade;
pub use verify::{ArchiveVerified, VerifyArchive};
