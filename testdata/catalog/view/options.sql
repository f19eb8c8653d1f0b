-- Views with options, check options, a column default, a trigger and a rule.
CREATE TABLE base (a int, b text);
CREATE VIEW guarded WITH (security_barrier, check_option = local) AS SELECT a, b FROM base WHERE a > 0;
CREATE VIEW cascaded AS SELECT a FROM guarded WHERE a < 10 WITH CASCADED CHECK OPTION;
ALTER VIEW guarded ALTER COLUMN b SET DEFAULT 'from the view';
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE VIEW written AS SELECT * FROM base;
CREATE TRIGGER on_insert INSTEAD OF INSERT ON written FOR EACH ROW EXECUTE PROCEDURE instead();
CREATE RULE also AS ON UPDATE TO written DO ALSO NOTIFY changed;
COMMENT ON VIEW guarded IS 'a view';
COMMENT ON COLUMN guarded.a IS 'its column';
COMMENT ON RULE also ON written IS 'its rule';
GRANT SELECT (a), UPDATE (b) ON guarded TO PUBLIC;
INSERT INTO base VALUES (1, 'x');
