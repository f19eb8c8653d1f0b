-- since: 15
-- Unlogged sequences, and identity columns whose sequence is not as logged as the table.
CREATE UNLOGGED SEQUENCE fast;
SELECT nextval('fast');
CREATE UNLOGGED TABLE t (a int GENERATED ALWAYS AS IDENTITY, b int GENERATED ALWAYS AS IDENTITY);
ALTER SEQUENCE t_b_seq SET LOGGED;
CREATE TABLE logged (a int GENERATED ALWAYS AS IDENTITY);
ALTER SEQUENCE logged_a_seq SET UNLOGGED;
INSERT INTO t DEFAULT VALUES;
