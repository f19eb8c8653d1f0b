//! What the tests share: databases to move, the program, and the judge of what arrived.

mod data;
mod dump;
mod folder;
mod oracle;
mod program;

pub use data::{case_files, databases, fill, fill_shop, install_extension, prepare_server, root, testdata};
pub use dump::entries;
pub use folder::Folder;
pub use oracle::{Known, Oracle, assert_same};
pub use program::{Program, Ran, Running};
