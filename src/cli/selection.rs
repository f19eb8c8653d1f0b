//! Options that say what of a database is wanted: the same for every command that reads one, with pg_dump's names and
//! pg_dump's meaning.

use clap::{Args, ValueEnum};

use crate::error::Result;
use crate::ops::{Content, Pattern, Selection};
use crate::toc;

/// What of a database is wanted.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Selection (patterns are those of pg_dump, and can be given several times)")]
pub struct SelectionArgs {
    /// Only these schemas, with what is in them; nothing that is in no schema, such as extensions
    #[arg(short = 'n', long = "schema", value_name = "PATTERN")]
    pub schemas: Vec<String>,

    /// Not these schemas
    #[arg(short = 'N', long = "exclude-schema", value_name = "PATTERN")]
    pub exclude_schemas: Vec<String>,

    /// Only these tables, views and sequences, with their indexes, constraints and triggers; nothing else, whatever
    /// --schema says
    #[arg(short = 't', long = "table", value_name = "PATTERN")]
    pub tables: Vec<String>,

    /// Not these tables, views and sequences
    #[arg(short = 'T', long = "exclude-table", value_name = "PATTERN")]
    pub exclude_tables: Vec<String>,

    /// Not the rows of these tables, the contents of these materialized views, the states of these sequences
    #[arg(long = "exclude-table-data", value_name = "PATTERN")]
    pub exclude_table_data: Vec<String>,

    /// Only definitions: no rows, large objects or states of sequences
    #[arg(short = 's', long, conflicts_with = "data_only")]
    pub schema_only: bool,

    /// Only rows, large objects and states of sequences
    #[arg(short = 'a', long)]
    pub data_only: bool,

    /// Only this part
    #[arg(long = "section", value_enum, value_name = "SECTION")]
    pub sections: Vec<Section>,

    /// Objects belong to whoever makes them, not to their owners
    #[arg(short = 'O', long)]
    pub no_owner: bool,

    /// Nothing is granted or revoked
    #[arg(short = 'x', long, alias = "no-acl")]
    pub no_privileges: bool,
}

/// `--section`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Section {
    /// What rows need to exist
    PreData,
    /// Rows, large objects, states of sequences
    Data,
    /// Indexes, constraints, triggers, rules
    PostData,
}

impl Section {
    const fn meant(self) -> toc::Section {
        match self {
            Self::PreData => toc::Section::PreData,
            Self::Data => toc::Section::Data,
            Self::PostData => toc::Section::PostData,
        }
    }
}

impl SelectionArgs {
    /// What they ask for.
    ///
    /// # Errors
    ///
    /// `Usage` if a pattern makes no sense.
    pub fn resolve(&self) -> Result<Selection> {
        let schemas = |texts: &[String]| texts.iter().map(|text| Pattern::of_schemas(text)).collect::<Result<_>>();
        let relations = |texts: &[String]| texts.iter().map(|text| Pattern::of_relations(text)).collect::<Result<_>>();
        let left_out = |section: &&Section| !self.sections.is_empty() && !self.sections.contains(section);
        Ok(Selection {
            schemas: schemas(&self.schemas)?,
            exclude_schemas: schemas(&self.exclude_schemas)?,
            tables: relations(&self.tables)?,
            exclude_tables: relations(&self.exclude_tables)?,
            exclude_table_data: relations(&self.exclude_table_data)?,
            content: match (self.schema_only, self.data_only) {
                (true, _) => Content::Schema,
                (_, true) => Content::Data,
                _ => Content::All,
            },
            exclude_sections: Section::value_variants()
                .iter()
                .filter(left_out)
                .map(|section| section.meant())
                .collect(),
            no_owner: self.no_owner,
            no_privileges: self.no_privileges,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_that_are_not_named_are_left_out() {
        let none = SelectionArgs::default().resolve().unwrap();
        assert_eq!(none, Selection::default());
        let args = SelectionArgs { sections: vec![Section::Data, Section::PreData], ..SelectionArgs::default() };
        assert_eq!(args.resolve().unwrap().exclude_sections, [toc::Section::PostData].into());
    }

    #[test]
    fn patterns_have_to_make_sense() {
        let args = SelectionArgs { schemas: vec!["a.b".into()], ..SelectionArgs::default() };
        assert!(args.resolve().is_err());
    }
}
