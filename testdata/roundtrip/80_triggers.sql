-- Triggers, rules, policies.
CREATE FUNCTION shop.on_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$;
CREATE FUNCTION shop.on_statement() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE FUNCTION shop.must_not_fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a trigger fired during the load'; END $$;
CREATE TRIGGER before_change BEFORE INSERT OR UPDATE OF name, email ON shop.customer FOR EACH ROW WHEN (NEW.name IS NOT NULL) EXECUTE PROCEDURE shop.on_change('a', 'it''s', E'b\\c');
CREATE TRIGGER "after Change" AFTER UPDATE ON shop.customer REFERENCING OLD TABLE AS o NEW TABLE AS n FOR EACH STATEMENT EXECUTE PROCEDURE shop.on_statement();
CREATE TRIGGER off BEFORE DELETE ON shop.customer FOR EACH ROW EXECUTE PROCEDURE shop.on_change();
CREATE TRIGGER always BEFORE INSERT ON shop.orders FOR EACH ROW EXECUTE PROCEDURE shop.must_not_fire();
CREATE TRIGGER replica BEFORE INSERT ON shop.product FOR EACH ROW EXECUTE PROCEDURE shop.must_not_fire();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON shop.product FOR EACH STATEMENT EXECUTE PROCEDURE shop.must_not_fire();
ALTER TABLE shop.customer DISABLE TRIGGER off;
ALTER TABLE shop.orders ENABLE ALWAYS TRIGGER always;
ALTER TABLE shop.product ENABLE REPLICA TRIGGER replica;
CREATE CONSTRAINT TRIGGER checked AFTER INSERT OR UPDATE ON shop.orders FROM shop.customer DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE PROCEDURE shop.on_change();
CREATE CONSTRAINT TRIGGER checked_now AFTER DELETE ON shop.orders NOT DEFERRABLE FOR EACH ROW EXECUTE PROCEDURE shop.on_change();
CREATE TRIGGER instead INSTEAD OF INSERT OR DELETE ON shop.customer_orders FOR EACH ROW EXECUTE PROCEDURE shop.on_change();
CREATE TRIGGER own BEFORE UPDATE ON shop.event_2025 FOR EACH ROW EXECUTE PROCEDURE shop.on_change();
COMMENT ON TRIGGER before_change ON shop.customer IS 'before';
COMMENT ON TRIGGER instead ON shop.customer_orders IS 'instead';

CREATE RULE protect AS ON DELETE TO shop.event_note WHERE OLD.id < 3 DO INSTEAD NOTHING;
CREATE RULE "also Log" AS ON INSERT TO shop.no_rows DO ALSO (INSERT INTO shop.fast_lane VALUES ('x', NEW.b); NOTIFY changed, 'it''s');
CREATE RULE switched_off AS ON UPDATE TO shop.no_rows DO INSTEAD NOTHING;
CREATE RULE view_update AS ON UPDATE TO shop.loop_a DO INSTEAD UPDATE shop.customer SET name = 'x' WHERE id = OLD.id RETURNING 1, id;
ALTER TABLE shop.no_rows DISABLE RULE switched_off;
ALTER TABLE shop.event_note ENABLE ALWAYS RULE protect;
COMMENT ON RULE protect ON shop.event_note IS 'the first two stay';

ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_orders ON shop.orders USING (note = current_user) WITH CHECK (total < 100);
CREATE POLICY "for Some" ON shop.orders AS RESTRICTIVE FOR SELECT TO shop_reader, "Shop ""Quoted"" = Role" USING (customer_id IN (SELECT c.id FROM shop.customer c WHERE c.name <> 'it''s'));
CREATE POLICY only_insert ON shop.orders FOR INSERT TO PUBLIC WITH CHECK (true);
CREATE POLICY no_check ON shop.orders FOR DELETE TO CURRENT_USER USING (false);
CREATE POLICY not_switched_on ON shop.customer FOR UPDATE USING (balance > 0);
ALTER TABLE shop.product ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE shop.counters FORCE ROW LEVEL SECURITY;
COMMENT ON POLICY own_orders ON shop.orders IS 'mine';
