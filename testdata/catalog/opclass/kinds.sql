-- since: 11
-- Operator families and classes: loose members across types, an ordering operator of another family, a class that is
-- empty, one with a storage type, the default of a type of one's own, indexes that use them.
CREATE SCHEMA s;
CREATE FUNCTION s.compare(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT CASE WHEN $1 > $2 THEN -1 WHEN $1 < $2 THEN 1 ELSE 0 END';
CREATE OPERATOR FAMILY s.alone USING btree;
ALTER OPERATOR FAMILY s.alone USING btree OWNER TO bob;
COMMENT ON OPERATOR FAMILY s.alone USING btree IS 'has nothing';
CREATE OPERATOR CLASS s.backwards FOR TYPE integer USING btree AS
    OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 s.compare(integer, integer);
ALTER OPERATOR CLASS s.backwards USING btree OWNER TO bob;
COMMENT ON OPERATOR CLASS s.backwards USING btree IS 'the other way round';
CREATE OPERATOR FAMILY s.mixed USING btree;
CREATE OPERATOR CLASS s.small FOR TYPE smallint USING btree FAMILY s.mixed AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint2cmp(smallint, smallint);
ALTER OPERATOR FAMILY s.mixed USING btree ADD
    OPERATOR 1 < (smallint, integer), OPERATOR 2 <= (smallint, integer), OPERATOR 3 = (smallint, integer),
    OPERATOR 4 >= (smallint, integer), OPERATOR 5 > (smallint, integer), FUNCTION 1 (smallint, integer) btint24cmp(smallint, integer);
CREATE OPERATOR CLASS s.nothing FOR TYPE integer USING hash AS STORAGE integer;
CREATE OPERATOR CLASS s.near FOR TYPE point USING gist AS
    OPERATOR 15 <-> (point, point) FOR ORDER BY pg_catalog.float_ops,
    FUNCTION 1 gist_point_consistent(internal, point, smallint, oid, internal), FUNCTION 2 gist_box_union(internal, internal),
    FUNCTION 3 gist_point_compress(internal), FUNCTION 5 gist_box_penalty(internal, internal, internal),
    FUNCTION 6 gist_box_picksplit(internal, internal), FUNCTION 7 gist_box_same(box, box, internal),
    FUNCTION 8 gist_point_distance(internal, point, smallint, oid, internal), STORAGE box;
CREATE TABLE s.t (a integer, p point);
INSERT INTO s.t SELECT n, point(n, n) FROM generate_series(1, 100) n;
CREATE INDEX ON s.t (a s.backwards);
CREATE INDEX ON s.t USING gist (p s.near);
CREATE TYPE s.word AS (a text);
CREATE FUNCTION s.word_less(s.word, s.word) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT ($1).a < ($2).a';
CREATE FUNCTION s.word_same(s.word, s.word) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT ($1).a = ($2).a';
CREATE FUNCTION s.word_hash(s.word) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT hashtext(($1).a)';
CREATE OPERATOR s.== (FUNCTION = s.word_same, LEFTARG = s.word, RIGHTARG = s.word);
CREATE OPERATOR CLASS s.words DEFAULT FOR TYPE s.word USING hash AS OPERATOR 1 s.==, FUNCTION 1 s.word_hash(s.word);
CREATE TABLE s.words (w s.word);
INSERT INTO s.words VALUES (ROW('a')), (ROW('b'));
CREATE INDEX ON s.words USING hash (w);
