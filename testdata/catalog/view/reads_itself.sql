-- Replaced by one that reads itself: stock tools create it before it is there, and fail. (Two relations in the query, so that
-- all majors print it in the same words.)
CREATE TABLE other (t text);
CREATE VIEW reads_itself AS SELECT 1 AS n, 'a'::text AS t;
CREATE OR REPLACE VIEW reads_itself AS SELECT r.n, o.t FROM reads_itself r CROSS JOIN other o;
CREATE VIEW above_itself AS SELECT r.n, o.t FROM reads_itself r CROSS JOIN other o;
