-- since: 18
-- Keys and references over periods; constraints that are not enforced.
CREATE TABLE booked (room int4range, during tsrange, CONSTRAINT booked_pk PRIMARY KEY (room, during WITHOUT OVERLAPS));
CREATE TABLE uses (room int4range, during tsrange, CONSTRAINT once UNIQUE (room, during WITHOUT OVERLAPS) DEFERRABLE,
    CONSTRAINT in_booking FOREIGN KEY (room, PERIOD during) REFERENCES booked (room, PERIOD during));
INSERT INTO booked VALUES ('[1,2)', '[2020-01-01,2020-02-01)');
INSERT INTO uses VALUES ('[1,2)', '[2020-01-05,2020-01-06)');
CREATE TABLE loose (a int, b int PRIMARY KEY, CONSTRAINT c CHECK (a > 0) NOT ENFORCED,
    CONSTRAINT f FOREIGN KEY (a) REFERENCES loose (b) NOT ENFORCED);
INSERT INTO loose VALUES (-1, 1);
CREATE TABLE p (a int, b int) PARTITION BY LIST (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
INSERT INTO p VALUES (1, 99);
ALTER TABLE p ADD CONSTRAINT unproven FOREIGN KEY (b) REFERENCES loose (b) NOT VALID;
