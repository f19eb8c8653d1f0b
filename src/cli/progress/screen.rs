//! A terminal in memory, for tests: what stands on the screen, and how often it was drawn on.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard};

#[derive(Debug, Default)]
struct Inner {
    rows: Vec<Vec<char>>,
    row: usize,
    column: usize,
    cut: bool,
    drawn: usize,
}

/// The screen; clones are the same one. It obeys what [`super::painter`] needs, and panics at everything else. Characters
/// are one column wide; it scrolls without end.
#[derive(Clone, Debug)]
pub struct Screen {
    columns: usize,
    height: usize,
    inner: Arc<Mutex<Inner>>,
}

impl Screen {
    pub fn new(columns: usize, height: usize) -> Self {
        Self { columns, height, inner: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// The lines, without spaces at their ends and without empty lines at the end.
    pub fn lines(&self) -> Vec<String> {
        let trimmed = |row: &Vec<char>| row.iter().collect::<String>().trim_end().to_owned();
        let mut lines: Vec<String> = self.lock().rows.iter().map(trimmed).collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
    }

    /// Where the cursor is: row and column.
    pub fn cursor(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.row, inner.column)
    }

    /// How often it was drawn on.
    pub fn drawn(&self) -> usize {
        self.lock().drawn
    }

    fn put(&self, inner: &mut Inner, c: char) {
        if inner.column == self.columns {
            if inner.cut {
                inner.column -= 1;
            } else {
                inner.row += 1;
                inner.column = 0;
            }
        }
        let (row, column) = (inner.row, inner.column);
        while inner.rows.len() <= row {
            inner.rows.push(Vec::new());
        }
        while inner.rows[row].len() <= column {
            inner.rows[row].push(' ');
        }
        // A margin keeps what came first; terminals keep what came last, which is no better.
        if column + 1 < self.columns || inner.rows[row][column] == ' ' {
            inner.rows[row][column] = c;
        }
        inner.column += 1;
    }

    fn obey(&self, inner: &mut Inner, command: &str) {
        match command {
            "[K" => {
                let column = inner.column;
                let row = inner.row;
                if let Some(row) = inner.rows.get_mut(row) {
                    row.truncate(column);
                }
            }
            "[J" => {
                let (row, column) = (inner.row, inner.column);
                inner.rows.truncate(row + 1);
                if let Some(row) = inner.rows.get_mut(row) {
                    row.truncate(column);
                }
            }
            "[?7l" => inner.cut = true,
            "[?7h" => inner.cut = false,
            other => {
                let up: usize = other.strip_prefix('[').and_then(|o| o.strip_suffix('A')).unwrap().parse().unwrap();
                assert!(up < self.height, "{up} lines up is out of sight");
                inner.row = inner.row.checked_sub(up).unwrap();
            }
        }
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut inner = self.lock();
        inner.drawn += 1;
        let mut chars = std::str::from_utf8(bytes).unwrap().chars();
        while let Some(c) = chars.next() {
            match c {
                '\n' => inner.row += 1,
                '\r' => inner.column = 0,
                '\x1b' => {
                    let mut command = String::new();
                    while !command.ends_with(|c: char| c.is_ascii_alphabetic()) {
                        command.push(chars.next().unwrap());
                    }
                    self.obey(&mut inner, &command);
                }
                c if c.is_control() => panic!("a control character reached the screen: {c:?}"),
                c => self.put(&mut inner, c),
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
