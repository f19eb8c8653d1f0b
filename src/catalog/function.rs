//! Functions, window functions and procedures (`pg_proc`). Aggregates have a room of their own.

use super::query::{Query, expr, in_user_schema};
use super::setting::Setting;
use super::*;
use crate::error::{Error, Result};
use crate::sql;
use crate::sql::acl::AclKind;
use crate::sql::{DollarQuoted, Literal, join};
use crate::wire::session::Row;

/// A function or procedure.
#[derive(Clone, Debug)]
pub struct Function {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: QualName,
    /// Its privileges and owner.
    pub acl: Acl,
    /// Which sort of function it is.
    pub routine: Routine,
    /// Its arguments as `CREATE FUNCTION` has them, with defaults.
    pub arguments: Sql,
    /// Its arguments as they tell it from others of the same name.
    pub identity: Sql,
    /// The types of its input arguments, for people.
    pub types: String,
    /// What it returns; procedures return nothing.
    pub result: Option<Sql>,
    /// Its language.
    pub language: Ident,
    /// Its body.
    pub body: Body,
    /// Types whose transforms it uses.
    pub transforms: Vec<Sql>,
    /// `i`mmutable, `s`table or `v`olatile.
    pub volatility: char,
    /// `s`afe, `r`estricted or `u`nsafe in parallel plans.
    pub parallel: char,
    /// Whether NULL in means NULL out.
    pub strict: bool,
    /// Whether it runs as its owner.
    pub security_definer: bool,
    /// Whether it tells nothing of its arguments.
    pub leakproof: bool,
    /// What a call costs, in `cpu_operator_cost`.
    pub cost: f32,
    /// How many rows it returns, if it returns a set.
    pub rows: Option<f32>,
    /// Its planner support function.
    pub support: Option<Sql>,
    /// Settings that hold while it runs.
    pub settings: Vec<Setting>,
}

/// Sorts of functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routine {
    /// An ordinary function.
    Function,
    /// A window function.
    Window,
    /// A procedure.
    Procedure,
}

/// Where the text of a function is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// In the catalog, parsed: `RETURN ..` or `BEGIN ATOMIC .. END`.
    Parsed(Sql),
    /// In the catalog, as a string.
    Text(String),
    /// In a library.
    Library {
        /// The library's file.
        file: String,
        /// The name of the function in it.
        symbol: String,
    },
}

/// Users' functions, without those that came with a type (the constructors of a range).
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "p.oid"),
        expr("schema", "n.nspname::text"),
        expr("name", "p.proname::text"),
        expr("owner", "pg_get_userbyid(p.proowner)::text"),
        expr("acl", "p.proacl::text[]"),
        expr("acl_base", "acldefault('f', p.proowner)::text[]"),
        // Procedures came with it.
        expr("kind", "p.prokind::text").since(11, "CASE WHEN p.proiswindow THEN 'w' ELSE 'f' END::text"),
        expr("arguments", "pg_get_function_arguments(p.oid)"),
        expr("identity", "pg_get_function_identity_arguments(p.oid)"),
        expr("types", TYPES),
        expr("result", "CASE WHEN p.prokind <> 'p' THEN pg_get_function_result(p.oid) END")
            .since(11, "pg_get_function_result(p.oid)"),
        expr("language", "l.lanname::text"),
        expr("parsed", "pg_get_function_sqlbody(p.oid)").since(14, "NULL::text"),
        expr("library", "nullif(p.probin, '')"),
        expr("source", "p.prosrc"),
        expr(
            "transforms",
            "ARRAY(SELECT format_type(f.type, NULL) FROM unnest(p.protrftypes) WITH ORDINALITY AS f(type, n) ORDER BY f.n)",
        ),
        expr("volatility", "p.provolatile::text"),
        expr("parallel", "p.proparallel::text"),
        expr("strict", "p.proisstrict"),
        expr("security_definer", "p.prosecdef"),
        expr("leakproof", "p.proleakproof"),
        expr("cost", "p.procost"),
        expr("rows", "CASE WHEN p.proretset THEN p.prorows END"),
        // Before 12 there was protransform, which is no support function.
        expr("support", "nullif(p.prosupport::oid, 0)::regproc::text").since(12, "NULL::text"),
        expr("settings", "p.proconfig"),
    ],
    concat!(
        "FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
        WHERE NOT EXISTS (SELECT FROM pg_aggregate a WHERE a.aggfnoid = p.oid) AND NOT EXISTS (SELECT FROM pg_depend d
            WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i') AND ",
        in_user_schema!(),
        " ORDER BY n.nspname, p.proname, p.oid"
    ),
);

