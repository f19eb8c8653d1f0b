-- since: 12
-- A generated column that uses a configuration.
CREATE SCHEMA s;
CREATE TEXT SEARCH CONFIGURATION s.copied (COPY = english);
CREATE TABLE s.t (
    body text,
    words tsvector GENERATED ALWAYS AS (to_tsvector('s.copied', body)) STORED
);
INSERT INTO s.t VALUES ('The quick brown foxes jumped over 2 lazy dogs at example.com/x');
