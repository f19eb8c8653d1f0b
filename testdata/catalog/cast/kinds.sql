-- Casts by function, by input and output, without doing anything, in every context; a view that uses one.
CREATE SCHEMA s;
CREATE TYPE s.colour AS ENUM ('red', 'green');
CREATE DOMAIN s.price AS numeric;
CREATE TYPE s.pair AS (a integer, b integer);
CREATE FUNCTION s.to_colour(integer) RETURNS s.colour LANGUAGE sql IMMUTABLE AS 'SELECT ''red''::s.colour';
CREATE FUNCTION s.to_pair(integer, integer, boolean) RETURNS s.pair LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1, $1)::s.pair';
CREATE CAST (integer AS s.colour) WITH FUNCTION s.to_colour(integer) AS ASSIGNMENT;
CREATE CAST (integer AS s.pair) WITH FUNCTION s.to_pair(integer, integer, boolean) AS IMPLICIT;
CREATE CAST (text AS s.colour) WITH INOUT AS ASSIGNMENT;
CREATE CAST (s.pair AS text) WITH INOUT;
CREATE CAST (text AS bytea) WITHOUT FUNCTION;
COMMENT ON CAST (integer AS s.colour) IS 'always red';
CREATE TABLE s.t (a integer);
INSERT INTO s.t VALUES (1);
CREATE VIEW s.v AS SELECT a::s.colour AS c, (a::s.pair).b FROM s.t;
