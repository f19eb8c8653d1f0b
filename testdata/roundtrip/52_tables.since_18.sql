CREATE TABLE shop.not_nulls (
    a int CONSTRAINT "a must ""be""" NOT NULL,
    b int,
    c int NOT NULL NO INHERIT,
    v int GENERATED ALWAYS AS (a * 2) VIRTUAL,
    w int GENERATED ALWAYS AS (a * 3),
    CONSTRAINT unenforced CHECK (a > 0) NOT ENFORCED
);
INSERT INTO shop.not_nulls (a, b, c) VALUES (-1, NULL, 3), (2, 2, 2);
ALTER TABLE shop.not_nulls ADD CONSTRAINT b_later NOT NULL b NOT VALID;
COMMENT ON CONSTRAINT "a must ""be""" ON shop.not_nulls IS 'a NOT NULL with a comment';
CREATE TABLE shop.periods (id int4range, valid_at daterange, note text, PRIMARY KEY (id, valid_at WITHOUT OVERLAPS));
INSERT INTO shop.periods VALUES ('[1,2)', '[2020-01-01,2021-01-01)', 'x'), ('[1,2)', '[2021-01-01,)', 'y');
CREATE TABLE shop.period_refs (id int4range, valid_at daterange,
    FOREIGN KEY (id, PERIOD valid_at) REFERENCES shop.periods (id, PERIOD valid_at));
INSERT INTO shop.period_refs VALUES ('[1,2)', '[2020-06-01,2021-06-01)');
