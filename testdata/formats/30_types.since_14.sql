CREATE TABLE forms.binary_multiranges (n nummultirange, t tsmultirange, d datemultirange, i int4multirange);
INSERT INTO forms.binary_multiranges VALUES ('{}', '{}', '{}', '{}'), ('{[1,2),(3,)}', '{(,)}', '{[2000-01-01,2000-01-03)}', '{[1,2),[5,9)}');
CREATE TABLE forms.asked_for_snapshots (s pg_snapshot, x xid8);
INSERT INTO forms.asked_for_snapshots VALUES ('10:20:10,14,15', '18446744073709551615');
CREATE TABLE forms.binary_infinite (n numeric, m numeric);
INSERT INTO forms.binary_infinite VALUES ('Infinity', '-Infinity');
