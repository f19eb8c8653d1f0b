//! Everything that can be moved, moved from every major to a later one: the judge is the stock `pg_dump`, and plain SQL.

use pgtandem_lab::Server;

use crate::support::{Known, Oracle, Program, assert_same, fill, prepare_server};

/// What majors print in different words: the same comes out where stock `pg_dump` and `pg_restore` move the database.
const KNOWN: &[Known] = &[
    plain("MATERIALIZED VIEW shop.daily", "\"orders\"."),
    plain("MATERIALIZED VIEW shop.weekly", "\"daily\"."),
    plain("MATERIALIZED VIEW shop.on_by_key", "\"by_key\"."),
    plain("MATERIALIZED VIEW shop.not_filled", "\"daily\"."),
    plain("MATERIALIZED VIEW shop.filled_from_what_is_not", "\"not_filled\"."),
    plain("VIEW odd Schema.keywords", "\"user\"."),
    plain("VIEW shop.as_invoker", "\"customer\"."),
    plain("VIEW shop.better_customer", "\"good_customer\"."),
    plain("VIEW shop.calls", "\"orders\"."),
    plain("VIEW shop.counting", "\"counting\"."),
    plain("VIEW shop.customer_orders_again", "\"customer_orders\"."),
    plain("VIEW shop.field_of_row", "\"orders\"."),
    plain("VIEW shop.extracted", "\"orders\"."),
    plain("VIEW shop.good_customer", "\"customer\"."),
    plain("VIEW shop.loop_b", "\"customer\"."),
    plain("VIEW shop.over_daily", "\"daily\"."),
    plain("VIEW shop.over_needs_key", "\"n\"."),
    plain("VIEW shop.samples", "\"a\"."),
    // These keep the qualifier where they name the whole row, or in a query inside.
    Known { entry: "VIEW shop.loop_a", since: 16, words: ("\"b\".\"id\"", "\"id\""), reason: QUALIFIER },
    Known { entry: "VIEW shop.whole_row", since: 16, words: ("\"c\".\"home\"", "\"home\""), reason: QUALIFIER },
    Known {
        entry: "VIEW shop.searching",
        since: 16,
        words: ("SELECT \"t\".\"n\",\n    \"t\".\"is_cycle\"", "SELECT \"n\",\n    \"is_cycle\""),
        reason: QUALIFIER,
    },
    Known {
        entry: "TYPE shop.float_range",
        since: 14,
        words: (
            "double precision,\n",
            "double precision,\n    multirange_type_name = \"shop\".\"float_multirange\",\n",
        ),
        reason: MULTIRANGE,
    },
    Known {
        entry: "TYPE shop.text_range",
        since: 14,
        words: ("\"text\",\n", "\"text\",\n    multirange_type_name = \"shop\".\"text_multirange\",\n"),
        reason: MULTIRANGE,
    },
    Known { entry: "TRIGGER *", since: 12, words: ("EXECUTE PROCEDURE", "EXECUTE FUNCTION"), reason: CALLS },
    Known { entry: "PROCEDURE shop.touch(integer, \"text\")", since: 14, words: ARGUMENTS, reason: IN },
    Known {
        entry: "ACL shop.PROCEDURE \"touch\"(INOUT \"n\" integer, \"note\" \"text\")",
        since: 14,
        words: ARGUMENTS,
        reason: IN,
    },
    Known {
        entry: "TABLE shop.texts",
        since: 17,
        words: ("\"json\",", "json,"),
        reason: "the type has become a word of the grammar, which is not quoted",
    },
    Known {
        entry: "TABLE shop.a23456789012345678901234567890123456789012345678901234567890abc",
        since: 18,
        words: (
            " NOT NULL",
            " CONSTRAINT \"a23456789012345678901234567_b2345678901234567890123456_not_null\" NOT NULL",
        ),
        reason: "18 names every NOT NULL, and pg_dump takes the shortened name for one that somebody chose",
    },
    Known {
        entry: "ACL shop.TABLE \"composites\"",
        since: 17,
        words: (
            "REVOKE SELECT,INSERT,REFERENCES,DELETE,TRIGGER,TRUNCATE,UPDATE ON TABLE \"shop\".\"composites\" FROM \"postgres\";\n",
            "REVOKE ALL ON TABLE \"shop\".\"composites\" FROM \"postgres\";\n\
             GRANT MAINTAIN ON TABLE \"shop\".\"composites\" TO \"postgres\";\n",
        ),
        reason: MAINTAIN,
    },
    Known {
        entry: "ACL shop.TABLE \"product\"",
        since: 17,
        words: (
            "REVOKE SELECT,INSERT,REFERENCES,DELETE,TRIGGER,TRUNCATE,UPDATE ON TABLE \"shop\".\"product\" FROM \"Shop \"\"Quoted\"\" = Role\";\n",
            "REVOKE ALL ON TABLE \"shop\".\"product\" FROM \"Shop \"\"Quoted\"\" = Role\";\n\
             GRANT MAINTAIN ON TABLE \"shop\".\"product\" TO \"Shop \"\"Quoted\"\" = Role\";\n",
        ),
        reason: MAINTAIN,
    },
    Known {
        entry: "ACL shop.TABLE \"customer\"",
        since: 17,
        words: (
            "REVOKE SELECT,INSERT,REFERENCES,DELETE,TRIGGER,TRUNCATE,UPDATE ON TABLE \"shop\".\"customer\" FROM \"shop_owner\";\n\
             GRANT SELECT,INSERT,REFERENCES,TRIGGER,TRUNCATE,UPDATE ON",
            "REVOKE ALL ON TABLE \"shop\".\"customer\" FROM \"shop_owner\";\n\
             GRANT SELECT,INSERT,REFERENCES,TRIGGER,TRUNCATE,MAINTAIN,UPDATE ON",
        ),
        reason: MAINTAIN,
    },
];

