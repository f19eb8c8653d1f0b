-- Every type of which the binary form is known, at its corners; each table is in binary form if that is asked for.
CREATE SCHEMA forms;
CREATE TYPE forms.mood AS ENUM ('sad', 'so so', 'it''s "fine"');
CREATE DOMAIN forms.positive AS numeric CHECK (VALUE > 0);
CREATE DOMAIN forms.short AS varchar(4) COLLATE "C";

CREATE TABLE forms.binary_fractions (n numeric, small numeric(12, 3), r real, d double precision);
INSERT INTO forms.binary_fractions VALUES
    (0, -0.001, '-0', '-0'), ('NaN', 'NaN', 'NaN', 'NaN'), (NULL, NULL, 'Infinity', '-Infinity'),
    ('1e131071', 999999999.999, '1.17549435e-38', '2.2250738585072014e-308'), ('1e-16383', 0.1, '3.4028235e38', '1.7976931348623157e308'),
    ('-12345678901234567890.12345678901234567890', 1, 0.1, 0.1), (1.10, 1.1, '1e-45', '5e-324'), (1000000, 10000, 1, 1.0000000000000002);

CREATE TABLE forms.binary_times (d date, t time, tz time with time zone, s timestamp, sz timestamptz, i interval, s0 timestamp(0));
INSERT INTO forms.binary_times VALUES
    ('infinity', '00:00', '00:00:00+15:59', 'infinity', '-infinity', '0', '1999-12-31 23:59:59.5'),
    ('-infinity', '24:00', '24:00:00-15:59', '-infinity', 'infinity', '-178000000 years', 'infinity'),
    ('4714-11-24 BC', '23:59:59.999999', '12:00:00.000001+00:00:01', '4714-11-24 00:00:00 BC', '4714-11-24 00:00:00+00 BC', '1 mon -1 day 00:00:00.000001', NULL),
    ('5874897-12-31', '12:34:56.7', '12:00-08', '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999+00', '178000000 years 11 mons 365 days 2562047:00:54', NULL),
    ('2000-01-01', '00:00:00.000001', '00:00+00', '2000-01-01', '1999-12-31 23:59:59.999999+00', '-1 mon +1 day -00:00:01', NULL);

