//! What of a database is selected: the judge is the stock `pg_dump` with the same options.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use clap::Parser as _;
use pgtandem::catalog::{Decisions, read, toc};
use pgtandem::cli::args::{Cli, Command};
use pgtandem::plan::order::order;
use pgtandem::sql::Sql;
use pgtandem::wire::conninfo::{ConnInfo, Side};
use pgtandem::wire::session::Session;
use pgtandem_lab::{Server, shared};

use crate::support::{Program, databases, entries, prepare_server, testdata};

/// The database on this server, made once.
pub fn filled(major: u32) -> &'static Server {
    static FILLED: [OnceLock<()>; 2] = [const { OnceLock::new() }; 2];
    let server = shared(major).unwrap();
    FILLED[usize::from(major == 18)].get_or_init(|| {
        prepare_server(server);
        prepare_server(shared(18).unwrap());
        for server in BTreeSet::from([15, 18]).into_iter().map(|major| shared(major).unwrap()) {
            roles(server);
        }
        server.create_database("selection").unwrap();
        server.psql_file("selection", &testdata("selection.sql")).unwrap();
    });
    server
}

fn roles(server: &Server) {
    let sql = "SELECT format('CREATE ROLE %I', r) FROM unnest(ARRAY['sel_owner', 'sel_reader']) r
        WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) \\gexec
        GRANT sel_owner TO postgres;";
    let _ = server.psql("postgres", sql);
}

/// Kind, schema and name of everything that the stock `pg_dump` prints with these options.
pub fn stock(server: &Server, database: &str, options: &[&str]) -> BTreeSet<String> {
    let options = [options, &["--restrict-key=x", "--quote-all-identifiers"]].concat();
    let dump = server.pg_dump(database, &options).unwrap();
    let mut found = BTreeSet::new();
    for line in dump.lines() {
        let Some(rest) = line.strip_prefix("-- Name: ").or_else(|| line.strip_prefix("-- Data for Name: ")) else {
            continue;
        };
        let (rest, _owner) = rest.rsplit_once("; Owner: ").unwrap();
        let (rest, schema) = rest.rsplit_once("; Schema: ").unwrap();
        let (name, kind) = rest.rsplit_once("; Type: ").unwrap();
        found.insert(format!("{kind} {schema}.{name}").replace('"', ""));
    }
    found
}

/// The same of what pgtandem selects with these options. The index of a constraint is no entry of its own there.
fn ours(server: &Server, database: &str, options: &[&str]) -> BTreeSet<String> {
    let Command::Upgrade(args) = Cli::try_parse_from([&["pgtandem", "upgrade"], options].concat()).unwrap().command
    else {
        panic!("another command")
    };
    let selection = args.selection.resolve().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let toc = runtime.block_on(async {
        let info = ConnInfo::resolve(Side::Old, Some(&server.url(database)), &|_| None).unwrap();
        let (notices, _unheard) = tokio::sync::mpsc::channel(16);
        let session = Session::connect(&info, Side::Old, "test", notices).await.unwrap();
        session.run(&Sql::constant("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")).await.unwrap();
        let (schemas, relations) = (selection.schema_patterns(), selection.relation_patterns());
        let names = read::names(&session, &schemas, &relations).await.unwrap();
        let (selected, _) = selection.settle(names).unwrap();
        let (mut catalog, _) = selected.apply(read::database(&session).await.unwrap());
        read::states(&session, &mut catalog).await.unwrap();
        let (steps, how) = order(&catalog, 18).unwrap();
        let how: Decisions = selected.decide(how);
        selected.entries(&toc(&catalog, &steps, &how))
    });
    let mut found = BTreeSet::new();
    // What the extension's own script makes is among those that are only made where it does not; pg_dump has none of them.
    for entry in toc.entries().iter().filter(|entry| !entry.is_on_extension()) {
        let schema = entry.namespace.as_ref().map_or("-", |schema| schema.as_str());
        found.insert(format!("{} {schema}.{}", entry.kind, entry.tag).replace('"', ""));
    }
    let constraints: Vec<String> =
        found.iter().filter_map(|name| name.strip_prefix("CONSTRAINT ")).map(index_of).collect();
    found.retain(|name| !constraints.contains(name));
    found
}

/// The index behind the constraint `schema.table name`.
fn index_of(constraint: &str) -> String {
    let (table, name) = constraint.rsplit_once(' ').unwrap();
    let (schema, _) = table.split_once('.').unwrap();
    format!("INDEX {schema}.{name}")
}

