//! Plain lines, for a log: each begins with the time since the run began.

use std::io::Write;
use std::time::{Duration, Instant};

use super::board::{Board, Overall};
use super::frame;
use crate::cli::text;
use crate::event::{Event, Finding, Reporter, Severity};

/// How often a line says how far the run is.
const PERIOD: Duration = Duration::from_secs(10);

/// How often the run is asked, so that the rate is right.
const TICK: Duration = Duration::from_secs(1);

/// How many of the tasks under way a line names.
const NAMED: usize = 3;

/// The reporter with lines.
pub struct Lines<W> {
    out: W,
    board: Board,
    /// When a line last said how far the run is.
    said: Instant,
    warnings_only: bool,
}

impl<W: Write + Send> Lines<W> {
    /// Lines to `out`.
    pub fn new(out: W, begun: Instant) -> Self {
        Self { out, board: Board::new(begun), said: begun, warnings_only: false }
    }

    /// Lines to `out`, of warnings alone.
    pub fn warnings(out: W, begun: Instant) -> Self {
        Self { warnings_only: true, ..Self::new(out, begun) }
    }

    fn take(&mut self, event: &Event, now: Instant) {
        self.board.apply(event, now);
        match event {
            Event::Found(finding) if !self.warnings_only || finding.severity == Severity::Warning => {
                self.say(now, &found(finding));
            }
            Event::Notice { server, severity, text } if !self.warnings_only || super::is_serious(severity) => {
                self.say(now, &super::notice(server, severity, text));
            }
            _ if self.warnings_only => {}
            Event::PhaseStarted { phase, total } => {
                let total = total.map(|total| format!(", {}", text::size(total))).unwrap_or_default();
                self.say(now, &format!("{}: begins{total}", phase.name()));
            }
            Event::PhaseDone { phase, summary, elapsed } => {
                let summary = text::safe(summary);
                let gap = if summary.is_empty() { "" } else { ", " };
                self.say(now, &format!("{}: done{gap}{summary} ({})", phase.name(), text::duration(*elapsed)));
            }
            Event::PhaseProgress { .. } if now.saturating_duration_since(self.said) >= PERIOD => {
                if let Some(overall) = self.board.overall() {
                    let line = self.progress(&overall, now);
                    self.said = now;
                    self.say(now, &line);
                }
            }
            _ => {}
        }
    }

    fn progress(&self, overall: &Overall, now: Instant) -> String {
        let Overall { done, total, rate, left } = *overall;
        let mut line = format!("{}%, {}", text::percent(done, total), text::size_of(done, total));
        if let Some(rate) = rate {
            line += &format!(", {}", text::rate(rate));
        }
        if let Some(left) = left {
            line += &format!(", {} left", text::clock(left));
        }
        let tasks = self.board.lasting(now, frame::LEAST);
        let named: Vec<String> =
            tasks.iter().take(NAMED).map(|t| format!("{} {}", frame::verb(t.phase), t.label)).collect();
        if !named.is_empty() {
            line += &format!("; {}", named.join(", "));
        }
        if let Some(more) = tasks.len().checked_sub(NAMED).filter(|more| *more > 0) {
            line += &format!(" and {more} more");
        }
        line
    }

    fn say(&mut self, now: Instant, line: &str) {
        let line = format!("{}{line}\n", prefix(now.saturating_duration_since(self.board.begun)));
        // The run goes on when nobody reads the log any more.
        let _ = self.out.write_all(line.as_bytes()).and_then(|()| self.out.flush());
    }
}

/// The time at the beginning of a line.
pub fn prefix(elapsed: Duration) -> String {
    format!("[{:>8.1}s] ", elapsed.as_secs_f64())
}

fn found(finding: &Finding) -> String {
    let word = super::severity(finding.severity);
    let mut line = format!("{word}: {}: {}", text::safe(&finding.subject), text::safe(&finding.text));
    if let Some(remedy) = &finding.remedy {
        line += &format!("; {}", text::safe(remedy));
    }
    line
}

impl<W: Write + Send> Reporter for Lines<W> {
    fn event(&mut self, event: &Event) {
        self.take(event, Instant::now());
    }

    fn tick(&self) -> Option<Duration> {
        (!self.warnings_only).then_some(TICK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Phase, TaskId};

    fn script(lines: &mut Lines<&mut Vec<u8>>, begun: Instant) {
        let at = |seconds: u64| begun + Duration::from_secs(seconds);
        let finding = |severity, remedy: Option<&str>| {
            let remedy = remedy.map(str::to_owned);
            Event::Found(Finding { severity, subject: "index a.b".into(), text: "is\x1b[1m odd".into(), remedy })
        };
        lines.take(&Event::PhaseStarted { phase: Phase::Check, total: None }, at(0));
        lines.take(&finding(Severity::Warning, Some("Look at it.")), at(1));
        lines.take(&finding(Severity::Note, None), at(1));
        let (summary, elapsed) = ("nothing in the way".to_owned(), Duration::from_millis(1500));
        lines.take(&Event::PhaseDone { phase: Phase::Check, summary, elapsed }, at(2));
        lines.take(&Event::PhaseStarted { phase: Phase::Data, total: Some(100_000_000) }, at(2));
        for task in 0..5 {
            let (task, label) = (TaskId(task), format!("shop.t{task}\n"));
            lines.take(&Event::TaskStarted { task, phase: Phase::Data, label, total: 20_000_000 }, at(2));
        }
        for second in 3..=23 {
            lines.take(&Event::PhaseProgress { phase: Phase::Data, done: (second - 2) * 3_000_000 }, at(second));
        }
        let text = "careful\nnow".to_owned();
        lines.take(&Event::Notice { server: "new", severity: "WARNING".to_owned(), text }, at(24));
    }

    #[test]
    fn a_run_as_a_log() {
        let (mut out, begun) = (Vec::new(), Instant::now());
        script(&mut Lines::new(&mut out, begun), begun);
        let expected = "\
[     0.0s] check: begins
[     1.0s] warning: index a.b: is\\x1b[1m odd; Look at it.
[     1.0s] note: index a.b: is\\x1b[1m odd
[     2.0s] check: done, nothing in the way (1.5 s)
[     2.0s] data: begins, 100 MB
[    10.0s] 24%, 24.0 of 100 MB, 3.0 MB/s, 0:25 left; copy shop.t0\\n, copy shop.t1\\n, copy shop.t2\\n and 2 more
[    20.0s] 54%, 54.0 of 100 MB, 3.0 MB/s, 0:15 left; copy shop.t0\\n, copy shop.t1\\n, copy shop.t2\\n and 2 more
[    24.0s] new server: WARNING: careful\\nnow
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn quiet_shows_warnings() {
        let (mut out, begun) = (Vec::new(), Instant::now());
        script(&mut Lines::warnings(&mut out, begun), begun);
        let expected = "\
[     1.0s] warning: index a.b: is\\x1b[1m odd; Look at it.
[    24.0s] new server: WARNING: careful\\nnow
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
