//! What a newer major does not take as it is: remedied and told, or refused before anything is written.

#![cfg(test)]

use pgtandem_lab::shared;

use crate::support::{Program, Ran, prepare_server};

/// Moves a database that this SQL makes.
fn upgrade(name: &str, from: u32, to: u32, sql: &str) -> Ran {
    let (old, new) = (shared(from).unwrap(), shared(to).unwrap());
    for server in [old, new] {
        prepare_server(server);
    }
    let database = format!("hazard_{name}_{from}_{to}");
    old.create_database(&database).unwrap();
    old.psql(&database, sql).unwrap();
    Program::upgrade(&old.url(&database), &new.url(&database)).run()
}

/// What stands in this database on the new server.
fn there(name: &str, from: u32, to: u32, sql: &str) -> String {
    shared(to).unwrap().psql(&format!("hazard_{name}_{from}_{to}"), sql).unwrap()
}

/// Functions that name a table without its schema, in an index and in a materialized view.
const LOST: &str = "
    CREATE TABLE factor (name text PRIMARY KEY, by int);
    INSERT INTO factor VALUES ('a', 2), ('b', 3);
    CREATE FUNCTION times(text) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT by FROM factor WHERE name = $1';
    CREATE TABLE used (name text);
    INSERT INTO used VALUES ('a'), ('b');";

#[test]
fn functions_that_need_the_search_path_of_their_database_get_it() {
    let sql = format!(
        "{LOST} CREATE INDEX indexed ON used (times(name));
         CREATE MATERIALIZED VIEW filled AS SELECT times(name) FROM used;"
    );
    let ran = upgrade("lost", 15, 16, &sql).expect(0);
    ran.tells(&["public.indexed", "public.filled", "without its schema", "ALTER FUNCTION"]);
    assert_eq!(there("lost", 15, 16, "SELECT * FROM filled ORDER BY 1"), "2\n3\n");
}

#[test]
fn since_17_they_have_to_say_it_themselves() {
    let sql = format!("{LOST} CREATE INDEX indexed ON used (times(name));");
    upgrade("lost", 16, 17, &sql).expect(1).tells(&["public.indexed", "factor", "ALTER FUNCTION .. SET search_path"]);
    let sql = format!("{sql} ALTER FUNCTION times SET search_path = public;");
    upgrade("found", 16, 17, &sql).expect(0);
}

#[test]
fn what_has_another_form_is_given_it() {
    let sql = "
        SELECT format('ALTER DATABASE %I SET operator_precedence_warning = on', current_database()) \\gexec
        SELECT format('ALTER DATABASE %I SET default_with_oids = off', current_database()) \\gexec
        SELECT format('ALTER ROLE alice IN DATABASE %I SET force_parallel_mode = off', current_database()) \\gexec
        SELECT format('ALTER DATABASE %I SET my.own = 1', current_database()) \\gexec
        SET default_with_oids = on;
        CREATE TABLE with_oids (a int);
        SET default_with_oids = off;
        GRANT SELECT (oid) ON with_oids TO bob;
        INSERT INTO with_oids VALUES (1), (2);
        CREATE FUNCTION f() RETURNS int LANGUAGE sql SET vacuum_cleanup_index_scale_factor = 0.2 SET work_mem = '8MB' AS 'SELECT 1';
        CREATE AGGREGATE collect(anyelement) (SFUNC = array_append, STYPE = anyarray, INITCOND = '{}');
        COMMENT ON AGGREGATE collect(anyelement) IS 'collects';
        ALTER AGGREGATE collect(anyelement) OWNER TO alice;
        CREATE AGGREGATE joined(anyarray) (SFUNC = array_cat, STYPE = anyarray);
        CREATE OPERATOR +> (PROCEDURE = array_append, LEFTARG = anyarray, RIGHTARG = anyelement);
        CREATE OPERATOR @> (PROCEDURE = int4eq, LEFTARG = int, RIGHTARG = int);
        CREATE VIEW years AS SELECT EXTRACT(year FROM '2020-01-01'::date) AS y;";
    let ran = upgrade("forms", 11, 18, sql).expect(0);
    ran.tells(&[
        "its setting operator_precedence_warning = on is left out",
        "its setting force_parallel_mode = off is left out",
        "role alice in database",
        "function public.f()",
        "vacuum_cleanup_index_scale_factor = 0.2 is left out",
        "table public.with_oids",
        "aggregate public.collect",
        "aggregate public.joined",
        "operator public.+> (anycompatiblearray, anycompatible)",
    ]);
    assert!(!ran.told().contains("my.own") && !ran.told().contains("work_mem"), "{}", ran.told());
    let there = |sql: &str| there("forms", 11, 18, sql);
    assert_eq!(
        there("SELECT collect(a) || joined(ARRAY[3]) FROM (SELECT a FROM with_oids ORDER BY a) t"),
        "{1,2,3,3}\n"
    );
    assert_eq!(there("SELECT obj_description('collect(anycompatible)'::regprocedure)"), "collects\n");
    assert_eq!(there("SELECT ARRAY[1] +> 2, 1 @> 1"), "{1,2}|t\n");
    assert_eq!(there("SELECT pg_typeof(y) FROM years"), "double precision\n");
    assert_eq!(there("SELECT proconfig FROM pg_proc WHERE proname = 'f'"), "{work_mem=8MB}\n");
}

/// All of it is told at once.
#[test]
fn what_has_no_other_form_is_refused() {
    let sql = "
        CREATE TABLE times (a abstime, r reltime[]);
        CREATE DOMAIN span AS tinterval;
        CREATE FUNCTION nothing(opaque) RETURNS int LANGUAGE internal AS 'int4in';
        CREATE TABLE with_oids (a int) WITH OIDS;
        CREATE UNIQUE INDEX by_oid ON with_oids (oid);
        CREATE VIEW oids AS SELECT oid FROM with_oids;
        CREATE OPERATOR ## (PROCEDURE = numeric_fac, LEFTARG = bigint);
        CREATE FUNCTION old_form(int, int, cstring, internal, int) RETURNS void LANGUAGE c AS '$libdir/utf8_and_iso8859_1', 'iso8859_1_to_utf8';
        CREATE CONVERSION mine FOR 'LATIN1' TO 'UTF8' FROM old_form;
        CREATE COLLATION pg_catalog.\"xx_XX.utf8\" FROM \"C\";
        CREATE TABLE words (w text COLLATE \"xx_XX.utf8\");
        CREATE TABLE intervals (i interval);
        CREATE INDEX as_text ON intervals ((i::text));
        CREATE FUNCTION first_of(anyarray) RETURNS anyelement LANGUAGE sql AS 'SELECT $1[1]';
        CREATE AGGREGATE first(anyelement) (SFUNC = array_append, STYPE = anyarray, FINALFUNC = first_of);";
    let ran = upgrade("refused", 11, 18, sql).expect(4);
    ran.tells(&[
        "nothing was written",
        "column public.times.a: the type abstime is gone",
        "column public.times.r: the type reltime is gone",
        "domain public.span: the type tinterval is gone",
        "function public.nothing: the type opaque is gone",
        "public\".\"by_oid\": it needs the hidden column oid",
        "public\".\"oids\": it needs the hidden column oid",
        "12 and later do not have. Copy the column",
        "the function numeric_fac is gone",
        "collation \"xx_XX.utf8\", which",
        "it comes after its operand",
        "conversion public.mine: its function has the form of 13",
        "index public.as_text: it indexes the text of intervals",
        "aggregate public.first: it calls a function of arrays",
    ]);
}
