-- Every event and every state. The last one raises on every command, so that nothing may be made after it: no index, no
-- privilege, no refresh, no comment.
CREATE SCHEMA s;
CREATE SCHEMA "S ""2";
CREATE FUNCTION s.watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION "S ""2"."F ""1"() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION s.never() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'not % here', tg_tag; END$$;
CREATE TABLE s.t (a integer PRIMARY KEY, b integer);
INSERT INTO s.t SELECT i, i FROM generate_series(1, 100) i;
CREATE INDEX t_b ON s.t (b);
CREATE MATERIALIZED VIEW s.m AS SELECT count(*) FROM s.t;
GRANT SELECT ON s.t TO alice;
COMMENT ON INDEX s.t_b IS 'an index';
CREATE STATISTICS s.x ON a, b FROM s.t;
CREATE PUBLICATION p FOR TABLE s.t;
CREATE EVENT TRIGGER plain ON ddl_command_end EXECUTE PROCEDURE s.watch();
CREATE EVENT TRIGGER "E ""1" ON sql_drop WHEN TAG IN ('DROP TABLE', 'DROP FUNCTION') EXECUTE PROCEDURE "S ""2"."F ""1"();
CREATE EVENT TRIGGER rewritten ON table_rewrite EXECUTE PROCEDURE s.watch();
CREATE EVENT TRIGGER off ON ddl_command_start EXECUTE PROCEDURE s.never();
ALTER EVENT TRIGGER off DISABLE;
CREATE EVENT TRIGGER on_replicas ON ddl_command_start EXECUTE PROCEDURE s.never();
ALTER EVENT TRIGGER on_replicas ENABLE REPLICA;
CREATE EVENT TRIGGER always ON ddl_command_start EXECUTE PROCEDURE s.never();
ALTER EVENT TRIGGER always ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER always IS 'it''s always';
COMMENT ON EVENT TRIGGER plain IS 'plain';
