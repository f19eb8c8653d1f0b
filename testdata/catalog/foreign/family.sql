-- since: 12
-- Foreign tables as partitions, as parents and as children. Nothing here is read: the wrapper cannot.
CREATE SCHEMA s;
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER far FOREIGN DATA WRAPPER w;
CREATE FUNCTION s.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';

CREATE TABLE s.p (a integer NOT NULL, b text DEFAULT 'p', c integer CHECK (c > 0)) PARTITION BY RANGE (a);
CREATE TABLE s.p_near PARTITION OF s.p FOR VALUES FROM (0) TO (10);
CREATE FOREIGN TABLE s.p_far PARTITION OF s.p (b DEFAULT 'far') FOR VALUES FROM (10) TO (20) SERVER far OPTIONS (x 'y');
CREATE FOREIGN TABLE s.p_other (c integer OPTIONS (o 'p'), b text, a integer NOT NULL, CONSTRAINT p_c_check CHECK (c > 0), CHECK (b <> '')) SERVER far;
ALTER TABLE s.p ATTACH PARTITION s.p_other DEFAULT;
COMMENT ON CONSTRAINT p_c_check ON s.p_far IS 'on an inherited one';
CREATE TRIGGER g AFTER INSERT ON s.p FOR EACH ROW EXECUTE FUNCTION s.f();
ALTER TABLE s.p_far DISABLE TRIGGER g;
INSERT INTO s.p SELECT i, i, 1 FROM generate_series(1, 9) i;
GRANT SELECT ON s.p_far TO bob;
CREATE INDEX "on only " ON s.p (c);
CREATE TABLE s.p_deep PARTITION OF s.p FOR VALUES FROM (20) TO (30) PARTITION BY RANGE (a);
CREATE TABLE s.p_deep_near PARTITION OF s.p_deep FOR VALUES FROM (20) TO (25);
CREATE FOREIGN TABLE s.p_deep_far PARTITION OF s.p_deep FOR VALUES FROM (25) TO (30) SERVER far;
CREATE INDEX expression ON s.p ((a + 1) DESC) WHERE c > 0;
ALTER INDEX s.expression ALTER COLUMN 1 SET STATISTICS 5;

CREATE TABLE s.parent (a integer, b text, CHECK (a > 0));
CREATE FOREIGN TABLE s.child (d integer OPTIONS (o 'p') DEFAULT 3) INHERITS (s.parent) SERVER far OPTIONS (x 'y');
ALTER FOREIGN TABLE s.child ALTER COLUMN b OPTIONS (q 'r'), ALTER COLUMN b SET DEFAULT 'mine', ALTER COLUMN a SET STATISTICS 3;
CREATE FOREIGN TABLE s.joined (d text, b text, a integer, CONSTRAINT parent_a_check CHECK (a > 0)) SERVER far;
ALTER FOREIGN TABLE s.joined INHERIT s.parent;
CREATE FOREIGN TABLE s.far_parent (a integer, b text, CHECK (b <> '')) SERVER far;
CREATE TABLE s.near_child (c integer) INHERITS (s.far_parent);
INSERT INTO s.near_child VALUES (1, 'x', 2);
INSERT INTO s.parent VALUES (1, 'x');
