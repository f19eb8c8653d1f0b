-- Chains of grants, default privileges, large objects.
SET SESSION AUTHORIZATION shop_writer;
GRANT USAGE ON SCHEMA shop TO shop_audit;
RESET SESSION AUTHORIZATION;
GRANT SELECT ON shop.wide TO shop_writer WITH GRANT OPTION;
SET SESSION AUTHORIZATION shop_writer;
GRANT SELECT ON shop.wide TO shop_audit WITH GRANT OPTION;
SET SESSION AUTHORIZATION shop_audit;
GRANT SELECT ON shop.wide TO PUBLIC;
RESET SESSION AUTHORIZATION;
GRANT INSERT, UPDATE, TRIGGER ON shop.times TO shop_writer;
GRANT ALL ON shop.texts TO shop_writer WITH GRANT OPTION;
REVOKE ALL ON shop.composites FROM postgres;
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_sleep(float8) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_sleep(float8) TO shop_reader;
GRANT SELECT ON pg_catalog.pg_statistic TO shop_audit;
GRANT SELECT (rolname) ON pg_catalog.pg_authid TO shop_audit;

ALTER DEFAULT PRIVILEGES FOR ROLE shop_owner IN SCHEMA shop GRANT SELECT ON TABLES TO shop_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE shop_owner IN SCHEMA "odd Schema" GRANT USAGE ON SEQUENCES TO "Shop ""Quoted"" = Role" WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE shop_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE "Shop ""Quoted"" = Role" GRANT USAGE ON TYPES TO shop_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE shop_writer GRANT USAGE ON SCHEMAS TO shop_reader;
-- The loader's own role has some as well: they must not touch what the loader makes.
ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT SELECT ON TABLES TO shop_audit;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

SELECT lo_create(90001);
SELECT lo_from_bytea(90002, '\x00ff5c0a0d');
SELECT lo_from_bytea(90003, (SELECT decode(string_agg(md5(i::text), ''), 'hex') FROM generate_series(1, 196608) i));
SELECT lo_from_bytea(4294967295, 'the last number');
SELECT lo_put(90001, 0, '');
ALTER LARGE OBJECT 90002 OWNER TO shop_owner;
ALTER LARGE OBJECT 90003 OWNER TO "Shop ""Quoted"" = Role";
GRANT SELECT ON LARGE OBJECT 90002 TO shop_reader;
GRANT SELECT, UPDATE ON LARGE OBJECT 90003 TO shop_writer WITH GRANT OPTION;
REVOKE ALL ON LARGE OBJECT 4294967295 FROM postgres;
COMMENT ON LARGE OBJECT 90003 IS 'three megabytes; it''s large';
CREATE TABLE shop.pictures (id int, picture oid);
INSERT INTO shop.pictures VALUES (1, 90001), (2, 90003);
