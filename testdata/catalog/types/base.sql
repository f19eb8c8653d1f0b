-- Base types: declared, read and written by functions of theirs, and defined; one that is only declared; their arrays.
CREATE SCHEMA s;
CREATE TYPE s.shell;
COMMENT ON TYPE s.shell IS 'only declared';
CREATE TYPE s."Base";
CREATE FUNCTION s.base_in(cstring) RETURNS s."Base" LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION s.base_out(s."Base") RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE FUNCTION s.base_receive(internal) RETURNS s."Base" LANGUAGE internal IMMUTABLE STRICT AS 'int4recv';
CREATE FUNCTION s.base_send(s."Base") RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'int4send';
CREATE TYPE s."Base" (INPUT = s.base_in, OUTPUT = s.base_out, RECEIVE = s.base_receive, SEND = s.base_send,
    LIKE = integer, CATEGORY = 'N', DEFAULT = '42', DELIMITER = ';');
ALTER TYPE s."Base" OWNER TO bob;
COMMENT ON TYPE s."Base" IS 'a number';
GRANT USAGE ON TYPE s."Base" TO alice;
REVOKE USAGE ON TYPE s."Base" FROM PUBLIC;
CREATE TYPE s.wide;
CREATE FUNCTION s.wide_in(cstring, oid, integer) RETURNS s.wide LANGUAGE internal IMMUTABLE STRICT AS 'varcharin';
CREATE FUNCTION s.wide_out(s.wide) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'varcharout';
CREATE TYPE s.wide (INPUT = s.wide_in, OUTPUT = s.wide_out, TYPMOD_IN = varchartypmodin, TYPMOD_OUT = varchartypmodout,
    LIKE = varchar, CATEGORY = 'S', COLLATABLE = true, PREFERRED = false);
CREATE TABLE s.t (a s."Base", b s."Base"[], c s.wide(5) COLLATE "C");
INSERT INTO s.t VALUES ('1', '{2;3}', 'four'), (DEFAULT, NULL, '');
