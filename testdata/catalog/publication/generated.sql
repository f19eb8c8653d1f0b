-- since: 18
CREATE SCHEMA s;
CREATE TABLE s.t (a integer PRIMARY KEY, b integer GENERATED ALWAYS AS (a * 2) STORED);
CREATE PUBLICATION stored FOR TABLE s.t WITH (publish_generated_columns = stored);
CREATE PUBLICATION listed FOR TABLE s.t (a, b);
