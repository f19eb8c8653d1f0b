-- since: 11
-- differs across: 14
CREATE SCHEMA s;
CREATE PROCEDURE s.work(INOUT a integer, b text DEFAULT 'x') LANGUAGE plpgsql AS 'BEGIN a := a + 1; END';
CREATE PROCEDURE s.work(VARIADIC a text[]) LANGUAGE sql SECURITY DEFINER SET work_mem = '1MB' AS '';
COMMENT ON PROCEDURE s.work(integer, text) IS 'work';
ALTER PROCEDURE s.work(text[]) OWNER TO alice;
REVOKE ALL ON PROCEDURE s.work(integer, text) FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE s.work(integer, text) TO bob;
