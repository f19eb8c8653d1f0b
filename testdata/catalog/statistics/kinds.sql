-- Every kind; in another schema than the table; on a partitioned table, a partition, a materialized view.
CREATE SCHEMA s;
CREATE SCHEMA "S ""2";
CREATE TABLE s.t (a integer, b integer, "C ""1" text);
INSERT INTO s.t SELECT i % 10, i % 5, i % 3 FROM generate_series(1, 500) i;
CREATE STATISTICS s.all_kinds ON a, b FROM s.t;
CREATE STATISTICS "S ""2"."X ""1" (ndistinct) ON "C ""1", a FROM s.t;
CREATE STATISTICS s.dependencies (dependencies) ON b, a FROM s.t;
CREATE STATISTICS s.common (ndistinct, dependencies) ON a, "C ""1" FROM s.t;
CREATE TABLE s.parted (a integer, b integer) PARTITION BY RANGE (a);
CREATE TABLE s.parted_1 PARTITION OF s.parted FOR VALUES FROM (0) TO (100);
INSERT INTO s.parted SELECT i % 10, i % 5 FROM generate_series(1, 500) i;
CREATE STATISTICS s.of_parted ON a, b FROM s.parted;
CREATE STATISTICS s.of_partition ON a, b FROM s.parted_1;
CREATE MATERIALIZED VIEW s.m AS SELECT a, b FROM s.t;
CREATE STATISTICS s.of_view ON a, b FROM s.m;
COMMENT ON STATISTICS "S ""2"."X ""1" IS 'it''s statistics';
ALTER STATISTICS s.common OWNER TO alice;
