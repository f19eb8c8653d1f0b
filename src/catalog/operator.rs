//! Operators (`pg_operator`).

use super::query::{Query, expr, in_user_schema};
use super::*;
use crate::error::{Error, Result};
use crate::sql;
use crate::sql::join;
use crate::wire::session::Row;

/// An operator.
#[derive(Clone, Debug)]
pub struct Operator {
    /// Which object this is.
    pub id: ObjectId,
    /// Its schema.
    pub schema: Ident,
    /// Its symbol.
    pub symbol: Symbol,
    /// Its owner.
    pub owner: Ident,
    /// What does it.
    pub function: Sql,
    /// The type on its left; a prefix operator has none.
    pub left: Option<Sql>,
    /// The type on its right; before 14 a postfix operator had none.
    pub right: Option<Sql>,
    /// The operator that gives the same with its sides exchanged: `OPERATOR(s.<<<)`.
    pub commutator: Option<Sql>,
    /// The operator that gives the opposite.
    pub negator: Option<Sql>,
    /// What estimates how many rows it keeps.
    pub restrict: Option<Sql>,
    /// What estimates how many pairs of rows it keeps.
    pub join: Option<Sql>,
    /// Whether hash joins can use it.
    pub hashes: bool,
    /// Whether merge joins can.
    pub merges: bool,
}

/// The characters of an operator: nothing else can stand where it stands
/// (documentation, "Lexical Structure", "Operators").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(Sql);

impl Symbol {
    fn new(text: &str) -> Result<Self> {
        if text.is_empty() || !text.chars().all(|c| "+-*/<>=~!@#%^&|`?".contains(c)) {
            return Err(Error::malformed("cannot read an operator: its name is none").about(text));
        }
        Ok(Self(Sql::deparsed(text)))
    }
}

/// How an operator is named where other operators may have its name: with `OPERATOR(..)`, in any expression.
macro_rules! operator_name {
    ($oid:literal) => {
        concat!(
            "(SELECT 'OPERATOR(' || quote_ident(s.nspname) || '.' || x.oprname || ')'
                FROM pg_operator x JOIN pg_namespace s ON s.oid = x.oprnamespace WHERE x.oid = ",
            $oid,
            ")"
        )
    };
}

/// All operators but those that were only named by another.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "o.oid"),
        expr("schema", "n.nspname::text"),
        expr("name", "o.oprname::text"),
        expr("owner", "pg_get_userbyid(o.oprowner)::text"),
        expr("function", "o.oprcode::text"),
        expr("left_type", "CASE WHEN o.oprleft <> 0 THEN format_type(o.oprleft, NULL) END"),
        expr("right_type", "CASE WHEN o.oprright <> 0 THEN format_type(o.oprright, NULL) END"),
        expr("commutator", operator_name!("o.oprcom")),
        expr("negator", operator_name!("o.oprnegate")),
        expr("restrict", "nullif(o.oprrest::oid, 0)::regproc::text"),
        expr("join_function", "nullif(o.oprjoin::oid, 0)::regproc::text"),
        expr("hashes", "o.oprcanhash"),
        expr("merges", "o.oprcanmerge"),
    ],
    concat!(
        "FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE o.oprcode <> 0 AND ",
        in_user_schema!(),
        " ORDER BY n.nspname, o.oprname, o.oid"
    ),
);

pub(super) fn decode(row: &Row) -> Result<Operator> {
    let optional = |name| row.get::<Option<String>>(name).map(|text| text.map(Sql::deparsed));
    Ok(Operator {
        id: ObjectId::new(Class::OPERATOR, row.get("oid")?),
        schema: Ident::new(row.get::<String>("schema")?),
        symbol: Symbol::new(&row.get::<String>("name")?)?,
        owner: Ident::new(row.get::<String>("owner")?),
        function: Sql::deparsed(row.get::<String>("function")?),
        left: optional("left_type")?,
        right: optional("right_type")?,
        commutator: optional("commutator")?,
        negator: optional("negator")?,
        restrict: optional("restrict")?,
        join: optional("join_function")?,
        hashes: row.get("hashes")?,
        merges: row.get("merges")?,
    })
}

impl Operator {
    /// What it is called, for people.
    pub fn label(&self) -> String {
        format!("operator {}.{} ({})", self.schema.as_str(), self.symbol.0, self.sides())
    }

    /// The types of both sides, for people.
    fn sides(&self) -> Sql {
        let none = Sql::constant("NONE");
        sql!("{}, {}", self.left.as_ref().unwrap_or(&none), self.right.as_ref().unwrap_or(&none))
    }
}

impl Render for Operator {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("OPERATOR {}.{} ({})", self.schema, self.symbol.0, self.sides())
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::Operator
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.schema.as_str().to_owned(), format!("{} {}", self.symbol.0.as_str(), self.sides().as_str()))
    }

    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let mut options = vec![sql!("FUNCTION = {}", self.function)];
        for (word, value) in [
            ("LEFTARG", &self.left),
            ("RIGHTARG", &self.right),
            ("COMMUTATOR", &self.commutator),
            ("NEGATOR", &self.negator),
            ("RESTRICT", &self.restrict),
            ("JOIN", &self.join),
        ] {
            options.extend(value.as_ref().map(|value| sql!("{} = {}", word, value)));
        }
        options.extend(self.merges.then(|| Sql::constant("MERGES")));
        options.extend(self.hashes.then(|| Sql::constant("HASHES")));
        let create = sql!("CREATE OPERATOR {}.{} (\n    {}\n)", self.schema, self.symbol.0, join(options, ",\n    "));
        let identity = self.identity(catalog);
        let mut draft = Draft::new(Kind::Operator, Section::PreData, self.symbol.0.as_str(), vec![create])
            .within(&self.schema)
            .owned_by(&self.owner, identity.clone());
        draft.remove = Some(sql!("DROP {}", identity));
        Some(draft)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, texts};
    use super::*;

    #[test]
    fn every_option() {
        let named = |text: &'static str| Some(Sql::constant(text));
        let operator = Operator {
            id: ObjectId::new(Class::OPERATOR, 20_000),
            schema: "s".into(),
            symbol: Symbol::new("<<<").unwrap(),
            owner: "own".into(),
            function: Sql::constant("\"s\".\"less\""),
            left: None,
            right: named("integer"),
            commutator: named("OPERATOR(s.>>>)"),
            negator: None,
            restrict: named("scalarltsel"),
            join: None,
            hashes: true,
            merges: true,
        };
        let draft = operator.draft(Part::Definition, &catalog(15), &Decisions::default()).unwrap();
        let expected = "CREATE OPERATOR \"s\".<<< (\n    FUNCTION = \"s\".\"less\",\n    RIGHTARG = integer,\n    \
            COMMUTATOR = OPERATOR(s.>>>),\n    RESTRICT = scalarltsel,\n    MERGES,\n    HASHES\n)";
        assert_eq!(texts(&draft.create), [expected]);
        assert_eq!(operator.identity(&catalog(15)).as_str(), "OPERATOR \"s\".<<< (NONE, integer)");
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        for text in ["", "a", "<;", "--x", "< <"] {
            assert!(Symbol::new(text).is_err(), "{text}");
        }
    }
}
