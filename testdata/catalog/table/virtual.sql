-- since: 18
-- Virtual generated columns, and children with another expression.
CREATE TABLE calc (a int, v int GENERATED ALWAYS AS (a * 2) VIRTUAL, s int GENERATED ALWAYS AS (a * 3) STORED);
INSERT INTO calc (a) VALUES (1), (2);
CREATE TABLE same () INHERITS (calc);
CREATE TABLE other (v int GENERATED ALWAYS AS (a * 20) VIRTUAL) INHERITS (calc);
CREATE TABLE changed () INHERITS (calc);
ALTER TABLE changed ALTER s SET EXPRESSION AS (a * 30);
INSERT INTO changed (a) VALUES (5);
CREATE TABLE parted (k int, v int GENERATED ALWAYS AS (k + 1) VIRTUAL) PARTITION BY LIST (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 (v int GENERATED ALWAYS AS (k + 2) VIRTUAL, k int);
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES IN (2);
INSERT INTO parted (k) VALUES (1), (2);
