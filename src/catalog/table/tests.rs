//! Tables put together and rendered, without a server.

use std::collections::HashMap;

use super::testing::table;
use super::*;
use crate::catalog::constraint::{Constraint, ConstraintKind};
use crate::catalog::testing::{holding, texts};
use crate::catalog::{Class, Object};
use crate::wire::version::ServerVersion;

fn int(number: i16, name: &str) -> Column {
    Column::plain(number, name, "integer")
}

fn not_null(column: Column) -> Column {
    Column { marked_not_null: true, ..column }
}

fn inherited(column: Column) -> Column {
    Column { local: false, ..column }
}

fn default(oid: u32, table: &Table, number: i16, expression: &'static str) -> AttributeDefault {
    let column = table.columns.iter().find(|column| column.number == number);
    AttributeDefault {
        id: ObjectId::new(Class::ATTRDEF, oid),
        relation: table.id.oid,
        on: table.name.clone(),
        number,
        column: column.map_or("?".into(), |column| column.name.clone()),
        expression: Sql::constant(expression),
        generated: column.is_some_and(|column| column.generated.is_some()),
        inline: false,
        alone: false,
    }
}

fn constraint(oid: u32, table: &Table, name: &str, kind: ConstraintKind, definition: &'static str) -> Constraint {
    Constraint {
        id: ObjectId::new(Class::CONSTRAINT, oid),
        name: name.into(),
        kind,
        relation: table.id.oid,
        on: table.name.clone(),
        partitioned: table.is_partitioned(),
        index: 0,
        referenced: 0,
        key: vec![1],
        validated: true,
        local: true,
        no_inherit: false,
        deferrable: false,
        deferred: false,
        period: false,
        definition: Sql::constant(definition),
        alone: false,
        above: Vec::new(),
        triggers: Vec::new(),
    }
}

/// What was read, from a server of this major.
#[derive(Default)]
struct Found {
    major: u32,
    tables: Vec<Table>,
    inherits: Vec<(u32, u32)>,
    defaults: Vec<AttributeDefault>,
    constraints: Vec<Constraint>,
}

impl Found {
    fn assemble(self) -> Catalog {
        let names: HashMap<u32, QualName> = self.tables.iter().map(|t| (t.id.oid, t.name.clone())).collect();
        let parent = |oid| Inherits { oid, name: names.get(&oid).cloned().unwrap_or(QualName::new("x", "other")) };
        let mut columns = self.tables.iter().map(|table| (table.id.oid, table.columns.clone())).collect();
        let (tables, defaults) = assemble(TableRows {
            tables: self.tables,
            columns: &mut columns,
            defaults: self.defaults,
            inherits: self.inherits.into_iter().map(|(child, above)| (child, parent(above))).collect(),
            column_acls: &[],
            constraints: &self.constraints,
            source: ServerVersion(self.major * 10_000),
        })
        .unwrap();
        let mut objects: Vec<Object> = tables.into_iter().map(Object::from).collect();
        objects.extend(defaults.into_iter().map(Object::from));
        objects.extend(self.constraints.into_iter().map(Object::from));
        holding(self.major, objects)
    }
}

fn create(catalog: &Catalog, oid: u32, how: &Decisions) -> Vec<String> {
    let draft = catalog.table(oid).unwrap().draft(Part::Definition, catalog, how).unwrap();
    texts(&draft.create).into_iter().map(|text| text.replace("\n    ", " ").replace('\n', " ")).collect()
}

fn to(target: u32) -> Decisions {
    Decisions { target, ..Decisions::default() }
}

