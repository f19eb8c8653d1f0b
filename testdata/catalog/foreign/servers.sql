-- Wrappers with and without functions, servers, user mappings: options, owners, privileges, comments.
CREATE SCHEMA s;
CREATE FUNCTION s."check"(text[], oid) RETURNS void LANGUAGE plpgsql AS 'BEGIN END';
CREATE FOREIGN DATA WRAPPER bare;
CREATE FOREIGN DATA WRAPPER "W ""q"" '" VALIDATOR s."check" OPTIONS ("O ""q"" \n" E'it''s \\ and\na line', empty '');
COMMENT ON FOREIGN DATA WRAPPER "W ""q"" '" IS 'it''s one';
GRANT USAGE ON FOREIGN DATA WRAPPER "W ""q"" '" TO alice WITH GRANT OPTION;
GRANT USAGE ON FOREIGN DATA WRAPPER bare TO PUBLIC;
CREATE FOREIGN DATA WRAPPER builtin VALIDATOR postgresql_fdw_validator;
REVOKE USAGE ON FOREIGN DATA WRAPPER builtin FROM postgres;

CREATE SERVER plain FOREIGN DATA WRAPPER bare;
CREATE SERVER "S ""q"" '" TYPE 'it''s' VERSION '1\2' FOREIGN DATA WRAPPER "W ""q"" '" OPTIONS (host 'a b', "user" 'x=y', password 'p''w');
CREATE SERVER checked FOREIGN DATA WRAPPER builtin OPTIONS (host 'none', dbname 'd');
COMMENT ON SERVER "S ""q"" '" IS 'far away';
ALTER SERVER "S ""q"" '" OWNER TO alice;
GRANT USAGE ON FOREIGN SERVER "S ""q"" '" TO bob, "Carol ""C"" O'x=y/z";
GRANT USAGE ON FOREIGN SERVER plain TO PUBLIC;
REVOKE ALL ON FOREIGN SERVER checked FROM postgres;

CREATE USER MAPPING FOR PUBLIC SERVER plain;
CREATE USER MAPPING FOR bob SERVER plain OPTIONS ("user" 'b', token 's3cr3t''\', password 'x');
CREATE USER MAPPING FOR "Carol ""C"" O'x=y/z" SERVER "S ""q"" '" OPTIONS ("a b" 'c=d');
CREATE USER MAPPING FOR postgres SERVER checked OPTIONS (password E'two\nlines', "user" '');
