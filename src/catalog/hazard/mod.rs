//! What a newer major does not allow, or not in the same way, although the old one did (PostgreSQL, release notes, "Migration
//! to Version N" of 11 to 18; `src/bin/pg_upgrade/check.c` of 18 looks for some of it).
//!
//! [`hazards`] finds it; [`adapt`] changes what has a form that the new server takes. What has to be asked of the new server
//! itself, because it alone knows what it lacks, is asked by the preflight.

mod adapt;
mod extension;
mod inherit;
mod relic;
mod short;

pub use adapt::{adapt, leave_out, settings};
pub use extension::gone as gone_extension;
pub(super) use relic::{QUERY, decode};
pub use relic::{Relic, RelicKind};

use super::{Catalog, Object};

/// Something that cannot be made as it is on the old server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hazard {
    /// The object, as a user would name it.
    pub subject: String,
    /// What is the matter, as a lower-case fragment.
    pub text: String,
    /// What to do about it, as a sentence.
    pub remedy: &'static str,
    /// Whether it cannot be made at all. Otherwise something else is made in its place, or its rows may be refused.
    pub fatal: bool,
}

/// Finds what a server of major `target` would refuse or change.
pub fn hazards(catalog: &Catalog, target: u32) -> Vec<Hazard> {
    let source = catalog.version.major();
    let crosses = |since: u32| source < since && target >= since;
    let mut out = short::find_all(catalog);
    for object in catalog.objects() {
        out.extend(inherit::find(catalog, object, crosses));
        out.extend(short::find(catalog, object));
        if let Object::Table(table) = object {
            out.extend(relic::oids(table));
        }
    }
    out.extend(catalog.relics.iter().filter_map(|relic| relic.hazard(crosses)));
    out
}