#[track_caller]
pub fn same(options: &[&str], expected: &BTreeSet<String>, found: &BTreeSet<String>) {
    let lost: Vec<_> = expected.difference(found).collect();
    let added: Vec<_> = found.difference(expected).collect();
    assert!(lost.is_empty() && added.is_empty(), "{options:?}: missing {lost:#?}\nneedless {added:#?}");
}

/// Whether an entry is about the schema that every database has, which is more than that only where it is unusual.
fn is_about_public(name: &str) -> bool {
    let name = name.replace('"', "");
    name.ends_with("SCHEMA -.public") || name.ends_with("-.SCHEMA public")
}

/// Entries by what they are about, whatever they are called, as far as both sides have entries of their own for them: the
/// default of a serial column is part of its table here, and privileges on a column go with those on the table.
fn comparable(names: &BTreeSet<String>) -> BTreeSet<String> {
    let counts =
        |name: &&String| !name.starts_with("DEFAULT alone.") && !name.contains(".COLUMN ") && !is_about_public(name);
    let called = |name: &String| match name.as_str() {
        "ACL -.pg_catalog.pg_sleep" => "ACL pg_catalog.FUNCTION pg_sleep(double precision)".to_owned(),
        "USER MAPPING -.USER MAPPING public SERVER sel_server" => "USER MAPPING -.public SERVER sel_server".to_owned(),
        "ACL -.plpgsql" => "ACL -.LANGUAGE plpgsql".to_owned(),
        name if name.starts_with("ACL ") => name.replace(".MATERIALIZED VIEW ", ".TABLE ").replace(".VIEW ", ".TABLE "),
        name => name.to_owned(),
    };
    names.iter().filter(counts).map(called).collect()
}

pub const OPTIONS: &[&[&str]] = &[
    &[],
    &["-n", "alone"],
    &["-n", "ALONE"],
    &["-n", "user*"],
    &["-n", "alone|used"],
    &["-n", "\"Mixed.Case\""],
    &["-n", "alone", "-n", "nothing_like_this"],
    &["-n", "used"],
    &["-N", "used"],
    &["-N", "u*", "-N", "alone"],
    &["-n", "u*", "-N", "used"],
    &["-t", "alone.t1"],
    &["-t", "alone.t?"],
    &["-t", "alone.t[2-9]"],
    &["-t", "alone.(t1|v)"],
    &["-t", "alone.*", "-T", "alone.t*"],
    &["-t", "orders"],
    &["-t", "*.orders"],
    &["-t", "order*", "-t", "alone.free"],
    &["-t", "selection.alone.v"],
    &["-t", "alone.owned"],
    &["-t", "alone.part_1"],
    &["-t", "alone.parted"],
    &["-t", "used.base", "-t", "user_of.*"],
    &["-t", "used.setting*"],
    &["-t", "\"Mixed.Case\".\"Odd*Name$\""],
    &["-t", "\"Mixed.Case\".odd?name"],
    &["-t", "\"Mixed.Case\".\"say \"\"hi\"\"\""],
    &["-t", "\"Mixed.Case\".x[]"],
    &["-t", "alone.m"],
    &["-t", "alone.t1", "-n", "used"],
    &["-T", "alone.t1"],
    &["-T", "alone.t2", "-n", "alone"],
    &["-T", "used.setting"],
    &["-T", "*.*"],
    &["-T", "used.of_base", "-N", "alone"],
    &["--exclude-table-data", "alone.*"],
    &["--exclude-table-data", "*.set*", "--exclude-table-data", "orders"],
    &["-s"],
    &["-s", "-n", "alone"],
    &["-a"],
    &["-a", "-n", "alone"],
    &["-a", "-t", "alone.*"],
    &["--section", "pre-data"],
    &["--section", "data"],
    &["--section", "post-data"],
    &["--section", "pre-data", "--section", "post-data"],
    &["-s", "--section", "post-data"],
    &["-O"],
    &["-x"],
    &["-x", "-O", "-n", "alone"],
    &["--no-acl", "-s"],
];

#[test]
fn the_same_entries_as_pg_dump() {
    for major in [15, 18] {
        let server = filled(major);
        for options in OPTIONS {
            let (expected, found) = (stock(server, "selection", options), ours(server, "selection", options));
            same(options, &comparable(&expected), &comparable(&found));
        }
    }
}

