CREATE VIEW shop.field_of_row AS SELECT (ROW(id, note)).f1 AS f FROM shop.orders;
