-- Row-level security: policies without it, it without policies, forced, restrictive, for roles with odd names.
DO $$ BEGIN CREATE ROLE "tandem ""reader"""; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE tandem_owner; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
CREATE TABLE dormant (a int);
CREATE POLICY asleep ON dormant;
CREATE TABLE bare (a int);
ALTER TABLE bare ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
INSERT INTO bare VALUES (1);
CREATE TABLE t (a int, who name DEFAULT current_user);
INSERT INTO t VALUES (1);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY "odd ""name""" ON t AS RESTRICTIVE FOR UPDATE TO tandem_owner, "tandem ""reader""" USING (a > 0) WITH CHECK (who = current_user);
CREATE POLICY reading ON t FOR SELECT USING (a IN (SELECT b.a FROM bare b));
CREATE POLICY adding ON t FOR INSERT WITH CHECK (true);
CREATE POLICY removing ON t FOR DELETE TO PUBLIC USING (false);
COMMENT ON POLICY reading ON t IS 'a comment';
ALTER TABLE t OWNER TO tandem_owner;