/// Moves what these options select, and compares the text of everything with what the stock `pg_dump` selects.
fn moved(major: u32, name: &str, options: &[&str]) {
    let (old, new) = (filled(major), shared(18).unwrap());
    let schema = ["-s", "--quote-all-identifiers", "--restrict-key=x"];
    let no_owner: &[&str] = if options.contains(&"-O") { &["-O"] } else { &[] };
    let mut expected = entries(&old.pg_dump("selection", &[&schema, options].concat()).unwrap());
    expected.retain(|entry, _| !is_about_public(entry));

    Program::upgrade(&old.url("selection"), &new.url(name)).args(options).succeed();

    let mut found = entries(&new.pg_dump(name, &[&schema, no_owner].concat()).unwrap());
    found.retain(|entry, _| !is_about_public(entry));
    let names = |all: &std::collections::BTreeMap<String, String>| all.keys().cloned().collect::<BTreeSet<_>>();
    same(options, &names(&expected), &names(&found));
    if major == 18 {
        for (entry, text) in &expected {
            assert_eq!(text, &found[entry], "{entry}");
        }
    }
}

#[test]
fn a_schema_that_needs_no_other_moves() {
    moved(18, "selection_alone", &["-n", "alone"]);
    let new = shared(18).unwrap();
    let rows = new.psql(
        "selection_alone",
        "SELECT count(*) FROM alone.t1; SELECT n FROM alone.m; SELECT last_value FROM alone.owned",
    );
    assert_eq!(rows.unwrap().lines().collect::<Vec<_>>(), ["2", "2", "1"]);
    moved(15, "selection_alone_15", &["-n", "alone", "-N", "used"]);
}

#[test]
fn all_but_something_moves() {
    moved(18, "selection_but", &["-N", "alone", "-T", "user_of.orders", "-T", "public.order_l*"]);
    moved(15, "selection_but_15", &["-T", "alone.part*", "-T", "alone.m"]);
}

#[test]
fn tables_of_public_move_alone() {
    moved(18, "selection_tables", &["-t", "order*"]);
    let found = shared(18).unwrap().psql("selection_tables", "SELECT count(*) FROM order_lines").unwrap();
    assert_eq!(found.trim(), "2");
}

#[test]
fn definitions_alone_move() {
    moved(18, "selection_schema", &["-s", "-x"]);
    let counts = "SELECT count(*) FROM alone.t1; SELECT count(*) FROM used.setting WHERE NOT builtin;
        SELECT is_called FROM alone.t1_id_seq; SELECT count(*) FROM pg_largeobject_metadata; SELECT relispopulated FROM pg_class WHERE relname = 'm'";
    let found = shared(18).unwrap().psql("selection_schema", counts).unwrap();
    assert_eq!(found.lines().collect::<Vec<_>>(), ["0", "0", "f", "0", "f"]);
}

#[test]
fn what_comes_before_rows_moves_alone() {
    moved(18, "selection_pre", &["--section", "pre-data", "--section", "data", "-n", "alone"]);
}

#[test]
fn owners_and_privileges_stay_behind() {
    moved(18, "selection_plain", &["-O", "-x"]);
    let foreign = "SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) <> 'postgres' OR relacl IS NOT NULL AND oid >= 16384
        AND relnamespace <> 'used'::regnamespace; SELECT lomacl IS NULL FROM pg_largeobject_metadata";
    let found = shared(18).unwrap().psql("selection_plain", foreign).unwrap();
    assert_eq!(found.lines().collect::<Vec<_>>(), ["0", "t"]);
    // Roles that nobody needs then do not have to be there.
    let elsewhere = Server::start(18).unwrap();
    crate::support::install_extension(&elsewhere, "tandem_settings", "1.0");
    let old = filled(15);
    let without_roles =
        |database: &str| Program::upgrade(&old.url("selection"), &elsewhere.url(database)).args(["--roles", "none"]);
    let ran = without_roles("selection").run().expect(4);
    ran.tells(&["sel_owner", "sel_reader"]);
    without_roles("selection").args(["-O", "-x"]).succeed();
    without_roles("selection_owners").args(["-O", "-n", "user_of|used", "-t", "orders"]).succeed();
}

#[test]
fn rows_stay_behind() {
    moved(
        18,
        "selection_rows",
        &["--exclude-table-data", "alone.t*", "--exclude-table-data", "orders", "-n", "public|alone"],
    );
    let counts = "SELECT count(*) FROM orders; SELECT count(*) FROM order_lines; SELECT count(*) FROM alone.parted;
        SELECT is_called FROM alone.t1_id_seq";
    let found = shared(18).unwrap().psql("selection_rows", counts).unwrap();
    assert_eq!(found.lines().collect::<Vec<_>>(), ["0", "2", "1", "f"]);
}

