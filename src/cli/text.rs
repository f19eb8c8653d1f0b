//! How values look to people: sizes, rates, durations, counts; names made safe and short.
//!
//! Whatever a server sent (names, messages) is untrusted: it passes through [`safe`] before it reaches a terminal, so that
//! it cannot move the cursor, change colours, or reverse the direction of writing.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];

/// The number and the unit of a size: one decimal below 100, none above, so that it has at most four characters.
fn scaled(bytes: u64) -> (String, &'static str) {
    if bytes < 1000 {
        return (bytes.to_string(), "B");
    }
    let mut value = bytes as f64;
    let mut units = UNITS.into_iter();
    let mut unit = units.next().unwrap_or_default();
    // 999.5 would be rounded up to four digits.
    while value >= 999.5
        && let Some(larger) = units.next()
    {
        value /= 1000.0;
        unit = larger;
    }
    let number = if value < 99.95 { format!("{value:.1}") } else { format!("{value:.0}") };
    (number, unit)
}

/// A size in decimal units: "1.8 GB".
pub fn size(bytes: u64) -> String {
    let (number, unit) = scaled(bytes);
    format!("{number} {unit}")
}

/// How much of a size is there: "1.1 of 1.8 GB", "801 MB of 1.3 GB".
pub fn size_of(done: u64, total: u64) -> String {
    let ((some, small), (all, large)) = (scaled(done), scaled(total));
    if small == large || done == 0 {
        format!("{some} of {all} {large}")
    } else {
        format!("{some} {small} of {all} {large}")
    }
}

/// A rate in bytes a second: "12.3 MB/s".
pub fn rate(bytes_a_second: f64) -> String {
    format!("{}/s", size(bytes_a_second.clamp(0.0, 1e18) as u64))
}

/// A count with separators: "12,345".
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun: "1 table", "42 tables".
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// How long something took: "0.4 s", "2 min 05 s", "1 h 02 min".
pub fn duration(time: Duration) -> String {
    let tenths = (time.as_millis() + 50) / 100;
    if tenths < 600 {
        return format!("{}.{} s", tenths / 10, tenths % 10);
    }
    let seconds = (time.as_millis() + 500) / 1000;
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    if hours == 0 {
        format!("{minutes} min {:02} s", seconds % 60)
    } else {
        format!("{hours} h {:02} min", minutes % 60)
    }
}

/// A time as a clock shows it: "0:42", "1:02:03"; "3 d 04 h" from 100 hours on.
pub fn clock(time: Duration) -> String {
    let seconds = (time.as_millis() + 500) / 1000;
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match hours {
        0 => format!("{minutes}:{:02}", seconds % 60),
        1..100 => format!("{hours}:{:02}:{:02}", minutes % 60, seconds % 60),
        _ => format!("{} d {:02} h", hours / 24, hours % 24),
    }
}

/// The whole per cent: 100 only when everything is done.
pub fn percent(done: u64, total: u64) -> u64 {
    if done >= total {
        return 100;
    }
    (u128::from(done) * 100 / u128::from(total)) as u64
}

/// Whether a terminal could take this character for a command, or show the text in another order than it has.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text on one line, with everything [unsafe](is_unsafe) written out: `\n`, `\x1b`, `\u{202e}`.
pub fn safe(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        // Writing to a `String` cannot fail.
        let _ = match c {
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            c if !is_unsafe(c) => out.write_char(c),
            c if u32::from(c) < 0x80 => write!(out, "\\x{:02x}", u32::from(c)),
            c => write!(out, "\\u{{{:x}}}", u32::from(c)),
        };
    }
    Cow::Owned(out)
}

/// The text on as many lines as it has, each of them [`safe`], all but the first indented: what a server wrote cannot pass
/// for a line of ours.
pub fn safe_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, line) in text.trim_end().split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line).replace('\t', "    ");
        if at > 0 {
            out.push_str(if line.starts_with("  ") { "\n" } else { "\n  " });
        }
        out.push_str(safe(&line).trim_end());
    }
    out
}

