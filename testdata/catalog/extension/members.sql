-- What changes on an extension's members is carried as far as it is privileges.
CREATE SCHEMA ext;
CREATE EXTENSION hstore WITH SCHEMA ext;
CREATE EXTENSION citext WITH SCHEMA public;
CREATE EXTENSION pg_stat_statements WITH SCHEMA ext;
COMMENT ON EXTENSION hstore IS 'ours';
COMMENT ON EXTENSION citext IS NULL;
REVOKE EXECUTE ON FUNCTION ext.hstore(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ext.hstore(text, text) TO bob;
GRANT USAGE ON TYPE ext.hstore TO alice WITH GRANT OPTION;
REVOKE SELECT ON ext.pg_stat_statements FROM PUBLIC;
GRANT SELECT (query), SELECT (calls) ON ext.pg_stat_statements TO bob;
CREATE DOMAIN public.tags AS ext.hstore;
CREATE FUNCTION public.first(ext.hstore) RETURNS public.citext LANGUAGE sql AS 'SELECT (ext.svals($1))::public.citext';
ALTER FUNCTION public.first(ext.hstore) DEPENDS ON EXTENSION hstore;
