-- Values that are hard to carry. Every row differs, so that a digest would notice an exchange.
CREATE TABLE shop.numbers_of_all_kinds (id int, s smallint, i int, b bigint, n numeric, n_scaled numeric(30,10), r real, d float8, m money, o oid, bit3 bit(3), bits bit varying);
INSERT INTO shop.numbers_of_all_kinds VALUES
    (1, -32768, -2147483648, -9223372036854775808, 'NaN', 'NaN', 'NaN', 'NaN', '-92233720368547758.08', 0, B'000', B''),
    (2, 32767, 2147483647, 9223372036854775807, 1e300, 12345678901234567890.0123456789, '-0', '-0', '92233720368547758.07', 4294967295, B'111', B'10101'),
    (3, 0, 0, 0, 0, 0, 'Infinity', '-Infinity', '0.00', 1, B'101', B'0000000000'),
    (4, 1, 1, 1, -0.000000000000000000000000000000000000000001, 1.5, 1e-45, 4.9406564584124654e-324, '1.10', 2, NULL, NULL),
    (5, NULL, NULL, NULL, 10000000000000000000000000000000000000000.00, NULL, 3.4028235e38, 1.7976931348623157e308, NULL, NULL, NULL, NULL),
    (6, 1, 1, 1, 1.000, 0.1, 0.1, 0.1, '1', 3, B'100', B'1'),
    (7, 1, 1, 1, 1.0, 0.1, 0.3, 0.30000000000000004, '1', 3, B'100', B'1');
CREATE TABLE shop.times (id int, d date, t time, tz timetz, ts timestamp, tstz timestamptz, i interval, ts0 timestamp(0), r tstzrange, dr daterange);
INSERT INTO shop.times VALUES
    (1, 'infinity', '24:00', '24:00-15:59', 'infinity', 'infinity', '178000000 years', '2000-01-01', '(-infinity,infinity)', 'empty'),
    (2, '-infinity', '00:00:00.000001', '00:00+14', '-infinity', '-infinity', '-178000000 years', '1999-12-31 23:59:59', 'empty', '[2020-01-01,)'),
    (3, '4713-01-01 BC', '12:34:56.789', '12:34:56.789+05:30', '4713-01-01 00:00:00 BC', '4713-01-01 00:00:00+00 BC', '1 year -2 mons +3 days -04:05:06.789', NULL, NULL, NULL),
    (4, '5874897-12-31', NULL, NULL, '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999+00', '-1 mon +1 day', NULL, '[2020-01-01 00:00:00.000001+00,2020-01-01 00:00:00.000002+00)', '(,)'),
    (5, '0001-12-31 BC', '23:59:59.999999', '23:59:59.999999-12', '1582-10-10', '1900-01-01 00:00:00.5+00', '00:00:00.000001', NULL, NULL, NULL);
