-- Schemas, extensions, types.
CREATE SCHEMA shop AUTHORIZATION shop_owner;
CREATE SCHEMA "odd Schema" AUTHORIZATION "Shop ""Quoted"" = Role";
CREATE SCHEMA ext;
CREATE SCHEMA empty_one;
COMMENT ON SCHEMA shop IS 'What is sold';
COMMENT ON SCHEMA "odd Schema" IS 'A name that has to be quoted';
COMMENT ON SCHEMA public IS NULL;
GRANT USAGE ON SCHEMA shop TO shop_reader;
GRANT USAGE, CREATE ON SCHEMA shop TO shop_writer WITH GRANT OPTION;
GRANT CREATE ON SCHEMA public TO shop_writer;
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO shop_reader;

CREATE EXTENSION pg_trgm WITH SCHEMA ext;
CREATE EXTENSION hstore WITH SCHEMA public;
CREATE EXTENSION btree_gist;
CREATE EXTENSION cube WITH SCHEMA ext;
CREATE EXTENSION earthdistance WITH SCHEMA ext CASCADE;
COMMENT ON EXTENSION hstore IS 'Comments of extensions can be changed';
-- An extension whose tables hold the user's settings: their rows move, the tables come with the extension.
CREATE EXTENSION tandem_settings WITH SCHEMA ext;
INSERT INTO ext.setting (name, value) VALUES ('theme', 'dark'), (E'odd\tname', NULL), ('empty', '');
INSERT INTO ext.setting_history (name, value) VALUES ('theme', 'light'), ('theme', 'dark');
GRANT SELECT ON ext.setting TO shop_reader;
GRANT EXECUTE ON FUNCTION ext.setting_value(text) TO shop_reader;
REVOKE EXECUTE ON FUNCTION ext.setting_value(text) FROM PUBLIC;

CREATE TYPE shop.order_status AS ENUM ('new', 'paid', 'shipped', 'it''s "lost"', 'cancelled');
ALTER TYPE shop.order_status ADD VALUE 'packed' BEFORE 'shipped';
CREATE TYPE shop.nothing AS ENUM ();
COMMENT ON TYPE shop.order_status IS 'From new to cancelled';
ALTER TYPE shop.order_status OWNER TO shop_owner;
GRANT USAGE ON TYPE shop.order_status TO shop_reader WITH GRANT OPTION;
REVOKE USAGE ON TYPE shop.order_status FROM PUBLIC;

CREATE DOMAIN shop.email AS text COLLATE "C" CONSTRAINT has_at CHECK (VALUE ~ '@') CHECK (length(VALUE) < 200);
CREATE DOMAIN shop.positive AS numeric(12,2) DEFAULT 1.50 NOT NULL CHECK (VALUE > 0);
CREATE DOMAIN shop.small_positive AS shop.positive CONSTRAINT "not > 1000" CHECK (VALUE <= 1000);
CREATE DOMAIN shop.emails AS text[] CHECK (array_length(VALUE, 1) < 10);
CREATE DOMAIN shop.later AS int;
ALTER DOMAIN shop.later ADD CONSTRAINT is_even CHECK (VALUE % 2 = 0) NOT VALID;
COMMENT ON DOMAIN shop.email IS 'An address';
COMMENT ON CONSTRAINT has_at ON DOMAIN shop.email IS 'There is always an @';
COMMENT ON CONSTRAINT "not > 1000" ON DOMAIN shop.small_positive IS 'small';
ALTER DOMAIN shop.email OWNER TO shop_owner;
GRANT USAGE ON TYPE shop.email TO shop_writer;

CREATE TYPE shop.address AS (street text COLLATE "C", city varchar(80), "zip Code" char(5), tags text[], location point);
CREATE TYPE shop.contact AS (mail shop.email, "where" shop.address, since timestamptz(3));
CREATE TYPE shop.hollow AS ();
COMMENT ON TYPE shop.address IS 'Where somebody lives';
COMMENT ON COLUMN shop.address."zip Code" IS 'five characters';
ALTER TYPE shop.address OWNER TO "Shop ""Quoted"" = Role";

CREATE TYPE shop.float_range AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TYPE shop.text_range AS RANGE (subtype = text, collation = "C", subtype_opclass = text_pattern_ops);
COMMENT ON TYPE shop.float_range IS 'From here to there';
ALTER TYPE shop.text_range OWNER TO shop_owner;
