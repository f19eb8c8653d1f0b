CREATE DOMAIN shop.never_null AS text CONSTRAINT "must be there" NOT NULL;
COMMENT ON CONSTRAINT "must be there" ON DOMAIN shop.never_null IS 'a NOT NULL with a name';
