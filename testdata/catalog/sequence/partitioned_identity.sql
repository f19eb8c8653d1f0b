-- since: 17
-- An identity column of a partitioned table belongs to all partitions.
CREATE TABLE parted (k int, id int GENERATED ALWAYS AS IDENTITY) PARTITION BY LIST (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 (id int NOT NULL, k int);
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES IN (2);
INSERT INTO parted (k) VALUES (1), (2), (1);
