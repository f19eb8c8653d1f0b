-- One of each kind that has no room yet: a run has to refuse this database and name every one of them.
CREATE SCHEMA s;
CREATE FUNCTION pg_catalog.intruder() RETURNS integer LANGUAGE sql AS 'SELECT 1';
