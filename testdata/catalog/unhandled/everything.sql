-- One of each kind that has no room yet: a run has to refuse this database and name every one of them.
CREATE SCHEMA s;
CREATE FUNCTION s.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE COLLATION s.german FROM "C";
CREATE TEXT SEARCH PARSER s.parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE s.template (LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH DICTIONARY s.dictionary (TEMPLATE = simple);
CREATE TEXT SEARCH CONFIGURATION s.configuration (COPY = simple);
CREATE TABLE s.t (a integer, b integer);
CREATE STATISTICS s.correlated ON a, b FROM s.t;
CREATE PUBLICATION p FOR TABLE s.t;
CREATE SUBSCRIPTION sub CONNECTION 'host=none' PUBLICATION p WITH (connect = false, slot_name = NONE);
CREATE FUNCTION pg_catalog.intruder() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE EVENT TRIGGER watch ON ddl_command_start EXECUTE FUNCTION s.on_ddl();
