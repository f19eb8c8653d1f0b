-- What an owner has given up. A server since 17 adds MAINTAIN, which stock pg_dump prints, to what the owner keeps.
-- differs across: 17
CREATE SCHEMA s;
CREATE TABLE s.t (a integer);
CREATE TABLE s.nothing ();
REVOKE UPDATE, TRUNCATE ON s.t FROM postgres;
REVOKE ALL ON s.nothing FROM postgres;
GRANT SELECT ON s.nothing TO bob;
ALTER DEFAULT PRIVILEGES FOR ROLE bob REVOKE ALL ON TABLES FROM bob;
