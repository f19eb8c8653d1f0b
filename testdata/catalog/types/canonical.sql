-- A range type with a canonical function, which names the type before it is there.
CREATE SCHEMA s;
CREATE TYPE s.whole;
CREATE FUNCTION s.whole_canonical(s.whole) RETURNS s.whole LANGUAGE internal IMMUTABLE STRICT AS 'int4range_canonical';
CREATE FUNCTION s.whole_diff(integer, integer) RETURNS double precision LANGUAGE sql IMMUTABLE AS 'SELECT ($1 - $2)::double precision';
CREATE TYPE s.whole AS RANGE (SUBTYPE = integer, CANONICAL = s.whole_canonical, SUBTYPE_DIFF = s.whole_diff);
ALTER TYPE s.whole OWNER TO bob;
CREATE TABLE s.t (a s.whole, EXCLUDE USING gist (a WITH &&));
INSERT INTO s.t VALUES ('[1,5]'), ('(7,9)');
