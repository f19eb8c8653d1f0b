-- Schemas whose objects need each other, and names that patterns have to tell apart. `alone` needs nothing of the others.
CREATE SCHEMA alone AUTHORIZATION sel_owner;
CREATE SCHEMA "Mixed.Case";
CREATE SCHEMA used;
CREATE SCHEMA user_of;
CREATE EXTENSION tandem_settings SCHEMA used;
COMMENT ON EXTENSION tandem_settings IS 'not what it says itself';
INSERT INTO used.setting VALUES ('theme', 'dark');
SELECT lo_create(4711);
GRANT SELECT ON LARGE OBJECT 4711 TO sel_reader;
COMMENT ON LARGE OBJECT 4711 IS 'water';
ALTER DEFAULT PRIVILEGES FOR ROLE sel_owner GRANT SELECT ON TABLES TO sel_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE sel_owner IN SCHEMA alone GRANT UPDATE ON TABLES TO sel_reader;

SET ROLE sel_owner;
CREATE TYPE alone.colour AS ENUM ('red');
CREATE DOMAIN alone.positive AS int CHECK (VALUE > 0);
CREATE FUNCTION alone.half(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 / 2';
CREATE FUNCTION alone.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE AGGREGATE alone.total(int) (SFUNC = int4pl, STYPE = int);
CREATE TABLE alone.t1 (id serial PRIMARY KEY, n alone.positive, c alone.colour, i int GENERATED ALWAYS AS IDENTITY);
COMMENT ON TABLE alone.t1 IS 'one';
GRANT SELECT, UPDATE (n) ON alone.t1 TO sel_reader;
CREATE INDEX t1_half ON alone.t1 (alone.half(n));
CREATE TRIGGER touch BEFORE UPDATE ON alone.t1 FOR EACH ROW EXECUTE FUNCTION alone.touch();
CREATE RULE quiet AS ON DELETE TO alone.t1 DO INSTEAD NOTHING;
CREATE POLICY p ON alone.t1 FOR SELECT USING (n > 1);
CREATE TABLE alone.t2 (id int REFERENCES alone.t1, CHECK (id > 0));
CREATE TABLE alone.parted (a int PRIMARY KEY, b text) PARTITION BY LIST (a);
CREATE TABLE alone.part_1 PARTITION OF alone.parted FOR VALUES IN (1);
CREATE SEQUENCE alone.free;
CREATE FUNCTION alone.same(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 = $2';
CREATE OPERATOR alone.=== (FUNCTION = alone.same, LEFTARG = int, RIGHTARG = int, COMMUTATOR = OPERATOR(alone.===));
CREATE TYPE alone.span AS RANGE (subtype = float8);
CREATE SEQUENCE alone.owned OWNED BY alone.t2.id;
CREATE VIEW alone.v AS SELECT id FROM alone.t1;
CREATE MATERIALIZED VIEW alone.m AS SELECT count(*) AS n FROM alone.t1;
INSERT INTO alone.t1 (n, c) VALUES (1, 'red'), (2, NULL);
INSERT INTO alone.t2 VALUES (1);
INSERT INTO alone.parted VALUES (1, 'x');
REFRESH MATERIALIZED VIEW alone.m;
RESET ROLE;

CREATE TABLE "Mixed.Case"."Odd*Name$" (a int);
CREATE TABLE "Mixed.Case".oddename (a int);
CREATE TABLE "Mixed.Case"."say ""hi""" (a int);
CREATE TABLE "Mixed.Case"."x[]" (a int);

CREATE TABLE used.base (id int PRIMARY KEY);
CREATE TYPE used.kind AS ENUM ('a');
CREATE SEQUENCE used.numbers;
INSERT INTO used.base VALUES (1);
CREATE TABLE user_of.refers (id int REFERENCES used.base, k used.kind, n int DEFAULT nextval('used.numbers'));
CREATE TABLE user_of.child () INHERITS (used.base);
CREATE VIEW user_of.reads AS SELECT id FROM used.base;
CREATE TABLE user_of.free (a int);
CREATE SEQUENCE used.of_base OWNED BY used.base.id;

CREATE FUNCTION used.number(used.kind) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE CAST (used.kind AS int) WITH FUNCTION used.number(used.kind);
CREATE OPERATOR CLASS used.hashed FOR TYPE int USING hash AS OPERATOR 1 =, FUNCTION 1 hashint4(int);
CREATE OPERATOR FAMILY used.empty USING btree;
CREATE CONVERSION used.latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE ACCESS METHOD sel_method TYPE INDEX HANDLER gisthandler;
CREATE FOREIGN DATA WRAPPER sel_wrapper;
CREATE SERVER sel_server FOREIGN DATA WRAPPER sel_wrapper;
CREATE USER MAPPING FOR PUBLIC SERVER sel_server;
CREATE FOREIGN TABLE user_of.remote (a int) SERVER sel_server;

CREATE TABLE public.orders (id int PRIMARY KEY, note text);
CREATE TABLE public.order_lines (id int);
INSERT INTO public.orders VALUES (1, 'x');
INSERT INTO public.order_lines VALUES (1), (2);
CREATE TABLE user_of.orders (id int);

REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_sleep(double precision) FROM PUBLIC;
