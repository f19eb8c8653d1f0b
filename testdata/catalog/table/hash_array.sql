-- since: 11
-- Hash partitions over arrays of an enum, which go the way of the enum; and over a number, which stays where it is.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'angry', 'calm', 'wild');
CREATE TABLE by_array (m mood[]) PARTITION BY HASH (m);
CREATE TABLE by_array_0 PARTITION OF by_array FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE by_array_1 PARTITION OF by_array FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO by_array SELECT ARRAY[m, n] FROM unnest(enum_range(NULL::mood)) m, unnest(enum_range(NULL::mood)) n;
CREATE TABLE by_number (n int) PARTITION BY HASH (n);
CREATE TABLE by_number_0 PARTITION OF by_number FOR VALUES WITH (MODULUS 1, REMAINDER 0);
INSERT INTO by_number VALUES (1), (2);
