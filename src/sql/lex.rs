//! The words of SQL text that others have written: enough to find names and the ends of statements, and no more
//! (documentation, "Lexical Structure").

use std::ops::Range;

/// A word of SQL text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A keyword or a name without quotes, in lower case, as the server takes it.
    Word(String),
    /// A name that was quoted.
    Name(String),
    /// A string constant, of whatever form.
    Text(String),
    /// A number.
    Number(String),
    /// Anything else.
    Symbol(char),
}

impl Token {
    /// Whether it is this keyword, which is given in lower case.
    pub fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word == keyword)
    }

    /// The name that it can be, quoted or not.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Word(name) | Self::Name(name) => Some(name),
            _ => None,
        }
    }
}

/// The words of a text, each with its place in it. What is not closed at the end of the text reaches to there.
///
/// With `backslashes`, they escape in every string (`standard_conforming_strings` is off).
pub fn tokens(text: &str, backslashes: bool) -> Vec<(Token, Range<usize>)> {
    let mut lexer = Lexer { text, at: 0, backslashes };
    std::iter::from_fn(|| lexer.next()).collect()
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    backslashes: bool,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next(&mut self) -> Option<(Token, Range<usize>)> {
        self.skip();
        let begun = self.at;
        let first = self.rest().chars().next()?;
        let token = match first {
            '\'' => self.quoted('\'', self.backslashes).map(Token::Text),
            '"' => self.quoted('"', false).map(Token::Name),
            '$' => self.dollar_quoted().map(Token::Text),
            c if c.is_ascii_digit() => Some(Token::Number(self.take(|c| c.is_ascii_alphanumeric() || c == '.'))),
            c if begins_name(c) => Some(self.word()),
            _ => None,
        };
        let token = token.unwrap_or_else(|| {
            self.at = begun + first.len_utf8();
            Token::Symbol(first)
        });
        Some((token, begun..self.at))
    }

    /// White space and comments.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start().len();
            self.at += blank;
            let rest = self.rest();
            if rest.starts_with("--") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                self.at += comment(rest);
            } else if blank == 0 || rest.is_empty() {
                return;
            }
        }
    }

    fn take(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let rest = self.rest();
        let length = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default().to_owned()
    }

    /// A name, a keyword, or what stands before a quote and says how to read it.
    fn word(&mut self) -> Token {
        let word = self.take(is_in_name);
        let rest = self.rest();
        let text = rest.starts_with('\'').then_some(()).and_then(|()| match word.as_str() {
            "e" | "E" => self.quoted('\'', true),
            "b" | "B" | "x" | "X" | "n" | "N" => self.quoted('\'', false),
            _ => None,
        });
        if let Some(text) = text {
            return Token::Text(text);
        }
        if let ("u" | "U", Some(after)) = (word.as_str(), rest.strip_prefix('&')) {
            let (as_text, as_name) = (after.starts_with('\''), after.starts_with('"'));
            if as_text || as_name {
                self.at += 1;
                let quoted = self.quoted(if as_text { '\'' } else { '"' }, false).unwrap_or_default();
                return if as_text { Token::Text(quoted) } else { Token::Name(quoted) };
            }
        }
        Token::Word(word.to_ascii_lowercase())
    }

    /// What stands between quotes. Of escapes only those are undone that are a quote or a backslash; for the others it is
    /// enough to know that they are none.
    fn quoted(&mut self, quote: char, backslashes: bool) -> Option<String> {
        let mut chars = self.rest().char_indices().peekable();
        chars.next()?;
        let mut out = String::new();
        while let Some((place, c)) = chars.next() {
            if c == '\\' && backslashes {
                out.extend(chars.next().map(|(_, c)| c));
            } else if c != quote {
                out.push(c);
            } else if chars.next_if(|(_, next)| *next == quote).is_some() {
                out.push(quote);
            } else {
                self.at += place + quote.len_utf8();
                return Some(out);
            }
        }
        self.at = self.text.len();
        Some(out)
    }

    /// `$tag$ ... $tag$`; nothing if there is no such thing.
    fn dollar_quoted(&mut self) -> Option<String> {
        let rest = self.rest();
        let tag = rest.get(1..)?;
        let length = tag.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
        if !tag.get(length..)?.starts_with('$') || tag.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let delimiter = rest.get(..length + 2)?;
        let inner = rest.get(delimiter.len()..)?;
        let end = inner.find(delimiter);
        self.at += end.map_or(rest.len(), |end| end + 2 * delimiter.len());
        Some(inner.get(..end.unwrap_or(inner.len())).unwrap_or_default().to_owned())
    }
}

