\echo Use "CREATE EXTENSION tandem_settings" to load this file. \quit
CREATE TABLE @extschema@.setting (name text PRIMARY KEY, value text, builtin boolean NOT NULL DEFAULT false);
INSERT INTO @extschema@.setting VALUES ('version', '1.0', true), ('theme_default', 'light', true);
CREATE TABLE @extschema@.setting_history (
    id bigserial PRIMARY KEY,
    name text NOT NULL REFERENCES @extschema@.setting,
    value text,
    at timestamptz NOT NULL DEFAULT '2024-05-06 07:08:09+00');
CREATE FUNCTION @extschema@.setting_value(text) RETURNS text LANGUAGE sql STABLE
    AS 'SELECT value FROM @extschema@.setting WHERE name = $1';
SELECT pg_catalog.pg_extension_config_dump('@extschema@.setting', 'WHERE NOT builtin');
SELECT pg_catalog.pg_extension_config_dump('@extschema@.setting_history', '');
SELECT pg_catalog.pg_extension_config_dump('@extschema@.setting_history_id_seq', '');
