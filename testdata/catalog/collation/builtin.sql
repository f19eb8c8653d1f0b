-- since: 17
CREATE SCHEMA s;
CREATE COLLATION s.bytes (PROVIDER = builtin, LOCALE = 'C');
CREATE COLLATION s.letters (PROVIDER = builtin, LOCALE = 'C.UTF-8');
CREATE TABLE s.t (a text COLLATE s.bytes, b text COLLATE s.letters, c text COLLATE "pg_c_utf8");
