-- Operators: with a commutator in another schema, with a negator that is only named, on one side, with all options.
CREATE SCHEMA s;
CREATE SCHEMA "other Schema";
CREATE FUNCTION s.less(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 < $2';
CREATE FUNCTION s.greater(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 > $2';
CREATE FUNCTION s.same(integer, integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 = $2';
CREATE FUNCTION s.twice(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE OPERATOR s.<<< (PROCEDURE = s.less, LEFTARG = integer, RIGHTARG = integer, COMMUTATOR = OPERATOR("other Schema".>>>),
    NEGATOR = OPERATOR(s.>=~), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR "other Schema".>>> (PROCEDURE = s.greater, LEFTARG = integer, RIGHTARG = integer, COMMUTATOR = OPERATOR(s.<<<));
CREATE OPERATOR s.=== (PROCEDURE = s.same, LEFTARG = integer, RIGHTARG = integer, COMMUTATOR = OPERATOR(s.===), HASHES, MERGES);
CREATE OPERATOR s.@# (PROCEDURE = s.twice, RIGHTARG = integer);
ALTER OPERATOR s.@# (NONE, integer) OWNER TO bob;
COMMENT ON OPERATOR s.@# (NONE, integer) IS 'doubles';
COMMENT ON OPERATOR s.<<< (integer, integer) IS 'less';
CREATE TABLE s.t (a integer CHECK (a OPERATOR(s.<<<) 10));
INSERT INTO s.t VALUES (1), (2);
CREATE INDEX i ON s.t ((OPERATOR(s.@#) a));
CREATE VIEW s.v AS SELECT a OPERATOR(s.===) 1 AS one, OPERATOR(s.@#) a AS twice FROM s.t;