CREATE TABLE shop.texts (id int, t text, v varchar(10), c char(5), n name, single "char", b bytea, x xml, j json, jb jsonb);
INSERT INTO shop.texts VALUES
    (1, '', '', '', '', '', '', '', '{}', '{}'),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (3, E'\\N', E'\\.', E'\t\n\r\b\f', E'\\', E'\\', '\x5c2e0a', '<a>&lt;</a>', E'{"a" : 1,\n\t"a":2, "\\u00e9": "\\\\"}', E'{"a": "\\n\\t\\"\\\\", "n": 1e400, "z": 1.000}'),
    (4, E'\x01\x02\x7f', 'ünïcödé', 'é    ', 'Näme', 'e', '\x00ff0001', '<?xml version="1.0"?><r a="1"><!-- c --></r>', 'null', 'null'),
    (5, E'line one\r\nline two\rline three\n\\.\n\\N\n', E'\\\\', 'abc', 'x', 'z', decode(repeat('00ff0a0d5c09', 500), 'hex'), 'just text', '[1, 2.50, -0, 1E5, true, null, "é😀"]', '[1, 2.50, -0, 1E5, true, null, "é😀"]'),
    (6, '😀 𝒳 ﷽ עברית ' || chr(1114111), 'a"b''c,d', 'a b  ', 'n', ' ', '\x', '', '"\ud83d\ude00"', '"\ud83d\ude00"'),
    (7, E'\\x41 \\101 \\u0041', E'a\tb', E'a\\b', '\x', '\', 'no hex', '<a/>', '{"dup": 1, "dup": 2}', '{"dup": 1, "dup": 2}');
CREATE TABLE shop.composites (id int, a int[], t text[], two_d int[][], shifted int[], addr shop.address, addrs shop.address[], e shop.order_status[], em shop.emails, r int4range, fr shop.float_range, tr shop.text_range, h public.hstore, c ext.cube);
INSERT INTO shop.composites VALUES
    (1, '{}', '{}', '{}', '[5:7]={1,2,3}', ROW(NULL, NULL, NULL, NULL, NULL), '{}', '{}', '{}', 'empty', 'empty', 'empty', '', '(1,2),(3,4)'),
    (2, '{1,NULL,3}', E'{NULL,"NULL","","a,b","{c}","\\"d\\"","e\\\\f"," g "}', '{{1,2},{3,4}}', '[-1:0][2:3]={{1,2},{3,4}}', ROW('a "b" (c), d', E'\\', '1', '{"x y",NULL}', '(1.5,-0)'),
        ARRAY[ROW('s', NULL, '', NULL, NULL)::shop.address, NULL], '{new,"it''s \"lost\"",NULL}', '{a@b,c@d}', '[1,10)', '(-1.5,infinity]', '["a b","c""d")', '"a"=>NULL, "b c"=>"d\"e", ""=>""', '(0)'),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '(,)', '(,)', '(,)', NULL, NULL);
CREATE TABLE shop.networks (id int, i inet, c cidr, m macaddr, m8 macaddr8, u uuid, p point, l line, s lseg, b box, pa path, po polygon, ci circle, tv tsvector, tq tsquery, lsn pg_lsn);
INSERT INTO shop.networks VALUES
    (1, '192.168.0.1/24', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '00000000-0000-0000-0000-000000000000', '(NaN,Infinity)', '{1,-1,0}', '[(0,0),(1,1)]', '(1,1),(0,0)', '[(0,0),(1,1)]', '((0,0),(1,1),(2,0))', '<(0,0),1>', '''a b'':1A,2 ''it''''s'':3', '''a'' & !''b'' <-> ''c'':*A', '0/0'),
    (2, '::1', '2001:db8::/32', 'ff:ff:ff:ff:ff:ff', NULL, 'ffffffff-ffff-ffff-ffff-ffffffffffff', '(-0,0)', NULL, NULL, NULL, '((0,0),(1,1))', NULL, NULL, '', '', 'FFFFFFFF/FFFFFFFF'),
    (3, '::ffff:1.2.3.4/128', '::/0', NULL, NULL, NULL, '(1e-300,1e300)', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
-- References to objects of the database and to built-in ones, by name.
CREATE TABLE shop.names_of_objects (id int, r regclass, t regtype, f regprocedure, ro regrole, ns regnamespace, c regconfig);
INSERT INTO shop.names_of_objects VALUES
    (1, 'shop.customer', 'shop.address', 'shop.plus(int,int)', 'shop_owner', 'shop', 'simple'),
    (2, 'pg_class', 'int', 'lower(text)', 'postgres', 'pg_catalog', 'english'), (3, '"odd Schema".user', 'shop.order_status[]', NULL, '"Shop ""Quoted"" = Role"', '"odd Schema"', NULL);
-- Wide rows: two megabytes that compress, one that does not.
CREATE TABLE shop.wide (id int PRIMARY KEY, t text, b bytea);
INSERT INTO shop.wide SELECT 1, repeat('0123456789abcdef', 131072), NULL;
INSERT INTO shop.wide SELECT 2, NULL, decode(string_agg(md5(i::text), ''), 'hex') FROM generate_series(1, 65536) i;
INSERT INTO shop.wide SELECT 3, string_agg(E'\\\t\n', ''), '\x' FROM generate_series(1, 50000);
ALTER TABLE shop.wide ALTER COLUMN b SET STORAGE EXTERNAL;
