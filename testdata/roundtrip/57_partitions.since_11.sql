-- Default partitions, and partitions by hash.
CREATE TABLE shop.event_rest PARTITION OF shop.event DEFAULT;
INSERT INTO shop.event SELECT i, '2023-12-01 00:00:00+00'::timestamptz + i * interval '2 days', 'k' || i % 3, jsonb_build_object('i', i) FROM generate_series(381, 500) i;
CREATE TABLE shop.by_list_other PARTITION OF shop.by_list DEFAULT PARTITION BY LIST (n);

CREATE TABLE shop.by_hash (id bigint, s shop.order_status, t text) PARTITION BY HASH (id);
CREATE TABLE shop.by_hash_0 PARTITION OF shop.by_hash FOR VALUES WITH (MODULUS 4, REMAINDER 0);
CREATE TABLE shop.by_hash_1 PARTITION OF shop.by_hash FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE shop.by_hash_2 PARTITION OF shop.by_hash FOR VALUES WITH (MODULUS 4, REMAINDER 2) PARTITION BY HASH (t, id);
CREATE TABLE shop.by_hash_2_0 PARTITION OF shop.by_hash_2 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE shop.by_hash_3 PARTITION OF shop.by_hash FOR VALUES WITH (MODULUS 4, REMAINDER 3);
INSERT INTO shop.by_hash SELECT i, (enum_range(NULL::shop.order_status))[1 + i % 6], 't' || i FROM generate_series(1, 300) i;

-- The hash of an enum value is that of its OID, which is another one on every server: its rows have to go through the root.
CREATE TABLE shop.by_enum (s shop.order_status, n int) PARTITION BY HASH (s);
CREATE TABLE shop.by_enum_0 PARTITION OF shop.by_enum FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE shop.by_enum_1 PARTITION OF shop.by_enum FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE shop.by_enum_2 PARTITION OF shop.by_enum FOR VALUES WITH (MODULUS 3, REMAINDER 2) PARTITION BY RANGE (n);
CREATE TABLE shop.by_enum_2_all PARTITION OF shop.by_enum_2 DEFAULT;
INSERT INTO shop.by_enum SELECT (enum_range(NULL::shop.order_status))[1 + i % 6], i FROM generate_series(1, 120) i;
