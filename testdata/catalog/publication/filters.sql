-- since: 15
CREATE SCHEMA s;
CREATE SCHEMA "S ""2";
CREATE TABLE s.t (a integer PRIMARY KEY, "B ""1" text, c integer, gone integer, d integer);
ALTER TABLE s.t DROP COLUMN gone;
CREATE TABLE "S ""2".t (a integer, b text);
CREATE PUBLICATION filtered FOR TABLE s.t (d, a, "B ""1") WHERE (a > 0 AND "B ""1" <> 'it''s'), "S ""2".t WHERE (a IS NULL);
CREATE PUBLICATION schemas FOR TABLES IN SCHEMA s, "S ""2", public;
CREATE PUBLICATION "both" FOR TABLES IN SCHEMA "S ""2", TABLE s.t WHERE (c = 1);
INSERT INTO s.t VALUES (1, 'x');
