//! One server per major for the whole process.

use std::sync::OnceLock;

use crate::error::{Error, Result};
use crate::{MAJORS, Server};

/// The server of this major that all tests of this process share, started when first asked for.
///
/// Tests keep apart by databases of their own. The server ends with the process.
///
/// # Errors
/// * If the lab has no such major.
/// * If the server did not start; then every caller gets the same error.
pub fn shared(major: u32) -> Result<&'static Server> {
    static SERVERS: [OnceLock<Result<Server>>; 9] = [const { OnceLock::new() }; 9];
    let slot = major.checked_sub(*MAJORS.start()).and_then(|index| SERVERS.get(index as usize));
    let slot = slot.ok_or_else(|| Error::Unsupported(format!("the lab has no server of major {major}")))?;
    slot.get_or_init(|| Server::start(major)).as_ref().map_err(Clone::clone)
}