/// The types of the input arguments of `pg_proc p`.
pub(super) const TYPES: &str =
    "ARRAY(SELECT format_type(a.type, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS a(type, n) ORDER BY a.n)";

pub(super) fn decode(row: &Row) -> Result<Function> {
    let deparsed = |name| row.get::<Option<String>>(name).map(|text| text.map(Sql::deparsed));
    let text = |name| row.get::<String>(name).map(Sql::deparsed);
    let types: Vec<String> = row.get("types")?;
    let transforms: Vec<String> = row.get("transforms")?;
    let kind = letter(row, "kind")?;
    Ok(Function {
        id: ObjectId::new(Class::PROC, row.get("oid")?),
        name: QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?),
        acl: Acl::decode(row, AclKind::Function)?,
        routine: match kind {
            'f' => Routine::Function,
            'w' => Routine::Window,
            'p' => Routine::Procedure,
            _ => return Err(Error::malformed("cannot read a function").about(kind)),
        },
        arguments: text("arguments")?,
        identity: text("identity")?,
        types: types.join(", "),
        result: deparsed("result")?,
        language: Ident::new(row.get::<String>("language")?),
        body: decode_body(row)?,
        transforms: transforms.into_iter().map(Sql::deparsed).collect(),
        volatility: letter(row, "volatility")?,
        parallel: letter(row, "parallel")?,
        strict: row.get("strict")?,
        security_definer: row.get("security_definer")?,
        leakproof: row.get("leakproof")?,
        cost: row.get("cost")?,
        rows: row.get("rows")?,
        support: deparsed("support")?,
        settings: Setting::parse_all(row.get("settings")?)?,
    })
}

fn decode_body(row: &Row) -> Result<Body> {
    let source: String = row.get("source")?;
    Ok(match (row.get::<Option<String>>("parsed")?, row.get("library")?) {
        (Some(parsed), _) => Body::Parsed(Sql::deparsed(parsed)),
        (None, Some(file)) => Body::Library { file, symbol: source },
        (None, None) => Body::Text(source),
    })
}

/// A column of the server's type "char", read as text.
pub(super) fn letter(row: &Row, name: &str) -> Result<char> {
    let text: String = row.get(name)?;
    text.chars().next().ok_or_else(|| Error::malformed("cannot read a letter of the catalog").about(name))
}

impl Function {
    fn signature(&self) -> Sql {
        sql!("{} {}({})", self.kind().desc(), self.name, self.identity)
    }

    fn kind(&self) -> Kind {
        match self.routine {
            Routine::Procedure => Kind::Procedure,
            Routine::Function | Routine::Window => Kind::Function,
        }
    }

    /// What a call of a function costs unless it says otherwise (PostgreSQL, `src/backend/commands/functioncmds.c`).
    fn usual_cost(&self) -> f32 {
        if matches!(self.language.as_str(), "c" | "internal") { 1.0 } else { 100.0 }
    }

    /// The clauses between the signature and the body.
    fn clauses(&self) -> Sql {
        let mut out = sql!("LANGUAGE {}", self.language);
        if !self.transforms.is_empty() {
            out.push(&sql!(" TRANSFORM {}", join(self.transforms.iter().map(|t| sql!("FOR TYPE {}", t)), ", ")));
        }
        for (holds, word) in [
            (self.routine == Routine::Window, " WINDOW"),
            (self.volatility == 'i', " IMMUTABLE"),
            (self.volatility == 's', " STABLE"),
            (self.strict, " STRICT"),
            (self.security_definer, " SECURITY DEFINER"),
            (self.leakproof, " LEAKPROOF"),
        ] {
            if holds {
                out.push_str(word);
            }
        }
        // Zero would be refused; it means "as usual" in the catalog.
        if self.cost != 0.0 && self.cost != self.usual_cost() {
            out.push(&sql!(" COST {}", self.cost));
        }
        match self.rows {
            Some(rows) if rows != 0.0 && rows != 1000.0 => {
                out.push(&sql!(" ROWS {}", rows));
            }
            _ => {}
        }
        if let Some(support) = &self.support {
            out.push(&sql!(" SUPPORT {}", support));
        }
        match self.parallel {
            's' => out.push_str(" PARALLEL SAFE"),
            'r' => out.push_str(" PARALLEL RESTRICTED"),
            _ => &mut out,
        };
        for setting in &self.settings {
            out.push(&sql!("\n    SET {}", setting.assignment()));
        }
        out
    }

