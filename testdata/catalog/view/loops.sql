-- Views that must come in two steps: one groups by a primary key, one is read by way of a function of another's rows.
CREATE TABLE orders (id int PRIMARY KEY, note text, country text COLLATE "C");
INSERT INTO orders VALUES (1, 'a', 'x'), (2, 'b', 'y');
CREATE VIEW grouped WITH (security_barrier) AS SELECT id, note, country, 'z'::text COLLATE "POSIX" AS z FROM orders GROUP BY id;
CREATE FUNCTION of_grouped(grouped) RETURNS int LANGUAGE sql AS 'SELECT $1.id';
CREATE VIEW reader AS SELECT of_grouped(g) AS n FROM grouped g;
ALTER VIEW grouped ALTER COLUMN note SET DEFAULT 'd';
COMMENT ON VIEW grouped IS 'replaced later';
CREATE VIEW looped AS SELECT 1 AS one;
CREATE FUNCTION of_looped(looped) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE VIEW looped AS SELECT of_looped(NULL) AS one;
CREATE VIEW above_loop AS SELECT one FROM looped;
GRANT SELECT ON grouped TO PUBLIC;
