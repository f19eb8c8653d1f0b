CREATE INDEX customer_siglen ON shop.customer USING gist (name ext.gist_trgm_ops (siglen = 64)) WITH (fillfactor = 75);
CREATE INDEX customer_plain ON shop.customer (balance) WITH (deduplicate_items = off);
