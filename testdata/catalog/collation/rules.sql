-- since: 16
CREATE SCHEMA s;
CREATE COLLATION s.tailored (PROVIDER = icu, LOCALE = 'und', RULES = '&V << w <<< W &a < ''-''');
CREATE TABLE s.t (a text COLLATE s.tailored);
