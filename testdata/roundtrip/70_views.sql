-- Views, and what follows them.
CREATE VIEW shop.good_customer AS SELECT id, name, email, balance FROM shop.customer WHERE balance > 5 WITH LOCAL CHECK OPTION;
CREATE VIEW shop.better_customer WITH (security_barrier = true) AS SELECT id, name FROM shop.good_customer WHERE balance > 10 WITH CASCADED CHECK OPTION;
CREATE VIEW shop.customer_orders AS
    SELECT c.id, c.name, c.email, count(*) AS orders, shop.total(o.total) AS total
    FROM shop.customer c JOIN shop.orders o ON o.customer_id = c.id GROUP BY c.id;
CREATE VIEW shop.customer_orders_again AS SELECT * FROM shop.customer_orders WHERE orders > 1;
CREATE RECURSIVE VIEW shop.counting (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM counting WHERE n < 10;
CREATE VIEW shop.no_columns AS SELECT FROM shop.customer;
CREATE VIEW "odd Schema"."View ""x""" ("a b", "C") AS SELECT 1 AS "a b", 'it''s'::text COLLATE "C" AS "C";
CREATE VIEW shop.joins AS
    SELECT o.id, p.title, coalesce(c.name, 'nobody') AS name, row_number() OVER w AS nr, sum(o.total) OVER (w ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS running
    FROM shop.orders o LEFT JOIN shop.customer c ON c.id = o.customer_id CROSS JOIN LATERAL (SELECT title FROM shop.product p WHERE p.id = 1 + o.id % 100 LIMIT 1) p
    WHERE o.status = ANY (ARRAY['new', 'paid']::shop.order_status[]) AND EXISTS (SELECT 1 FROM shop.egg)
    WINDOW w AS (PARTITION BY o.status ORDER BY o.placed_at, o.id);
CREATE VIEW shop.sets AS
    (SELECT id::bigint, 'c'::text AS what FROM shop.customer ORDER BY id LIMIT 3) UNION ALL (SELECT id, 'o' FROM shop.orders EXCEPT SELECT 1, 'o')
    UNION SELECT n, 'v' FROM (VALUES (1), (2)) v (n);
CREATE VIEW shop.with_ctes AS
    WITH RECURSIVE t (id, parent, depth) AS (SELECT id, parent, 0 FROM shop.orders WHERE parent IS NULL UNION ALL SELECT o.id, o.parent, t.depth + 1 FROM shop.orders o JOIN t ON t.id = o.parent AND t.depth < 2),
    m AS (SELECT count(*) AS n FROM t)
    SELECT t.id, t.depth, m.n, CASE WHEN t.depth > 0 THEN 'deep' ELSE 'flat' END AS how, GROUPING(t.id) AS g FROM t, m GROUP BY GROUPING SETS ((t.id, t.depth, m.n), (t.depth, m.n));
CREATE VIEW shop.calls AS SELECT date_part('year', placed_at) AS y, total::text || 'x' AS t, ARRAY(SELECT generate_series(1, 2)) AS a, note LIKE 'n%' AS l,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY total) FILTER (WHERE total > 0) AS p FROM shop.orders GROUP BY placed_at, total, id, note;
CREATE VIEW shop.whole_row AS SELECT c, c.home, (c.home).city AS city FROM shop.customer c;
CREATE VIEW shop.samples AS SELECT a.id FROM shop.orders a TABLESAMPLE bernoulli (10) REPEATABLE (1);
ALTER VIEW shop.good_customer ALTER COLUMN name SET DEFAULT 'somebody';
COMMENT ON VIEW shop.good_customer IS 'pays';
COMMENT ON COLUMN shop.good_customer.name IS 'of a view';
ALTER VIEW shop.good_customer OWNER TO shop_owner;
GRANT SELECT ON shop.good_customer TO shop_reader;
GRANT UPDATE (name) ON shop.good_customer TO shop_writer;

-- A loop: a view needs the key of a table, a function takes the view's row, another view calls the function.
CREATE VIEW shop.loop_b AS SELECT id, name COLLATE "C" AS name FROM shop.customer GROUP BY id;
CREATE FUNCTION shop.loop_f(shop.loop_b) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE VIEW shop.loop_a AS SELECT shop.loop_f(b) AS one, b.id FROM shop.loop_b b;
-- A tighter one: each view uses a function that takes the other's row.
CREATE VIEW shop.ring_one AS SELECT 1 AS a;
CREATE FUNCTION shop.ring_f(shop.ring_one) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2';
CREATE VIEW shop.ring_two AS SELECT shop.ring_f(r) AS b FROM shop.ring_one r;
CREATE FUNCTION shop.ring_g(shop.ring_two) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 3';
CREATE OR REPLACE VIEW shop.ring_one AS SELECT shop.ring_g(NULL) AS a;
-- A table whose CHECK calls a function that takes the table's row, and whose default does.
CREATE TABLE shop.self_checked (a int, b int);
CREATE FUNCTION shop.is_fine(shop.self_checked) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1.a IS DISTINCT FROM $1.b';
CREATE FUNCTION shop.default_of(shop.self_checked) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 4';
ALTER TABLE shop.self_checked ADD CONSTRAINT fine CHECK (shop.is_fine(self_checked.*));
ALTER TABLE shop.self_checked ALTER COLUMN b SET DEFAULT shop.default_of(NULL);
INSERT INTO shop.self_checked VALUES (1, 2), (3, DEFAULT);

CREATE MATERIALIZED VIEW shop.daily WITH (fillfactor = 95) AS SELECT date_trunc('day', placed_at) AS day, status, count(*) AS n, sum(total) AS total FROM shop.orders GROUP BY 1, 2;
CREATE MATERIALIZED VIEW shop.weekly AS SELECT date_trunc('week', day) AS week, sum(n) AS n FROM shop.daily GROUP BY 1;
CREATE MATERIALIZED VIEW shop.by_key AS SELECT c.id, c.name, count(o.id) AS n FROM shop.customer c LEFT JOIN shop.orders o ON o.customer_id = c.id GROUP BY c.id;
CREATE MATERIALIZED VIEW shop.on_by_key AS SELECT id, n FROM shop.by_key WHERE n > 2;
CREATE MATERIALIZED VIEW shop.not_filled AS SELECT * FROM shop.daily WITH NO DATA;
CREATE MATERIALIZED VIEW shop.filled_from_what_is_not AS SELECT day FROM shop.not_filled WITH NO DATA;
CREATE VIEW shop.over_daily AS SELECT day, n FROM shop.daily;
CREATE MATERIALIZED VIEW shop.over_view AS SELECT count(*) FROM shop.over_daily;
CREATE UNIQUE INDEX daily_key ON shop.daily (day, status);
CREATE INDEX ON shop.by_key (name);
CREATE INDEX ON shop.not_filled (day);
ALTER MATERIALIZED VIEW shop.daily ALTER COLUMN n SET STATISTICS 300;
ALTER MATERIALIZED VIEW shop.daily CLUSTER ON daily_key;
COMMENT ON MATERIALIZED VIEW shop.daily IS 'by day';
COMMENT ON COLUMN shop.daily.n IS 'how many';
COMMENT ON INDEX shop.daily_key IS 'of a materialized view';
ALTER MATERIALIZED VIEW shop.weekly OWNER TO shop_owner;
GRANT SELECT ON shop.daily TO shop_owner, shop_reader;
GRANT USAGE ON SCHEMA shop TO shop_owner;
CREATE VIEW "odd Schema".keywords AS SELECT "order", "table", "user", "system_user" FROM "odd Schema".user;
