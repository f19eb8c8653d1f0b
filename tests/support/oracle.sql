-- What a database holds, in plain SQL that every server since 10 understands. Each answer is a record of two fields: what it
-- is of, and what it is.
\pset fieldsep '\x1f'
\pset recordsep '\x1e'
SET search_path = '';
SET statement_timeout = 0;
SET row_security = off;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = 'postgres';
SET bytea_output = 'hex';
SET lc_monetary = 'C';
SET extra_float_digits = 3;

-- Rows of every table and materialized view, and a digest that does not depend on their order: the sums of both halves of
-- the MD5 of every row. One query asks all tables, each by way of a query of its own. A partitioned table is asked as a
-- whole as well, unless foreign tables are part of it. What is hashed by an enum's value, which is to say by its OID, may sit in another partition: then only as
-- a whole.
PREPARE rows AS
SELECT CASE pg_catalog.current_setting('extra_float_digits') WHEN '0' THEN 'rounded ' ELSE '' END || 'rows of ' || n.nspname || '.' || c.relname, (pg_catalog.xpath('//r/text()', pg_catalog.query_to_xml(pg_catalog.format(
    $$SELECT count(*) || ' rows, digest ' || coalesce(sum(('x' || left(m, 16))::bit(64)::bigint::numeric), 0)
        || ' ' || coalesce(sum(('x' || right(m, 16))::bit(64)::bigint::numeric), 0) AS r
      FROM (SELECT md5(t::text) AS m FROM %s %I.%I t) AS rows$$,
    CASE WHEN c.relkind = 'p' THEN '' ELSE 'ONLY' END, n.nspname, c.relname), false, false, '')))[1]::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE (c.relkind = 'r' OR c.relkind = 'm' AND c.relispopulated OR c.relkind = 'p' AND NOT c.relispartition)
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND (c.relkind <> 'p' OR NOT EXISTS (
    WITH RECURSIVE t (relid) AS (
        SELECT c.oid UNION SELECT h.inhrelid FROM t JOIN pg_catalog.pg_inherits h ON h.inhparent = t.relid)
    SELECT 1 FROM t JOIN pg_catalog.pg_class f ON f.oid = t.relid WHERE f.relkind = 'f'))
  AND NOT EXISTS (
    WITH RECURSIVE a (relid) AS (
        SELECT c.oid UNION SELECT h.inhparent FROM a JOIN pg_catalog.pg_inherits h ON h.inhrelid = a.relid)
    SELECT 1 FROM a JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = a.relid
    JOIN pg_catalog.pg_opclass o ON o.oid = ANY (p.partclass::pg_catalog.oid[])
    WHERE c.relispartition AND p.partstrat = 'h' AND o.opcname IN ('enum_ops', 'array_ops'));
EXECUTE rows;
\echo '\x1e'
-- The same with the digits of floating-point numbers that every major writes alike: before 12 there were more than needed.
SET extra_float_digits = 0;
EXECUTE rows;
\echo '\x1e'
SET extra_float_digits = 3;

SELECT 'state of sequence ' || n.nspname || '.' || c.relname, (pg_catalog.xpath('//r/text()', pg_catalog.query_to_xml(pg_catalog.format(
    $$SELECT last_value || ', called: ' || is_called AS r FROM %I.%I$$, n.nspname, c.relname), false, false, '')))[1]::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND n.nspname !~ '^pg_'

UNION ALL
SELECT 'large object ' || l.oid, pg_catalog.concat_ws(', ',
    'owner ' || pg_catalog.pg_get_userbyid(l.lomowner),
    'acl ' || (SELECT pg_catalog.string_agg(a::text, ' ' ORDER BY a::text) FROM pg_catalog.unnest(coalesce(l.lomacl, pg_catalog.acldefault('L', l.lomowner))) a),
    'comment ' || pg_catalog.obj_description(l.oid, 'pg_largeobject'),
    pg_catalog.length(pg_catalog.lo_get(l.oid)) || ' bytes, md5 ' || pg_catalog.md5(pg_catalog.lo_get(l.oid)))
FROM pg_catalog.pg_largeobject_metadata l

UNION ALL
SELECT 'materialized view ' || n.nspname || '.' || c.relname, 'populated: ' || c.relispopulated
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'm'

UNION ALL
-- A partitioned index is invalid as long as it lacks that of a partition, which is no fault. Any other invalid index is.
SELECT 'partitioned index ' || n.nspname || '.' || c.relname, 'valid: ' || i.indisvalid
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'I'
UNION ALL
SELECT 'invalid index ' || n.nspname || '.' || c.relname, ''
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'i' AND NOT (i.indisvalid AND i.indisready AND i.indislive)