/// How many columns a character takes; near enough for names, not a replacement for Unicode's tables.
fn columns(c: char) -> usize {
    match u32::from(c) {
        0x0300..=0x036f | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x200c..=0x200d | 0x20d0..=0x20ff => 0,
        0xfe00..=0xfe0f | 0xfe20..=0xfe2f => 0,
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff => 2,
        0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// How many columns a text takes on a terminal.
pub fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// The text in at most `room` columns: what does not fit is left out in the middle, where names differ least.
pub fn shorten(text: &str, room: usize) -> Cow<'_, str> {
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    let Some(left) = room.checked_sub(1) else { return Cow::Borrowed("") };
    let (tail_room, mut used) = (left / 2, 0);
    let tail: Vec<char> = text.chars().rev().take_while(|c| fits(*c, &mut used, tail_room)).collect();
    let mut used = 0;
    let head = text.chars().take_while(|c| fits(*c, &mut used, left - tail_room));
    Cow::Owned(head.chain(['…']).chain(tail.into_iter().rev()).collect())
}

fn fits(c: char, used: &mut usize, room: usize) -> bool {
    *used += columns(c);
    *used <= room
}

/// The text in lines of at most `room` columns, broken between words; a word that is longer than that has its own line.
pub fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|w| !w.is_empty()) {
        match lines.last_mut() {
            Some(line) if width(line).saturating_add(1 + width(word)) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The text with spaces after it up to `room` columns.
pub fn left(text: &str, room: usize) -> String {
    format!("{text}{}", " ".repeat(room.saturating_sub(width(text))))
}

/// The text with spaces before it up to `room` columns.
pub fn right(text: &str, room: usize) -> String {
    format!("{}{text}", " ".repeat(room.saturating_sub(width(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_take_four_digits_at_most() {
        let shown =
            [0, 999, 1000, 1234, 99_949, 99_950, 999_499, 999_500, 12_300_000, 1_800_000_000, u64::MAX].map(size);
        let expected = [
            "0 B", "999 B", "1.0 kB", "1.2 kB", "99.9 kB", "100 kB", "999 kB", "1.0 MB", "12.3 MB", "1.8 GB",
            "18447 PB",
        ];
        assert_eq!(shown, expected);
        assert_eq!(rate(12_300_000.4), "12.3 MB/s");
        assert_eq!(rate(f64::NAN), "0 B/s");
        assert_eq!(size_of(1_100_000_000, 1_800_000_000), "1.1 of 1.8 GB");
        assert_eq!(size_of(801_000_000, 1_300_000_000), "801 MB of 1.3 GB");
        assert_eq!(size_of(0, 1_300_000_000), "0 of 1.3 GB");
    }

    #[test]
    fn durations() {
        let shown =
            [0, 49, 50, 59_949, 59_950, 125_000, 3_599_600, 3_725_000].map(|ms| duration(Duration::from_millis(ms)));
        assert_eq!(
            shown,
            ["0.0 s", "0.0 s", "0.1 s", "59.9 s", "1 min 00 s", "2 min 05 s", "1 h 00 min", "1 h 02 min"]
        );
        let shown = [0, 42, 125, 3723, 359_999, 360_000].map(|s| clock(Duration::from_secs(s)));
        assert_eq!(shown, ["0:00", "0:42", "2:05", "1:02:03", "99:59:59", "4 d 04 h"]);
    }

    #[test]
    fn counts_and_per_cent() {
        assert_eq!([0, 999, 1000, 12_345_678].map(count), ["0", "999", "1,000", "12,345,678"]);
        assert_eq!(counted(1, "table", "tables"), "1 table");
        assert_eq!(
            [(0, 0), (0, 9), (999, 1000), (1000, 1000), (2000, 1000)].map(|(d, t)| percent(d, t)),
            [100, 0, 99, 100, 100]
        );
    }

    #[test]
    fn nothing_reaches_the_terminal_as_a_command() {
        assert_eq!(safe("a\x1b[31m\r\n\tb\u{9b}2J\u{202e}\u{7f}"), "a\\x1b[31m\\r\\n\\tb\\u{9b}2J\\u{202e}\\x7f");
        assert!(matches!(safe("Größe 表"), Cow::Borrowed(_)));
        assert_eq!(safe_lines("one\ntwo\r\n  \x07three\n"), "one\n  two\n  \\x07three");
    }

    #[test]
    fn shortening_keeps_both_ends() {
        assert_eq!(shorten("shop.orders", 11), "shop.orders");
        assert_eq!(shorten("shop.order_lines_2024", 12), "shop.o…_2024");
        assert_eq!(width(&shorten("表表表表表表", 6)), 5);
        assert_eq!(shorten("abc", 1), "…");
        assert_eq!(shorten("abc", 0), "");
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrapped("one two  three four", 9), ["one two", "three", "four"]);
        assert_eq!(wrapped("a muchlongerword b", 4), ["a", "muchlongerword", "b"]);
        assert!(wrapped("", 4).is_empty());
    }

    #[test]
    fn padding_counts_columns() {
        assert_eq!(left("表", 4), "表  ");
        assert_eq!(right("é", 3), "  é");
        assert_eq!(right("long", 2), "long");
    }
}
