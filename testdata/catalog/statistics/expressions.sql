-- since: 14
CREATE SCHEMA s;
CREATE FUNCTION s.half(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 / 2';
CREATE TABLE s.t (a integer, b text, at timestamp);
CREATE STATISTICS s.one ON (s.half(a) + 1) FROM s.t;
CREATE STATISTICS s.several (mcv) ON a, lower(b), (a + length(b)) FROM s.t;
CREATE STATISTICS s.month ON date_trunc('month', at), (a % 10) FROM s.t;
