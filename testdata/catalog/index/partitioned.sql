-- since: 11
-- Indexes of partitioned tables: attached, on ONLY, and a partition's own.
CREATE TABLE p (a int NOT NULL, b text, c int) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10) PARTITION BY LIST (c);
CREATE TABLE p11 PARTITION OF p1 DEFAULT;
CREATE TABLE p2 (c int, b text, a int NOT NULL);
CREATE INDEX "my own" ON p2 (b);
ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (10) TO (20);
INSERT INTO p SELECT g, g::text, g FROM generate_series(0, 19) g;
CREATE INDEX everywhere ON p (b) WITH (fillfactor = 70);
CREATE INDEX just_here ON ONLY p (c);
CREATE INDEX p2_extra ON p2 (c DESC);
ALTER TABLE p ADD PRIMARY KEY (a, c);
ALTER TABLE p ADD CONSTRAINT twice UNIQUE (c, a) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE p2 ADD CONSTRAINT p2_only UNIQUE (b);
COMMENT ON CONSTRAINT twice ON p IS 'on the constraint';
COMMENT ON INDEX p_pkey IS 'on its index';
