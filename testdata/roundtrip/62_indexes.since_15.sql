CREATE TABLE shop.nulls_once (a int, b int, UNIQUE NULLS NOT DISTINCT (a));
CREATE UNIQUE INDEX nulls_once_b ON shop.nulls_once (b) NULLS NOT DISTINCT WHERE a > 0;
INSERT INTO shop.nulls_once VALUES (NULL, 1), (1, NULL), (2, 3);
CREATE TABLE shop.tenant (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE shop.tenant_ref (a int, b int, FOREIGN KEY (a, b) REFERENCES shop.tenant ON DELETE SET NULL (b));
INSERT INTO shop.tenant VALUES (1, 1);
INSERT INTO shop.tenant_ref VALUES (1, 1), (2, NULL);
