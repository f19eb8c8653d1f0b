-- All tables, some tables, none; everything, something, nothing.
CREATE SCHEMA s;
CREATE TABLE s.t (a integer PRIMARY KEY, b text);
CREATE TABLE s."T ""2" (a integer);
CREATE TABLE s.parent (a integer);
CREATE TABLE s.child (b integer) INHERITS (s.parent);
CREATE TABLE s.parted (a integer) PARTITION BY RANGE (a);
CREATE TABLE s.parted_1 PARTITION OF s.parted FOR VALUES FROM (0) TO (100);
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE PUBLICATION "P ""1" FOR TABLE s.t, s."T ""2" WITH (publish = 'insert, delete');
CREATE PUBLICATION nothing WITH (publish = '');
CREATE PUBLICATION only_parent FOR TABLE ONLY s.parent WITH (publish = 'delete');
CREATE PUBLICATION family FOR TABLE s.parent, s.parted_1 WITH (publish = 'update');
ALTER PUBLICATION "P ""1" OWNER TO alice;
COMMENT ON PUBLICATION "P ""1" IS 'it''s published';
INSERT INTO s.t VALUES (1, 'x');
