//! Bars on a terminal. Events only change what is known; a thread of its own draws it ten times a second, so that a run
//! never waits for the terminal, and ten thousand small tables cost no more drawing than ten.

use std::io::Write;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::board::Board;
use super::frame;
use super::painter::Painter;
use crate::cli::style::Paint;
use crate::cli::terminal::Size;
use crate::event::{Event, Finding, Phase, Reporter, Severity};

/// How often the screen is drawn.
const PERIOD: Duration = Duration::from_millis(100);

/// How often the run is asked how far it is.
const TICK: Duration = Duration::from_millis(250);

/// More than a screen at once is never drawn above the bars; the summary has all of it.
const MOST_ABOVE: usize = 1000;

/// What stays on the screen, above what moves.
enum Above {
    Done { phase: Phase, summary: String, elapsed: Duration },
    Found(Finding),
    Said(String),
}

/// What the run and the drawing thread share.
pub struct Shared {
    state: Mutex<State>,
}

struct State {
    board: Board,
    above: Vec<Above>,
}

impl Shared {
    fn new(begun: Instant) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { board: Board::new(begun), above: Vec::new() }) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a line above the bars as soon as they are drawn again.
    pub fn say(&self, line: &str) {
        self.lock().put(Above::Said(line.to_owned()));
    }

    fn apply(&self, event: &Event, now: Instant) {
        let mut state = self.lock();
        state.board.apply(event, now);
        match event {
            Event::PhaseDone { phase, summary, elapsed } => {
                state.put(Above::Done { phase: *phase, summary: summary.clone(), elapsed: *elapsed });
            }
            Event::Found(finding) if finding.severity == Severity::Warning => state.put(Above::Found(finding.clone())),
            Event::Notice { server, severity, text } if super::is_serious(severity) => {
                state.put(Above::Said(format!("  {}", super::notice(server, severity, text))));
            }
            _ => {}
        }
    }
}

impl State {
    fn put(&mut self, above: Above) {
        if self.above.len() < MOST_ABOVE {
            self.above.push(above);
        }
    }
}

/// Puts what is known on the screen.
struct Bulletin<W> {
    painter: Painter<W>,
    paint: Paint,
    size: fn() -> Size,
}

impl<W: Write> Bulletin<W> {
    /// Draws once. The lock is not held while the terminal is written to.
    fn draw(&mut self, shared: &Shared, now: Instant) {
        let size = (self.size)();
        let (above, lines) = {
            let mut state = shared.lock();
            (std::mem::take(&mut state.above), frame::lines(&mut state.board, now, size, self.paint))
        };
        self.painter.draw(&self.rendered(&above, size), lines, size.columns);
    }

    fn rendered(&self, above: &[Above], size: Size) -> Vec<String> {
        let width = frame::usable(size);
        let mut lines = Vec::new();
        for above in above {
            match above {
                Above::Done { phase, summary, elapsed } => {
                    lines.push(frame::done(*phase, summary, *elapsed, width, self.paint));
                }
                Above::Found(finding) => lines.extend(frame::finding(finding, width, self.paint)),
                Above::Said(line) => lines.push(line.clone()),
            }
        }
        lines
    }

    /// Takes the bars away. A phase that is still under way is one in which the run has ended.
    fn finish(&mut self, shared: &Shared, now: Instant) {
        let size = (self.size)();
        let width = frame::usable(size);
        let mut state = shared.lock();
        let above = std::mem::take(&mut state.above);
        let broken: Vec<String> = state.board.active().map(|row| frame::broken(row, now, width, self.paint)).collect();
        drop(state);
        let mut lines = self.rendered(&above, size);
        lines.extend(broken);
        self.painter.draw(&lines, Vec::new(), size.columns);
    }
}

/// The reporter with bars. They are gone when it is dropped.
pub struct Bars {
    shared: Arc<Shared>,
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Bars {
    /// Bars on standard error.
    pub fn on_stderr(begun: Instant, paint: Paint) -> Self {
        Self::start(begun, Bulletin { painter: Painter::new(std::io::stderr()), paint, size: Size::now })
    }

    fn start<W: Write + Send + 'static>(begun: Instant, mut bulletin: Bulletin<W>) -> Self {
        let shared = Shared::new(begun);
        let (stop, stopped) = mpsc::channel::<()>();
        let seen = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            while stopped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                bulletin.draw(&seen, Instant::now());
            }
            bulletin.finish(&seen, Instant::now());
        });
        Self { shared, stop: Some(stop), thread: Some(thread) }
    }

    /// The way to say something in between.
    pub fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }
}

impl Reporter for Bars {
    fn event(&mut self, event: &Event) {
        self.shared.apply(event, Instant::now());
    }

