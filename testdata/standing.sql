-- A database that an application has made, still empty: what fires on rows, and what refers to what.
CREATE SCHEMA app;
CREATE TABLE app.customer (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, best_order int);
CREATE TABLE app.orders (
    id serial PRIMARY KEY,
    customer_id int NOT NULL REFERENCES app.customer,
    total numeric CHECK (total >= 0),
    double_total numeric GENERATED ALWAYS AS (total * 2) STORED,
    note text
);
ALTER TABLE app.customer ADD FOREIGN KEY (best_order) REFERENCES app.orders;
CREATE TABLE app.place (id int UNIQUE DEFERRABLE INITIALLY DEFERRED, name text);
CREATE TABLE app.event (id int, at date NOT NULL, customer_id int REFERENCES app.customer) PARTITION BY RANGE (at);
CREATE TABLE app.event_1 PARTITION OF app.event FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE app.event_2 PARTITION OF app.event DEFAULT;
CREATE TABLE app.log (id bigserial, what text);

CREATE FUNCTION app.logged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO app.log (what) VALUES (TG_TABLE_NAME || ' ' || TG_OP);
    RETURN NEW;
END $$;
CREATE TRIGGER logged AFTER INSERT ON app.orders FOR EACH ROW EXECUTE FUNCTION app.logged();
CREATE TRIGGER always AFTER INSERT OR TRUNCATE ON app.orders FOR EACH STATEMENT EXECUTE FUNCTION app.logged();
ALTER TABLE app.orders ENABLE ALWAYS TRIGGER always;
CREATE TRIGGER replica AFTER INSERT ON app.event FOR EACH ROW EXECUTE FUNCTION app.logged();
ALTER TABLE app.event ENABLE REPLICA TRIGGER replica;

CREATE VIEW app.totals AS SELECT customer_id, sum(total) FROM app.orders GROUP BY 1;
CREATE MATERIALIZED VIEW app.sums AS SELECT customer_id, sum(total) FROM app.orders GROUP BY 1 WITH NO DATA;
CREATE INDEX orders_note ON app.orders (note);
CREATE PUBLICATION app_all FOR TABLE app.orders;
COMMENT ON DATABASE :"DBNAME" IS 'where the application lives';
ALTER DATABASE :"DBNAME" SET work_mem = '6MB';
