//! Columns of tables, foreign tables, views and materialized views (`pg_attribute`).

use std::collections::HashMap;

use super::not_null::NotNull;
use crate::catalog::foreign;
use crate::catalog::query::{Query, expr, in_user_schema};
use crate::catalog::reloptions::{Reloption, clauses};
use crate::error::{Error, Result};
use crate::sql;
use crate::sql::{Ident, QualName, Sql};
use crate::toc::BinaryForm;
use crate::wire::session::Row;

/// The columns of all relations that have their own, dropped ones left out, in the order of their numbers.
pub(in crate::catalog) const ATTRIBUTES: Query = Query::of(
    &[
        expr("relation", "a.attrelid"),
        expr("number", "a.attnum"),
        expr("name", "a.attname::text"),
        expr("type", "format_type(a.atttypid, a.atttypmod)"),
        expr("not_null", "a.attnotnull"),
        expr("generated", "a.attgenerated::text").since(12, "''::text"),
        expr("local", "a.attislocal"),
        // The default is -1 up to 16 and NULL since 17.
        expr("statistics", "nullif(a.attstattarget, -1)::int4"),
        expr("storage", "CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage::text END"),
        // A foreign table has it from a parent, and cannot have one of its own.
        expr("compression", "CASE WHEN c.relkind = 'f' THEN '' ELSE a.attcompression::text END").since(14, "''::text"),
        expr("options", "a.attoptions"),
        expr("foreign_options", "a.attfdwoptions"),
        expr("floats", "false").since(12, FLOATS_11),
        expr("binary", BINARY),
        expr("collation_schema", "ln.nspname::text"),
        expr("collation", "l.collname::text"),
    ],
    concat!(
        "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace ",
        "JOIN pg_type t ON t.oid = a.atttypid ",
        "LEFT JOIN pg_type e ON e.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype WHEN t.typcategory = 'A' THEN t.typelem END ",
        "LEFT JOIN pg_collation l ON l.oid = a.attcollation AND a.attcollation <> t.typcollation ",
        "LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace ",
        "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped AND ",
        in_user_schema!(),
        " ORDER BY a.attrelid, a.attnum"
    ),
);

/// Whether there may be floating-point numbers among the values of a column: nothing is known of types that are not listed.
const FLOATS_11: &str = "t.typtype <> 'e' AND \
    CASE WHEN t.typtype = 'd' THEN t.typbasetype WHEN t.typelem <> 0 AND t.typlen = -1 THEN t.typelem ELSE t.oid END \
    <> ALL ('{bool,bytea,\"char\",name,int8,int2,int4,text,oid,json,xml,jsonb,inet,cidr,macaddr,macaddr8,bpchar,varchar,\
    date,time,timestamp,timestamptz,timetz,interval,bit,varbit,numeric,uuid,tsvector,tsquery,money}'::regtype[]::oid[])";

/// Whether the values of a column can cross in binary form, and whether that saves the servers work: `u`nsafe, `s`afe, `p`ays.
///
/// Only what is known is safe: types whose binary form has been the same since 10 (PostgreSQL 18, `src/backend/utils/adt/`, the
/// functions that are called `.._send`), and holds no OID. An enum's is its label. An array has the OID of its elements' type,
/// which is the same everywhere if that came with the server. Not `money`, whose value depends on a setting; not `regclass` and
/// its like; not `tsquery`, which sends an empty one and does not take it; not `xml`, which says its encoding in that form alone.
/// It pays where text has to be computed and read again: numbers with fractions, times, addresses, bytes.
const BINARY: &str = "CASE WHEN t.typtype = 'e' THEN 's' \
    WHEN coalesce(e.typnamespace, t.typnamespace) <> 'pg_catalog'::regnamespace THEN 'u' \
    WHEN coalesce(e.typname, t.typname) = ANY ('{numeric,float4,float8,date,time,timetz,timestamp,timestamptz,interval,\
    bytea,uuid,inet,cidr,macaddr,macaddr8,point,lseg,box,path,polygon,line,circle,tsvector,\
    numrange,tsrange,tstzrange,daterange,nummultirange,tsmultirange,tstzmultirange,datemultirange}'::name[]) THEN 'p' \
    WHEN coalesce(e.typname, t.typname) = ANY ('{bool,char,name,int2,int4,int8,text,varchar,bpchar,json,jsonb,jsonpath,\
    oid,xid,xid8,cid,tid,pg_lsn,pg_snapshot,txid_snapshot,bit,varbit,\
    int4range,int8range,int4multirange,int8multirange}'::name[]) THEN 's' ELSE 'u' END::text";

