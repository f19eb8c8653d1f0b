-- What cannot be moved: a run has to refuse this database and name every bit of it.
CREATE FUNCTION pg_catalog.intruder() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE TEXT SEARCH DICTIONARY pg_catalog.intruders_words (TEMPLATE = simple);
CREATE TEXT SEARCH CONFIGURATION pg_catalog.intruders_text (COPY = simple);
