//! `clean`: what runs that were killed have left on a server goes, without another run of the same.

use tokio::sync::mpsc;

use super::staging::{self, Staging};
use super::upgrade::NOTICES;
use crate::error::Result;
use crate::event::{Finding, Severity};
use crate::wire::conninfo::ConnInfo;

/// The options of a cleaning.
#[derive(Clone, Debug)]
pub struct Clean {
    /// The server. Which database does not matter.
    pub to: ConnInfo,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Databases that are gone: staging databases, and what an upgrade had already replaced.
    pub databases: Vec<String>,
    /// Whether settings of the server were put back that a run with `--tune-target` had changed.
    pub settings: bool,
    /// What was left alone, and why.
    pub findings: Vec<Finding>,
}

impl Clean {
    /// Removes the databases that bear pgtandem's mark and that no run is at work on, and puts back the settings of the server
    /// that they tell of.
    ///
    /// # Errors
    ///
    /// - `Connect` where the server cannot be reached;
    /// - `Server` where it cannot be asked. A database that it refuses to drop is a finding.
    pub async fn run(&self) -> Result<Cleaned> {
        let (notices, _unheard) = mpsc::channel(NOTICES);
        let control = staging::connect_control(&self.to, &[], &notices).await?;
        let mut cleaned = Cleaned::default();
        for name in staging::marked(&control).await? {
            let removed = match Staging::open_marked(&control, &self.to, &notices, &name).await {
                Ok(staging) => staging.remove_marked(&name).await,
                Err(error) => Err(error),
            };
            match removed {
                Ok(settings) => {
                    cleaned.settings |= settings;
                    cleaned.databases.push(name);
                }
                Err(error) => cleaned.findings.push(Finding {
                    severity: Severity::Warning,
                    subject: format!("database {name}"),
                    text: format!("it stays: {error}"),
                    remedy: error.hint().map(str::to_owned),
                }),
            }
        }
        Ok(cleaned)
    }
}
