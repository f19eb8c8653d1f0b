-- since: 13
CREATE SCHEMA s;
CREATE TABLE s.parted (a integer) PARTITION BY RANGE (a);
CREATE TABLE s.parted_1 PARTITION OF s.parted FOR VALUES FROM (0) TO (100);
CREATE PUBLICATION rooted FOR TABLE s.parted WITH (publish_via_partition_root = true);
CREATE PUBLICATION leaves FOR TABLE s.parted;
