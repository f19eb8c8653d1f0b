-- Partitions of every kind of key, made by themselves and attached, with things of their own.
CREATE TABLE ranged (a int NOT NULL DEFAULT 0, b text, c date DEFAULT '2020-01-01', CONSTRAINT b_there CHECK (b <> ''))
    PARTITION BY RANGE (a, lower(b));
CREATE TABLE ranged_low PARTITION OF ranged FOR VALUES FROM (MINVALUE, MINVALUE) TO (10, 'm');
CREATE TABLE ranged_high (c date DEFAULT '2021-01-01', gone int, b text, a int NOT NULL, CONSTRAINT b_there CHECK (b <> ''),
    CONSTRAINT own CHECK (a < 1000)) WITH (fillfactor = 50);
ALTER TABLE ranged_high DROP COLUMN gone;
ALTER TABLE ranged ATTACH PARTITION ranged_high FOR VALUES FROM (10, 'm') TO (MAXVALUE, MAXVALUE);
ALTER TABLE ranged_high ALTER c SET STATISTICS 5;
CREATE TABLE listed (k text COLLATE "C", v int) PARTITION BY LIST (k);
CREATE TABLE listed_null PARTITION OF listed FOR VALUES IN ('it''s', NULL);
CREATE SCHEMA elsewhere;
CREATE TABLE empty_parent (t timestamptz) PARTITION BY RANGE ((t AT TIME ZONE 'UTC'));
CREATE TABLE elsewhere.part PARTITION OF empty_parent FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
INSERT INTO ranged VALUES (1, 'a', DEFAULT), (5, 'z', NULL), (100, 'q', '2022-02-02'), (10, 'zz', DEFAULT);
INSERT INTO listed SELECT k, g FROM generate_series(1, 20) g, unnest(ARRAY['it''s', NULL]) k;
INSERT INTO empty_parent VALUES ('2020-06-01 00:00+00');