UNION ALL
-- What pg_dump does not print: statistics targets of constraints' indexes, the state of triggers that enforce foreign keys.
SELECT 'statistics target of index ' || n.nspname || '.' || c.relname || ' ' || a.attnum, a.attstattarget::text
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('i', 'I') AND a.attstattarget >= 0 AND n.nspname !~ '^pg_'
UNION ALL
SELECT 'triggers of constraints on ' || n.nspname || '.' || r.relname, pg_catalog.string_agg(c.name || ' ' || p.proname || ' ' || t.tgenabled::pg_catalog.text, ', ' ORDER BY c.name, p.proname, t.tgenabled)
FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
-- Constraints of partitions may have names of their own; that of the topmost one counts.
JOIN (WITH RECURSIVE family (oid, name) AS (
    SELECT oid, conname FROM pg_catalog.pg_constraint k WHERE contype <> 't' AND coalesce(pg_catalog.to_jsonb(k) ->> 'conparentid', '0') = '0'
    UNION ALL SELECT k.oid, f.name FROM family f JOIN pg_catalog.pg_constraint k ON pg_catalog.to_jsonb(k) ->> 'conparentid' = f.oid::pg_catalog.text) TABLE family) c ON c.oid = t.tgconstraint
JOIN pg_catalog.pg_class r ON r.oid = t.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
WHERE t.tgisinternal AND r.relkind = 'r' GROUP BY n.nspname, r.relname

UNION ALL
-- pg_dump leaves out those on constraints that are inherited.
SELECT 'comment on constraint ' || c.conname || ' on ' || n.nspname || '.' || r.relname, d.description
FROM pg_catalog.pg_description d JOIN pg_catalog.pg_constraint c ON c.oid = d.objoid
JOIN pg_catalog.pg_class r ON r.oid = c.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
WHERE d.classoid = 'pg_catalog.pg_constraint'::pg_catalog.regclass

UNION ALL
-- pg_dump leaves out whatever hangs on the relations of extensions.
SELECT 'on a relation of an extension: ' || o.kind || ' ' || o.name || ' on ' || n.nspname || '.' || r.relname, pg_catalog.concat_ws(', ', o.definition, 'comment ' || o.comment)
FROM (
    SELECT 'index' AS kind, indrelid AS relation, indexrelid::pg_catalog.regclass::pg_catalog.text AS name, pg_catalog.pg_get_indexdef(indexrelid) AS definition, pg_catalog.obj_description(indexrelid, 'pg_class') AS comment FROM pg_catalog.pg_index
    UNION ALL SELECT 'constraint', conrelid, conname, pg_catalog.pg_get_constraintdef(oid), pg_catalog.obj_description(oid, 'pg_constraint') FROM pg_catalog.pg_constraint WHERE contype <> 'n'
    UNION ALL SELECT 'trigger', tgrelid, tgname, pg_catalog.replace(pg_catalog.pg_get_triggerdef(oid), 'EXECUTE PROCEDURE', 'EXECUTE FUNCTION') || tgenabled::pg_catalog.text, pg_catalog.obj_description(oid, 'pg_trigger') FROM pg_catalog.pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'rule', ev_class, rulename, pg_catalog.pg_get_ruledef(oid) || ev_enabled::pg_catalog.text, pg_catalog.obj_description(oid, 'pg_rewrite') FROM pg_catalog.pg_rewrite WHERE ev_type <> '1'
    UNION ALL SELECT 'policy', polrelid, polname, pg_catalog.concat_ws(' ', polcmd, polpermissive, polroles::pg_catalog.regrole[], pg_catalog.pg_get_expr(polqual, polrelid), pg_catalog.pg_get_expr(polwithcheck, polrelid)), pg_catalog.obj_description(oid, 'pg_policy') FROM pg_catalog.pg_policy
    UNION ALL SELECT 'default', adrelid, adnum::pg_catalog.text, pg_catalog.pg_get_expr(adbin, adrelid), NULL FROM pg_catalog.pg_attrdef
    UNION ALL SELECT 'comment', objoid, objsubid::pg_catalog.text, NULL, description FROM pg_catalog.pg_description WHERE classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
) o
JOIN pg_catalog.pg_class r ON r.oid = o.relation JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = r.oid AND d.deptype = 'e')

UNION ALL
SELECT 'database', pg_catalog.concat_ws(', ',
    'owner ' || pg_catalog.pg_get_userbyid(d.datdba),
    'encoding ' || pg_catalog.pg_encoding_to_char(d.encoding), 'collate ' || d.datcollate, 'ctype ' || d.datctype,
    'provider ' || coalesce(pg_catalog.to_jsonb(d) ->> 'datlocprovider', 'c'),
    'locale ' || coalesce(pg_catalog.to_jsonb(d) ->> 'datlocale', pg_catalog.to_jsonb(d) ->> 'daticulocale'),
    'rules ' || (pg_catalog.to_jsonb(d) ->> 'daticurules'),
    'tablespace ' || (SELECT spcname FROM pg_catalog.pg_tablespace s WHERE s.oid = d.dattablespace),
    'acl ' || (SELECT pg_catalog.string_agg(a::text, ' ' ORDER BY a::text) FROM pg_catalog.unnest(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a),
    'limit ' || d.datconnlimit, 'template ' || d.datistemplate, 'allows connections ' || d.datallowconn,
    'comment ' || pg_catalog.shobj_description(d.oid, 'pg_database'))
FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
UNION ALL
SELECT 'setting of the database for ' || coalesce(r.rolname, 'everybody') || ': ' || pg_catalog.split_part(c, '=', 1), c
FROM pg_catalog.pg_db_role_setting s LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole, pg_catalog.unnest(s.setconfig) c
WHERE s.setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database());
