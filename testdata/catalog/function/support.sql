-- since: 12
-- A planner support function.
CREATE SCHEMA s;
CREATE FUNCTION s.with_support(integer) RETURNS SETOF integer LANGUAGE internal IMMUTABLE STRICT
    SUPPORT generate_series_int4_support AS 'generate_series_int4';