const CALLS: &str = "since 12 a trigger says that it executes a function";
const QUALIFIER: &str = "since 16 a column has no qualifier where the query reads one relation only";
const MULTIRANGE: &str = "since 14 a range type comes with a multirange type";
const IN: &str = "since 14 an argument of a procedure that has others that go out is called IN";
const ARGUMENTS: (&str, &str) = ("\"n\" integer, \"note\"", "\"n\" integer, IN \"note\"");
const MAINTAIN: &str = "owners of tables have had MAINTAIN since 17, which nobody could revoke before";

/// A view whose columns lose their qualifier.
const fn plain(entry: &'static str, qualifier: &'static str) -> Known {
    Known { entry, since: 16, words: (qualifier, ""), reason: QUALIFIER }
}

/// Tables of the new database that have no statistics yet.
const NOT_ANALYZED: &str = "SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'm') AND c.relispopulated AND c.reltuples < 0 AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/// Floating-point numbers, bit by bit.
const FLOATS: &str = "SELECT float4send(r), float8send(d) FROM shop.numbers_of_all_kinds ORDER BY id";

fn round_trip(old_server: &Server, new_server: &Server) {
    let (from, to) = (old_server.major(), new_server.major());
    let database = format!("shop_{from}_{to}");
    prepare_server(new_server);
    fill(old_server, &database, "roundtrip");
    let before = Oracle::of(old_server, &database);
    assert!(before.tables() > 40, "the test has lost its tables");

    let ran = Program::upgrade(&old_server.url(&database), &new_server.url(&database)).succeed();

    assert_same("the old server, before and after", &before, from, &Oracle::of(old_server, &database), from, &[]);
    assert_same("old and new", &before.expected_there(), from, &Oracle::of(new_server, &database), to, KNOWN);
    let exact = |server: &Server| server.psql(&database, FLOATS).unwrap();
    assert_eq!(exact(old_server), exact(new_server), "floating-point numbers, bit by bit");
    let databases =
        new_server.psql("postgres", &format!("SELECT datname FROM pg_database WHERE datname ~ '^{database}'"));
    assert_eq!(databases.unwrap().trim(), database, "nothing else is left on the new server");
    if to >= 14 {
        assert_eq!(new_server.psql(&database, NOT_ANALYZED).unwrap(), "", "without statistics");
    }
    ran.tells(&[&database]);
}

fn between(from: u32, to: u32) {
    let new_server = pgtandem_lab::shared(to).unwrap();
    if from == to {
        round_trip(&Server::start(from).unwrap(), new_server);
    } else {
        round_trip(pgtandem_lab::shared(from).unwrap(), new_server);
    }
}

#[test]
fn from_10_to_18() {
    between(10, 18);
}

#[test]
fn from_11_to_17() {
    between(11, 17);
}

#[test]
fn from_12_to_18() {
    between(12, 18);
}

#[test]
fn from_13_to_17() {
    between(13, 17);
}

#[test]
fn from_14_to_16() {
    between(14, 16);
}

#[test]
fn from_15_to_18() {
    between(15, 18);
}

#[test]
fn from_16_to_18() {
    between(16, 18);
}

#[test]
fn from_17_to_17() {
    between(17, 17);
}

#[test]
fn from_18_to_18() {
    between(18, 18);
}
