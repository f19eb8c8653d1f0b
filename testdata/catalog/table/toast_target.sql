-- since: 11
-- When a row is cut into pieces.
CREATE TABLE params (a int, b text) WITH (toast_tuple_target = 4096);
