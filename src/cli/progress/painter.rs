//! Lines on a terminal that can be drawn again, and lines above them that stay.
//!
//! Every drawing is one write that overwrites what is there and clears only what is left over: nothing flickers. The cursor
//! rests at the beginning of the last line, so that the `^C` of a terminal does not push the lines out of place. Lines do
//! not break while they are drawn (DECAWM, "xterm control sequences"), so that each takes one row, however wide they are.

use std::io::Write;

use crate::cli::text;

const UP: char = 'A';
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";
const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

/// Draws on `out`, which is a terminal.
#[derive(Debug)]
pub struct Painter<W> {
    out: W,
    drawn: Vec<String>,
    /// How wide the terminal was then.
    columns: usize,
}

impl<W: Write> Painter<W> {
    /// Nothing is drawn yet, and the cursor is where a line begins.
    pub fn new(out: W) -> Self {
        Self { out, drawn: Vec::new(), columns: 0 }
    }

    /// Puts `above` where it stays and `lines` below it, in the place of those that were drawn last. The terminal has so
    /// many `columns`.
    pub fn draw(&mut self, above: &[String], lines: Vec<String>, columns: usize) {
        if above.is_empty() && lines == self.drawn {
            return;
        }
        let mut text = String::from("\r");
        let up = self.rows(columns).saturating_sub(1);
        if up > 0 {
            text += &format!("\x1b[{up}{UP}");
        }
        for line in above {
            text += line;
            text += CLEAR_LINE;
            text += "\r\n";
        }
        text += NO_WRAP;
        text += &lines.join(&format!("{CLEAR_LINE}\r\n"));
        text += CLEAR_BELOW;
        text += WRAP;
        text += "\r";
        // A terminal that is gone is no reason for a run to end.
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        self.drawn = lines;
        self.columns = columns;
    }

    /// How many rows the lines take that were drawn last: a terminal that has become narrower has broken them.
    fn rows(&self, columns: usize) -> usize {
        let rows = |line: &String| visible(line).min(self.columns).div_ceil(columns.max(1)).max(1);
        self.drawn.iter().map(rows).sum()
    }
}

/// How many columns a line takes that may hold colours.
fn visible(line: &str) -> usize {
    let mut parts = line.split('\x1b');
    let plain = parts.next().map_or(0, text::width);
    let coloured = parts.map(|part| part.split_once('m').map_or(0, |(_, shown)| text::width(shown)));
    plain + coloured.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::progress::screen::Screen;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|l| (*l).to_owned()).collect()
    }

    #[test]
    fn what_moves_stays_below_what_stays() {
        let screen = Screen::new(20, 10);
        let mut painter = Painter::new(screen.clone());
        painter.draw(&[], lines(&["a", "bb"]), 20);
        painter.draw(&lines(&["done"]), lines(&["x", "y", "z"]), 20);
        assert_eq!(screen.lines(), ["done", "x", "y", "z"]);
        assert_eq!(screen.cursor(), (3, 0));
        painter.draw(&[], lines(&["one"]), 20);
        assert_eq!(screen.lines(), ["done", "one"]);
        painter.draw(&lines(&["a line that is wider than that"]), lines(&["", "two, cut at the margin"]), 20);
        assert_eq!(screen.lines(), ["done", "a line that is wider", " than that", "", "two, cut at the marg"]);
        painter.draw(&lines(&["over"]), Vec::new(), 20);
        assert_eq!(screen.lines(), ["done", "a line that is wider", " than that", "over"]);
        assert_eq!(screen.cursor(), (4, 0));
    }

    #[test]
    fn draws_only_what_is_new() {
        let screen = Screen::new(20, 10);
        let mut painter = Painter::new(screen.clone());
        for _ in 0..3 {
            painter.draw(&[], lines(&["a"]), 20);
        }
        assert_eq!(screen.drawn(), 1);
    }

    #[test]
    fn lines_that_a_narrower_terminal_has_broken() {
        let mut painter = Painter::new(Vec::new());
        painter.draw(&[], lines(&["\x1b[36m0123456789\x1b[0m", "abc"]), 20);
        assert_eq!(painter.rows(20), 2);
        assert_eq!(painter.rows(5), 3);
        assert_eq!(visible("a\x1b[1;31mbc\x1b[0md"), 4);
    }
}
