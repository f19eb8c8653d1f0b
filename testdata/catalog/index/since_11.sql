-- since: 11
-- Columns that are only carried along, and a statistics target for an expression.
CREATE TABLE t (id int NOT NULL, a text, n int);
INSERT INTO t SELECT g, 'a' || g, g % 5 FROM generate_series(1, 100) g;
CREATE INDEX "Odd ""one""" ON t (lower(a), (n + 1)) INCLUDE (id) WITH (fillfactor = 60);
ALTER INDEX "Odd ""one""" ALTER COLUMN 2 SET STATISTICS 555;
