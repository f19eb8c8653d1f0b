-- What a table can be: typed, unlogged, with storage parameters, a replica identity, row security for its owner.
CREATE TABLE params (a int, b text) WITH (fillfactor = 70, autovacuum_enabled = false, toast.autovacuum_vacuum_threshold = 17,
    autovacuum_vacuum_scale_factor = 0.05);
CREATE UNLOGGED TABLE fast (a int PRIMARY KEY, b text);
INSERT INTO fast SELECT g, 'x' FROM generate_series(1, 10) g;
CREATE TYPE shape AS (a int, b text, c numeric(4, 1));
COMMENT ON COLUMN shape.b IS 'in the type';
CREATE TABLE typed OF shape (b DEFAULT 'none' NOT NULL, c WITH OPTIONS CHECK (c > 0));
CREATE TABLE typed_bare OF shape;
INSERT INTO typed VALUES (1, DEFAULT, 2.5);
COMMENT ON COLUMN typed.a IS 'in the table';
CREATE TABLE identity_full (a int, b text);
ALTER TABLE identity_full REPLICA IDENTITY FULL;
CREATE TABLE identity_nothing (a int);
ALTER TABLE identity_nothing REPLICA IDENTITY NOTHING;
CREATE TABLE forced (a int);
ALTER TABLE forced FORCE ROW LEVEL SECURITY;
CREATE TABLE "user" (id int CONSTRAINT "positive ""one""" CHECK (id > 0) NO INHERIT, "table" int, CHECK (id < "table"));
COMMENT ON CONSTRAINT "positive ""one""" ON "user" IS 'inline';
