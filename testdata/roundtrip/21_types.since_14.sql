CREATE TYPE shop.span AS RANGE (subtype = date, multirange_type_name = shop.many_spans);
COMMENT ON TYPE shop.span IS 'days';
GRANT USAGE ON TYPE shop.span TO shop_reader;
