-- Keys, indexes, other constraints.
ALTER TABLE shop.customer ADD PRIMARY KEY (id);
ALTER TABLE shop.customer ADD CONSTRAINT customer_email UNIQUE (email) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE shop.product ADD CONSTRAINT "product Key" PRIMARY KEY (id) WITH (fillfactor = 60);
ALTER TABLE shop.product ADD UNIQUE (sku) DEFERRABLE;
ALTER TABLE shop.orders ADD CONSTRAINT orders_pkey PRIMARY KEY (id);
COMMENT ON CONSTRAINT customer_email ON shop.customer IS 'one each';
COMMENT ON INDEX shop.customer_pkey IS 'the index of a key';
CREATE INDEX ON shop.customer USING gin (name ext.gin_trgm_ops);
CREATE INDEX customer_profile ON shop.customer USING gin (profile jsonb_path_ops) WITH (fastupdate = off);
CREATE INDEX customer_attributes ON shop.customer USING gist (attributes);
CREATE INDEX customer_lower ON shop.customer (shop.lower_c(email) COLLATE "C" DESC NULLS LAST, (balance + 1) DESC) WHERE balance > 0 AND name <> 'it''s';
CREATE INDEX customer_icu ON shop.customer (name COLLATE "und-x-icu");
CREATE INDEX customer_created ON shop.customer USING brin (created_at) WITH (pages_per_range = 16, autosummarize = on);
CREATE INDEX customer_pattern ON shop.customer (name text_pattern_ops);
CREATE UNIQUE INDEX "Odd ""Index""" ON shop.customer USING btree (uid, id);
CREATE INDEX customer_hash ON shop.customer USING hash (uid);
COMMENT ON INDEX shop."Odd ""Index""" IS 'odd';
CREATE INDEX product_doc ON shop.product USING gin (doc);
CREATE INDEX product_sku ON shop.product USING btree (sku) WITH (fillfactor = 80);
ALTER TABLE shop.product CLUSTER ON product_sku;
ALTER TABLE shop.orders CLUSTER ON orders_pkey;
ALTER TABLE shop.orders REPLICA IDENTITY USING INDEX orders_pkey;
ALTER TABLE shop.no_rows REPLICA IDENTITY FULL;
ALTER TABLE shop.bare REPLICA IDENTITY NOTHING;
CREATE INDEX ON shop.orders (customer_id, status) WHERE status = 'it''s "lost"';
CREATE INDEX ON "odd Schema"."Tab""le with
newline" ("a
b", (lower("UPPER")));
CREATE INDEX ON shop.fast_lane (k);
CREATE INDEX ON shop.composites USING gist (r);
CREATE INDEX ON shop.composites (addr);
CREATE INDEX point_index ON shop.networks USING spgist (p);

-- Every kind of constraint that remains.
CREATE TABLE shop.booking (room int, during tsrange, note text,
    CONSTRAINT no_overlap EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (note IS NULL) DEFERRABLE,
    EXCLUDE USING btree (note WITH =) WITH (fillfactor = 80));
INSERT INTO shop.booking VALUES (1, '[2020-01-01,2020-01-02)', NULL), (1, '[2020-01-02,2020-01-03)', NULL), (1, '[2020-01-01,2020-01-02)', 'x');
COMMENT ON CONSTRAINT no_overlap ON shop.booking IS 'one at a time';
ALTER TABLE shop.orders ADD CONSTRAINT "later than 1990" CHECK (placed_at > '1990-01-01 00:00:00+00') NOT VALID;
ALTER TABLE shop.orders ADD CONSTRAINT not_true_of_old_rows CHECK (total > 1000000) NOT VALID;
ALTER TABLE shop.orders ADD FOREIGN KEY (customer_id) REFERENCES shop.customer ON UPDATE CASCADE ON DELETE SET NULL;
ALTER TABLE shop.orders ADD CONSTRAINT orders_parent FOREIGN KEY (parent) REFERENCES shop.orders DEFERRABLE INITIALLY DEFERRED;
COMMENT ON CONSTRAINT orders_parent ON shop.orders IS 'itself';
CREATE TABLE shop.chicken (id int PRIMARY KEY, egg int);
CREATE TABLE shop.egg (id int PRIMARY KEY, chicken int NOT NULL REFERENCES shop.chicken ON DELETE RESTRICT);
ALTER TABLE shop.chicken ADD CONSTRAINT which_was_first FOREIGN KEY (egg) REFERENCES shop.egg INITIALLY DEFERRED;
BEGIN; INSERT INTO shop.chicken VALUES (1, 1); INSERT INTO shop.egg VALUES (1, 1); COMMIT;
CREATE TABLE shop.dangling (customer_id bigint, a bigint, b timestamptz);
INSERT INTO shop.dangling VALUES (-1, NULL, '2020-01-01');
ALTER TABLE shop.dangling ADD CONSTRAINT nobody FOREIGN KEY (customer_id) REFERENCES shop.customer NOT VALID;
CREATE TABLE shop.event_note (id int PRIMARY KEY, event bigint, event_at timestamptz, note text);
INSERT INTO shop.event_note SELECT row_number() OVER (ORDER BY id), id, at, 'n' FROM shop.event WHERE id % 50 = 0;
ALTER TABLE shop.event ADD CONSTRAINT event_self CHECK (id >= 0);
