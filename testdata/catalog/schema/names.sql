CREATE SCHEMA "we ird ""x""" AUTHORIZATION alice;
CREATE SCHEMA "Upper";
CREATE SCHEMA "select" AUTHORIZATION "Carol ""C"" O'x=y/z";
COMMENT ON SCHEMA "Upper" IS 'it''s a \ comment
in two lines';
GRANT USAGE ON SCHEMA "Upper" TO bob, "group,one" WITH GRANT OPTION;
GRANT ALL ON SCHEMA "we ird ""x""" TO "4711", PUBLIC;
