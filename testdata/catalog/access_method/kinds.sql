-- since: 12
-- Access methods for indexes and tables, and what uses them.
CREATE ACCESS METHOD "my Index" TYPE INDEX HANDLER hashhandler;
CREATE ACCESS METHOD my_table TYPE TABLE HANDLER heap_tableam_handler;
COMMENT ON ACCESS METHOD my_table IS 'a heap by another name';
CREATE OPERATOR CLASS mine DEFAULT FOR TYPE integer USING "my Index" AS
    OPERATOR 1 =, FUNCTION 1 hashint4(integer);
CREATE TABLE t (a integer) USING my_table;
INSERT INTO t SELECT generate_series(1, 10);
CREATE INDEX ON t USING "my Index" (a);
CREATE MATERIALIZED VIEW m USING my_table AS SELECT a FROM t;
