-- since: 12
-- Hash partitions over an enum, whose hash is that of an OID that will be another: rows must be routed anew.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'angry', 'calm', 'wild');
CREATE TABLE feelings (m mood, n int, g int GENERATED ALWAYS AS (n * 2) STORED) PARTITION BY HASH (m);
CREATE TABLE feelings_0 PARTITION OF feelings FOR VALUES WITH (MODULUS 3, REMAINDER 0) PARTITION BY RANGE (n);
CREATE TABLE feelings_0_low PARTITION OF feelings_0 FOR VALUES FROM (MINVALUE) TO (50);
CREATE TABLE feelings_0_high PARTITION OF feelings_0 FOR VALUES FROM (50) TO (MAXVALUE);
CREATE TABLE feelings_1 PARTITION OF feelings FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE feelings_2 (n int, m mood, g int GENERATED ALWAYS AS (n * 2) STORED);
ALTER TABLE feelings ATTACH PARTITION feelings_2 FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO feelings (m, n) SELECT m, g FROM generate_series(1, 100) g, unnest(enum_range(NULL::mood)) m;
