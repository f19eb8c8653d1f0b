CREATE TABLE @extschema@.kept (name text PRIMARY KEY);
CREATE TABLE @extschema@.given_up (name text PRIMARY KEY);
SELECT pg_catalog.pg_extension_config_dump('@extschema@.kept', '');
SELECT pg_catalog.pg_extension_config_dump('@extschema@.given_up', '');
