-- until: 17
-- A child that may hold NULLs, and does, where its parent may not: 18 hands NOT NULL down to every child.
CREATE TABLE parent (a int, b int NOT NULL);
CREATE TABLE child () INHERITS (parent);
CREATE TABLE strict_child () INHERITS (parent);
CREATE TABLE grandchild (c int) INHERITS (strict_child);
ALTER TABLE ONLY parent ALTER a SET NOT NULL;
ALTER TABLE ONLY strict_child ALTER a SET NOT NULL;
INSERT INTO child VALUES (NULL, 1);
INSERT INTO grandchild VALUES (NULL, 2, 3);
INSERT INTO parent VALUES (1, 1);
