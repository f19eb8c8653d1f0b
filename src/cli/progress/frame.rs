//! The moving part of the screen, line by line, for a terminal of a given size. Pure.

use std::time::{Duration, Instant};

use super::board::{Board, Overall, PhaseRow, TaskRow};
use crate::cli::style::Paint;
use crate::cli::terminal::Size;
use crate::cli::text;
use crate::event::{Finding, Phase, Severity};

/// A task that lasts no longer than this has no bar: it would only flicker.
pub const LEAST: Duration = Duration::from_millis(300);

/// Wider lines are harder to read, not easier.
const WIDEST: usize = 110;
/// The widths of columns: what is done, the per cent, "801 MB of 1.3 GB", "98.2 MB/s", "1:02:03 left".
const VERB: usize = 7;
const PERCENT: usize = 4;
const BYTES: usize = 17;
const RATE: usize = 9;
const LEFT: usize = 12;
/// The least that name and bar need.
const NAME: usize = 12;
const BAR: usize = 8;
/// The most that they make use of.
const LONGEST_NAME: usize = 40;
const LONGEST_BAR: usize = 40;

/// How many columns to use: never the last one, where terminals differ in when they break the line.
pub fn usable(size: Size) -> usize {
    size.columns.saturating_sub(1).min(WIDEST)
}

/// What fits beside each other.
struct Columns {
    name: usize,
    bar: usize,
    bytes: bool,
    rate: bool,
    left: bool,
}

impl Columns {
    fn of(width: usize) -> Self {
        let mut room = width.saturating_sub(2 + VERB + 1 + NAME + 2 + BAR + 1 + PERCENT);
        let mut fits = |columns: usize| {
            let yes = room >= columns + 2;
            room -= if yes { columns + 2 } else { 0 };
            yes
        };
        let (left, rate, bytes) = (fits(LEFT), fits(RATE), fits(BYTES));
        let name = (NAME + room.div_ceil(2)).min(LONGEST_NAME);
        let bar = (BAR + room - (name - NAME)).min(LONGEST_BAR);
        Self { name, bar, bytes, rate, left }
    }
}

/// The lines that move: phases under way, tasks that last, the whole.
pub fn lines(board: &mut Board, now: Instant, size: Size, paint: Paint) -> Vec<String> {
    let width = usable(size);
    let columns = Columns::of(width);
    let mut lines: Vec<String> = board.active().map(|row| active(row, now, width, paint)).collect();
    let overall = board.overall();
    let tasks_done = board.tasks_done;
    // What stands below the tasks, and the line that the cursor is on.
    let room = size.rows.saturating_sub(lines.len() + 4);
    let tasks = tasks(&board.rows(now, LEAST), room, &columns, now, paint);
    if !tasks.is_empty() {
        lines.push(String::new());
        lines.extend(tasks);
    }
    if let Some(overall) = overall {
        lines.push(String::new());
        lines.push(total(&overall, tasks_done, &columns, paint));
    }
    lines
}

fn tasks(rows: &[Option<&TaskRow>], room: usize, columns: &Columns, now: Instant, paint: Paint) -> Vec<String> {
    if rows.len() <= room {
        return rows.iter().map(|row| row.map(|r| task(r, columns, now, paint)).unwrap_or_default()).collect();
    }
    let known: Vec<&TaskRow> = rows.iter().flatten().copied().collect();
    if known.len() <= room {
        return known.iter().map(|row| task(row, columns, now, paint)).collect();
    }
    let Some(shown) = room.checked_sub(1) else { return Vec::new() };
    let mut lines: Vec<String> = known.iter().take(shown).map(|row| task(row, columns, now, paint)).collect();
    lines.push(paint.dim(&format!("  and {} more", known.len() - shown)));
    lines
}

fn task(row: &TaskRow, columns: &Columns, now: Instant, paint: Paint) -> String {
    let name = text::left(&text::shorten(&row.label, columns.name), columns.name);
    let head = format!("  {} {name}", paint.dim(&text::left(verb(row.phase), VERB)));
    if row.total == 0 {
        let time = text::clock(now.saturating_duration_since(row.begun));
        return format!("{head}  {}", paint.dim(&time));
    }
    let tail = Tail { done: row.done.min(row.total), total: row.total, rate: row.meter.rate() };
    head + &tail.line(row.meter.left(row.done, row.total), columns, paint)
}

fn total(overall: &Overall, tasks_done: u64, columns: &Columns, paint: Paint) -> String {
    let count = text::shorten(&format!("{} done", text::count(tasks_done)), columns.name).into_owned();
    let head = format!("  {} {}", paint.bold(&text::left("total", VERB)), paint.dim(&text::left(&count, columns.name)));
    let tail = Tail { done: overall.done, total: overall.total, rate: overall.rate };
    head + &tail.line(overall.left, columns, paint)
}

