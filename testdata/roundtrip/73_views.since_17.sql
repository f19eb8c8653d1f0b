CREATE VIEW shop.json_things AS SELECT JSON_VALUE(profile, '$.i' RETURNING int) AS i, JSON_QUERY(profile, '$.a' WITH WRAPPER) AS q, JSON_EXISTS(profile, '$.i') AS e FROM shop.customer;
CREATE VIEW shop.json_table_view AS SELECT jt.* FROM shop.customer, JSON_TABLE(profile, '$' COLUMNS (i int PATH '$.i')) AS jt;
