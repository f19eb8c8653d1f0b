-- since: 11
-- A procedure that goes with an extension.
CREATE EXTENSION pg_trgm;
CREATE PROCEDURE p() LANGUAGE sql AS '';
ALTER PROCEDURE p() DEPENDS ON EXTENSION pg_trgm;
