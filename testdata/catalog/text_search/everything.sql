-- All four kinds, each built on the ones before; the order of dictionaries counts; types of tokens that are keywords.
CREATE SCHEMA s;
CREATE SCHEMA "S ""2";
CREATE FUNCTION s.start(internal, integer) RETURNS internal LANGUAGE internal STRICT AS 'prsd_start';
CREATE FUNCTION "S ""2"."Next"(internal, internal, internal) RETURNS internal LANGUAGE internal STRICT AS 'prsd_nexttoken';
CREATE FUNCTION s.lexize(internal, internal, internal, internal) RETURNS internal LANGUAGE internal STRICT AS 'dsimple_lexize';
CREATE TEXT SEARCH PARSER s.plain (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH PARSER "S ""2"."P ""1" (
    START = s.start, GETTOKEN = "S ""2"."Next", END = prsd_end, HEADLINE = prsd_headline, LEXTYPES = prsd_lextype
);
CREATE TEXT SEARCH TEMPLATE s.bare (LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH TEMPLATE "S ""2"."T ""1" (INIT = dsimple_init, LEXIZE = s.lexize);
CREATE TEXT SEARCH DICTIONARY s.words (TEMPLATE = simple);
CREATE TEXT SEARCH DICTIONARY s.stops (TEMPLATE = simple, STOPWORDS = 'english', ACCEPT = 'false');
CREATE TEXT SEARCH DICTIONARY "S ""2"."D ""1" (TEMPLATE = "S ""2"."T ""1", "stopwords" = german);
CREATE TEXT SEARCH DICTIONARY s.stem (TEMPLATE = snowball, LANGUAGE = english, STOPWORDS = english);
CREATE TEXT SEARCH CONFIGURATION s.empty (PARSER = s.plain);
CREATE TEXT SEARCH CONFIGURATION s.copied (COPY = english);
CREATE TEXT SEARCH CONFIGURATION "S ""2"."C ""1" (PARSER = "S ""2"."P ""1");
ALTER TEXT SEARCH CONFIGURATION "S ""2"."C ""1" ADD MAPPING FOR asciiword, word, int, float WITH s.stops, "S ""2"."D ""1", s.stem;
ALTER TEXT SEARCH CONFIGURATION "S ""2"."C ""1" ADD MAPPING FOR url, "host" WITH simple;
ALTER TEXT SEARCH CONFIGURATION s.copied ALTER MAPPING FOR asciiword WITH s.stem, s.words;
ALTER TEXT SEARCH DICTIONARY s.words OWNER TO alice;
ALTER TEXT SEARCH CONFIGURATION s.copied OWNER TO bob;
COMMENT ON TEXT SEARCH PARSER s.plain IS 'a parser';
COMMENT ON TEXT SEARCH TEMPLATE s.bare IS 'a template';
COMMENT ON TEXT SEARCH DICTIONARY s.words IS 'a dictionary';
COMMENT ON TEXT SEARCH CONFIGURATION "S ""2"."C ""1" IS 'a configuration';
CREATE TABLE s.t (
    body text,
    words tsvector DEFAULT to_tsvector('s.copied', 'Some foxes')
);
INSERT INTO s.t (body) VALUES ('The quick brown foxes jumped over 2 lazy dogs at example.com/x');
CREATE INDEX t_words ON s.t USING gin (to_tsvector('"S ""2"."C ""1"', body));
CREATE TRIGGER words BEFORE INSERT ON s.t FOR EACH ROW EXECUTE PROCEDURE tsvector_update_trigger(words, 's.copied', body);
