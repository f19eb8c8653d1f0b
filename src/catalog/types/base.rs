//! Base types: those that functions read and write. These functions need the type first, if only declared, and the type
//! needs the functions; see [`Part::Shell`].

use super::*;
use crate::catalog::function::letter;
use crate::catalog::query::Column;
use crate::sql::{Literal, join};

/// A base type.
#[derive(Clone, Debug)]
pub struct Base {
    /// Bytes of a value; -1 where they vary.
    pub length: i16,
    /// Its functions, by the names that `CREATE TYPE` has for them.
    pub functions: Vec<(&'static str, Sql)>,
    /// What a column has unless it says otherwise: an expression, or the text of a value.
    pub default: Option<Default>,
    /// What its elements are, if it can be subscripted like an array.
    pub element: Option<Sql>,
    /// The category that it counts to (`typcategory`).
    pub category: char,
    /// Whether it is its category's preferred type.
    pub preferred: bool,
    /// What stands between its values in the text of an array.
    pub delimiter: char,
    /// `c`har, `s`hort, `i`nt or `d`ouble.
    pub alignment: char,
    /// `p`lain, `e`xternal, `m`ain or e`x`tended.
    pub storage: char,
    /// Whether it is passed by value.
    pub by_value: bool,
    /// Whether it has collations.
    pub collatable: bool,
}

/// A type's default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Default {
    /// An expression.
    Expression(Sql),
    /// The text of a value.
    Text(String),
}

/// The functions of a type as an array of names, in the order of [`FUNCTION_NAMES`]; empty where there is none. Those for
/// subscripts came with 14.
pub(super) const FUNCTIONS: Column = expr(
    "functions",
    "ARRAY(SELECT CASE WHEN f.oid = 0 THEN '' ELSE f.oid::regproc::text END FROM unnest(ARRAY[t.typinput::oid, t.typoutput,
        t.typreceive, t.typsend, t.typmodin, t.typmodout, t.typanalyze, t.typsubscript]) WITH ORDINALITY AS f(oid, n) ORDER BY f.n)",
)
.since(
    14,
    "ARRAY(SELECT CASE WHEN f.oid = 0 THEN '' ELSE f.oid::regproc::text END FROM unnest(ARRAY[t.typinput::oid, t.typoutput,
        t.typreceive, t.typsend, t.typmodin, t.typmodout, t.typanalyze]) WITH ORDINALITY AS f(oid, n) ORDER BY f.n)",
);

const FUNCTION_NAMES: [&str; 8] =
    ["INPUT", "OUTPUT", "RECEIVE", "SEND", "TYPMOD_IN", "TYPMOD_OUT", "ANALYZE", "SUBSCRIPT"];

pub(super) const LENGTH: Column = expr("length", "t.typlen");
pub(super) const DEFAULT_EXPRESSION: Column = expr("default_expression", "pg_get_expr(t.typdefaultbin, 0)");
pub(super) const DEFAULT_TEXT: Column = expr("default_text", "t.typdefault");
pub(super) const ELEMENT: Column = expr("element", "CASE WHEN t.typelem <> 0 THEN format_type(t.typelem, NULL) END");
pub(super) const CATEGORY: Column = expr("category", "t.typcategory::text");
pub(super) const PREFERRED: Column = expr("preferred", "t.typispreferred");
pub(super) const DELIMITER: Column = expr("delimiter", "t.typdelim::text");
pub(super) const ALIGNMENT: Column = expr("alignment", "t.typalign::text");
pub(super) const STORAGE: Column = expr("storage", "t.typstorage::text");
pub(super) const BY_VALUE: Column = expr("by_value", "t.typbyval");
pub(super) const COLLATABLE: Column = expr("collatable", "t.typcollation <> 0");

pub(super) fn decode(row: &Row) -> Result<Base> {
    let functions: Vec<String> = row.get("functions")?;
    let functions = FUNCTION_NAMES.into_iter().zip(functions).filter(|(_, function)| !function.is_empty());
    let (expression, text): (Option<String>, Option<String>) =
        (row.get("default_expression")?, row.get("default_text")?);
    Ok(Base {
        length: row.get("length")?,
        functions: functions.map(|(name, function)| (name, Sql::deparsed(function))).collect(),
        default: expression.map(|sql| Default::Expression(Sql::deparsed(sql))).or(text.map(Default::Text)),
        element: row.get::<Option<String>>("element")?.map(Sql::deparsed),
        category: letter(row, "category")?,
        preferred: row.get("preferred")?,
        delimiter: letter(row, "delimiter")?,
        alignment: letter(row, "alignment")?,
        storage: letter(row, "storage")?,
        by_value: row.get("by_value")?,
        collatable: row.get("collatable")?,
    })
}

impl Base {
    pub(super) fn definition(&self) -> Sql {
        let mut options = vec![match self.length {
            -1 => Sql::constant("INTERNALLENGTH = VARIABLE"),
            length => sql!("INTERNALLENGTH = {}", length),
        }];
        options.extend(self.functions.iter().map(|(name, function)| sql!("{} = {}", *name, function)));
        match &self.default {
            Some(Default::Expression(expression)) => options.push(sql!("DEFAULT = {}", expression)),
            Some(Default::Text(text)) => options.push(sql!("DEFAULT = {}", Literal(text))),
            None => {}
        }
        options.extend(self.element.as_ref().map(|element| sql!("ELEMENT = {}", element)));
        let mut of_letter = |name: &'static str, letter: char, usual: char| {
            if letter != usual {
                options.push(sql!("{} = {}", name, Literal(letter.encode_utf8(&mut [0; 4]))));
            }
        };
        of_letter("CATEGORY", self.category, 'U');
        of_letter("DELIMITER", self.delimiter, ',');
        for (holds, option) in [
            (self.preferred, "PREFERRED = true"),
            (self.alignment == 'c', "ALIGNMENT = char"),
            (self.alignment == 's', "ALIGNMENT = int2"),
            (self.alignment == 'd', "ALIGNMENT = double"),
            (self.storage == 'e', "STORAGE = external"),
            (self.storage == 'm', "STORAGE = main"),
            (self.storage == 'x', "STORAGE = extended"),
            (self.by_value, "PASSEDBYVALUE"),
            (self.collatable, "COLLATABLE = true"),
        ] {
            if holds {
                options.push(Sql::constant(option));
            }
        }
        sql!("(\n    {}\n)", join(options, ",\n    "))
    }
}
