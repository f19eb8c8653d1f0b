-- Tables of which the planner knows every kind of thing that there is to know.
CREATE SCHEMA "St at";
CREATE TYPE "St at".colour AS ENUM ('red', 'gr"een', 'it''s blue');
CREATE DOMAIN "St at".tags AS text[];
SET search_path = "St at", public;

CREATE TABLE plain (
    dropped int,
    id int PRIMARY KEY,
    text text,
    colour colour,
    tags tags,
    words tsvector,
    at timestamptz,
    money numeric(12,2),
    real float8,
    json jsonb,
    bytes bytea,
    nothing int,
    never int,
    twice int GENERATED ALWAYS AS (id * 2) STORED,
    "Odd ""name'\" int
);
ALTER TABLE plain DROP COLUMN dropped, ALTER COLUMN never SET STATISTICS 0, ALTER COLUMN text SET STATISTICS 500;
INSERT INTO plain (id, text, colour, tags, words, at, money, real, json, bytes, never, "Odd ""name'\")
SELECT i, CASE WHEN i % 3 = 0 THEN 'often \ "quoted", {it''s}' ELSE 'v' || i END, (ARRAY['red', 'gr"een', 'it''s blue'])[1 + i % 3]::colour,
    ARRAY['t' || i % 7, 'a,b"\' || i % 3], to_tsvector('simple', 'w' || i % 5 || ' word'), timestamptz '2024-01-01' + i * interval '1 hour',
    i / 7.0, sqrt(i), jsonb_build_object('k', i % 4), decode(md5(i::text), 'hex'), i, i % 11
FROM generate_series(1, 2000) i;
CREATE INDEX ON plain (lower(text), id, (id % 10)) INCLUDE (money);
CREATE INDEX ON plain USING gin (to_tsvector('simple', text));
CREATE INDEX ON plain (at) WHERE colour = 'red';

CREATE TABLE partitioned (a int, b text) PARTITION BY LIST (a);
CREATE TABLE part_1 PARTITION OF partitioned FOR VALUES IN (1);
CREATE TABLE part_2 (b text, a int);
ALTER TABLE partitioned ATTACH PARTITION part_2 FOR VALUES IN (2);
INSERT INTO partitioned SELECT 1 + i % 2, 'b' || i % 50 FROM generate_series(1, 3000) i;
CREATE INDEX ON partitioned (upper(b));

CREATE TABLE parent (a int, b text);
CREATE TABLE child (c int) INHERITS (parent);
INSERT INTO parent SELECT i, 'p' || i % 5 FROM generate_series(1, 500) i;
INSERT INTO child SELECT i, 'c' || i % 5, i FROM generate_series(1, 700) i;

CREATE TABLE empty (a int);
CREATE TABLE ranges (r int4range, d daterange);
INSERT INTO ranges SELECT int4range(i, i + i % 9), daterange('2024-01-01', date '2024-01-01' + i % 30) FROM generate_series(1, 400) i;

CREATE MATERIALIZED VIEW per_colour AS SELECT colour, count(*) AS n, sum(money) AS money FROM plain GROUP BY colour;
CREATE INDEX ON per_colour ((n * 2));

-- Rows that may come to lie in another partition.
CREATE TABLE dealt (c colour, n int) PARTITION BY HASH (c);
CREATE TABLE dealt_0 PARTITION OF dealt FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE dealt_1 PARTITION OF dealt FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO dealt SELECT (ARRAY['red', 'gr"een', 'it''s blue'])[1 + i % 3]::colour, i FROM generate_series(1, 300) i;

ANALYZE;

-- As old as statistics may be.
INSERT INTO plain (id, text) SELECT i, 'later' FROM generate_series(2001, 2300) i;
-- Older than that.
CREATE TABLE grown AS SELECT i AS a FROM generate_series(1, 10) i;
ANALYZE grown;
INSERT INTO grown SELECT i FROM generate_series(1, 3000) i;
CREATE TABLE unknown AS SELECT i AS a FROM generate_series(1, 1000) i;
CREATE TABLE half_known AS SELECT i AS a FROM generate_series(1, 1000) i;
ANALYZE half_known;
ALTER TABLE half_known ADD COLUMN b int;
