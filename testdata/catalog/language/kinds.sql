-- Languages made by hand, on the functions of another: trusted, with privileges, and not.
CREATE LANGUAGE "my Language" HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator;
CREATE TRUSTED LANGUAGE trusted HANDLER plpgsql_call_handler;
ALTER LANGUAGE trusted OWNER TO bob;
REVOKE USAGE ON LANGUAGE trusted FROM PUBLIC;
GRANT USAGE ON LANGUAGE trusted TO alice;
COMMENT ON LANGUAGE "my Language" IS 'another name';
CREATE FUNCTION f() RETURNS integer LANGUAGE "my Language" AS 'BEGIN RETURN 1; END';
