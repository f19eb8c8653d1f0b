-- since: 12
-- Foreign tables: options of tables and columns, all kinds of columns and constraints, triggers, comments, privileges.
CREATE SCHEMA s;
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER far FOREIGN DATA WRAPPER w;
CREATE FOREIGN TABLE s.nothing () SERVER far;
CREATE FOREIGN TABLE s."T ""q"" '" (
    gone integer,
    a integer OPTIONS ("column name" 'it''s \n', "x ""y" '') NOT NULL CHECK (a > 0),
    b text COLLATE "C" DEFAULT 'x''y',
    c numeric(10, 2) GENERATED ALWAYS AS (a * 2) STORED,
    d integer[] OPTIONS (k 'v'),
    "E ""e""" varchar(7) OPTIONS ("K ""k""" E'a\\b'),
    CONSTRAINT "C ""c""" CHECK (b <> '') NO INHERIT
) SERVER far OPTIONS (filename '/tmp/it''s', "O ""o""" E'\\');
ALTER FOREIGN TABLE s."T ""q"" '" DROP COLUMN gone;
ALTER FOREIGN TABLE s."T ""q"" '" ADD CONSTRAINT later CHECK (a < 100) NOT VALID;
ALTER FOREIGN TABLE s."T ""q"" '" ALTER COLUMN a SET STATISTICS 7, ALTER COLUMN b SET STORAGE EXTERNAL, ALTER COLUMN d SET (n_distinct = -0.5);
COMMENT ON FOREIGN TABLE s."T ""q"" '" IS 'it''s far';
COMMENT ON COLUMN s."T ""q"" '"."E ""e""" IS 'a column';
COMMENT ON CONSTRAINT "C ""c""" ON s."T ""q"" '" IS 'a constraint';
COMMENT ON CONSTRAINT later ON s."T ""q"" '" IS 'another';
GRANT SELECT, INSERT ON s."T ""q"" '" TO bob WITH GRANT OPTION;
GRANT SELECT (a), UPDATE (b) ON s."T ""q"" '" TO PUBLIC;
CREATE FUNCTION s.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER g BEFORE INSERT OR UPDATE OF a ON s."T ""q"" '" FOR EACH ROW WHEN (NEW.a > 0) EXECUTE FUNCTION s.f();
CREATE TRIGGER h AFTER DELETE ON s."T ""q"" '" EXECUTE FUNCTION s.f();
ALTER FOREIGN TABLE s."T ""q"" '" DISABLE TRIGGER g;
ALTER FOREIGN TABLE s."T ""q"" '" ENABLE ALWAYS TRIGGER h;
COMMENT ON TRIGGER g ON s."T ""q"" '" IS 'off';
-- What others make of it.
CREATE VIEW s.v AS SELECT a, b FROM s."T ""q"" '";
CREATE FUNCTION s.row(s."T ""q"" '") RETURNS integer LANGUAGE sql AS 'SELECT $1.a';
CREATE TABLE s.of_rows (r s."T ""q"" '", many s."T ""q"" '"[]);
CREATE SEQUENCE s.numbers OWNED BY s."T ""q"" '".a;
ALTER FOREIGN TABLE s."T ""q"" '" ALTER COLUMN a SET DEFAULT nextval('s.numbers');
CREATE FOREIGN TABLE s.numbered (id integer GENERATED ALWAYS AS IDENTITY, b serial) SERVER far;
CREATE MATERIALIZED VIEW s.empty AS SELECT * FROM s.numbered WITH NO DATA;
ALTER FOREIGN TABLE s."T ""q"" '" OWNER TO alice;
