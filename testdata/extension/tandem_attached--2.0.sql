CREATE TABLE @extschema@.job (id int PRIMARY KEY, name text NOT NULL DEFAULT 'job', note text, new_only int, CONSTRAINT named CHECK (name <> ''));
CREATE INDEX job_by_name ON @extschema@.job (name);
CREATE INDEX job_changes ON @extschema@.job (note, id);
CREATE INDEX job_only_in_2 ON @extschema@.job (new_only);
CREATE VIEW @extschema@.jobs AS SELECT id, name FROM @extschema@.job;
CREATE FUNCTION @extschema@.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touched BEFORE UPDATE ON @extschema@.job FOR EACH ROW EXECUTE FUNCTION @extschema@.touch();
COMMENT ON INDEX @extschema@.job_by_name IS 'by the script';
CREATE STATISTICS @extschema@.job_pairs ON id, name FROM @extschema@.job;
