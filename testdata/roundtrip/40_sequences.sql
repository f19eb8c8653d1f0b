-- Sequences in odd states.
CREATE SEQUENCE shop.plain;
CREATE SEQUENCE shop.down AS smallint INCREMENT -3 MINVALUE -100 MAXVALUE -1 START -1 CACHE 5 CYCLE;
CREATE SEQUENCE shop.never_called START 42;
CREATE SEQUENCE shop.set_back MINVALUE 0;
CREATE SEQUENCE shop.at_the_end MAXVALUE 10;
CREATE SEQUENCE shop.huge START 9223372036854775806;
CREATE SEQUENCE "odd Schema"."Odd ""Sequence""" AS int INCREMENT 7;
SELECT nextval('shop.plain') FROM generate_series(1, 7);
SELECT nextval('shop.down') FROM generate_series(1, 3);
SELECT setval('shop.set_back', 0, false);
SELECT setval('shop.at_the_end', 10);
SELECT nextval('shop.huge');
SELECT nextval('"odd Schema"."Odd ""Sequence"""');
COMMENT ON SEQUENCE shop.plain IS 'counts';
ALTER SEQUENCE shop.plain OWNER TO shop_owner;
GRANT USAGE ON SEQUENCE shop.plain TO shop_writer;
GRANT SELECT, UPDATE ON SEQUENCE shop.down TO shop_reader WITH GRANT OPTION;
