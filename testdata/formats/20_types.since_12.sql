CREATE TABLE forms.asked_for_paths (p jsonpath, t text);
INSERT INTO forms.asked_for_paths VALUES ('$.a[*] ? (@.b > 1.5)', 'x'), ('strict $', 'y'), (NULL, NULL);
CREATE TABLE forms.binary_generated (a numeric, b numeric GENERATED ALWAYS AS (a * 2) STORED, c numeric);
INSERT INTO forms.binary_generated VALUES (1.5, DEFAULT, 3);
