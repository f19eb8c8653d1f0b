-- Indexes of every method and clause; what tables note about them; one that is not valid.
CREATE TABLE t (id int NOT NULL, a text, b text COLLATE "C", j jsonb, arr int[], p point, ts tsvector, n int) WITH (fillfactor = 90);
INSERT INTO t (id, a, n) SELECT g, 'a' || g, g % 5 FROM generate_series(1, 100) g;
CREATE INDEX plain ON t (a DESC NULLS LAST, b COLLATE "POSIX" text_pattern_ops);
CREATE INDEX "Odd ""one""" ON t (lower(a), (n + 1)) WITH (fillfactor = 60) WHERE n > 0 AND a <> 'it''s';
CREATE INDEX on_json ON t USING gin (j jsonb_path_ops) WITH (fastupdate = off);
CREATE INDEX on_array ON t USING gin (arr);
CREATE INDEX on_point ON t USING gist (p);
CREATE INDEX on_quad ON t USING spgist (p);
CREATE INDEX on_block ON t USING brin (id) WITH (pages_per_range = 4);
CREATE INDEX on_hash ON t USING hash (a);
CREATE UNIQUE INDEX identity ON t (id);
ALTER TABLE t REPLICA IDENTITY USING INDEX identity, CLUSTER ON plain;
COMMENT ON INDEX "Odd ""one""" IS 'a comment';
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'on_hash'::regclass;
