-- since: 14
CREATE SCHEMA s;
CREATE TABLE s.t (id integer PRIMARY KEY, v text);
CREATE FUNCTION s.grouped() RETURNS SETOF s.t LANGUAGE sql BEGIN ATOMIC SELECT id, v FROM s.t GROUP BY id; END;
COMMENT ON FUNCTION s.grouped() IS 'needs the primary key';
GRANT EXECUTE ON FUNCTION s.grouped() TO bob;
