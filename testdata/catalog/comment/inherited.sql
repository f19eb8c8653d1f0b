-- since: 11
-- Comments on constraints that are inherited: those of a partition are its own, whatever made them.
CREATE TABLE p (a int NOT NULL, b text, CONSTRAINT positive CHECK (a > 0)) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (a);
CREATE TABLE p11 PARTITION OF p1 FOR VALUES FROM (0) TO (5);
CREATE TABLE p2 (b text, a int NOT NULL, CONSTRAINT positive CHECK (a > 0), CONSTRAINT own CHECK (b <> ''));
ALTER TABLE p ATTACH PARTITION p2 DEFAULT;
COMMENT ON CONSTRAINT positive ON p IS 'above';
COMMENT ON CONSTRAINT positive ON p1 IS 'it''s on a partition';
COMMENT ON CONSTRAINT positive ON p11 IS 'on a partition of one';
COMMENT ON CONSTRAINT positive ON p2 IS 'on one that was attached';
COMMENT ON CONSTRAINT own ON p2 IS 'its own';
CREATE TABLE parent (a int, CONSTRAINT small CHECK (a < 10));
CREATE TABLE child (b int) INHERITS (parent);
COMMENT ON CONSTRAINT small ON child IS 'on a child';
ALTER TABLE parent ADD CONSTRAINT late CHECK (a <> 5) NOT VALID;
COMMENT ON CONSTRAINT late ON child IS 'on one that comes late';
