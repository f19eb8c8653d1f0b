CREATE TABLE @extschema@.kept (name text PRIMARY KEY);
CREATE SEQUENCE @extschema@.added;
CREATE TABLE @extschema@.added_too (name text PRIMARY KEY);
SELECT pg_catalog.pg_extension_config_dump('@extschema@.kept', '');
SELECT pg_catalog.pg_extension_config_dump('@extschema@.added', '');
SELECT pg_catalog.pg_extension_config_dump('@extschema@.added_too', '');
