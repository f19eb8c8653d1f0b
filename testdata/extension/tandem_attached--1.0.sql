CREATE TABLE @extschema@.job (id int PRIMARY KEY, name text NOT NULL DEFAULT 'job', note text, old_only int, CONSTRAINT named CHECK (name <> ''));
CREATE INDEX job_by_name ON @extschema@.job (name);
CREATE INDEX job_only_in_1 ON @extschema@.job (old_only);
CREATE INDEX job_changes ON @extschema@.job (note);
CREATE VIEW @extschema@.jobs AS SELECT id, name FROM @extschema@.job;
CREATE TABLE @extschema@.only_in_1 (a int);
CREATE FUNCTION @extschema@.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touched BEFORE UPDATE ON @extschema@.job FOR EACH ROW EXECUTE FUNCTION @extschema@.touch();
COMMENT ON INDEX @extschema@.job_by_name IS 'by the script';
