CREATE SCHEMA s;
CREATE TYPE s.empty AS ENUM ();
CREATE TYPE s.mood AS ENUM ('sad', 'it''s \ ok', 'happy');
ALTER TYPE s.mood ADD VALUE 'between' BEFORE 'happy';
ALTER TYPE s.mood RENAME VALUE 'sad' TO 'Sad';
ALTER TYPE s.mood OWNER TO alice;
COMMENT ON TYPE s.mood IS 'how are you';
REVOKE USAGE ON TYPE s.mood FROM PUBLIC;
GRANT USAGE ON TYPE s.mood TO bob;
-- A type that its name would put before what it needs.
CREATE TYPE s.a_pair AS (one s.mood, other s.mood[]);