#[test]
fn a_table_without_columns_has_parentheses_and_rows() {
    let catalog = Found { major: 15, tables: vec![table(1, "t", vec![])], ..Found::default() }.assemble();
    assert_eq!(create(&catalog, 1, &to(15)), [r#"CREATE TABLE "s"."t" ( )"#]);
    let draft = catalog.table(1).unwrap().draft(Part::Data, &catalog, &to(15)).unwrap();
    let Some(Data::Rows(rows)) = draft.data else { panic!("no rows") };
    assert_eq!((rows.columns.len(), rows.fresh, draft.weight), (0, true, 8192));
}

#[test]
fn everything_inline() {
    let mut t = table(1, "t", vec![not_null(int(1, "a")), int(3, "b"), int(4, "c")]);
    t.columns[2].generated = Some(true);
    t.columns[1].collation = Some(QualName::new("pg_catalog", "C"));
    t.options = Reloption::parse(Some(vec!["fillfactor=70".into()]));
    t.unlogged = true;
    t.force_row_security = true;
    t.replica_identity = ReplicaIdentity::Full;
    let catalog = Found {
        major: 15,
        defaults: vec![default(7, &t, 1, "1"), default(8, &t, 4, "(a + 1)")],
        constraints: vec![constraint(9, &t, "k", ConstraintKind::Check, "CHECK (a > 0)")],
        tables: vec![t],
        ..Found::default()
    }
    .assemble();
    let tail =
        [r#"ALTER TABLE ONLY "s"."t" REPLICA IDENTITY FULL"#, r#"ALTER TABLE ONLY "s"."t" FORCE ROW LEVEL SECURITY"#];
    let made = create(&catalog, 1, &to(15));
    assert_eq!(
        made[0],
        r#"CREATE UNLOGGED TABLE "s"."t" ( "a" integer DEFAULT 1 NOT NULL, "b" integer COLLATE "pg_catalog"."C", "c" integer GENERATED ALWAYS AS ((a + 1)) STORED, CONSTRAINT "k" CHECK (a > 0) ) WITH ("fillfactor"='70')"#
    );
    assert_eq!(made[1..], tail);
    let rows = catalog.table(1).unwrap().rows();
    assert_eq!(rows.columns, ["a".into(), "b".into()], "generated columns are not copied");
    let edges = catalog.table(1).unwrap().edges(&catalog);
    for inline in
        [ObjectId::new(Class::ATTRDEF, 7), ObjectId::new(Class::ATTRDEF, 8), ObjectId::new(Class::CONSTRAINT, 9)]
    {
        assert!(edges.contains(&(Node::definition(ObjectId::relation(1)), Node::definition(inline))), "{inline:?}");
        let object = catalog.get(inline).unwrap().render();
        assert!(
            object.draft(Part::Definition, &catalog, &to(15)).is_none(),
            "{inline:?} stands in the table's statement"
        );
    }
}

#[test]
fn what_is_set_apart_has_its_own_statement() {
    let t = table(1, "t", vec![int(1, "a")]);
    let apart = [ObjectId::new(Class::ATTRDEF, 7), ObjectId::new(Class::CONSTRAINT, 9)];
    let catalog = Found {
        major: 15,
        defaults: vec![default(7, &t, 1, "1")],
        constraints: vec![constraint(9, &t, "k", ConstraintKind::Check, "CHECK (s.f(t.*))")],
        tables: vec![t],
        ..Found::default()
    }
    .assemble();
    let how = Decisions { apart: apart.into_iter().collect(), ..to(15) };
    assert_eq!(create(&catalog, 1, &how), [r#"CREATE TABLE "s"."t" ( "a" integer )"#]);
    let draft = |id| catalog.get(id).unwrap().render().draft(Part::Definition, &catalog, &how).unwrap();
    assert_eq!(texts(&draft(apart[0]).create), [r#"ALTER TABLE ONLY "s"."t" ALTER COLUMN "a" SET DEFAULT 1"#]);
    assert_eq!(texts(&draft(apart[1]).create), [r#"ALTER TABLE "s"."t" ADD CONSTRAINT "k" CHECK (s.f(t.*))"#]);
    assert_eq!(draft(apart[1]).section, Section::PostData);
}

#[test]
fn a_partition_is_made_whole_and_attached() {
    let mut p = table(1, "p", vec![not_null(int(1, "a"))]);
    p.partition_key = Some(Sql::constant("LIST (a)"));
    p.unlogged = true;
    p.access_method = None;
    let mut part = table(2, "part", vec![inherited(not_null(int(1, "a")))]);
    part.bound = Some(Sql::constant("FOR VALUES IN (1)"));
    let mut check = constraint(9, &part, "k", ConstraintKind::Check, "CHECK (a > 0)");
    check.local = false;
    let catalog = Found {
        major: 15,
        tables: vec![p, part],
        inherits: vec![(2, 1)],
        constraints: vec![check],
        ..Found::default()
    }
    .assemble();
    assert_eq!(
        create(&catalog, 1, &to(18)),
        [r#"CREATE TABLE "s"."p" ( "a" integer NOT NULL ) PARTITION BY LIST (a)"#]
    );
    assert_eq!(
        create(&catalog, 2, &to(18)),
        [r#"CREATE TABLE "s"."part" ( "a" integer NOT NULL, CONSTRAINT "k" CHECK (a > 0) )"#]
    );
    let part = catalog.table(2).unwrap();
    let attach = part.draft(Part::Attach, &catalog, &to(18)).unwrap();
    assert_eq!(texts(&attach.create), [r#"ALTER TABLE ONLY "s"."p" ATTACH PARTITION "s"."part" FOR VALUES IN (1)"#]);
    let node = |oid, part| Node { object: ObjectId::relation(oid), part };
    let edges = part.edges(&catalog);
    assert!(edges.contains(&(node(2, Part::Attach), node(1, Part::Definition))));
    assert!(edges.contains(&(node(2, Part::Data), node(2, Part::Attach))));
    assert_eq!(with_partitions(&catalog, 1), [ObjectId::relation(1), ObjectId::relation(2)]);
}

#[test]
fn rows_go_through_the_topmost_table_whose_hash_changes() {
    let part = |oid, name: &str, key: Option<&'static str>, rehashed| {
        let mut table = table(oid, name, vec![int(1, "a")]);
        table.bound = Some(Sql::constant("DEFAULT"));
        table.partition_key = key.map(Sql::constant);
        table.rehashed = rehashed;
        table
    };
    let mut root = part(1, "root", Some("RANGE (a)"), false);
    root.bound = None;
    let tables = vec![
        root,
        part(2, "hashed", Some("HASH (a)"), true),
        part(3, "below", Some("LIST (a)"), false),
        part(4, "leaf", None, false),
        part(5, "aside", None, false),
    ];
    let inherits = vec![(2, 1), (3, 2), (4, 3), (5, 1)];
    let catalog = Found { major: 15, tables, inherits, ..Found::default() }.assemble();
    let rows = |oid| catalog.table(oid).unwrap().rows();
    assert_eq!((rows(4).into, rows(4).fresh), (Some(QualName::new("s", "hashed")), false));
    assert_eq!((rows(5).into, rows(5).fresh), (None, true));
}

#[test]
fn a_child_says_only_what_is_its_own() {
    let parent = table(1, "parent", vec![not_null(int(1, "a")), int(2, "b"), int(3, "c")]);
    let child = table(
        2,
        "child",
        vec![inherited(not_null(int(1, "a"))), inherited(int(2, "b")), not_null(inherited(int(3, "c"))), int(4, "d")],
    );
    let catalog = Found {
        major: 15,
        defaults: vec![default(7, &parent, 2, "1"), default(8, &child, 3, "3"), default(9, &child, 4, "4")],
        tables: vec![parent, child],
        inherits: vec![(2, 1)],
        ..Found::default()
    }
    .assemble();
    assert_eq!(
        create(&catalog, 2, &to(17)),
        [
            r#"CREATE TABLE "s"."child" ( "d" integer DEFAULT 4 ) INHERITS ("s"."parent")"#,
            r#"ALTER TABLE ONLY "s"."child" ALTER COLUMN "b" SET DEFAULT NULL"#,
            r#"ALTER TABLE ONLY "s"."child" ALTER COLUMN "c" SET NOT NULL"#,
        ]
    );
    assert_eq!(
        create(&catalog, 2, &to(18))[0],
        r#"CREATE TABLE "s"."child" ( "d" integer DEFAULT 4, NOT NULL "c" ) INHERITS ("s"."parent")"#
    );
    let own = catalog.get(ObjectId::new(Class::ATTRDEF, 8)).unwrap().render();
    let draft = own.draft(Part::Definition, &catalog, &to(18)).unwrap();
    assert_eq!(texts(&draft.create), [r#"ALTER TABLE ONLY "s"."child" ALTER COLUMN "c" SET DEFAULT 3"#]);
}

#[test]
fn columns_in_another_order_than_the_parents_join_later() {
    let parent = table(1, "parent", vec![int(1, "a"), int(2, "b")]);
    let child = table(2, "child", vec![int(1, "b"), int(2, "a")]);
    let found =
        |child| Found { major: 15, tables: vec![parent.clone(), child], inherits: vec![(2, 1)], ..Found::default() };
    let made = create(&found(child.clone()).assemble(), 2, &to(15));
    assert_eq!(
        made,
        [r#"CREATE TABLE "s"."child" ( "b" integer, "a" integer )"#, r#"ALTER TABLE "s"."child" INHERIT "s"."parent""#,]
    );
    let mut same = child;
    same.columns.swap(0, 1);
    assert!(create(&found(same).assemble(), 2, &to(15))[0].ends_with(r#"INHERITS ("s"."parent")"#));
}

#[test]
fn a_child_that_may_be_null_stays_so() {
    let parent = table(1, "parent", vec![not_null(int(1, "a"))]);
    let strict = table(2, "strict", vec![inherited(not_null(int(1, "a")))]);
    let free = table(3, "free", vec![inherited(int(1, "a"))]);
    let found = |constraints| Found {
        major: 15,
        tables: vec![parent.clone(), strict.clone(), free.clone()],
        inherits: vec![(2, 1), (3, 2)],
        constraints,
        ..Found::default()
    };
    let catalog = found(vec![]).assemble();
    assert_eq!(create(&catalog, 1, &to(18)), [r#"CREATE TABLE "s"."parent" ( "a" integer NOT NULL NO INHERIT )"#]);
    assert_eq!(
        create(&catalog, 2, &to(18)),
        [r#"CREATE TABLE "s"."strict" ( NOT NULL "a" NO INHERIT ) INHERITS ("s"."parent")"#]
    );
    assert_eq!(create(&catalog, 3, &to(18)), [r#"CREATE TABLE "s"."free" ( ) INHERITS ("s"."strict")"#]);
    assert_eq!(create(&catalog, 1, &to(17)), [r#"CREATE TABLE "s"."parent" ( "a" integer NOT NULL )"#]);
    assert_eq!(create(&catalog, 3, &to(17))[1..], [r#"ALTER TABLE ONLY "s"."free" ALTER COLUMN "a" DROP NOT NULL"#]);
    let key = constraint(9, &parent, "k", ConstraintKind::PrimaryKey, "PRIMARY KEY (a)");
    let catalog = found(vec![key]).assemble();
    assert!(create(&catalog, 1, &to(18))[0].contains("NOT NULL )"), "a primary key takes no NO INHERIT");
}

#[test]
fn a_taken_name_is_avoided_only_where_constraints_have_names() {
    let t = table(1, "t", vec![not_null(int(1, "a"))]);
    let clash = constraint(9, &t, "t_a_not_null", ConstraintKind::Unique, "UNIQUE (a)");
    let catalog = Found { major: 15, tables: vec![t], constraints: vec![clash], ..Found::default() }.assemble();
    assert!(create(&catalog, 1, &to(17))[0].contains(r#""a" integer NOT NULL"#));
    assert!(create(&catalog, 1, &to(18))[0].contains(r#""a" integer CONSTRAINT "t_a_not_null1" NOT NULL"#));
}

#[test]
fn catalogued_names_are_kept_where_the_server_would_choose_others() {
    let t = table(1, "t", vec![not_null(int(1, "a")), not_null(int(2, "b")), not_null(int(3, "c"))]);
    let child = table(2, "child", vec![inherited(not_null(int(1, "a")))]);
    let named = |oid, number, name: &str, validated| Constraint {
        key: vec![number],
        validated,
        ..constraint(oid, &t, name, ConstraintKind::NotNull, "NOT NULL b")
    };
    let valid_child =
        Constraint { local: false, ..constraint(12, &child, "bb", ConstraintKind::NotNull, "NOT NULL a") };
    let constraints =
        vec![named(9, 1, "aa", false), named(10, 2, "odd", true), named(11, 3, "t_c_not_null", true), valid_child];
    let catalog =
        Found { major: 18, tables: vec![t.clone(), child], inherits: vec![(2, 1)], constraints, ..Found::default() }
            .assemble();
    assert_eq!(
        create(&catalog, 1, &to(18)),
        [r#"CREATE TABLE "s"."t" ( "a" integer, "b" integer CONSTRAINT "odd" NOT NULL, "c" integer NOT NULL )"#]
    );
    assert_eq!(
        create(&catalog, 2, &to(18)),
        [r#"CREATE TABLE "s"."child" ( CONSTRAINT "bb" NOT NULL "a" ) INHERITS ("s"."t")"#],
        "the parent's is not valid yet, so the child's holds by itself"
    );
    let late = catalog.get(ObjectId::new(Class::CONSTRAINT, 9)).unwrap().render();
    let draft = late.draft(Part::Definition, &catalog, &to(18)).unwrap();
    assert_eq!((draft.section, draft.locks.len()), (Section::PostData, 2));
}

#[test]
fn typed_tables_say_only_what_the_type_does_not() {
    let mut t = table(1, "t", vec![int(1, "a"), not_null(int(2, "b"))]);
    t.of_type = Some(Sql::constant("\"s\".\"shape\""));
    let mut bare = table(2, "bare", vec![int(1, "a")]);
    bare.of_type = t.of_type.clone();
    let catalog = Found { major: 15, tables: vec![t, bare], ..Found::default() }.assemble();
    assert_eq!(create(&catalog, 1, &to(15)), [r#"CREATE TABLE "s"."t" OF "s"."shape" ( "b" NOT NULL )"#]);
    assert_eq!(create(&catalog, 2, &to(15)), [r#"CREATE TABLE "s"."bare" OF "s"."shape""#]);
}

#[test]
fn another_expression_of_an_inherited_column_is_set() {
    let generated = |column: Column| Column { generated: Some(true), ..column };
    let parent = table(1, "parent", vec![int(1, "a"), generated(int(2, "b"))]);
    let same = table(2, "same", vec![inherited(int(1, "a")), inherited(generated(int(2, "b")))]);
    let other = table(3, "other", same.columns.clone());
    let catalog = Found {
        major: 17,
        defaults: vec![default(7, &parent, 2, "a"), default(8, &same, 2, "a"), default(9, &other, 2, "(a * 2)")],
        tables: vec![parent, same, other],
        inherits: vec![(2, 1), (3, 1)],
        ..Found::default()
    }
    .assemble();
    assert_eq!(create(&catalog, 2, &to(17)).len(), 1);
    assert_eq!(
        create(&catalog, 3, &to(17))[1],
        r#"ALTER TABLE ONLY "s"."other" ALTER COLUMN "b" SET EXPRESSION AS ((a * 2))"#
    );
}
