-- since: 12
-- The kind that came later.
CREATE TABLE t (a integer, b integer);
INSERT INTO t SELECT i % 10, i % 5 FROM generate_series(1, 500) i;
CREATE STATISTICS common (mcv, dependencies) ON a, b FROM t;
