//! Telling how a run gets on: bars, lines, JSON.

mod bars;
mod board;
pub mod frame;
pub mod json;
mod lines;
mod meter;
mod painter;
#[cfg(test)]
mod screen;

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::options::{Show, Streams};
use super::style::Paint;
use super::text;
use crate::event::{Event, Reporter, Severity};

use bars::Bars;
use json::Json;
use lines::Lines;

/// The word for how serious a finding is, for people and machines.
pub const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
    }
}

/// Whether a server means it: messages below WARNING only tell what it does.
fn is_serious(severity: &str) -> bool {
    !matches!(severity, "NOTICE" | "INFO" | "LOG") && !severity.starts_with("DEBUG")
}

/// What a server said of its own accord.
fn notice(server: &str, severity: &str, words: &str) -> String {
    format!("{server} server: {}: {}", text::safe(severity), text::safe(words))
}

/// Says something to people while a run is under way, from any thread.
#[derive(Clone)]
pub struct Voice {
    bars: Option<Arc<bars::Shared>>,
    begun: Instant,
    paint: Paint,
    stopping: Arc<AtomicBool>,
}

impl Voice {
    /// Says once that the run is winding down.
    pub fn stopping(&self) {
        if self.stopping.swap(true, Ordering::Relaxed) {
            return;
        }
        let word = self.paint.yellow("stopping:");
        let line = format!("{word} tidying up; press Ctrl-C again to abort at once");
        match &self.bars {
            Some(bars) => bars.say(&line),
            None => {
                let prefix = lines::prefix(self.begun.elapsed());
                // There is nobody left to tell if this fails.
                let _ = writeln!(std::io::stderr(), "{prefix}{line}");
            }
        }
    }
}

/// Several reporters that hear the same.
struct Several(Vec<Box<dyn Reporter>>);

impl Reporter for Several {
    fn event(&mut self, event: &Event) {
        for reporter in &mut self.0 {
            reporter.event(event);
        }
    }

    fn tick(&self) -> Option<Duration> {
        self.0.iter().filter_map(|r| r.tick()).min()
    }
}

/// The reporters that suit the streams, and the voice that goes with them.
pub fn reporter(streams: &Streams, begun: Instant) -> (Box<dyn Reporter>, Voice) {
    let mut voice = Voice { bars: None, begun, paint: streams.err, stopping: Arc::default() };
    let mut all: Vec<Box<dyn Reporter>> = Vec::new();
    match streams.show {
        Show::Bars => {
            let bars = Bars::on_stderr(begun, streams.err);
            voice.bars = Some(bars.shared());
            all.push(Box::new(bars));
        }
        Show::Lines => all.push(Box::new(Lines::new(std::io::stderr(), begun))),
        Show::Warnings => all.push(Box::new(Lines::warnings(std::io::stderr(), begun))),
        Show::Nothing => {}
    }
    if streams.json && !streams.quiet {
        all.push(Box::new(Json::new(std::io::stdout(), begun, streams.json_progress)));
    }
    (Box::new(Several(all)), voice)
}