fn begins_name(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

fn is_in_name(c: char) -> bool {
    begins_name(c) || c.is_ascii_digit() || c == '$'
}

/// The length of a comment between `/*` and `*/`, which can hold others.
fn comment(text: &str) -> usize {
    let (mut depth, mut at, bytes) = (0usize, 0, text.as_bytes());
    while let Some(pair) = bytes.get(at..at + 2) {
        match pair {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// Finds the ends of statements in text that comes in pieces, cut anywhere, in any encoding in which no byte of ASCII is part
/// of another character.
#[derive(Debug, Default)]
pub struct Ends {
    within: Within,
    /// The last two bytes, where they can be part of a name.
    before: [u8; 2],
    backslashes: bool,
}

/// What the next byte belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Within {
    #[default]
    Nothing,
    /// Between quotes of this kind; whether backslashes escape, and whether the last byte was one that does.
    Quotes { quote: u8, backslashes: bool, escaped: bool },
    /// Right after a quote that may have been the last one.
    AfterQuote { quote: u8, backslashes: bool },
    /// After a dollar sign.
    Tag(Vec<u8>),
    /// Between dollar quotes with this delimiter, of which so many bytes have come again.
    Dollars(Vec<u8>, usize),
    /// In a comment up to the end of the line.
    Line,
    /// In comments as deep as this; and the last byte, if it can begin or end one.
    Comment(usize, u8),
}

impl Ends {
    /// For text in which backslashes escape in every string, or only where it says so.
    pub fn new(backslashes: bool) -> Self {
        Self { backslashes, ..Self::default() }
    }

    /// Takes the next piece, and adds to `ends` the places in it right after a semicolon that ends a statement.
    pub fn add(&mut self, piece: &[u8], ends: &mut Vec<usize>) {
        for (at, &byte) in piece.iter().enumerate() {
            if self.byte(byte) {
                ends.push(at + 1);
            }
        }
    }

    /// Whether the text may end here: no quote or comment is open.
    pub fn is_closed(&self) -> bool {
        matches!(self.within, Within::Nothing | Within::AfterQuote { .. } | Within::Line)
    }

    fn byte(&mut self, byte: u8) -> bool {
        match &mut self.within {
            Within::Nothing => return self.between(byte),
            Within::Quotes { escaped, .. } if *escaped => *escaped = false,
            Within::Quotes { backslashes: true, escaped, .. } if byte == b'\\' => *escaped = true,
            Within::Quotes { quote, backslashes, .. } if *quote == byte => {
                self.within = Within::AfterQuote { quote: byte, backslashes: *backslashes };
            }
            Within::Quotes { .. } => {}
            Within::AfterQuote { quote, backslashes } if *quote == byte => {
                self.within = Within::Quotes { quote: byte, backslashes: *backslashes, escaped: false };
            }
            Within::AfterQuote { .. } => return self.between(byte),
            Within::Tag(tag) => {
                tag.push(byte);
                if byte == b'$' {
                    self.within = Within::Dollars(std::mem::take(tag), 0);
                } else if !is_name_byte(byte) || byte.is_ascii_digit() && tag.len() == 2 {
                    return self.between(byte);
                }
            }
            Within::Dollars(delimiter, matched) => {
                *matched = match delimiter.get(*matched) {
                    Some(next) if *next == byte => *matched + 1,
                    _ => usize::from(byte == b'$'),
                };
                if *matched == delimiter.len() {
                    self.leave();
                }
            }
            Within::Line => {
                if byte == b'\n' {
                    self.leave();
                }
            }
            Within::Comment(depth, last) => {
                match (*last, byte) {
                    (b'/', b'*') => (*depth, *last) = (*depth + 1, 0),
                    (b'*', b'/') => (*depth, *last) = (*depth - 1, 0),
                    _ => *last = byte,
                }
                if *depth == 0 {
                    self.leave();
                }
            }
        }
        false
    }

    fn leave(&mut self) {
        (self.within, self.before) = (Within::Nothing, [0; 2]);
    }

    /// Outside of everything. Whether a statement ends here.
    fn between(&mut self, byte: u8) -> bool {
        self.within = Within::Nothing;
        let [earlier, last] = self.before;
        self.before = [last, byte];
        match byte {
            b'\'' => {
                let escapes = last.eq_ignore_ascii_case(&b'e') && !is_name_byte(earlier) || self.backslashes;
                self.within = Within::Quotes { quote: byte, backslashes: escapes, escaped: false };
            }
            b'"' => self.within = Within::Quotes { quote: byte, backslashes: false, escaped: false },
            b'$' if !is_name_byte(last) => self.within = Within::Tag(vec![b'$']),
            b'-' if last == b'-' => self.within = Within::Line,
            b'*' if last == b'/' => self.within = Within::Comment(1, 0),
            _ => {}
        }
        byte == b';'
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Token> {
        tokens(text, false).into_iter().map(|(token, _)| token).collect()
    }

    #[test]
    fn names_strings_and_the_rest() {
        let word = |text: &str| Token::Word(text.into());
        let text = |text: &str| Token::Text(text.into());
        assert_eq!(
            words("COPY \"a\"\"b\".c (x) -- no\n/* /* */ ; */ FROM stdin;"),
            [
                word("copy"),
                Token::Name("a\"b".into()),
                Token::Symbol('.'),
                word("c"),
                Token::Symbol('('),
                word("x"),
                Token::Symbol(')'),
                word("from"),
                word("stdin"),
                Token::Symbol(';'),
            ]
        );
        assert_eq!(words(r"'it''s\' E'it\'s' $$a;$$ $x$ $y$ $x$"), ["it's\\", "it's", "a;", " $y$ "].map(text));
        assert_eq!(words("1.5e3 $1"), [Token::Number("1.5e3".into()), Token::Symbol('$'), Token::Number("1".into())]);
        assert_eq!(words("U&\"a\" u&'b'"), [Token::Name("a".into()), text("b")]);
        assert_eq!(words("'open"), [text("open")]);
        assert_eq!(words("/* open"), []);
        let placed = tokens("a  'b' ", false);
        assert_eq!(placed.iter().map(|(_, at)| at.clone()).collect::<Vec<_>>(), [0..1, 3..6]);
    }

    /// Statements, found in pieces of every length.
    fn cut(text: &str, backslashes: bool) -> Vec<&str> {
        let mut found: Vec<Vec<usize>> = Vec::new();
        for length in 1..=text.len() {
            let (mut ends, mut all) = (Ends::new(backslashes), Vec::new());
            for (number, piece) in text.as_bytes().chunks(length).enumerate() {
                let mut here = Vec::new();
                ends.add(piece, &mut here);
                all.extend(here.into_iter().map(|at| number * length + at));
            }
            assert!(ends.is_closed(), "{text}");
            found.push(all);
        }
        found.dedup();
        assert_eq!(found.len(), 1, "{text}: depends on where it is cut");
        let mut from = 0;
        found[0].iter().map(|&end| &text[std::mem::replace(&mut from, end)..end]).collect()
    }

    #[test]
    fn statements_end_outside_of_quotes() {
        for one in [
            r"SELECT 'a;''b\';",
            r"SELECT E'a;\'b;''\\';",
            "SELECT \"a;\"\"b\";",
            "SELECT $$a;'b$$;",
            "SELECT $x$a;$y$;$x$;",
            "SELECT 1 -- a;'\n;",
            "SELECT /* a; /* ' */ ; */ 1;",
            "SELECT a$1, $1, x_e'b\\';",
            "SELECT $1$2;",
        ] {
            assert_eq!(cut(&one.repeat(2), false), [one, one]);
        }
        assert_eq!(cut(r"SELECT 'a\';';", true), [r"SELECT 'a\';';"]);
        let mut open = Ends::new(false);
        open.add(b"INSERT INTO t VALUES ('x;", &mut Vec::new());
        assert!(!open.is_closed());
    }
}
