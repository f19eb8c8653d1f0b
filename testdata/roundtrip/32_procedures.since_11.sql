-- Procedures.
CREATE PROCEDURE shop.touch(INOUT n int, note text DEFAULT 'none') LANGUAGE plpgsql AS $$ BEGIN n := n + 1; END $$;
CREATE PROCEDURE shop.touch(VARIADIC ids bigint[]) LANGUAGE sql AS '';
COMMENT ON PROCEDURE shop.touch(bigint[]) IS 'Touches many';
ALTER PROCEDURE shop.touch(bigint[]) OWNER TO shop_owner;
GRANT EXECUTE ON PROCEDURE shop.touch(bigint[]) TO shop_reader;
REVOKE ALL ON PROCEDURE shop.touch(int, text) FROM PUBLIC;
