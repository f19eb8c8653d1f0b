-- Inheritance and partitions.
CREATE TABLE shop.parent_one (a int NOT NULL DEFAULT 1, b text, CONSTRAINT a_positive CHECK (a > 0), CONSTRAINT one_only CHECK (a < 1000) NO INHERIT);
CREATE TABLE shop.parent_two (b text, c date DEFAULT '2020-01-01');
CREATE TABLE shop.child (d int, a int DEFAULT 5) INHERITS (shop.parent_one, shop.parent_two);
CREATE TABLE shop.grandchild () INHERITS (shop.child);
CREATE TABLE shop.adopted (b text, c date, a int NOT NULL DEFAULT 9, CONSTRAINT a_positive CHECK (a > 0)) WITH (fillfactor = 50);
ALTER TABLE shop.adopted INHERIT shop.parent_two;
ALTER TABLE shop.adopted INHERIT shop.parent_one;
ALTER TABLE ONLY shop.child ALTER COLUMN c DROP DEFAULT;
INSERT INTO shop.parent_one VALUES (1, 'p1');
INSERT INTO shop.parent_two VALUES ('p2', '2021-01-01');
INSERT INTO shop.child (a, b, c, d) VALUES (2, 'c', '2022-01-01', 4);
INSERT INTO shop.grandchild (a, b, c, d) VALUES (3, 'g', NULL, 5);
INSERT INTO shop.adopted (a, b, c) VALUES (4, 'r', '2023-01-01');
COMMENT ON COLUMN shop.child.b IS 'inherited twice';

CREATE TABLE shop.event (id bigint NOT NULL, at timestamptz NOT NULL, kind text NOT NULL DEFAULT 'k', payload jsonb, CONSTRAINT kind_known CHECK (kind <> '')) PARTITION BY RANGE (at);
CREATE TABLE shop.event_2024 PARTITION OF shop.event FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2025-01-01 00:00:00+00') WITH (fillfactor = 90);
CREATE TABLE shop.event_2025 (payload jsonb, gone int, kind text NOT NULL DEFAULT 'other', at timestamptz NOT NULL, id bigint NOT NULL, CONSTRAINT kind_known CHECK (kind <> ''), CONSTRAINT own_check CHECK (id > 0));
ALTER TABLE shop.event_2025 DROP COLUMN gone;
ALTER TABLE shop.event ATTACH PARTITION shop.event_2025 FOR VALUES FROM ('2025-01-01 00:00:00+00') TO ('2026-01-01 00:00:00+00');
CREATE TABLE shop.event_before PARTITION OF shop.event FOR VALUES FROM (MINVALUE) TO ('2024-01-01 00:00:00+00');
INSERT INTO shop.event SELECT i, '2023-12-01 00:00:00+00'::timestamptz + i * interval '2 days', 'k' || i % 3, jsonb_build_object('i', i) FROM generate_series(1, 380) i;
ALTER TABLE shop.event OWNER TO shop_owner;
ALTER TABLE shop.event_2024 OWNER TO "Shop ""Quoted"" = Role";
GRANT SELECT ON shop.event TO shop_reader;
COMMENT ON TABLE shop.event_2024 IS 'a year';
COMMENT ON COLUMN shop.event.at IS 'when';

CREATE TABLE shop.by_list (region text, n int, extra text) PARTITION BY LIST (lower(region));
CREATE TABLE shop.by_list_eu PARTITION OF shop.by_list FOR VALUES IN ('de', 'fr', 'it''s') PARTITION BY RANGE (n, (n % 10));
CREATE TABLE shop.by_list_eu_low PARTITION OF shop.by_list_eu FOR VALUES FROM (MINVALUE, MINVALUE) TO (100, 5);
CREATE TABLE shop.by_list_eu_high PARTITION OF shop.by_list_eu (extra DEFAULT 'high') FOR VALUES FROM (100, 5) TO (MAXVALUE, MAXVALUE);
CREATE TABLE shop.by_list_none PARTITION OF shop.by_list FOR VALUES IN (NULL);
INSERT INTO shop.by_list VALUES ('DE', 1, 'a'), ('fr', 200, NULL), (NULL, 3, ''), ('It''s', 100, 'x');