    fn tick(&self) -> Option<Duration> {
        Some(TICK)
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It panicked: the bars are gone all the same.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::progress::screen::Screen;
    use crate::event::TaskId;

    fn size() -> Size {
        Size { columns: 80, rows: 24 }
    }

    fn bulletin(screen: &Screen) -> Bulletin<Screen> {
        Bulletin { painter: Painter::new(screen.clone()), paint: Paint::PLAIN, size }
    }

    #[test]
    fn a_run_from_beginning_to_end() {
        let (screen, begun) = (Screen::new(80, 24), Instant::now());
        let (mut bulletin, shared) = (bulletin(&screen), Shared::new(begun));
        let at = |ms: u64| begun + Duration::from_millis(ms);
        let tell = |ms: u64, event: Event| shared.apply(&event, at(ms));
        tell(0, Event::PhaseStarted { phase: Phase::Check, total: None });
        bulletin.draw(&shared, at(100));
        assert_eq!(screen.lines().len(), 1, "{:#?}", screen.lines());
        tell(
            200,
            Event::Found(Finding {
                severity: Severity::Warning,
                subject: "table a.\x1b[2Jb".to_owned(),
                text: "is strange".to_owned(),
                remedy: Some("Look at it.".to_owned()),
            }),
        );
        let summary = "nothing stands in the way".to_owned();
        tell(400, Event::PhaseDone { phase: Phase::Check, summary, elapsed: Duration::from_millis(400) });
        tell(400, Event::PhaseStarted { phase: Phase::Data, total: Some(1000) });
        let label = "shop.orders".to_owned();
        tell(400, Event::TaskStarted { task: TaskId(1), phase: Phase::Data, label, total: 1000 });
        tell(1400, Event::TaskProgress { task: TaskId(1), done: 500 });
        tell(1400, Event::PhaseProgress { phase: Phase::Data, done: 500 });
        bulletin.draw(&shared, at(1400));
        let expected = [
            "  warning  table a.\\x1b[2Jb: is strange",
            "           Look at it.",
            "✓ check    nothing stands in the way                                      0.4 s",
            "› data     500 B of 1.0 kB, 50%                                            0:01",
            "",
            "  copy    shop.orders            ━━━━━━━━────────  50%    500 B/s     0:01 left",
            "",
            "  total   0 done                 ━━━━━━━━────────  50%    500 B/s     0:01 left",
        ];
        assert_eq!(screen.lines(), expected, "{:#?}", screen.lines());
        bulletin.finish(&shared, at(2400));
        let lines = screen.lines();
        assert_eq!(lines[..3], expected[..3]);
        assert!(lines[3].starts_with("✗ data     500 B of 1.0 kB"), "{lines:#?}");
        assert_eq!(lines.len(), 4, "{lines:#?}");
        assert_eq!(screen.cursor(), (4, 0), "what comes next begins on a line of its own");
    }

    #[test]
    fn nothing_is_drawn_while_nothing_changes() {
        let (screen, begun) = (Screen::new(80, 24), Instant::now());
        let (mut bulletin, shared) = (bulletin(&screen), Shared::new(begun));
        shared.apply(&Event::PhaseStarted { phase: Phase::Catalog, total: None }, begun);
        bulletin.draw(&shared, begun);
        let drawn = screen.drawn();
        bulletin.draw(&shared, begun + Duration::from_millis(100));
        assert_eq!(screen.drawn(), drawn);
        bulletin.draw(&shared, begun + Duration::from_secs(1));
        assert_eq!(screen.drawn(), drawn + 1);
    }

    #[test]
    fn ten_thousand_small_tables_do_not_wait_for_the_terminal() {
        let screen = Screen::new(80, 24);
        let begun = Instant::now();
        let mut bars = Bars::start(begun, bulletin(&screen));
        bars.event(&Event::PhaseStarted { phase: Phase::Data, total: Some(10_000) });
        for task in 0..10_000 {
            let (id, label) = (TaskId(task), format!("public.t{task}"));
            bars.event(&Event::TaskStarted { task: id, phase: Phase::Data, label, total: 1 });
            bars.event(&Event::TaskDone { task: id, bytes: 1, rows: Some(1), elapsed: Duration::ZERO });
        }
        let (took, shared) = (begun.elapsed(), bars.shared());
        drop(bars);
        assert_eq!(shared.lock().board.tasks_done, 10_000);
        assert!(took < Duration::from_secs(2), "{took:?}");
        assert!(screen.drawn() < 50, "{}", screen.drawn());
        assert!(!screen.lines().iter().any(|l| l.contains("public.")), "{:#?}", screen.lines());
    }
}