/// What follows the name: bar, per cent, bytes, rate, time.
struct Tail {
    done: u64,
    total: u64,
    rate: Option<f64>,
}

impl Tail {
    fn line(&self, left: Option<Duration>, columns: &Columns, paint: Paint) -> String {
        let percent = text::right(&format!("{}%", text::percent(self.done, self.total)), PERCENT);
        let mut line = format!("  {} {percent}", bar(self.done, self.total, columns.bar, paint));
        if columns.bytes {
            line += "  ";
            line += &text::right(&text::size_of(self.done, self.total), BYTES);
        }
        if columns.rate {
            line += "  ";
            // Not every build tells how far it is: no rate is better than a rate of nothing.
            let rate = self.rate.filter(|rate| *rate >= 1.0);
            line += &text::right(&rate.map(text::rate).unwrap_or_default(), RATE);
        }
        if columns.left {
            let left = left.map(|left| format!("{} left", text::clock(left))).unwrap_or_default();
            line += "  ";
            line += &text::right(&left, LEFT);
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// A bar with a resolution of half a character.
fn bar(done: u64, total: u64, width: usize, paint: Paint) -> String {
    let halves = match total {
        0 => 0,
        _ => (u128::from(done.min(total)) * (width as u128 * 2) / u128::from(total)) as usize,
    };
    let half = if halves % 2 == 1 { "╸" } else { "" };
    let full = format!("{}{half}", "━".repeat(halves / 2));
    let rest = "─".repeat(width - halves.div_ceil(2));
    format!("{}{}", paint.cyan(&full), paint.dim(&rest))
}

/// What is done to an object in a phase.
pub fn verb(phase: Phase) -> &'static str {
    match phase {
        Phase::Data => "copy",
        Phase::Indexes => "build",
        Phase::Verify => "compare",
        other => other.name(),
    }
}

/// A line with something at its end.
fn with_time(mark: &str, phase: Phase, what: &str, time: &str, width: usize, paint: Paint) -> String {
    let head = text::left(phase.name(), VERB);
    let room = width.saturating_sub(2 + VERB + 2 + 2 + text::width(time));
    let what = text::left(&text::shorten(what, room), room);
    format!("{mark} {head}  {what}  {}", paint.dim(time))
}

fn active(row: &PhaseRow, now: Instant, width: usize, paint: Paint) -> String {
    let what = match row.total {
        Some(total) => format!("{}, {}%", text::size_of(row.done, total), text::percent(row.done, total)),
        None => String::new(),
    };
    let time = text::clock(now.saturating_duration_since(row.begun));
    with_time(&paint.cyan("›"), row.phase, &what, &time, width, paint)
}

/// The line that stays when a phase has ended well.
pub fn done(phase: Phase, summary: &str, elapsed: Duration, width: usize, paint: Paint) -> String {
    with_time(&paint.green("✓"), phase, &text::safe(summary), &text::duration(elapsed), width, paint)
}

/// The line that stays when a run ends in the middle of a phase.
pub fn broken(row: &PhaseRow, now: Instant, width: usize, paint: Paint) -> String {
    let what = match row.total {
        Some(total) => text::size_of(row.done, total),
        None => String::new(),
    };
    let time = text::duration(now.saturating_duration_since(row.begun));
    with_time(&paint.red("✗"), row.phase, &what, &time, width, paint)
}

/// A finding: the object and what was found, then what to do about it.
pub fn finding(finding: &Finding, width: usize, paint: Paint) -> Vec<String> {
    let (word, coloured) = match finding.severity {
        Severity::Warning => ("warning", paint.yellow("warning")),
        Severity::Note => ("note", paint.bold("note")),
    };
    let what = format!("{}: {}", text::safe(&finding.subject), text::safe(&finding.text));
    let remedy = finding.remedy.as_deref().map(text::safe).unwrap_or_default();
    let indent = " ".repeat(VERB + 4);
    let room = width.saturating_sub(indent.len());
    let mut lines = text::wrapped(&what, room);
    lines.extend(text::wrapped(&remedy, room));
    let mut lines = lines.into_iter();
    let first = format!("  {coloured}{} {}", " ".repeat(VERB + 1 - word.len()), lines.next().unwrap_or_default());
    std::iter::once(first).chain(lines.map(|line| format!("{indent}{line}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, TaskId};

    const GB: u64 = 1_000_000_000;

    fn size(columns: usize, rows: usize) -> Size {
        Size { columns, rows }
    }

    /// Data and indexes under way for ten seconds, with so many tasks.
    fn busy(tasks: u32) -> (Board, Instant) {
        let begun = Instant::now();
        let mut board = Board::new(begun);
        board.apply(&Event::PhaseStarted { phase: Phase::Data, total: Some(2 * GB) }, begun);
        board.apply(&Event::PhaseStarted { phase: Phase::Indexes, total: Some(GB) }, begun);
        for task in 0..tasks {
            let (phase, label) = match task {
                0 => (Phase::Data, "shop.order_lines_of_the_year_two_thousand_and_twenty_four".to_owned()),
                1 => (Phase::Indexes, "shop.orders orders_pkey".to_owned()),
                _ => (Phase::Analyze, format!("shop.t{task}\x1b[2J")),
            };
            let total = if phase == Phase::Analyze { 0 } else { GB };
            board.apply(&Event::TaskStarted { task: TaskId(task), phase, label, total }, begun);
        }
        for second in 1..=10 {
            let now = begun + Duration::from_secs(second);
            board.apply(&Event::TaskProgress { task: TaskId(0), done: second * 62_000_000 }, now);
            board.apply(&Event::TaskProgress { task: TaskId(1), done: second * 5_000_000 }, now);
            board.apply(&Event::PhaseProgress { phase: Phase::Data, done: second * 62_000_000 }, now);
            board.apply(&Event::PhaseProgress { phase: Phase::Indexes, done: second * 5_000_000 }, now);
        }
        (board, begun + Duration::from_secs(10))
    }

    #[test]
    fn a_usual_terminal() {
        let (mut board, now) = busy(3);
        let lines = lines(&mut board, now, Size::USUAL, Paint::PLAIN);
        let expected = [
            "› data     620 MB of 2.0 GB, 31%                                           0:10",
            "› indexes  50.0 MB of 1.0 GB, 5%                                           0:10",
            "",
            "  copy    shop.order…wenty_four  ━━━━━━━━━╸──────  62%  62.0 MB/s     0:06 left",
            "  build   shop.order…rders_pkey  ╸───────────────   5%   5.0 MB/s     3:10 left",
            "  analyze shop.t2\\x1b[2J         0:10",
            "",
            "  total   0 done                 ━━━╸────────────  22%  66.2 MB/s     0:35 left",
        ];
        assert_eq!(lines, expected, "{lines:#?}");
    }

    #[test]
    fn a_narrow_and_a_wide_terminal() {
        let (mut board, now) = busy(2);
        let narrow = lines(&mut board, now, size(60, 24), Paint::PLAIN);
        assert_eq!(narrow[3], "  copy    shop.ord…ty_four  ━━━━━━━─────  62%     0:06 left");
        let wide = lines(&mut board, now, size(200, 24), Paint::PLAIN);
        let expected = "  copy    shop.order_li…d_twenty_four  ━━━━━━━━━━━━━╸────────  62%   620 MB of 1.0 GB  62.0 MB/s     0:06 left";
        assert_eq!(wide[3], expected);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for columns in 40..200 {
            let (mut board, now) = busy(12);
            for line in lines(&mut board, now, size(columns, 50), Paint::PLAIN) {
                assert!(text::width(&line) < columns, "{columns}: {line}");
                assert!(!line.contains('\x1b'), "{line}");
            }
        }
    }

    #[test]
    fn no_more_lines_than_the_terminal_has() {
        for rows in 6..30 {
            let (mut board, now) = busy(20);
            let lines = lines(&mut board, now, size(80, rows), Paint::PLAIN);
            assert!(lines.len() < rows, "{rows}: {lines:#?}");
            let bars = lines.iter().filter(|l| l.contains("shop.")).count();
            match lines.iter().find_map(|l| l.trim().strip_prefix("and ")?.strip_suffix(" more")?.parse::<usize>().ok())
            {
                Some(more) => assert_eq!(bars + more, 20),
                None => assert!(bars == 20 || rows <= 6, "{rows}: {lines:#?}"),
            }
        }
    }

    #[test]
    fn bars_have_half_characters() {
        assert_eq!(bar(0, 10, 5, Paint::PLAIN), "─────");
        assert_eq!(bar(1, 10, 5, Paint::PLAIN), "╸────");
        assert_eq!(bar(10, 10, 5, Paint::PLAIN), "━━━━━");
        assert_eq!(bar(20, 10, 5, Paint::PLAIN), "━━━━━");
        assert_eq!(bar(0, 0, 5, Paint::PLAIN), "─────");
    }
}
