-- Foreign keys: to itself, in a circle, not valid, deferred.
CREATE TABLE self (id int PRIMARY KEY, up int CONSTRAINT "up ""ref""" REFERENCES self ON DELETE CASCADE);
INSERT INTO self VALUES (1, 2), (2, 1);
CREATE TABLE circle_a (id int PRIMARY KEY, b int);
CREATE TABLE circle_b (id int PRIMARY KEY, a int REFERENCES circle_a DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE circle_a ADD FOREIGN KEY (b) REFERENCES circle_b ON UPDATE SET DEFAULT ON DELETE SET NULL DEFERRABLE;
INSERT INTO circle_a VALUES (1, NULL);
INSERT INTO circle_b VALUES (1, 1);
UPDATE circle_a SET b = 1;
CREATE TABLE bad (a int, x int, y int);
INSERT INTO bad VALUES (77, 1, NULL);
ALTER TABLE bad ADD CONSTRAINT unproven FOREIGN KEY (a) REFERENCES self NOT VALID;
CREATE TABLE two (x int, y int, z int, UNIQUE (x, y), PRIMARY KEY (z));
CREATE UNIQUE INDEX no_constraint ON two (y, z);
ALTER TABLE bad ADD FOREIGN KEY (x, y) REFERENCES two (x, y) MATCH FULL NOT VALID;
ALTER TABLE bad ADD FOREIGN KEY (y, x) REFERENCES two (y, z);
