-- Materialized views, filled and not, one on top of the other, with what tables have.
CREATE TABLE base (id int PRIMARY KEY, v text);
INSERT INTO base SELECT g, 'v' || g % 3 FROM generate_series(1, 10) g;
CREATE MATERIALIZED VIEW by_key AS SELECT id, v FROM base GROUP BY id;
CREATE MATERIALIZED VIEW above WITH (fillfactor = 50, autovacuum_enabled = off, toast.autovacuum_enabled = off) AS
    SELECT v, count(*) AS n FROM by_key GROUP BY v;
CREATE UNIQUE INDEX above_v ON above (v);
CREATE INDEX ON by_key (v COLLATE "C" DESC NULLS LAST);
CREATE VIEW between AS SELECT * FROM above;
CREATE MATERIALIZED VIEW aaa_top AS SELECT sum(n) AS s FROM between;
CREATE MATERIALIZED VIEW hollow AS SELECT 1 AS a WITH NO DATA;
CREATE MATERIALIZED VIEW reads_hollow AS SELECT 1 AS b WITH NO DATA;
ALTER MATERIALIZED VIEW above ALTER v SET STATISTICS 3, ALTER v SET STORAGE EXTERNAL, ALTER v SET (n_distinct = 3);
ALTER MATERIALIZED VIEW above CLUSTER ON above_v;
COMMENT ON MATERIALIZED VIEW above IS 'm';
COMMENT ON COLUMN above.n IS 'n';
COMMENT ON INDEX above_v IS 'i';
