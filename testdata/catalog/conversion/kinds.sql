-- Conversions on functions of the server's own: the default of a pair of encodings, and one that is not.
CREATE SCHEMA s;
CREATE CONVERSION s."my Conversion" FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE DEFAULT CONVERSION s.usual FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;
ALTER CONVERSION s.usual OWNER TO bob;
COMMENT ON CONVERSION s.usual IS 'as usual';
