-- Generated columns.
ALTER TABLE shop.customer ADD COLUMN name_length int GENERATED ALWAYS AS (length(name)) STORED;
CREATE TABLE shop.only_generated (g int GENERATED ALWAYS AS (1 + 1) STORED);
INSERT INTO shop.only_generated DEFAULT VALUES;
ALTER TABLE shop.grandchild ADD COLUMN e int GENERATED ALWAYS AS (a + 1) STORED;