/// Of so many columns one has to gain by binary form for a table to do so: others take more bytes in it.
const ONE_IN: usize = 4;

/// Whether rows with these columns can cross in binary form.
pub(super) fn binary_form<'a>(columns: impl Iterator<Item = &'a Column>) -> BinaryForm {
    let (mut all, mut gain) = (0, 0);
    for column in columns {
        match column.binary {
            BinaryForm::Unsafe => return BinaryForm::Unsafe,
            BinaryForm::Pays => gain += 1,
            BinaryForm::Safe => {}
        }
        all += 1;
    }
    match (all, gain * ONE_IN >= all) {
        (0, _) => BinaryForm::Unsafe,
        (_, true) => BinaryForm::Pays,
        (_, false) => BinaryForm::Safe,
    }
}

/// What a column holds when nothing is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Initial {
    /// NULL, or whatever is inherited, or what an entry of its own says.
    Nothing,
    /// NULL, although a parent has a default.
    Null,
    /// This default (OID in `pg_attrdef`).
    Default(u32),
    /// It is computed from other columns (OID in `pg_attrdef`).
    Generated {
        /// The row of `pg_attrdef`.
        expression: u32,
        /// Whether the value is stored; otherwise it is computed when it is read (18).
        stored: bool,
    },
    /// It is inherited with an expression, but computed by this one (OID in `pg_attrdef`).
    Recomputed(u32),
}

/// One column.
#[derive(Clone, Debug)]
pub struct Column {
    /// `attnum`.
    pub number: i16,
    /// Its name.
    pub name: Ident,
    /// Its type, with the modifier.
    pub data_type: Sql,
    /// Its collation, where that is not the type's own.
    pub collation: Option<QualName>,
    /// Whether it is defined here, and not only inherited.
    pub local: bool,
    /// `attnotnull`.
    pub marked_not_null: bool,
    /// `attgenerated`: whether it is computed, and if so, whether it is stored.
    pub generated: Option<bool>,
    /// That it may not be NULL, if our own statements have to say so.
    pub not_null: Option<NotNull>,
    /// The same for a server that catalogs such constraints (18), when the source does not.
    pub not_null_18: Option<NotNull>,
    /// Whether it may be NULL although it may not in a parent (by ordinary inheritance, up to 17).
    pub freed: bool,
    /// What it holds when nothing is given.
    pub initial: Initial,
    pub(super) statistics: Option<i32>,
    pub(super) storage: Option<&'static str>,
    pub(super) compression: Option<&'static str>,
    pub(super) options: Vec<Reloption>,
    pub(super) foreign_options: Vec<Reloption>,
    /// As in [`Rows::floats`](crate::toc::Rows::floats); only asked before 12.
    pub(super) floats: bool,
    /// Whether its values can cross in binary form.
    pub(super) binary: BinaryForm,
}

/// One row of [`ATTRIBUTES`]: the relation and its column.
///
/// # Errors
/// If the row is not what the query promises, or names a storage or compression that is not known.
pub(in crate::catalog) fn decode(row: &Row) -> Result<(u32, Column)> {
    let unknown = |what: &str| Error::malformed(format!("cannot read the columns: unknown {what}"));
    let storage = match row.get::<Option<String>>("storage")?.as_deref() {
        None => None,
        Some("p") => Some("PLAIN"),
        Some("e") => Some("EXTERNAL"),
        Some("m") => Some("MAIN"),
        Some("x") => Some("EXTENDED"),
        Some(other) => return Err(unknown("storage").about(other)),
    };
    let compression = match row.get::<String>("compression")?.as_str() {
        "" => None,
        "p" => Some("pglz"),
        "l" => Some("lz4"),
        other => return Err(unknown("compression").about(other)),
    };
    let generated = match row.get::<String>("generated")?.as_str() {
        "" => None,
        "s" => Some(true),
        "v" => Some(false),
        other => return Err(unknown("kind of generated column").about(other)),
    };
    let collation = row.get::<Option<String>>("collation_schema")?.zip(row.get::<Option<String>>("collation")?);
    let mut options = Reloption::parse(row.get("options")?);
    // What users can set. A server may keep notes of its own there (`pg_attver`), which others refuse.
    options.retain(|option| matches!(option.name.as_str(), "n_distinct" | "n_distinct_inherited"));
    let column = Column {
        number: row.get("number")?,
        name: row.get::<String>("name")?.into(),
        data_type: Sql::deparsed(row.get::<String>("type")?),
        collation: collation.map(|(schema, name)| QualName::new(schema, name)),
        local: row.get("local")?,
        marked_not_null: row.get("not_null")?,
        generated,
        not_null: None,
        not_null_18: None,
        freed: false,
        initial: Initial::Nothing,
        statistics: row.get("statistics")?,
        storage,
        compression,
        options,
        foreign_options: Reloption::parse(row.get("foreign_options")?),
        floats: row.get("floats")?,
        binary: match row.get::<String>("binary")?.as_str() {
            "p" => BinaryForm::Pays,
            "s" => BinaryForm::Safe,
            _ => BinaryForm::Unsafe,
        },
    };
    Ok((row.get("relation")?, column))
}

