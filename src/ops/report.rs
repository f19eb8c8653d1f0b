//! Telling the reporter about the phases that an operation goes through itself; those of the transfer are the dispatcher's.

use std::collections::HashMap;
use std::time::Instant;

use tokio::sync::mpsc;

use crate::event::{Event, Finding, Phase, Reporter};
use crate::wire::session::{Notice, Side};

/// The phases of one operation, and what was found on the way.
pub(super) struct Phases<'a> {
    reporter: &'a mut dyn Reporter,
    notices: &'a mut mpsc::Receiver<Notice>,
    begun: HashMap<Phase, Instant>,
    findings: Vec<Finding>,
    /// The database that findings are about, where there are several.
    about: Option<String>,
}

impl<'a> Phases<'a> {
    pub fn new(reporter: &'a mut dyn Reporter, notices: &'a mut mpsc::Receiver<Notice>) -> Self {
        Self { reporter, notices, begun: HashMap::new(), findings: Vec::new(), about: None }
    }

    /// The one who listens.
    pub fn reporter(&mut self) -> &mut dyn Reporter {
        self.reporter
    }

    /// A phase has begun.
    pub fn begin(&mut self, phase: Phase, total: Option<u64>) {
        self.begun.insert(phase, Instant::now());
        self.reporter.event(&Event::PhaseStarted { phase, total });
    }

    /// A phase has ended well.
    pub fn end(&mut self, phase: Phase, summary: String) {
        self.hear_notices();
        let elapsed = self.begun.remove(&phase).map(|b| b.elapsed()).unwrap_or_default();
        self.reporter.event(&Event::PhaseDone { phase, summary, elapsed });
    }

    /// What findings are about from here on; `None` for everything, or the only database.
    pub fn about(&mut self, database: Option<String>) {
        self.about = database;
    }

    /// Tells findings, and keeps them for the outcome.
    pub fn found(&mut self, findings: Vec<Finding>) {
        for mut finding in findings {
            if let Some(database) = &self.about {
                finding.subject = format!("{database}: {}", finding.subject);
            }
            self.reporter.event(&Event::Found(finding.clone()));
            self.findings.push(finding);
        }
    }

    /// Tells what the servers have said of their own accord.
    fn hear_notices(&mut self) {
        while let Ok(notice) = self.notices.try_recv() {
            let server = match notice.side {
                Side::Old => "old",
                Side::New => "new",
            };
            self.reporter.event(&Event::Notice { server, severity: notice.severity, text: notice.text });
        }
    }

    /// What was found so far.
    pub fn found_so_far(&self) -> &[Finding] {
        &self.findings
    }

    /// Everything that was found.
    pub fn into_findings(mut self) -> Vec<Finding> {
        self.hear_notices();
        self.findings
    }
}
