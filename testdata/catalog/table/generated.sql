-- since: 12
-- Stored generated columns: alone, inherited, in partitions.
CREATE FUNCTION twice(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT i * 2';
CREATE DOMAIN small AS int CHECK (VALUE < 1000);
CREATE TABLE calc (a int, b int GENERATED ALWAYS AS (public.twice(a)) STORED, c small GENERATED ALWAYS AS (a + 1) STORED, d text DEFAULT 'd');
INSERT INTO calc (a) VALUES (1), (2), (NULL);
CREATE TABLE only_calc (b int GENERATED ALWAYS AS (42) STORED);
INSERT INTO only_calc DEFAULT VALUES;
CREATE TABLE calc_child (e int) INHERITS (calc);
INSERT INTO calc_child (a, e) VALUES (3, 3);
CREATE TABLE parted (k int, v int, w int GENERATED ALWAYS AS (v + 1) STORED) PARTITION BY LIST (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
INSERT INTO parted (k, v) VALUES (1, 1);
