-- What a column can be: dropped, oddly named, with storage, statistics, collation and default of its own.
CREATE SCHEMA "Odd ""one""";
CREATE TABLE "Odd ""one""".first_dropped (gone int, a int NOT NULL DEFAULT 7, gone_too text, "select" text COLLATE "C");
ALTER TABLE "Odd ""one""".first_dropped DROP COLUMN gone, DROP COLUMN gone_too;
INSERT INTO "Odd ""one""".first_dropped VALUES (1, 'x'), (DEFAULT, NULL);
CREATE TABLE "Odd ""one"""."new
line ""quoted"" \ TABLE" ("UPPER" int, "a\b" text DEFAULT E'it''s \\ "so"', "123456789012345678901234567890123456789012345678901234567890123" bool);
INSERT INTO "Odd ""one"""."new
line ""quoted"" \ TABLE" VALUES (1, DEFAULT, true), (NULL, E'tab\tline\n\\', NULL);
CREATE TABLE no_columns ();
INSERT INTO no_columns DEFAULT VALUES;
INSERT INTO no_columns SELECT FROM generate_series(1, 2);
CREATE TABLE left_empty (a int);
INSERT INTO left_empty VALUES (1), (2);
ALTER TABLE left_empty DROP COLUMN a;
CREATE TABLE settings (
    plain text, ext text, main text, exta int[], wide numeric(10, 2)[], ts timestamptz(3) DEFAULT 'epoch',
    v varchar(5) DEFAULT 'a'::varchar(2), c char(3), i interval day to second(2), b bit(4), n numeric(5, 2) DEFAULT -1
);
ALTER TABLE settings ALTER plain SET STORAGE PLAIN, ALTER ext SET STORAGE EXTERNAL, ALTER main SET STORAGE MAIN,
    ALTER exta SET STATISTICS 0, ALTER wide SET STATISTICS 1000,
    ALTER wide SET (n_distinct = -0.5, n_distinct_inherited = 100);
CREATE TABLE added (a int);
INSERT INTO added VALUES (1);
ALTER TABLE added ADD COLUMN b text DEFAULT 'fast default' NOT NULL;
COMMENT ON COLUMN settings.ext IS 'a comment';
COMMENT ON TABLE "Odd ""one"""."new
line ""quoted"" \ TABLE" IS 'it''s \ a comment';
