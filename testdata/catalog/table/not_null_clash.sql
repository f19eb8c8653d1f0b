-- until: 17
-- The name that 18 would choose for NOT NULL is taken.
CREATE TABLE t (a int NOT NULL, b int NOT NULL, c int NOT NULL);
INSERT INTO t VALUES (1, 1, 1), (-1, -1, -1);
ALTER TABLE t ADD CONSTRAINT t_a_not_null CHECK (a > 0) NOT VALID;
ALTER TABLE t ADD CONSTRAINT t_b_not_null CHECK (b IS NOT NULL);
ALTER TABLE t ADD CONSTRAINT t_c_not_null UNIQUE (c);
