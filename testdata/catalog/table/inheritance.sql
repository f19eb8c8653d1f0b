-- Ordinary inheritance: several parents, columns in another order, defaults and constraints of the child's own.
CREATE TABLE mother (a int NOT NULL DEFAULT 1, b text DEFAULT 'b', c int DEFAULT 3, CONSTRAINT positive CHECK (a > 0));
CREATE TABLE father (c int DEFAULT 3, d int, a int DEFAULT 1, CONSTRAINT mine CHECK (d > 0) NO INHERIT);
CREATE TABLE child (e text, b text DEFAULT NULL) INHERITS (mother, father);
ALTER TABLE child ALTER c SET DEFAULT 33, ALTER d SET NOT NULL, ALTER a SET STATISTICS 7;
CREATE TABLE cancels () INHERITS (mother);
ALTER TABLE cancels ALTER c DROP DEFAULT, ALTER b SET DEFAULT 'other';
CREATE TABLE "Grand child" (f int, CONSTRAINT own CHECK (f > 0)) INHERITS (child);
CREATE TABLE plain (x int, y int DEFAULT 7, CONSTRAINT x_positive CHECK (x > 0));
CREATE TABLE joined (z text, y int, x int, CONSTRAINT x_positive CHECK (x > 0));
ALTER TABLE joined INHERIT plain;
ALTER TABLE mother ADD CONSTRAINT later CHECK (c < 100) NOT VALID;
INSERT INTO mother VALUES (1, 'm', 1);
INSERT INTO father VALUES (2, 2, 2);
INSERT INTO child (a, b, c, d, e) VALUES (3, 'c', 3, 3, 'e');
INSERT INTO "Grand child" (a, b, c, d, e, f) VALUES (4, 'g', 4, 4, 'e', 4);
INSERT INTO joined VALUES ('j', 5, 6);
CREATE INDEX ON mother (b);
