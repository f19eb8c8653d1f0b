-- since: 18
-- NOT NULL constraints as 18 catalogs them.
CREATE TABLE named (a int CONSTRAINT "odd ""name""" NOT NULL, b int NOT NULL NO INHERIT, c int NOT NULL);
COMMENT ON CONSTRAINT "odd ""name""" ON named IS 'named';
COMMENT ON CONSTRAINT named_c_not_null ON named IS 'default name';
CREATE TABLE heir () INHERITS (named);
CREATE TABLE heir_own (CONSTRAINT mine NOT NULL a) INHERITS (named);
CREATE TABLE late (a int, b int);
CREATE TABLE late_child () INHERITS (late);
INSERT INTO late VALUES (NULL, 1);
INSERT INTO late_child VALUES (1, 1);
ALTER TABLE late ADD CONSTRAINT late_nn NOT NULL a NOT VALID;
ALTER TABLE late_child VALIDATE CONSTRAINT late_nn;
CREATE TABLE a (b_c int);
CREATE TABLE a_b (c int CONSTRAINT a_b_c_not_null NOT NULL);
ALTER TABLE a ADD CONSTRAINT a_b_c_not_null NOT NULL b_c;
CREATE TABLE parted (k int NOT NULL, v text CONSTRAINT v_there NOT NULL) PARTITION BY LIST (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 (v text CONSTRAINT other_name NOT NULL, k int NOT NULL);
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES IN (2);
INSERT INTO parted VALUES (1, 'a'), (2, 'b');
