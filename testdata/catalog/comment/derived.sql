-- Comments on what came with something else.
CREATE SCHEMA s;
CREATE TYPE s.mood AS ENUM ('a');
COMMENT ON TYPE s._mood IS 'moods';
CREATE TABLE s.t (a integer);
COMMENT ON TYPE s.t IS 'a row';
