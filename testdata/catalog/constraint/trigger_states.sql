-- since: 12
-- Triggers behind foreign keys and deferrable keys that are disabled, or fire only on a replica, or always.
CREATE SCHEMA "s '$$";
CREATE TABLE "s '$$".a (id int PRIMARY KEY, u int CONSTRAINT "U 'u" UNIQUE DEFERRABLE, e int, EXCLUDE (e WITH =) DEFERRABLE);
CREATE TABLE "s '$$".b (id int CONSTRAINT "F 'f $_0$" REFERENCES "s '$$".a, id2 int, up int, key int PRIMARY KEY);
ALTER TABLE "s '$$".b ADD CONSTRAINT own FOREIGN KEY (up) REFERENCES "s '$$".b ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE;
ALTER TABLE "s '$$".b DISABLE TRIGGER ALL;
ALTER TABLE "s '$$".b ADD CONSTRAINT later FOREIGN KEY (id2) REFERENCES "s '$$".a;
INSERT INTO "s '$$".a VALUES (1, 2, 3);
INSERT INTO "s '$$".b VALUES (1, 1, NULL, 1);
CREATE TABLE p (id int REFERENCES "s '$$".a, k int PRIMARY KEY DEFERRABLE) PARTITION BY RANGE (k);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (k);
CREATE TABLE p21 PARTITION OF p2 FOR VALUES FROM (10) TO (15);
CREATE TABLE k (k int PRIMARY KEY) PARTITION BY RANGE (k);
CREATE TABLE k1 PARTITION OF k FOR VALUES FROM (0) TO (10);
CREATE TABLE r (k int REFERENCES k);
ALTER TABLE p21 DISABLE TRIGGER ALL;
ALTER TABLE k DISABLE TRIGGER ALL;
-- The names hold OIDs.
DO $do$
DECLARE
    g record;
BEGIN
    FOR g IN
        SELECT tgrelid::regclass AS t, tgname, CASE WHEN tgname LIKE '%\_c\_%' THEN 'REPLICA' ELSE 'ALWAYS' END AS state
        FROM pg_trigger WHERE tgisinternal AND tgrelid IN ('"s ''$$".a'::regclass, 'p1'::regclass, 'r'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE ONLY %s ENABLE %s TRIGGER %I', g.t, g.state, g.tgname);
    END LOOP;
END
$do$;