CREATE TABLE forms.binary_addresses (i inet, c cidr, m macaddr, m8 macaddr8, u uuid);
INSERT INTO forms.binary_addresses VALUES
    ('0.0.0.0/0', '0.0.0.0/0', '00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff:ff:ff', '00000000-0000-0000-0000-000000000000'),
    ('10.1.2.3/8', '10.0.0.0/8', 'ff:ff:ff:ff:ff:ff', '08:00:2b:01:02:03:04:05', 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
    ('::', '::/0', NULL, NULL, NULL), ('::ffff:1.2.3.4/127', '2001:db8::/32', NULL, NULL, NULL);

CREATE TABLE forms.binary_bytes (b bytea, t text, w tsvector);
INSERT INTO forms.binary_bytes VALUES
    ('', '', ''), ('\x00ff0a0d5c', E'\\N\n\t\r\\.\b\f\v', 'a:1A,2B b:3 ''it''''s'':16383'), (NULL, NULL, NULL),
    (decode(repeat('00ff', 5000), 'hex'), repeat('äöü€😀', 3000), 'ü:1C ''x y'':2D');
CREATE TABLE forms.binary_large (id int, b bytea, t text);
INSERT INTO forms.binary_large SELECT n, decode(repeat(md5(n::text), 40000), 'hex'), repeat(md5(n::text), 30000) FROM generate_series(1, 4) n;

CREATE TABLE forms.binary_shapes (p point, l line, s lseg, b box, o path, c path, y polygon, r circle);
INSERT INTO forms.binary_shapes VALUES
    ('(0,-0)', '{1,-1,0}', '[(0,0),(1,1)]', '((1,1),(0,0))', '[(0,0),(1,2)]', '((0,0),(1,2))', '((0,0),(1,2),(3,4))', '<(1,2),3>'),
    ('(1e308,-1e-308)', '{0,1,0}', '[(1e300,0),(0.1,0.2)]', '((0.1,0.2),(0.3,0.4))', '[(1,1)]', '((1,1))', '((1,1))', '<(0,0),0>'),
    ('(NaN,Infinity)', NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE forms.binary_ranges (n numrange, t tsrange, z tstzrange, d daterange, i int4range, b int8range);
INSERT INTO forms.binary_ranges VALUES
    ('empty', 'empty', 'empty', 'empty', 'empty', 'empty'), ('(,)', '(,)', '(,)', '(,)', '(,)', '(,)'),
    ('[1.5,1.5]', '[2000-01-01,infinity]', '(-infinity,2000-01-01 00:00:00+00)', '[2000-01-01,2000-01-02)', '[-2147483648,2147483647)', '[1,)');

CREATE TABLE forms.binary_arrays (n numeric[], t text[], s timestamptz[], m int[], b bytea[], u uuid[], v varchar(3)[]);
INSERT INTO forms.binary_arrays VALUES
    ('{}', '{}', '{}', '{}', '{}', '{}', '{}'),
    ('{NULL,1.5,NaN}', '{NULL,"NULL","","a,b","{\"x\"}"}', '{infinity,NULL}', '[-1:0][5:6]={{1,2},{3,NULL}}', '{"\\x00",NULL}', '{NULL}', '{abc}'),
    (array_fill(1.1, ARRAY[2, 3, 4]), NULL, NULL, '{{{1}}}', NULL, NULL, NULL);

CREATE TABLE forms.binary_domains (p forms.positive, s forms.short, d numeric);
INSERT INTO forms.binary_domains VALUES (0.5, 'abcd', 1), (NULL, NULL, NULL);
CREATE TABLE forms.asked_for_words (b bool, c "char", n name, t text, v varchar(5), p char(5), m forms.mood, s forms.short, j json, jb jsonb);
INSERT INTO forms.asked_for_words VALUES
    (true, 'a', 'name', 'text', 'var', 'ab', 'sad', 'äöü', ' { "a" : 1, "a": "\u00e4" } ', '{"a": [1.0, 1e2, null, "\u00e4\n"]}'),
    (false, '', repeat('n', 63), '', '', '', 'it''s "fine"', '', 'null', '[]'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '"x"', '-0.0');
CREATE TABLE forms.asked_for_numbers (a int2, b int4, c int8, o oid, x xid, i cid, t tid, l pg_lsn, s txid_snapshot, v bit(5), w bit varying);
INSERT INTO forms.asked_for_numbers VALUES
    (-32768, -2147483648, -9223372036854775808, 0, '0', '0', '(0,0)', '0/0', '1:1:', B'00000', B''),
    (32767, 2147483647, 9223372036854775807, 4294967295, '4294967295', '7', '(4294967295,65535)', 'FFFFFFFF/FFFFFFFF', '10:20:10,14,15', B'10101', B'110111011101'),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

-- What is text in any case.
CREATE TYPE forms.pair AS (a numeric, b forms.mood);
CREATE TYPE forms.numbers AS RANGE (subtype = float8);
CREATE TABLE forms.text_query (q tsquery, n numeric);
INSERT INTO forms.text_query VALUES ('', 1), ('a & !b | (c <-> d)', 2);
CREATE TABLE forms.text_class (c regclass, p regprocedure, t regtype[], n numeric);
INSERT INTO forms.text_class VALUES ('forms.binary_bytes', 'pg_catalog.lower(text)', '{forms.pair,int4}', 1);
CREATE TABLE forms.text_pair (p forms.pair, n numeric);
INSERT INTO forms.text_pair VALUES ('(1.5,sad)', 1);
CREATE TABLE forms.text_moods (m forms.mood[], n numeric);
INSERT INTO forms.text_moods VALUES ('{sad,"so so"}', 1);
CREATE TABLE forms.text_range (r forms.numbers, n numeric);
INSERT INTO forms.text_range VALUES ('[1,2)', 1);
CREATE TABLE forms.text_money (m money, n numeric);
INSERT INTO forms.text_money VALUES (12.34, 1);
CREATE TABLE forms.text_xml (x xml, n numeric);
INSERT INTO forms.text_xml VALUES ('<?xml version="1.0" encoding="UTF-8"?><a>ä</a>', 1), ('a<b/>', 2), ('', 3);
CREATE TABLE forms.text_acl (a aclitem[], n numeric);
INSERT INTO forms.text_acl VALUES ('{postgres=r/postgres}', 1);
CREATE TABLE forms.text_nothing ();
INSERT INTO forms.text_nothing DEFAULT VALUES;
