//! Planner statistics: what the old server knew, the new one knows; where that is not all, ANALYZE has run.

use std::collections::BTreeSet;

use pgtandem_lab::Server;

use crate::support::{Program, prepare_server, testdata};

/// A server on which nobody collects statistics of his own accord.
fn quiet(major: u32) -> Server {
    let server = Server::builder(major).set("autovacuum", "off").start().unwrap();
    prepare_server(&server);
    server
}

/// Every row of `pg_stats`, as text. Columns of tables go by their names, since numbers change where others were dropped.
fn columns(server: &Server, database: &str, ranges: bool) -> BTreeSet<String> {
    let shown = if ranges { "range_length_histogram, range_empty_frac, range_bounds_histogram, " } else { "" };
    let sql = format!(
        "SET extra_float_digits = 3; SELECT format('%s', (tablename, attname, inherited, null_frac, avg_width, n_distinct, {shown}
            most_common_vals, most_common_freqs, histogram_bounds, correlation, most_common_elems, most_common_elem_freqs,
            elem_count_histogram)) FROM pg_stats WHERE schemaname = 'St at'
            AND tablename !~ '^(dealt_|unknown|grown|half_known{})' ORDER BY 1",
        if ranges { "" } else { "|ranges" }
    );
    server.psql(database, &sql).unwrap().lines().map(str::to_owned).collect()
}

/// How many rows each relation has, as far as the planner knows.
fn rows(server: &Server, database: &str) -> BTreeSet<String> {
    let sql = "SELECT relname, relkind, reltuples FROM pg_class WHERE relnamespace = '\"St at\"'::regnamespace
        AND relkind IN ('r', 'm', 'p', 'i') AND relname !~ '^(dealt_|unknown|grown|half_known|empty)'";
    server.psql(database, sql).unwrap().lines().map(str::to_owned).collect()
}

/// The tables that were analyzed on this server.
fn analyzed(server: &Server, database: &str) -> Vec<String> {
    let sql = "SELECT relname FROM pg_stat_user_tables WHERE analyze_count > 0 ORDER BY 1";
    server.psql(database, sql).unwrap().lines().map(str::to_owned).collect()
}

#[track_caller]
fn same(old: &BTreeSet<String>, new: &BTreeSet<String>) {
    let lost: Vec<&String> = old.difference(new).collect();
    let added: Vec<&String> = new.difference(old).collect();
    assert!(lost.is_empty() && added.is_empty(), "only old: {lost:#?}\nonly new: {added:#?}");
}

fn carried(old: &Server, new: &Server, also_analyzed: &[&str]) {
    let database = "statistics";
    old.create_database(database).unwrap();
    old.psql_file(database, &testdata("statistics.sql")).unwrap();
    Program::upgrade(&old.url(database), &new.url(database)).succeed().tells(&["carried over"]);

    let ranges = old.major() >= 17;
    let before = columns(old, database, ranges);
    assert!(before.len() > 30, "{before:?}");
    same(&before, &columns(new, database, ranges));
    same(&rows(old, database), &rows(new, database));
    let mut expected = vec!["dealt_0", "dealt_1", "grown", "half_known", "unknown"];
    expected.extend(also_analyzed);
    expected.sort_unstable();
    assert_eq!(analyzed(new, database), expected);

    // Pages are those of the new server, so that rows on a page are what they are.
    let pages =
        "SELECT relname FROM pg_class WHERE relnamespace = '\"St at\"'::regnamespace AND relkind IN ('r', 'm', 'i')
        AND relpages <> pg_relation_size(oid) / current_setting('block_size')::int";
    assert_eq!(new.psql(database, pages).unwrap(), "");
}

#[test]
fn from_15_to_18() {
    // Before 17 histograms of ranges are not shown.
    carried(&quiet(15), &quiet(18), &["ranges"]);
}

#[test]
fn from_18_to_18() {
    carried(&quiet(18), &quiet(18), &[]);
}

#[test]
fn collected_if_asked_for_or_not_taken() {
    let (old, newest) = (quiet(13), quiet(18));
    let database = "statistics_collected";
    old.create_database(database).unwrap();
    old.psql_file(database, &testdata("statistics.sql")).unwrap();
    let ran = Program::upgrade(&old.url(database), &newest.url(database)).args(["--statistics", "analyze"]).succeed();
    ran.tells(&["collected by ANALYZE"]);
    assert!(analyzed(&newest, database).contains(&"plain".to_owned()));
    let older = quiet(17);
    Program::upgrade(&old.url(database), &older.url(database)).succeed();
    assert!(analyzed(&older, database).contains(&"plain".to_owned()));
}

#[test]
fn hidden_ones_are_collected() {
    let (old, new) = (quiet(16), quiet(18));
    let database = "statistics_hidden";
    old.create_database(database).unwrap();
    new.psql("postgres", "CREATE ROLE reader").unwrap();
    let schema = "CREATE ROLE reader LOGIN; CREATE TABLE seen (a int); CREATE TABLE with_expression (a int);
        INSERT INTO seen SELECT generate_series(1, 100); INSERT INTO with_expression SELECT generate_series(1, 100);
        CREATE INDEX ON with_expression ((a % 10)); GRANT SELECT ON seen, with_expression TO reader; ANALYZE";
    old.psql(database, schema).unwrap();
    let from = old.url(database).replace("postgres@", "reader@");
    Program::upgrade(&from, &new.url(database)).succeed();
    // Who may read a table sees nothing of what its indexes are made of.
    assert_eq!(analyzed(&new, database), ["with_expression"]);
}
