-- Collations of the server itself, which no run makes: they have to be there.
CREATE SCHEMA s;
CREATE DOMAIN s.d AS text COLLATE "it-x-icu";
CREATE TYPE s.r AS RANGE (SUBTYPE = text, COLLATION = "es-x-icu");
CREATE TABLE s.t (a text COLLATE "de-x-icu", b text COLLATE "C", c text COLLATE "ucs_basic", d s.d);
CREATE INDEX t_a ON s.t (a COLLATE "fr-x-icu", lower(b COLLATE "pt-x-icu"));
CREATE VIEW s.v AS SELECT b COLLATE "und-x-icu" AS b FROM s.t;
INSERT INTO s.t VALUES ('ä', 'ä', 'ä', 'ä');