/// The columns of each relation, in their order.
pub(in crate::catalog) fn by_relation(rows: Vec<(u32, Column)>) -> HashMap<u32, Vec<Column>> {
    let mut out: HashMap<u32, Vec<Column>> = HashMap::new();
    for (relation, column) in rows {
        out.entry(relation).or_default().push(column);
    }
    out
}

impl Column {
    /// ` COLLATE ...` where the collation is not the type's own.
    pub(in crate::catalog) fn collate(&self) -> Sql {
        self.collation.as_ref().map_or_else(Sql::default, |name| sql!(" COLLATE {}", name))
    }

    /// The statements for what `CREATE` cannot say about a column. They hold for inherited columns too, and for those of
    /// materialized views.
    pub(in crate::catalog) fn alter(&self, relation: &QualName) -> Vec<Sql> {
        // Only a foreign table's column has such.
        let foreign = if self.foreign_options.is_empty() { "" } else { "FOREIGN " };
        let alter = |what: Sql| sql!("ALTER {}TABLE ONLY {} ALTER COLUMN {} {}", foreign, relation, self.name, what);
        let statistics = self.statistics.filter(|&target| target >= 0);
        [
            statistics.map(|target| sql!("SET STATISTICS {}", target)),
            self.storage.map(|storage| sql!("SET STORAGE {}", storage)),
            self.compression.map(|compression| sql!("SET COMPRESSION {}", compression)),
            clauses(&self.options, &[]).map(|options| sql!("SET ({})", options)),
            foreign::options(&self.foreign_options),
        ]
        .into_iter()
        .flatten()
        .map(alter)
        .collect()
    }

    /// A column with a name, a number and a type, and nothing else.
    #[cfg(test)]
    pub(in crate::catalog) fn plain(number: i16, name: &str, data_type: &'static str) -> Self {
        Self {
            number,
            name: name.into(),
            data_type: Sql::constant(data_type),
            collation: None,
            local: true,
            marked_not_null: false,
            generated: None,
            not_null: None,
            not_null_18: None,
            freed: false,
            initial: Initial::Nothing,
            statistics: None,
            storage: None,
            compression: None,
            options: Vec::new(),
            foreign_options: Vec::new(),
            floats: false,
            binary: BinaryForm::Unsafe,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_a_column_are_statements_of_their_own() {
        let mut column = Column::plain(1, "a\"b", "text");
        assert_eq!(column.alter(&QualName::new("s", "t")), vec![]);
        column.statistics = Some(0);
        column.storage = Some("EXTERNAL");
        column.compression = Some("lz4");
        column.options = Reloption::parse(Some(vec!["n_distinct=-0.5".into()]));
        let text: Vec<String> = column.alter(&QualName::new("s", "t")).iter().map(Sql::to_string).collect();
        assert_eq!(
            text,
            [
                r#"ALTER TABLE ONLY "s"."t" ALTER COLUMN "a""b" SET STATISTICS 0"#,
                r#"ALTER TABLE ONLY "s"."t" ALTER COLUMN "a""b" SET STORAGE EXTERNAL"#,
                r#"ALTER TABLE ONLY "s"."t" ALTER COLUMN "a""b" SET COMPRESSION lz4"#,
                r#"ALTER TABLE ONLY "s"."t" ALTER COLUMN "a""b" SET ("n_distinct"='-0.5')"#,
            ]
        );
    }
}
