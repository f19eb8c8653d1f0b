-- Views that are hard to print.
CREATE TABLE base (gone int, "Upper" int, "select" text, t timestamptz);
ALTER TABLE base DROP COLUMN gone;
CREATE VIEW nothing AS SELECT;
CREATE VIEW recursion AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r;
CREATE VIEW names AS SELECT "Upper" AS "user", "select" AS "a ""b""", "Upper" AS "Upper" FROM base AS "from";
CREATE VIEW whole AS SELECT b, b.* FROM base b;
CREATE VIEW joined AS SELECT "Upper", a."select", b.t, one FROM base a JOIN base b USING ("Upper") LEFT JOIN LATERAL (SELECT 1 AS one) l ON true;
CREATE VIEW literals AS SELECT E'back\\slash' AS a, 'it''s' AS b, '{"a": 1}'::jsonb AS c, ARRAY[1, NULL] AS d,
    '-infinity'::timestamptz AS e, extract(epoch FROM t) AS f, t AT TIME ZONE 'UTC' AS g, '1 day'::interval AS h FROM base;
CREATE VIEW windows AS SELECT rank() OVER w, sum("Upper") FILTER (WHERE "Upper" > 0) OVER w AS s FROM base
    WINDOW w AS (PARTITION BY "select" ORDER BY t DESC NULLS LAST);
CREATE VIEW first AS SELECT 1 AS one, 'x'::text AS two;
CREATE VIEW aa_second AS SELECT * FROM first;
CREATE OR REPLACE VIEW first AS SELECT 1 AS one, 'x'::text AS two, 3 AS three;
CREATE SCHEMA aaa;
CREATE VIEW aaa.reads_public AS SELECT one FROM public.aa_second;
