CREATE SCHEMA s;
CREATE FUNCTION s.two(bigint, integer, integer) RETURNS bigint LANGUAGE sql AS 'SELECT $1 + $2 * $3';
CREATE FUNCTION s.fin(bigint, integer, integer) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
CREATE AGGREGATE s.counted(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '0', PARALLEL = safe, COMBINEFUNC = int8pl);
CREATE AGGREGATE s.both(a integer, "B" integer) (
    SFUNC = s.two, STYPE = bigint, SSPACE = 16, INITCOND = '0', FINALFUNC = s.fin, FINALFUNC_EXTRA,
    FINALFUNC_MODIFY = SHAREABLE);
CREATE AGGREGATE s.average(integer) (
    SFUNC = int4_avg_accum, STYPE = bigint[], FINALFUNC = int8_avg, COMBINEFUNC = int4_avg_combine, INITCOND = '{0,0}',
    MSFUNC = int4_avg_accum, MINVFUNC = int4_avg_accum_inv, MSTYPE = bigint[], MFINALFUNC = int8_avg, MINITCOND = '{0,0}',
    MFINALFUNC_MODIFY = READ_WRITE, MSSPACE = 9);
CREATE AGGREGATE s.total(numeric) (
    SFUNC = numeric_avg_accum, STYPE = internal, FINALFUNC = numeric_sum, COMBINEFUNC = numeric_avg_combine,
    SERIALFUNC = numeric_avg_serialize, DESERIALFUNC = numeric_avg_deserialize, PARALLEL = safe, SSPACE = 128);
CREATE AGGREGATE s.least_of(text) (SFUNC = text_smaller, STYPE = text, SORTOP = <, PARALLEL = restricted);
CREATE AGGREGATE s.percentile(float8 ORDER BY anyelement) (
    SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
CREATE AGGREGATE s.place(VARIADIC "any" ORDER BY VARIADIC "any") (
    SFUNC = ordered_set_transition_multi, STYPE = internal, FINALFUNC = rank_final, FINALFUNC_EXTRA, HYPOTHETICAL);
COMMENT ON AGGREGATE s.counted(*) IS 'how many';
COMMENT ON AGGREGATE s.percentile(float8 ORDER BY anyelement) IS 'sorted';
COMMENT ON AGGREGATE s.place(VARIADIC "any" ORDER BY VARIADIC "any") IS 'if it were there';
ALTER AGGREGATE s.counted(*) OWNER TO alice;
GRANT EXECUTE ON FUNCTION s.counted() TO bob;
GRANT EXECUTE ON FUNCTION s.both(integer, integer) TO bob;
REVOKE EXECUTE ON FUNCTION s.place("any") FROM PUBLIC;
GRANT EXECUTE ON FUNCTION s.percentile(float8, anyelement) TO alice WITH GRANT OPTION;
