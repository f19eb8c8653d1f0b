//! Aggregates (`pg_aggregate`, `pg_proc`).

use super::function::{TYPES, letter};
use super::query::{Query, expr, in_user_schema};
use super::*;
use crate::error::Result;
use crate::sql;
use crate::sql::acl::AclKind;
use crate::sql::{Literal, join};
use crate::wire::session::Row;

/// An aggregate.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: QualName,
    /// Its privileges and owner.
    pub acl: Acl,
    /// `n`ormal, `o`rdered-set or `h`ypothetical-set.
    pub kind: char,
    /// Its arguments as `CREATE AGGREGATE` has them.
    pub arguments: Sql,
    /// Its arguments as they tell it from others of the same name.
    pub identity: Sql,
    /// The types of all its arguments, those of `ORDER BY` included.
    pub types: Vec<Sql>,
    /// How values are gathered.
    pub plain: State,
    /// How they are gathered over a moving window.
    pub moving: Option<State>,
    /// Joins two states.
    pub combine: Option<Sql>,
    /// Writes a state as bytes.
    pub serial: Option<Sql>,
    /// Reads a state from bytes.
    pub deserial: Option<Sql>,
    /// The operator that an index can take its place by.
    pub sort_operator: Option<Sql>,
    /// `s`afe, `r`estricted or `u`nsafe in parallel plans.
    pub parallel: char,
}

/// How an aggregate gathers values.
#[derive(Clone, Debug)]
pub struct State {
    /// Takes a value in.
    pub step: Sql,
    /// Takes one out again; only over a moving window.
    pub inverse: Option<Sql>,
    /// The state's type.
    pub state: Sql,
    /// The state's size in bytes; 0 where that is not known.
    pub space: i32,
    /// What it starts with.
    pub initial: Option<String>,
    /// Gives the result.
    pub last: Option<Sql>,
    /// Whether that is called with the aggregate's arguments too.
    pub extra: bool,
    /// What that does to the state: `r`eads it, `s`haring is possible, `w`rites it.
    pub modify: char,
}

/// What final functions did to the state before 11 knew of it (`src/backend/catalog/pg_aggregate.c`, `AggregateCreate`).
const MODIFY_10: &str = "CASE a.aggkind WHEN 'n' THEN 'r' ELSE 'w' END::text";

pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "p.oid"),
        expr("schema", "n.nspname::text"),
        expr("name", "p.proname::text"),
        expr("owner", "pg_get_userbyid(p.proowner)::text"),
        expr("acl", "p.proacl::text[]"),
        expr("acl_base", "acldefault('f', p.proowner)::text[]"),
        expr("kind", "a.aggkind::text"),
        expr("arguments", "pg_get_function_arguments(p.oid)"),
        expr("identity", "pg_get_function_identity_arguments(p.oid)"),
        expr("types", TYPES),
        expr("step", "a.aggtransfn::regproc::text"),
        expr("inverse", "NULL::text"),
        expr("state", "format_type(a.aggtranstype, NULL)"),
        expr("space", "a.aggtransspace"),
        expr("initial", "a.agginitval"),
        expr("last", "nullif(a.aggfinalfn::oid, 0)::regproc::text"),
        expr("extra", "a.aggfinalextra"),
        expr("modify", "a.aggfinalmodify::text").since(11, MODIFY_10),
        expr("moving_step", "nullif(a.aggmtransfn::oid, 0)::regproc::text"),
        expr("moving_inverse", "nullif(a.aggminvtransfn::oid, 0)::regproc::text"),
        expr("moving_state", "format_type(a.aggmtranstype, NULL)"),
        expr("moving_space", "a.aggmtransspace"),
        expr("moving_initial", "a.aggminitval"),
        expr("moving_last", "nullif(a.aggmfinalfn::oid, 0)::regproc::text"),
        expr("moving_extra", "a.aggmfinalextra"),
        expr("moving_modify", "a.aggmfinalmodify::text").since(11, MODIFY_10),
        expr("combine", "nullif(a.aggcombinefn::oid, 0)::regproc::text"),
        expr("serial", "nullif(a.aggserialfn::oid, 0)::regproc::text"),
        expr("deserial", "nullif(a.aggdeserialfn::oid, 0)::regproc::text"),
        expr(
            "sort_operator",
            "(SELECT 'OPERATOR(' || quote_ident(s.nspname) || '.' || o.oprname || ')'
                FROM pg_operator o JOIN pg_namespace s ON s.oid = o.oprnamespace WHERE o.oid = a.aggsortop)",
        ),
        expr("parallel", "p.proparallel::text"),
    ],
    concat!(
        "FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ",
        in_user_schema!(),
        " ORDER BY n.nspname, p.proname, p.oid"
    ),
);

