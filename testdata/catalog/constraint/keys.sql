-- Primary keys, unique and exclusion constraints, with everything that belongs to their indexes.
CREATE TABLE t (
    id int CONSTRAINT "the ""key""" PRIMARY KEY WITH (fillfactor = 77),
    a int, b int, c int4range, d text,
    CONSTRAINT later UNIQUE (a) DEFERRABLE,
    CONSTRAINT latest UNIQUE (b, a) WITH (fillfactor = 66) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT apart EXCLUDE USING gist (c WITH &&) WITH (fillfactor = 55) WHERE (id > 0) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT differs EXCLUDE USING btree (lower(d) WITH =, a WITH =)
);
INSERT INTO t SELECT g, g, g, int4range(g, g + 1), 'd' || g FROM generate_series(1, 50) g;
ALTER TABLE t CLUSTER ON "the ""key""", REPLICA IDENTITY USING INDEX "the ""key""";
COMMENT ON CONSTRAINT "the ""key""" ON t IS 'on the constraint';
COMMENT ON INDEX "the ""key""" IS 'on its index';
COMMENT ON CONSTRAINT apart ON t IS 'exclusion';
CREATE TABLE renamed (a int PRIMARY KEY, b text UNIQUE);
ALTER TABLE renamed RENAME TO renamed_later;
ALTER INDEX renamed_pkey RENAME TO "other name";
CREATE TABLE adopted (a int NOT NULL, b text COLLATE "C");
CREATE UNIQUE INDEX adopted_a ON adopted (a);
ALTER TABLE adopted ADD CONSTRAINT adopted_pk PRIMARY KEY USING INDEX adopted_a;
ALTER TABLE adopted ADD UNIQUE (b);
