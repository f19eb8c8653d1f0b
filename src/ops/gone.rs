//! What came with the old server, is used by the database, and is gone from the new server: types and functions. The new
//! server is asked, so that no list can be out of date.

use super::check::Preflight;
use crate::error::Result;
use crate::sql;
use crate::sql::{Literal, Sql, join};
use crate::wire::session::{Row, Session};

/// How many users of one thing are named.
const NAMED: usize = 20;

impl Preflight {
    /// Finds users of what is gone. Within one major nothing is.
    pub async fn gone_from_system(&mut self, old: &Session, new: &Session) -> Result<()> {
        if old.version().major() == new.version().major() {
            return Ok(());
        }
        let (types, functions) = (Sql::constant(TYPES), Sql::constant(FUNCTIONS));
        let (types, functions) = futures::try_join!(old.rows(&types), old.rows(&functions))?;
        let types = missing(&types, "SELECT t.typname FROM pg_catalog.pg_type t", new).await?;
        for name in &types {
            let users = old.rows(&sql!("{} WHERE u.type = {} ORDER BY 1", TYPE_USERS, Literal(name))).await?;
            self.users_of("type", name, &users, "Change it to a type that is still there")?;
        }
        for name in missing(&functions, "SELECT p.proname FROM pg_catalog.pg_proc p", new).await? {
            let users: Vec<&Row> =
                functions.iter().filter(|row| row.get("name").is_ok_and(|n: String| n == name)).collect();
            self.users_of("function", &name, users, "Make it with a function that is still there, or drop it")?;
        }
        Ok(())
    }

    fn users_of<'a>(
        &mut self,
        kind: &str,
        name: &str,
        rows: impl IntoIterator<Item = &'a Row>,
        remedy: &str,
    ) -> Result<()> {
        let users: Vec<String> = rows.into_iter().map(|row| row.get("who")).collect::<Result<_>>()?;
        let more = users.len().saturating_sub(NAMED);
        let mut named = users.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        if more > 0 {
            named.push_str(&format!(" and {more} more"));
        }
        self.obstacle(format!("{named}: the {kind} {name} is gone from the new server. {remedy}."));
        Ok(())
    }
}

/// The names in these rows that the new server's system does not have, each once.
async fn missing(rows: &[Row], known: &'static str, new: &Session) -> Result<Vec<String>> {
    let mut names: Vec<String> = rows.iter().map(|row| row.get("name")).collect::<Result<_>>()?;
    names.sort_unstable();
    names.dedup();
    let list = join(names.iter().map(|name| Literal(name)), ", ");
    let query = sql!(
        "SELECT w.name FROM pg_catalog.unnest(ARRAY[{}]::text[]) AS w(name) WHERE w.name NOT IN ({})",
        list,
        known
    );
    new.rows(&query).await?.iter().map(|row| row.get("name")).collect()
}

/// Where types are used, each with the element's type in place of an array's. Types that belong to users are among them.
macro_rules! type_uses {
    () => {
        "(SELECT coalesce(e.typname, t.typname)::text AS type, s.who FROM ( \
            SELECT 'pg_class'::regclass::oid, c.oid, a.atttypid, pg_catalog.format('column %s.%s.%s', n.nspname, c.relname, a.attname) \
            FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
            WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped \
              AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
            UNION ALL \
            SELECT 'pg_type'::regclass, d.oid, d.typbasetype, pg_catalog.format('domain %s.%s', n.nspname, d.typname) \
            FROM pg_catalog.pg_type d JOIN pg_catalog.pg_namespace n ON n.oid = d.typnamespace \
            WHERE d.typtype = 'd' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
            UNION ALL \
            SELECT 'pg_type'::regclass, d.oid, r.rngsubtype, pg_catalog.format('type %s.%s', n.nspname, d.typname) \
            FROM pg_catalog.pg_range r JOIN pg_catalog.pg_type d ON d.oid = r.rngtypid \
            JOIN pg_catalog.pg_namespace n ON n.oid = d.typnamespace WHERE d.oid >= 16384 \
            UNION ALL \
            SELECT 'pg_proc'::regclass, p.oid, a.type, pg_catalog.format('function %s.%s', n.nspname, p.proname) \
            FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace, \
            pg_catalog.unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]) || p.prorettype) AS a(type) \
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
        ) s(class, oid, type, who) JOIN pg_catalog.pg_type t ON t.oid = s.type \
        LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typlen = -1 \
        WHERE coalesce(e.oid, t.oid) < 16384 AND coalesce(e.typnamespace, t.typnamespace) = 'pg_catalog'::regnamespace \
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend m \
            WHERE m.classid = s.class AND m.objid = s.oid AND m.deptype = 'e')) u"
    };
}

/// The system's types that are used.
const TYPES: &str = concat!("SELECT DISTINCT u.type AS name FROM ", type_uses!());

/// Who uses them; to be followed by a condition.
const TYPE_USERS: &str = concat!("SELECT DISTINCT u.who FROM ", type_uses!());

/// The system's functions that users' objects are made of: not those that expressions and bodies call.
const FUNCTIONS: &str = "\
SELECT f.proname::text AS name, u.who FROM ( \
    SELECT 'pg_proc'::regclass::oid, g.aggfnoid::oid, a.function, pg_catalog.format('aggregate %s', g.aggfnoid::regprocedure) FROM pg_catalog.pg_aggregate g, \
    pg_catalog.unnest(ARRAY[g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggserialfn, g.aggdeserialfn, g.aggmtransfn, \
      g.aggminvtransfn, g.aggmfinalfn]::oid[]) AS a(function) WHERE g.aggfnoid::oid >= 16384 \
    UNION ALL \
    SELECT 'pg_operator'::regclass, o.oid, a.function, pg_catalog.format('operator %s', o.oid::regoperator) FROM pg_catalog.pg_operator o, \
    pg_catalog.unnest(ARRAY[o.oprcode, o.oprrest, o.oprjoin]::oid[]) AS a(function) WHERE o.oid >= 16384 \
    UNION ALL \
    SELECT 'pg_cast'::regclass, c.oid, c.castfunc, pg_catalog.format('cast (%s AS %s)', c.castsource::regtype, c.casttarget::regtype) \
    FROM pg_catalog.pg_cast c WHERE c.oid >= 16384 \
    UNION ALL \
    SELECT 'pg_trigger'::regclass, g.oid, g.tgfoid, pg_catalog.format('trigger %s on %s', g.tgname, g.tgrelid::regclass) \
    FROM pg_catalog.pg_trigger g WHERE NOT g.tgisinternal \
    UNION ALL \
    SELECT 'pg_event_trigger'::regclass, e.oid, e.evtfoid, pg_catalog.format('event trigger %s', e.evtname) FROM pg_catalog.pg_event_trigger e \
    UNION ALL \
    SELECT 'pg_type'::regclass, r.rngtypid, a.function, pg_catalog.format('type %s', r.rngtypid::regtype) FROM pg_catalog.pg_range r, \
    pg_catalog.unnest(ARRAY[r.rngcanonical, r.rngsubdiff]::oid[]) AS a(function) WHERE r.rngtypid >= 16384 \
) u(class, oid, function, who) JOIN pg_catalog.pg_proc f ON f.oid = u.function \
WHERE f.oid < 16384 AND f.pronamespace = 'pg_catalog'::regnamespace AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend m \
  WHERE m.classid = u.class AND m.objid = u.oid AND m.deptype = 'e') ORDER BY 1, 2";