pub(super) fn decode(row: &Row) -> Result<Aggregate> {
    let text = |name| row.get::<String>(name).map(Sql::deparsed);
    let optional = |name| row.get::<Option<String>>(name).map(|text| text.map(Sql::deparsed));
    let types: Vec<String> = row.get("types")?;
    let moving = match optional("moving_step")? {
        Some(step) => Some(State {
            step,
            inverse: optional("moving_inverse")?,
            state: text("moving_state")?,
            space: row.get("moving_space")?,
            initial: row.get("moving_initial")?,
            last: optional("moving_last")?,
            extra: row.get("moving_extra")?,
            modify: letter(row, "moving_modify")?,
        }),
        None => None,
    };
    Ok(Aggregate {
        id: ObjectId::new(Class::PROC, row.get("oid")?),
        name: QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?),
        acl: Acl::decode(row, AclKind::Function)?,
        kind: letter(row, "kind")?,
        arguments: text("arguments")?,
        identity: text("identity")?,
        types: types.into_iter().map(Sql::deparsed).collect(),
        plain: State {
            step: text("step")?,
            inverse: None,
            state: text("state")?,
            space: row.get("space")?,
            initial: row.get("initial")?,
            last: optional("last")?,
            extra: row.get("extra")?,
            modify: letter(row, "modify")?,
        },
        moving,
        combine: optional("combine")?,
        serial: optional("serial")?,
        deserial: optional("deserial")?,
        sort_operator: optional("sort_operator")?,
        parallel: letter(row, "parallel")?,
    })
}

/// The names that the parameters of [`State`] have, for the plain one and for the moving one.
struct Words {
    step: &'static str,
    state: &'static str,
    space: &'static str,
    initial: &'static str,
    last: &'static str,
}

const PLAIN: Words = Words { step: "SFUNC", state: "STYPE", space: "SSPACE", initial: "INITCOND", last: "FINALFUNC" };
const MOVING: Words =
    Words { step: "MSFUNC", state: "MSTYPE", space: "MSSPACE", initial: "MINITCOND", last: "MFINALFUNC" };

impl State {
    fn parameters(&self, words: &Words, usual_modify: char, out: &mut Vec<Sql>) {
        out.push(sql!("{} = {}", words.step, self.step));
        if let Some(inverse) = &self.inverse {
            out.push(sql!("MINVFUNC = {}", inverse));
        }
        out.push(sql!("{} = {}", words.state, self.state));
        if self.space != 0 {
            out.push(sql!("{} = {}", words.space, self.space));
        }
        if let Some(initial) = &self.initial {
            out.push(sql!("{} = {}", words.initial, Literal(initial)));
        }
        let Some(last) = &self.last else { return };
        out.push(sql!("{} = {}", words.last, last));
        if self.extra {
            out.push(sql!("{}_EXTRA", words.last));
        }
        if self.modify != usual_modify {
            let modify = match self.modify {
                'r' => "READ_ONLY",
                's' => "SHAREABLE",
                _ => "READ_WRITE",
            };
            out.push(sql!("{}_MODIFY = {}", words.last, modify));
        }
    }
}

impl Aggregate {
    fn signature(&self, arguments: &Sql) -> Sql {
        if arguments.is_empty() { sql!("{}(*)", self.name) } else { sql!("{}({})", self.name, arguments) }
    }

    fn tag(&self) -> String {
        let types = if self.types.is_empty() { Sql::constant("*") } else { join(&self.types, ", ") };
        format!("{}({types})", self.name.name.as_str())
    }

    fn parameters(&self) -> Sql {
        // An ordered-set aggregate's final function may change the state unless it says otherwise.
        let usual_modify = if self.kind == 'n' { 'r' } else { 'w' };
        let mut out = Vec::new();
        self.plain.parameters(&PLAIN, usual_modify, &mut out);
        for (word, function) in
            [("COMBINEFUNC", &self.combine), ("SERIALFUNC", &self.serial), ("DESERIALFUNC", &self.deserial)]
        {
            out.extend(function.iter().map(|function| sql!("{} = {}", word, function)));
        }
        if let Some(moving) = &self.moving {
            moving.parameters(&MOVING, usual_modify, &mut out);
        }
        out.extend(self.sort_operator.iter().map(|operator| sql!("SORTOP = {}", operator)));
        if self.kind == 'h' {
            out.push(Sql::constant("HYPOTHETICAL"));
        }
        match self.parallel {
            's' => out.push(Sql::constant("PARALLEL = safe")),
            'r' => out.push(Sql::constant("PARALLEL = restricted")),
            _ => {}
        }
        join(out, ",\n    ")
    }
}

