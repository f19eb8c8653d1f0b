-- Functions that name a table without its schema, called while rows are loaded: by CHECKs of a table and of a domain.
SELECT format('ALTER DATABASE %I SET search_path = apart, public', current_database()) \gexec
CREATE SCHEMA apart;
SET search_path = apart, public;
CREATE TABLE factor (name text PRIMARY KEY, by int);
INSERT INTO factor VALUES ('a', 2), ('b', 3);
CREATE FUNCTION times(text) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT by FROM factor WHERE name = $1';
CREATE FUNCTION known(text) RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN PERFORM times($1); RETURN true; END';
CREATE DOMAIN name_of_one AS text CHECK (known(VALUE));
CREATE TABLE used (name text CHECK (known(name)), other name_of_one);
INSERT INTO used VALUES ('a', 'b'), ('b', 'a');
