-- since: 11
-- A default partition, by hash below.
CREATE TABLE listed (k text COLLATE "C", v int) PARTITION BY LIST (k);
CREATE TABLE listed_null PARTITION OF listed FOR VALUES IN ('it''s', NULL);
CREATE TABLE listed_rest PARTITION OF listed DEFAULT PARTITION BY HASH (v);
CREATE TABLE listed_rest_0 PARTITION OF listed_rest FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE UNLOGGED TABLE "listed_rest 1" PARTITION OF listed_rest FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO listed SELECT k, g FROM generate_series(1, 20) g, unnest(ARRAY['it''s', NULL, 'x', 'y']) k;