impl Render for Aggregate {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("AGGREGATE {}", self.signature(&self.identity))
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::Aggregate
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.name.schema.as_str().to_owned(), self.tag())
    }

    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let identity = self.identity(catalog);
        let create = sql!("CREATE AGGREGATE {} (\n    {}\n)", self.signature(&self.arguments), self.parameters());
        let mut draft = Draft::new(Kind::Aggregate, Section::PreData, self.tag(), vec![create])
            .within(&self.name.schema)
            .owned_by(&self.acl.owner, identity.clone());
        draft.remove = Some(sql!("DROP {}", identity));
        Some(draft)
    }

    fn acl(&self) -> Option<&Acl> {
        Some(&self.acl)
    }

    fn grant_target(&self, _catalog: &Catalog) -> Sql {
        sql!("FUNCTION {}({})", self.name, join(&self.types, ", "))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, plain, texts};
    use super::*;

    fn state() -> State {
        State {
            step: Sql::constant("\"s\".\"add\""),
            inverse: None,
            state: Sql::constant("bigint"),
            space: 0,
            initial: None,
            last: None,
            extra: false,
            modify: 'r',
        }
    }

    fn aggregate() -> Aggregate {
        Aggregate {
            id: ObjectId::new(Class::PROC, 1),
            name: QualName::new("s", "a"),
            acl: plain(AclKind::Function, "own"),
            kind: 'n',
            arguments: Sql::default(),
            identity: Sql::default(),
            types: vec![],
            plain: state(),
            moving: None,
            combine: None,
            serial: None,
            deserial: None,
            sort_operator: None,
            parallel: 'u',
        }
    }

    fn created(aggregate: &Aggregate) -> String {
        let draft = aggregate.draft(Part::Definition, &catalog(12), &Decisions::default()).unwrap();
        texts(&draft.create).concat()
    }

    #[test]
    fn one_without_arguments_takes_a_star() {
        let catalog = catalog(12);
        assert_eq!(
            created(&aggregate()),
            "CREATE AGGREGATE \"s\".\"a\"(*) (\n    SFUNC = \"s\".\"add\",\n    STYPE = bigint\n)"
        );
        assert_eq!(aggregate().identity(&catalog).as_str(), "AGGREGATE \"s\".\"a\"(*)");
        assert_eq!(aggregate().grant_target(&catalog).as_str(), "FUNCTION \"s\".\"a\"()");
        assert_eq!(aggregate().tag(), "a(*)");
    }

    #[test]
    fn everything_is_said() {
        let last = Some(Sql::constant("\"s\".\"fin\""));
        let moving = State { inverse: Some(Sql::constant("inv")), last: last.clone(), modify: 'w', ..state() };
        let full = Aggregate {
            kind: 'h',
            arguments: Sql::constant("integer ORDER BY integer"),
            identity: Sql::constant("integer ORDER BY integer"),
            types: vec![Sql::constant("integer"), Sql::constant("integer")],
            plain: State { space: 4, initial: Some("it's".into()), last, extra: true, modify: 's', ..state() },
            moving: Some(moving),
            combine: Some(Sql::constant("c")),
            serial: Some(Sql::constant("se")),
            deserial: Some(Sql::constant("de")),
            sort_operator: Some(Sql::constant("OPERATOR(\"s\".<)")),
            parallel: 'r',
            ..aggregate()
        };
        let text = created(&full).replace("\n    ", " ");
        assert_eq!(
            text,
            "CREATE AGGREGATE \"s\".\"a\"(integer ORDER BY integer) ( SFUNC = \"s\".\"add\", STYPE = bigint, SSPACE = 4, \
             INITCOND = 'it''s', FINALFUNC = \"s\".\"fin\", FINALFUNC_EXTRA, FINALFUNC_MODIFY = SHAREABLE, COMBINEFUNC = c, \
             SERIALFUNC = se, DESERIALFUNC = de, MSFUNC = \"s\".\"add\", MINVFUNC = inv, MSTYPE = bigint, \
             MFINALFUNC = \"s\".\"fin\", SORTOP = OPERATOR(\"s\".<), HYPOTHETICAL, PARALLEL = restricted\n)"
        );
        assert_eq!(full.grant_target(&catalog(12)).as_str(), "FUNCTION \"s\".\"a\"(integer, integer)");
    }
}
