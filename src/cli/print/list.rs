//! The list of an archive.

use crate::cli::text;

/// The list as a terminal may show it: names in it are somebody else's.
pub fn safe(list: &[u8]) -> String {
    let lines = list.split_inclusive(|byte| *byte == b'\n').map(String::from_utf8_lossy);
    lines.map(|line| format!("{}\n", text::safe(line.trim_end_matches('\n')).replace("\\t", "    "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_reach_the_terminal_as_commands() {
        assert_eq!(safe(b";\n1; x\x1b[2J\xff\n;\trows 1\n"), ";\n1; x\\x1b[2J\u{fffd}\n;    rows 1\n");
    }
}
