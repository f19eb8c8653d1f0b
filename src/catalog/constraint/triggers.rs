//! The state of the triggers that serve foreign keys and deferrable keys (`pg_trigger.tgenabled`).
//!
//! `ALTER TABLE .. DISABLE TRIGGER ALL` reaches them, `.. ENABLE REPLICA TRIGGER` does by name. pg_dump loses their state.
//! The server names them after their OIDs, so that another server has other names: there a block of code finds each by its
//! table, its constraint and the function that it calls. A foreign key on or to a partitioned table has more of them on
//! every partition (since 15 on the partitioned table as well), under constraints of their own that are its clones.

use std::collections::HashMap;

use super::Constraint;
use crate::catalog::query::{Query, expr};
use crate::catalog::rule::enabled;
use crate::catalog::{Catalog, Object, Presence};
use crate::error::Result;
use crate::sql;
use crate::sql::{DollarQuoted, Literal, QualName, Sql, join};
use crate::wire::session::Row;

/// The triggers of constraints that are not in the usual state, each with the constraint that is no clone (there were none
/// before 11).
pub(in crate::catalog) const QUERY: Query = Query::of(
    &[
        expr("oid", "u.oid"),
        expr("schema", "n.nspname::text"),
        expr("relation_name", "c.relname::text"),
        expr("function", "p.proname::text"),
        expr("enabled", "g.tgenabled::text"),
    ],
    "FROM (WITH RECURSIVE up (served_by, oid, above) AS (
            SELECT g.oid, k.oid, CASE WHEN k.contype = 'f' THEN coalesce((to_jsonb(k) ->> 'conparentid')::oid, 0) ELSE 0 END
            FROM pg_trigger g JOIN pg_constraint k ON k.oid = g.tgconstraint
            WHERE g.tgisinternal AND g.tgenabled <> 'O' AND k.contype IN ('f', 'p', 'u', 'x')
            UNION ALL
            SELECT u.served_by, k.oid, (to_jsonb(k) ->> 'conparentid')::oid FROM up u JOIN pg_constraint k ON k.oid = u.above
        ) SELECT served_by, oid FROM up WHERE above = 0) u
        JOIN pg_trigger g ON g.oid = u.served_by JOIN pg_proc p ON p.oid = g.tgfoid
        JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        ORDER BY u.oid, n.nspname, c.relname, p.proname",
);

/// What one trigger of a constraint is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The table that it is on.
    pub on: QualName,
    /// The function that it calls, in `pg_catalog`: one trigger of a constraint and table for each.
    pub function: String,
    /// When it fires: what follows `ALTER TABLE t` and precedes `TRIGGER`.
    pub enabled: &'static str,
}

/// One row of [`QUERY`]: the constraint (OID) and the state of one of its triggers.
///
/// # Errors
/// If the row is not what the query promises.
pub(in crate::catalog) fn decode(row: &Row) -> Result<(u32, State)> {
    let on = QualName::new(row.get::<String>("schema")?, row.get::<String>("relation_name")?);
    let state = enabled(&row.get::<String>("enabled")?).map_err(|error| error.about(on.label()))?;
    Ok((row.get("oid")?, State { on, function: row.get("function")?, enabled: state.unwrap_or("ENABLE") }))
}

/// Gives the constraints the states of their triggers.
pub(in crate::catalog) fn assemble(constraints: &mut [Constraint], states: Vec<(u32, State)>) {
    let mut of: HashMap<u32, Vec<State>> = HashMap::new();
    for (constraint, state) in states {
        of.entry(constraint).or_default().push(state);
    }
    for constraint in constraints {
        constraint.triggers = of.remove(&constraint.id.oid).unwrap_or_default();
    }
}

/// The statement that sets the triggers of a constraint; `None` where all are in the usual state, or where there is no
/// language for it ([`is_lost`]).
pub(super) fn set(constraint: &Constraint, catalog: &Catalog) -> Option<Sql> {
    if constraint.triggers.is_empty() || is_lost(constraint, catalog) {
        return None;
    }
    let wanted = constraint.triggers.iter().map(|state| {
        sql!("({}, {}, {})", Literal(&state.on.to_string()), Literal(&state.function), Literal(state.enabled))
    });
    let table = constraint.on.to_string();
    let body = sql!(
        "DECLARE statement text;
BEGIN
  FOR statement IN
    WITH RECURSIVE family AS (
      SELECT k.oid FROM pg_catalog.pg_constraint k
      WHERE k.conrelid = {}::pg_catalog.regclass AND k.conname = {}
      UNION ALL SELECT k.oid FROM pg_catalog.pg_constraint k JOIN family f ON k.conparentid = f.oid)
    SELECT pg_catalog.format('ALTER TABLE ONLY %s %s TRIGGER %I', w.relation, w.enabled, g.tgname)
    FROM (VALUES {}) AS w (relation, function, enabled)
    JOIN pg_catalog.pg_trigger g ON g.tgrelid = w.relation::pg_catalog.regclass AND g.tgisinternal
    JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid AND p.proname = w.function
    WHERE g.tgconstraint IN (SELECT oid FROM family)
  LOOP
    EXECUTE statement;
  END LOOP;
END",
        Literal(&table),
        Literal(constraint.name.as_str()),
        join(wanted, ", ")
    );
    Some(sql!("DO LANGUAGE plpgsql {}", DollarQuoted(body.as_str())))
}

/// Whether the state of its triggers cannot be carried: the language that would set it was dropped.
pub(in crate::catalog) fn is_lost(constraint: &Constraint, catalog: &Catalog) -> bool {
    let dropped = |object: &Object| match object {
        Object::Extension(extension) => extension.presence == Presence::Dropped && extension.name.as_str() == "plpgsql",
        _ => false,
    };
    !constraint.triggers.is_empty() && catalog.objects().iter().any(dropped)
}
