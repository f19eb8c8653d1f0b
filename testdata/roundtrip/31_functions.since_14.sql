CREATE FUNCTION shop.atomic_plus(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT shop.plus(a, b); END;
CREATE FUNCTION shop.atomic_return(a text DEFAULT 'x') RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN upper(a) || 'y';
CREATE PROCEDURE shop.with_out(IN a int, OUT b int) LANGUAGE plpgsql AS $$ BEGIN b := a; END $$;
COMMENT ON FUNCTION shop.atomic_plus(int, int) IS 'a body that the server has parsed';
ALTER FUNCTION shop.atomic_plus(int, int) OWNER TO shop_owner;
