-- Both providers that every server has, one locale and two; and everything that can use one.
CREATE SCHEMA s;
CREATE SCHEMA "S ""2";
CREATE COLLATION s.plain (LOCALE = 'C');
CREATE COLLATION s.mixed (LC_COLLATE = 'C', LC_CTYPE = 'POSIX');
CREATE COLLATION "S ""2"."It's ""ours""" (PROVIDER = icu, LOCALE = 'de');
CREATE COLLATION s.loose (PROVIDER = icu, LOCALE = 'und-u-ks-level2');
CREATE COLLATION s.copied FROM "de-x-icu";
COMMENT ON COLLATION s.plain IS 'it''s plain';
ALTER COLLATION s.plain OWNER TO alice;
ALTER COLLATION "S ""2"."It's ""ours""" OWNER TO bob;
CREATE DOMAIN s.name AS text COLLATE s.loose;
CREATE TYPE s.pair AS (a text COLLATE s.mixed, b text);
CREATE TYPE s.span AS RANGE (SUBTYPE = text, COLLATION = "S ""2"."It's ""ours""");
CREATE TABLE s.t (
    a text COLLATE s.loose PRIMARY KEY,
    b text COLLATE "S ""2"."It's ""ours""" CHECK (b > 'a' COLLATE s.plain),
    c s.name DEFAULT lower('X' COLLATE s.copied)
);
CREATE INDEX t_b ON s.t (b COLLATE s.mixed);
CREATE VIEW s.v AS SELECT a COLLATE s.plain AS a FROM s.t ORDER BY b COLLATE "S ""2"."It's ""ours""";
CREATE TABLE s.parted (a text) PARTITION BY RANGE (a COLLATE s.plain);
CREATE TABLE s.parted_1 PARTITION OF s.parted FOR VALUES FROM ('a') TO ('m');
INSERT INTO s.t VALUES ('x', 'b'), ('Y', 'ä');
INSERT INTO s.parted VALUES ('b');
