CREATE SCHEMA s;
CREATE SCHEMA "we ird";
CREATE FUNCTION s.plain(a integer, "B" text DEFAULT 'it''s', OUT c text, VARIADIC rest integer[] DEFAULT '{}')
    RETURNS text LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER COST 7 PARALLEL RESTRICTED
    SET search_path = '', "we ird", pg_temp
    SET work_mem = '4MB'
    SET "my.own" = 'a, "b"'
    AS $f$ BEGIN c := $$x$$ || $_0$y$_0$; END $f$;
CREATE FUNCTION s.plain(a text) RETURNS text LANGUAGE sql IMMUTABLE LEAKPROOF PARALLEL SAFE AS 'SELECT $1';
CREATE FUNCTION s.rows_of(integer) RETURNS TABLE (x integer, "Y" text) LANGUAGE sql ROWS 5
    SET search_path = "$user", public AS 'SELECT 1, ''a''';
CREATE FUNCTION s.many() RETURNS SETOF integer LANGUAGE sql COST 0.0001 AS 'SELECT 1 -- $';
CREATE FUNCTION s.nth(anyelement, integer) RETURNS anyelement LANGUAGE internal WINDOW IMMUTABLE STRICT AS 'window_nth_value';
CREATE FUNCTION s.from_a_library(integer) RETURNS oid LANGUAGE c STRICT AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE FUNCTION s.on_event() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION s.nobody("in" text, "select" integer) RETURNS void LANGUAGE sql SET DateStyle = 'ISO, DMY' AS '';
COMMENT ON FUNCTION s.plain(text) IS 'one of two';
COMMENT ON FUNCTION s.plain(integer, text, integer[]) IS 'the other';
ALTER FUNCTION s.plain(text) OWNER TO alice;
REVOKE ALL ON FUNCTION s.plain(integer, text, integer[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION s.plain(integer, text, integer[]) TO bob WITH GRANT OPTION;
