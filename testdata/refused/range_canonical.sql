CREATE SCHEMA shop;
-- A range type with a canonical function needs the type to be declared first.
CREATE TYPE shop.even_range;
CREATE FUNCTION shop.even_canonical(shop.even_range) RETURNS shop.even_range LANGUAGE internal IMMUTABLE STRICT AS 'int4range_canonical';
CREATE TYPE shop.even_range AS RANGE (subtype = int4, canonical = shop.even_canonical);
