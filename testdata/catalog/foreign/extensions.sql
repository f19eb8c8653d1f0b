-- The wrappers of extensions, with servers, mappings and tables of ours.
CREATE SCHEMA s;
CREATE EXTENSION postgres_fdw;
CREATE EXTENSION file_fdw;
GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO alice;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'none.invalid', port '1', dbname 'x', fetch_size '10');
ALTER SERVER elsewhere OWNER TO alice;
CREATE USER MAPPING FOR bob SERVER elsewhere OPTIONS ("user" 'b', password 's3cr3t');
CREATE FOREIGN TABLE s.orders (id integer OPTIONS (column_name 'order id'), v text) SERVER elsewhere OPTIONS (schema_name 'public', table_name 'orders');
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE s.lines (a text, b integer OPTIONS (force_null 'true')) SERVER files OPTIONS (filename '/dev/null', format 'csv', delimiter E'\t');
-- A materialized view that is filled from afar, by way of a view.
CREATE VIEW s.seen AS SELECT a FROM s.lines;
CREATE MATERIALIZED VIEW s.kept AS SELECT count(*) AS n FROM s.seen;
