-- since: 11
-- What else can be published.
CREATE TABLE t (a integer PRIMARY KEY);
CREATE PUBLICATION emptied FOR TABLE t WITH (publish = 'truncate');
CREATE PUBLICATION all_of_it FOR TABLE t;
