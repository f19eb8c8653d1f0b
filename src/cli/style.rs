//! Colours, where they are wanted.

use std::io::IsTerminal;

use super::args::Color;

/// Whether and how to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// No colours.
    pub const PLAIN: Self = Self { on: false };

    /// All colours.
    #[cfg(test)]
    pub const COLOURED: Self = Self { on: true };

    /// What suits a stream: `--color` first, then NO_COLOR (<https://no-color.org>), then whether it is a terminal.
    pub fn for_stream(choice: Color, stream: &impl IsTerminal, env: &dyn Fn(&str) -> Option<String>) -> Self {
        let refused = || env("NO_COLOR").is_some_and(|v| !v.is_empty()) || is_dumb(env);
        let on = match choice {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => !refused() && stream.is_terminal(),
        };
        Self { on }
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.on && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// For what matters most.
    pub fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    /// For what may be overlooked.
    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    /// For what went well.
    pub fn green(self, text: &str) -> String {
        self.with("32", text)
    }

    /// For warnings.
    pub fn yellow(self, text: &str) -> String {
        self.with("1;33", text)
    }

    /// For errors.
    pub fn red(self, text: &str) -> String {
        self.with("1;31", text)
    }

    /// For what moves, and for hints.
    pub fn cyan(self, text: &str) -> String {
        self.with("36", text)
    }
}

/// Whether the terminal says of itself that it can do nothing but print.
pub fn is_dumb(env: &dyn Fn(&str) -> Option<String>) -> bool {
    env("TERM").is_some_and(|term| term == "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gets_no_colours_unless_asked_for() {
        let file = std::fs::File::open("Cargo.toml").unwrap();
        let nothing = |_: &str| None;
        assert_eq!(Paint::for_stream(Color::Auto, &file, &nothing), Paint::PLAIN);
        let no_color = |name: &str| (name == "NO_COLOR").then(|| "1".to_owned());
        assert_eq!(Paint::for_stream(Color::Always, &file, &no_color), Paint::COLOURED);
        assert_eq!(Paint::PLAIN.red("x"), "x");
        assert_eq!(Paint::COLOURED.red("x"), "\x1b[1;31mx\x1b[0m");
    }
}
