-- differs across: 14
-- Before 14 nothing stands in the way of a type whose name a newer server gives to the multirange type.
-- before: 14
CREATE SCHEMA s;
CREATE TYPE s.daterange AS RANGE (subtype = date);
CREATE TYPE s.datemultirange AS ENUM ('mine');
CREATE TABLE s.datemultirange_1 ();
