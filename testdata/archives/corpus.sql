-- What the small archives in this folder hold: see make.sh.
CREATE SCHEMA app;
CREATE TABLE app.orders (id int PRIMARY KEY, note text NOT NULL DEFAULT 'none');
INSERT INTO app.orders SELECT n, 'order ' || n || E'\twith a tab' FROM generate_series(1, 60) n;
CREATE TABLE app.lines (id int, order_id int REFERENCES app.orders, text text);
INSERT INTO app.lines SELECT n, 1 + n % 60, md5(n::text) FROM generate_series(1, 40) n;
CREATE TABLE app.empty (a int);
CREATE SEQUENCE app.numbers;
CREATE VIEW app.notes AS SELECT note FROM app.orders;
COMMENT ON TABLE app.orders IS E'two\nlines';
SELECT lo_from_bytea(50001, 'abc');
SELECT lo_from_bytea(50002, '');
SELECT lo_from_bytea(3000000000, decode(repeat('00ff', 400), 'hex'));
