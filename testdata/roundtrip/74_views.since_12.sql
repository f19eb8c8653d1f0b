CREATE VIEW shop.materialized_cte AS WITH m AS MATERIALIZED (SELECT id, name FROM shop.customer), n AS NOT MATERIALIZED (SELECT id FROM shop.orders)
    SELECT m.name FROM m JOIN n ON n.id = m.id;
