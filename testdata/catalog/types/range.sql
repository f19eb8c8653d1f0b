-- differs across: 14
CREATE SCHEMA s;
CREATE TYPE s.floatrange AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TYPE s.textrange AS RANGE (subtype = text, collation = "C", subtype_opclass = text_pattern_ops);
CREATE TYPE s.varcharspan AS RANGE (subtype = varchar);
-- What uses a constructor needs the type, and its name would put it first.
CREATE DOMAIN s.a_range AS s.floatrange DEFAULT s.floatrange(0, 1, '[]') CHECK (VALUE <> s.floatrange(5, 5));
COMMENT ON TYPE s.floatrange IS 'from here to there';
ALTER TYPE s.floatrange OWNER TO alice;
GRANT USAGE ON TYPE s.floatrange TO bob;
