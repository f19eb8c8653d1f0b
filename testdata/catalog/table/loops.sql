-- Defaults and CHECKs that depend on the table they belong to, by way of functions.
CREATE TABLE checked (a int, b int);
CREATE FUNCTION sound(checked) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.a > 0';
ALTER TABLE checked ADD CONSTRAINT is_sound CHECK (sound(checked.*));
COMMENT ON CONSTRAINT is_sound ON checked IS 'set apart';
INSERT INTO checked VALUES (1, 1);
CREATE TABLE defaulted (a int, b int);
CREATE FUNCTION next_b(defaulted) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION any_b() RETURNS int LANGUAGE sql AS 'SELECT public.next_b(NULL)';
ALTER TABLE defaulted ALTER b SET DEFAULT next_b(NULL);
INSERT INTO defaulted VALUES (1);
CREATE TABLE serials (id serial PRIMARY KEY, "Big" bigserial, other int DEFAULT nextval('serials_id_seq'));
INSERT INTO serials DEFAULT VALUES;
CREATE TABLE parents (id int, CONSTRAINT c CHECK (id > 0));
CREATE TABLE children () INHERITS (parents);
CREATE FUNCTION fine(parents) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1.id < 100';
ALTER TABLE parents ADD CONSTRAINT is_fine CHECK (fine(ROW(id)::parents));
INSERT INTO children VALUES (5);
