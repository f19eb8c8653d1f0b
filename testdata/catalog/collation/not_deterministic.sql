-- since: 12
-- What counts as equal although its bytes differ.
CREATE SCHEMA s;
CREATE COLLATION s.loose (PROVIDER = icu, LOCALE = 'und-u-ks-level2', DETERMINISTIC = false);
CREATE DOMAIN s.name AS text COLLATE s.loose;
CREATE TABLE s.t (a text COLLATE s.loose PRIMARY KEY, c s.name DEFAULT lower('X'));
INSERT INTO s.t VALUES ('x'), ('Y');
