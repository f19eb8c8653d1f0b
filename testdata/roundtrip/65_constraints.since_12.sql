-- Foreign keys that refer to a partitioned table.
ALTER TABLE shop.dangling ADD FOREIGN KEY (a, b) REFERENCES shop.event (id, at) MATCH FULL ON DELETE CASCADE NOT VALID;
ALTER TABLE shop.event_note ADD FOREIGN KEY (event, event_at) REFERENCES shop.event (id, at) ON DELETE SET DEFAULT;
