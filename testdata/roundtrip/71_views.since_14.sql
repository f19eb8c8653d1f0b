-- A function whose body the server has parsed, and which needs a key: it has to wait for it.
CREATE FUNCTION shop.needs_key() RETURNS SETOF text LANGUAGE sql STABLE BEGIN ATOMIC SELECT name FROM shop.customer GROUP BY id; END;
CREATE VIEW shop.over_needs_key AS SELECT n FROM shop.needs_key() n;
CREATE FUNCTION shop.reads_table(shop.orders) RETURNS numeric LANGUAGE sql STABLE RETURN (SELECT max(o.total) FROM shop.orders o WHERE o.id = ($1).id);
CREATE VIEW shop.searching AS WITH RECURSIVE t (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 3) SEARCH DEPTH FIRST BY n SET ord CYCLE n SET is_cycle USING way SELECT n, is_cycle FROM t;
CREATE VIEW shop.extracted AS SELECT extract(year FROM placed_at) AS y FROM shop.orders;
