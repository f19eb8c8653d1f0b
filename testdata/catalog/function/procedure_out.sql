-- since: 14
CREATE SCHEMA s;
CREATE PROCEDURE s.work(a integer, OUT b integer, OUT c text) LANGUAGE plpgsql AS 'BEGIN b := a; END';
COMMENT ON PROCEDURE s.work(integer, OUT integer, OUT text) IS 'work';
REVOKE ALL ON PROCEDURE s.work(integer, OUT integer, OUT text) FROM PUBLIC;
GRANT EXECUTE ON PROCEDURE s.work(integer, OUT integer, OUT text) TO bob;
