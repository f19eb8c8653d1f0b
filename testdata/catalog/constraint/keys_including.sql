-- since: 11
-- Keys whose indexes hold more than the key.
CREATE TABLE t (a int, b int, c text, PRIMARY KEY (a) INCLUDE (c),
    CONSTRAINT late UNIQUE (b, a) INCLUDE (c) WITH (fillfactor = 66) DEFERRABLE INITIALLY DEFERRED);
INSERT INTO t SELECT g, g, 'c' || g FROM generate_series(1, 10) g;
