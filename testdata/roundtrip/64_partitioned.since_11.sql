-- What only came with 11: keys, indexes and foreign keys of partitioned tables, columns that are carried along.
ALTER INDEX shop.customer_lower ALTER COLUMN 2 SET STATISTICS 700;
CREATE UNIQUE INDEX product_carries ON shop.product (id) INCLUDE (sku) WITH (fillfactor = 60);

-- Of partitioned tables: attached from the beginning, later, only on a partition, and one that is not attached everywhere.
ALTER TABLE shop.event ADD PRIMARY KEY (id, at);
CREATE INDEX event_kind ON shop.event (kind, at DESC);
CREATE INDEX event_2024_own ON shop.event_2024 USING gin (payload);
CREATE INDEX by_hash_t ON ONLY shop.by_hash (t);
CREATE INDEX by_hash_0_named ON shop.by_hash_0 (t);
ALTER INDEX shop.by_hash_t ATTACH PARTITION shop.by_hash_0_named;
ALTER TABLE shop.by_hash ADD CONSTRAINT by_hash_key UNIQUE (id, t);
CREATE INDEX by_list_n ON shop.by_list (n) WHERE n > 5;
COMMENT ON INDEX shop.event_kind IS 'a partitioned index';
ALTER TABLE shop.event_2024 CLUSTER ON event_2024_kind_at_idx;
CREATE TABLE shop.tracked (id bigint REFERENCES shop.customer, d date) PARTITION BY RANGE (d);
CREATE TABLE shop.tracked_1 PARTITION OF shop.tracked FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE shop.tracked_2 PARTITION OF shop.tracked FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
INSERT INTO shop.tracked VALUES (10, '2020-06-01'), (20, '2021-06-01');
ALTER TABLE shop.tracked_2 ADD CONSTRAINT own_key FOREIGN KEY (id) REFERENCES shop.customer ON DELETE CASCADE;
