-- since: 14
CREATE SCHEMA s;
CREATE TYPE s.timerange AS RANGE (subtype = time, multirange_type_name = s."a bunch of times");
CREATE DOMAIN s.a_many AS s."a bunch of times" CHECK (NOT isempty(VALUE));
COMMENT ON TYPE s."a bunch of times" IS 'several';
CREATE FUNCTION s.join_up(s."a bunch of times") RETURNS s.timerange LANGUAGE sql AS 'SELECT range_merge($1)';
