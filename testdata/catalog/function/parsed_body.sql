-- since: 14
CREATE SCHEMA s;
CREATE FUNCTION s.zzz(integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN $1 + 1;
-- Its name would put it before what it needs.
CREATE FUNCTION s.aaa(x integer) RETURNS TABLE (y integer) LANGUAGE sql STABLE
    BEGIN ATOMIC
        SELECT s.zzz(x) AS y;
        SELECT s.zzz(y) FROM generate_series(1, x) AS g(y);
    END;
CREATE PROCEDURE s.nothing() LANGUAGE sql BEGIN ATOMIC END;
