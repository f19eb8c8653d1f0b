CREATE TABLE shop.compressed (a text COMPRESSION pglz, b text, c text);
INSERT INTO shop.compressed SELECT repeat('a', 10000), repeat('b', 10000), NULL;
CREATE TABLE shop.multiranges (a int4multirange, b shop.many_spans, c shop.span);
INSERT INTO shop.multiranges VALUES ('{[1,2),[5,8)}', '{[2020-01-01,2020-02-01)}', '[2020-01-01,infinity)'), ('{}', NULL, 'empty');
