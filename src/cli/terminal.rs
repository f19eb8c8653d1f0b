//! What is known about the terminal that standard error goes to.

/// How large a terminal is, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
}

impl Size {
    /// What terminals have had since the VT100, where nothing better is known.
    pub const USUAL: Self = Self { columns: 80, rows: 24 };

    /// The size of the terminal now.
    pub fn now() -> Self {
        match terminal_size::terminal_size_of(std::io::stderr()) {
            Some((columns, rows)) if columns.0 > 0 && rows.0 > 0 => {
                Self { columns: columns.0.into(), rows: rows.0.into() }
            }
            _ => Self::USUAL,
        }
    }
}
