-- since: 11
-- A domain over an array of another.
CREATE SCHEMA s;
CREATE DOMAIN s.positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN s.a_few AS s.positive[] DEFAULT '{1}' CHECK (cardinality(VALUE) < 4);