/// A selection that must not be moved.
#[track_caller]
fn refused(options: &[&str], code: i32, told: &[&str]) {
    let (old, new) = (filled(18), shared(18).unwrap());
    let ran = Program::upgrade(&old.url("selection"), &new.url("selection_refused")).args(options).run().expect(code);
    ran.tells(told);
    assert_eq!(databases(new, "selection_refused"), [""; 0], "{}", ran.told());
}

#[test]
fn what_would_dangle_is_refused_with_a_list() {
    refused(
        &["-n", "user_of"],
        4,
        &[
            "CONSTRAINT \"refers_id_fkey\" ON \"user_of\".\"refers\" needs TABLE \"used\".\"base\"",
            "TABLE \"user_of\".\"child\" needs TABLE \"used\".\"base\"",
            "TABLE \"user_of\".\"refers\" needs TYPE \"used\".\"kind\"",
            "needs SEQUENCE \"used\".\"numbers\"",
            "TABLE \"user_of\".\"remote\" needs SERVER \"sel_server\"",
            "VIEW \"user_of\".\"reads\" needs TABLE \"used\".\"base\"",
            "nothing was written",
        ],
    );
    refused(
        &["-t", "alone.t1"],
        4,
        &["needs SCHEMA \"alone\"", "needs TYPE \"alone\".\"colour\"", "needs FUNCTION \"alone\".\"touch\"()"],
    );
    refused(&["-t", "alone.part_1"], 4, &["needs TABLE \"alone\".\"parted\""]);
    refused(&["-n", "used"], 4, &["the contents of \"used\".\"setting\" needs EXTENSION \"tandem_settings\""]);
    refused(
        &["-N", "used"],
        4,
        &[
            "EXTENSION \"tandem_settings\" needs SCHEMA \"used\"",
            "CAST (\"used\".\"kind\" AS integer) needs TYPE \"used\".\"kind\"",
        ],
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    refused(&["-n", "nothing", "-n", "nowhere"], 2, &["no schemas", "nothing, nowhere"]);
    refused(&["-t", "alone.nothing"], 2, &["no tables", "alone.nothing"]);
    refused(&["-t", "pg_catalog.pg_class"], 2, &["no tables"]);
    refused(&["-n", "selection.alone"], 2, &["selection.alone", "dots"]);
    refused(&["-t", "elsewhere.alone.t1"], 2, &["elsewhere.alone.t1", "another database"]);
    refused(&["-t", "a.b.c.d"], 2, &["a.b.c.d"]);
    refused(&["-t", "alone.(t1"], 2, &["alone.(t1", "2201B"]);
    refused(&["--all-databases", "-n", "alone"], 2, &["--all-databases"]);
    refused(&["-s", "-a"], 2, &["--data-only"]);
}

#[test]
fn a_tie_that_goes_and_a_pattern_that_matches_nothing_are_told() {
    let (old, new) = (filled(18), shared(18).unwrap());
    let options = ["-t", "alone.owned", "-t", "nothing.*", "-T", "nowhere", "--dry-run"];
    let ran = Program::upgrade(&old.url("selection"), &new.url("selection_told")).args(options).run().expect(4);
    ran.tells(&["needs SCHEMA \"alone\""]);
    let options = ["-n", "alone", "-T", "alone.t2", "-T", "nowhere"];
    let ran = Program::upgrade(&old.url("selection"), &new.url("selection_told")).args(options).succeed();
    ran.tells(&["pattern nowhere", "matches nothing", "without its tie to TABLE \"alone\".\"t2\""]);
}

#[test]
fn what_is_not_selected_need_not_be_readable() {
    let (old, new) = (shared(16).unwrap(), shared(18).unwrap());
    prepare_server(old);
    old.create_database("selection_rights").unwrap();
    let schema = "CREATE ROLE sel_limited LOGIN; CREATE SCHEMA mine AUTHORIZATION sel_limited; CREATE SCHEMA closed;
        CREATE TABLE closed.t (id serial); SET ROLE sel_limited; CREATE TABLE mine.t (id serial PRIMARY KEY);
        INSERT INTO mine.t DEFAULT VALUES; RESET ROLE; CREATE PUBLICATION p";
    old.psql("selection_rights", schema).unwrap();
    let _ = new.psql("postgres", "CREATE ROLE sel_limited");
    let from = old.url("selection_rights").replace("postgres@", "sel_limited@");
    let ran = Program::upgrade(&from, &new.url("selection_rights")).run().expect(4);
    ran.tells(&["\"closed\".\"t\"", "t_id_seq"]);
    Program::upgrade(&from, &new.url("selection_rights")).args(["-n", "mine"]).succeed();
    assert_eq!(new.psql("selection_rights", "SELECT id FROM mine.t").unwrap().trim(), "1");
}
