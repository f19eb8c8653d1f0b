-- CHECKs: not valid with bad rows, inherited, on partitions, with odd names.
CREATE TABLE t (a int, b text, CONSTRAINT "odd ""name""" CHECK (b <> 'it''s' AND b !~ '\\'), CHECK (a < 1000));
INSERT INTO t VALUES (-1, 'x');
ALTER TABLE t ADD CONSTRAINT positive CHECK (a > 0) NOT VALID;
COMMENT ON CONSTRAINT positive ON t IS 'not valid';
CREATE TABLE child () INHERITS (t);
CREATE TABLE p (a int, CONSTRAINT small CHECK (a < 100)) PARTITION BY LIST (a);
CREATE TABLE p1 PARTITION OF p (CONSTRAINT smaller CHECK (a < 50)) FOR VALUES IN (1);
ALTER TABLE p ADD CONSTRAINT bigger CHECK (a > 0) NOT VALID;
INSERT INTO p VALUES (1);
COMMENT ON CONSTRAINT small ON p IS 'on the parent';
