//! In which form the rows of each table cross.

use crate::toc::{BinaryForm, Data, RowForm, Rows, Toc};

/// What a user wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Binary form where it saves the servers work.
    #[default]
    Auto,
    /// Text form.
    Text,
    /// Binary form wherever it can be.
    Binary,
}

impl Format {
    /// Decides for every table.
    pub fn decide(self, toc: &mut Toc) {
        for entry in toc.entries_mut() {
            if let Some(Data::Rows(rows)) = &mut entry.data {
                rows.form = self.form(rows);
            }
        }
    }

    fn form(self, rows: &Rows) -> RowForm {
        let is_binary = match self {
            Self::Auto => rows.binary == BinaryForm::Pays,
            Self::Text => false,
            Self::Binary => rows.binary >= BinaryForm::Safe,
        };
        if is_binary { RowForm::Binary } else { RowForm::Text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::QualName;

    #[test]
    fn what_is_not_safe_stays_text() {
        let form = |format: Format, binary| format.form(&Rows { binary, ..Rows::of(QualName::new("s", "t"), vec![]) });
        use BinaryForm::{Pays, Safe, Unsafe};
        use RowForm::{Binary, Text};
        assert_eq!([Unsafe, Safe, Pays].map(|binary| form(Format::Auto, binary)), [Text, Text, Binary]);
        assert_eq!([Unsafe, Safe, Pays].map(|binary| form(Format::Binary, binary)), [Text, Binary, Binary]);
        assert_eq!([Unsafe, Safe, Pays].map(|binary| form(Format::Text, binary)), [Text, Text, Text]);
    }
}
