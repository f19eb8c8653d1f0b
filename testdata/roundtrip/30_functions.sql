-- Functions, procedures, aggregates: what needs no table.
CREATE FUNCTION shop.plus(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 3 AS 'SELECT $1 + $2';
CREATE FUNCTION shop.plus(a text, VARIADIC rest text[] DEFAULT ARRAY['x''y', E'a\\b']) RETURNS text LANGUAGE sql STABLE
    AS $_$ SELECT a || array_to_string(rest, '$$ ') $_$;
CREATE FUNCTION shop.odd_body("In Name" text, OUT first text, INOUT second int DEFAULT 7) LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = '', "we ird", pg_temp SET work_mem = '12MB' SET "shop.note" = 'a "b", ''c''' AS $odd$
BEGIN
    -- a body with $$ and $_$ and a \ in it
    first := "In Name" || E'\n' || $q$ $$ $q$;
    second := second + 1;
END
$odd$;
CREATE FUNCTION shop.numbers(n bigint) RETURNS SETOF bigint LANGUAGE sql ROWS 12 COST 55 LEAKPROOF AS 'SELECT generate_series(1, $1)';
CREATE FUNCTION shop.pairs(n int) RETURNS TABLE (left_one int, "Right" text) LANGUAGE sql AS 'SELECT i, i::text FROM generate_series(1, n) i';
CREATE FUNCTION shop.lower_c(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT pg_catalog.lower($1)';
CREATE FUNCTION shop.builtin_lower(text) RETURNS text LANGUAGE internal IMMUTABLE STRICT PARALLEL RESTRICTED AS 'lower';
CREATE FUNCTION shop.my_rank() RETURNS bigint LANGUAGE internal WINDOW IMMUTABLE AS 'window_rank';
CREATE FUNCTION shop.any_first(anyarray) RETURNS anyelement LANGUAGE sql IMMUTABLE AS 'SELECT $1[1]';
CREATE FUNCTION "odd Schema"."Odd Function"(shop.address, "odd Arg" shop.order_status DEFAULT 'it''s "lost"') RETURNS text LANGUAGE sql
    AS 'SELECT ($1).city || $2::text';
CREATE FUNCTION shop.do_nothing() RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION shop.broken_body() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT n FROM shop.there_is_no_such_table); END $$;
COMMENT ON FUNCTION shop.plus(int, int) IS 'Adds';
COMMENT ON FUNCTION "odd Schema"."Odd Function"(shop.address, shop.order_status) IS 'odd';
ALTER FUNCTION shop.plus(int, int) OWNER TO shop_owner;
ALTER FUNCTION shop.odd_body(text, int) OWNER TO "Shop ""Quoted"" = Role";
REVOKE EXECUTE ON FUNCTION shop.odd_body(text, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shop.odd_body(text, int) TO shop_reader;
GRANT EXECUTE ON FUNCTION shop.plus(int, int) TO shop_writer WITH GRANT OPTION;
ALTER FUNCTION shop.lower_c(text) DEPENDS ON EXTENSION pg_trgm;

-- An ordinary aggregate, one that takes anything, one that moves, two of ordered sets, one of a hypothetical set.
CREATE AGGREGATE shop.total(numeric) (SFUNC = numeric_add, STYPE = numeric, INITCOND = '0', COMBINEFUNC = numeric_add, PARALLEL = SAFE);
CREATE AGGREGATE shop.how_many(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '0');
CREATE AGGREGATE shop.moving(int4) (
    SFUNC = int4pl, STYPE = int4, INITCOND = '0', SSPACE = 64,
    MSFUNC = int4pl, MINVFUNC = int4mi, MSTYPE = int4, MINITCOND = '0', MSSPACE = 32);
CREATE AGGREGATE shop.smallest(text) (SFUNC = text_smaller, STYPE = text, SORTOP = <);
CREATE AGGREGATE shop.percentile(float8 ORDER BY anyelement) (
    SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
CREATE AGGREGATE shop.most_common(ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = mode_final, FINALFUNC_EXTRA);
CREATE AGGREGATE shop.would_rank(VARIADIC "any" ORDER BY VARIADIC "any") (
    SFUNC = ordered_set_transition_multi, STYPE = internal, FINALFUNC = rank_final, FINALFUNC_EXTRA, HYPOTHETICAL);
COMMENT ON AGGREGATE shop.total(numeric) IS 'Adds up';
COMMENT ON AGGREGATE shop.how_many(*) IS 'Counts';
COMMENT ON AGGREGATE shop.percentile(float8 ORDER BY anyelement) IS 'of an ordered set';
ALTER AGGREGATE shop.total(numeric) OWNER TO shop_owner;
REVOKE ALL ON FUNCTION shop.total(numeric) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shop.total(numeric) TO shop_reader;
GRANT EXECUTE ON FUNCTION shop.how_many() TO shop_writer WITH GRANT OPTION;
