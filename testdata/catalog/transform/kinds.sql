-- Transforms with both sides and with one, and a function that uses one.
CREATE SCHEMA s;
CREATE FUNCTION s.in_sql(internal) RETURNS internal LANGUAGE internal STRICT IMMUTABLE AS 'prsd_lextype';
CREATE FUNCTION s.from_sql(internal) RETURNS smallint LANGUAGE internal STRICT IMMUTABLE AS 'int2recv';
CREATE TRANSFORM FOR smallint LANGUAGE sql (FROM SQL WITH FUNCTION s.in_sql(internal), TO SQL WITH FUNCTION s.from_sql(internal));
CREATE TRANSFORM FOR bigint LANGUAGE plpgsql (FROM SQL WITH FUNCTION s.in_sql(internal));
COMMENT ON TRANSFORM FOR smallint LANGUAGE sql IS 'both ways';
