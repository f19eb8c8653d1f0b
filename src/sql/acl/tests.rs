use super::*;

fn items(list: &[&str], kind: AclKind) -> Vec<AclItem> {
    AclItem::parse_all(list, kind).unwrap()
}

fn on(kind: AclKind, base: &[&str], actual: &[&str]) -> Vec<String> {
    let (target, owner) = (Sql::constant("T"), Ident::new("own"));
    let grants = Grants { kind, target: &target, column: None, prefix: None, owner: &owner };
    let statements = grants.statements(&items(base, kind), &items(actual, kind), may_be_dangling);
    statements.iter().map(|s| s.as_str().to_owned()).collect()
}

#[test]
fn items_are_read() {
    let item = AclItem::parse(r#""a""b=c/d"=r*w/"x y""#, AclKind::Table).unwrap();
    assert_eq!(item.grantee.as_ref().unwrap().as_str(), "a\"b=c/d");
    assert_eq!(item.grantor.as_str(), "x y");
    let held: Vec<_> = item.held.iter().map(|h| (h.letter, h.grantable)).collect();
    assert_eq!(held, [('r', true), ('w', false)]);
    assert_eq!(AclItem::parse("=X/o", AclKind::Function).unwrap().grantee, None);
    assert_eq!(AclItem::parse("a=/o", AclKind::Function).unwrap().held, []);
    assert_eq!(roles(&items(&["a=r/b", "=r/c"], AclKind::Table)).count(), 3);
}

#[test]
fn what_is_not_an_item_is_refused() {
    for text in ["", "a", "a=r", "a=r/", "a=z/o", "a=*r/o", "a=X/o", "\"a=r/o", "\"a\"b=r/o", "a=r/\"o\"x"] {
        assert!(AclItem::parse(text, AclKind::Table).is_err(), "{text}");
    }
}

#[test]
fn nothing_changed_nothing_to_do() {
    assert!(on(AclKind::Table, &["own=arwdDxtm/own"], &["own=arwdDxtm/own"]).is_empty());
    assert!(on(AclKind::Function, &["=X/own", "own=X/own"], &["own=X/own", "=X/own"]).is_empty());
}

#[test]
fn all_is_said_only_where_it_is_all() {
    assert_eq!(on(AclKind::Table, &[], &["b=arwdDxtm/own"]), ["GRANT ALL ON T TO \"b\""]);
    assert_eq!(
        on(AclKind::Table, &[], &["b=arwdDxt/own"]),
        ["GRANT INSERT, SELECT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON T TO \"b\""]
    );
    assert_eq!(
        on(AclKind::Table, &["own=arwdDxt/own"], &["own=r/own"]),
        [
            "REVOKE INSERT, SELECT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON T FROM \"own\"",
            "GRANT SELECT ON T TO \"own\""
        ]
    );
    let new = AclItem::parse("own=rm/own", AclKind::Table).unwrap();
    assert_eq!(new.known_to(16, AclKind::Table), AclItem::parse("own=r/own", AclKind::Table).unwrap());
    assert_eq!(new.known_to(17, AclKind::Table), new);
}

#[test]
fn what_was_revoked_from_the_start_goes_first() {
    assert_eq!(on(AclKind::Function, &["=X/own", "own=X/own"], &["own=X/own"]), ["REVOKE ALL ON T FROM PUBLIC"]);
    assert_eq!(
        on(AclKind::Table, &["own=arwdDxtm/own"], &["b=r/own", "own=r/own"]),
        ["REVOKE ALL ON T FROM \"own\"", "GRANT SELECT ON T TO \"own\"", "GRANT SELECT ON T TO \"b\""]
    );
    assert_eq!(
        on(AclKind::Database, &["=Tc/own", "own=CTc/own"], &[]),
        ["REVOKE TEMPORARY, CONNECT ON T FROM PUBLIC", "REVOKE ALL ON T FROM \"own\""]
    );
}

#[test]
fn grant_options_stand_apart() {
    assert_eq!(
        on(AclKind::Table, &[], &["b=r*w/own"]),
        ["GRANT UPDATE ON T TO \"b\"", "GRANT SELECT ON T TO \"b\" WITH GRANT OPTION"]
    );
    assert_eq!(on(AclKind::Schema, &[], &["b=U*C*/own"]), ["GRANT ALL ON T TO \"b\" WITH GRANT OPTION"]);
}

#[test]
fn a_chain_of_grantors_keeps_its_order() {
    assert_eq!(
        on(AclKind::Function, &["=X/own", "own=X/own"], &["own=X/own", "a=X*/own", "b=X*/a", "=X/b"]),
        [
            "REVOKE ALL ON T FROM PUBLIC",
            "GRANT ALL ON T TO \"a\" WITH GRANT OPTION",
            "SET SESSION AUTHORIZATION \"a\"",
            "GRANT ALL ON T TO \"b\" WITH GRANT OPTION",
            "RESET SESSION AUTHORIZATION",
            "SET SESSION AUTHORIZATION \"b\"",
            "GRANT ALL ON T TO PUBLIC",
            "RESET SESSION AUTHORIZATION",
        ]
    );
}

#[test]
fn roles_that_are_no_more_are_skipped() {
    assert!(on(AclKind::Schema, &["16390=U/own"], &["16391=U/own"]).is_empty());
    assert!(!may_be_dangling(&Ident::new("a1")));
    assert!(may_be_dangling(&Ident::new("16390")));
}

#[test]
fn columns_and_default_privileges() {
    let (target, owner, column) = (Sql::constant("TABLE t"), Ident::new("own"), Ident::new("C"));
    let grants = Grants { kind: AclKind::Column, target: &target, column: Some(&column), prefix: None, owner: &owner };
    let texts = |grants: Grants, kind, list: &[&str]| {
        let made = grants.statements(&[], &items(list, kind), |_| false);
        made.iter().map(|s| s.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        texts(grants, AclKind::Column, &["b=rw/own", "=arwx/own"]),
        ["GRANT SELECT (\"C\"), UPDATE (\"C\") ON TABLE t TO \"b\"", "GRANT ALL (\"C\") ON TABLE t TO PUBLIC"]
    );
    let (target, prefix) = (Sql::constant("TABLES"), Sql::constant("ALTER DEFAULT PRIVILEGES"));
    let grants = Grants { kind: AclKind::Table, column: None, prefix: Some(&prefix), target: &target, ..grants };
    assert_eq!(
        texts(grants, AclKind::Table, &["b=r/own"]),
        ["ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO \"b\""]
    );
}
