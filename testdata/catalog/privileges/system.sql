-- Privileges on what came with the server; stock pg_dump carries all but those on the information schema.
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_sleep(double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_sleep(double precision) TO bob;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_reload_conf() TO alice WITH GRANT OPTION;
GRANT SELECT (rolname, rolpassword) ON pg_catalog.pg_authid TO bob;
GRANT SELECT ON pg_catalog.pg_largeobject TO bob;
REVOKE SELECT ON pg_catalog.pg_stats FROM PUBLIC;
REVOKE USAGE ON LANGUAGE sql FROM PUBLIC;
GRANT USAGE ON SCHEMA pg_catalog TO bob;
REVOKE USAGE ON TYPE pg_catalog.point FROM PUBLIC;
REVOKE SELECT ON information_schema.tables FROM PUBLIC;