    fn create(&self) -> Sql {
        let mut out = sql!("CREATE {} {}({})", self.kind().desc(), self.name, self.arguments);
        if let Some(result) = &self.result {
            out.push(&sql!(" RETURNS {}", result));
        }
        out.push(&sql!("\n    {}\n    ", self.clauses()));
        match &self.body {
            Body::Parsed(parsed) => out.push(parsed),
            Body::Text(text) => out.push(&sql!("AS {}", DollarQuoted(text))),
            Body::Library { file, symbol } if symbol.is_empty() => out.push(&sql!("AS {}", Literal(file))),
            Body::Library { file, symbol } => out.push(&sql!("AS {}, {}", Literal(file), Literal(symbol))),
        };
        out
    }
}

impl Render for Function {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        self.signature()
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::Function
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.name.schema.as_str().to_owned(), format!("{}({})", self.name.name.as_str(), self.types))
    }

    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }

    fn draft(&self, _part: Part, _catalog: &Catalog, how: &Decisions) -> Option<Draft> {
        let signature = self.signature();
        let section = if how.postponed.contains(&self.id) { Section::PostData } else { Section::PreData };
        let create = vec![self.create()];
        let tag = format!("{}({})", self.name.name.as_str(), self.types);
        let mut draft = Draft::new(self.kind(), section, tag, create)
            .within(&self.name.schema)
            .owned_by(&self.acl.owner, signature.clone());
        draft.remove = Some(sql!("DROP {}", signature));
        Some(draft)
    }

    fn acl(&self) -> Option<&Acl> {
        Some(&self.acl)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, plain, texts};
    use super::*;

    fn function() -> Function {
        Function {
            id: ObjectId::new(Class::PROC, 1),
            name: QualName::new("s", "f"),
            acl: plain(AclKind::Function, "own"),
            routine: Routine::Function,
            arguments: Sql::constant("a integer DEFAULT 1"),
            identity: Sql::constant("a integer"),
            types: "integer".into(),
            result: Some(Sql::constant("integer")),
            language: "sql".into(),
            body: Body::Text("SELECT '$$', a".into()),
            transforms: vec![],
            volatility: 'v',
            parallel: 'u',
            strict: false,
            security_definer: false,
            leakproof: false,
            cost: 100.0,
            rows: None,
            support: None,
            settings: vec![],
        }
    }

    fn created(function: &Function) -> Vec<String> {
        let draft = function.draft(Part::Definition, &catalog(12), &Decisions::default()).unwrap();
        texts(&draft.create).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn the_usual_is_not_said() {
        let text = created(&function()).concat();
        assert_eq!(
            text,
            "CREATE FUNCTION \"s\".\"f\"(a integer DEFAULT 1) RETURNS integer\n    LANGUAGE \"sql\"\n    \
             AS $_0$SELECT '$$', a$_0$"
        );
    }

    #[test]
    fn everything_else_is() {
        let function = Function {
            routine: Routine::Window,
            language: "c".into(),
            body: Body::Library { file: "$libdir/x".into(), symbol: "f\\".into() },
            transforms: vec![Sql::constant("hstore"), Sql::constant("jsonb")],
            volatility: 'i',
            parallel: 's',
            strict: true,
            security_definer: true,
            leakproof: true,
            cost: 100.0,
            rows: Some(5.0),
            support: Some(Sql::constant("\"s\".\"help\"")),
            settings: vec![Setting::parse("search_path=\"\"").unwrap()],
            ..function()
        };
        assert_eq!(
            created(&function),
            [
                "CREATE FUNCTION \"s\".\"f\"(a integer DEFAULT 1) RETURNS integer\n    LANGUAGE \"c\" TRANSFORM FOR TYPE \
                 hstore, FOR TYPE jsonb WINDOW IMMUTABLE STRICT SECURITY DEFINER LEAKPROOF COST 100 ROWS 5 SUPPORT \
                 \"s\".\"help\" PARALLEL SAFE\n    SET \"search_path\" TO ''\n    AS '$libdir/x', E'f\\\\'",
            ]
        );
    }

    #[test]
    fn procedures_and_parsed_bodies() {
        let body = Body::Parsed(Sql::constant("BEGIN ATOMIC\n END"));
        let procedure = Function { routine: Routine::Procedure, result: None, body, ..function() };
        let text = created(&procedure).concat();
        assert!(text.starts_with("CREATE PROCEDURE") && text.ends_with("\n    BEGIN ATOMIC\n END"), "{text}");
        assert!(!text.contains("RETURNS"));
        assert_eq!(procedure.identity(&catalog(12)).as_str(), "PROCEDURE \"s\".\"f\"(a integer)");
    }

    #[test]
    fn what_waits_comes_after_the_data() {
        let mut how = Decisions::default();
        how.postponed.insert(function().id);
        assert_eq!(function().draft(Part::Definition, &catalog(12), &how).unwrap().section, Section::PostData);
    }
}
