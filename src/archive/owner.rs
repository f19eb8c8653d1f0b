//! Who owns what: archives name the owner of an object, and the statement is left to whoever restores it (PostgreSQL 18,
//! `src/bin/pg_dump/pg_backup_archiver.c`, `_printTocEntry` and `_getObjectDescription`).

use super::large_object;
use super::toc::Record;
use crate::error::{Error, Result};

/// Kinds whose objects are known by schema and name.
const BY_NAME: &[&[u8]] = &[
    b"COLLATION",
    b"CONVERSION",
    b"DATABASE",
    b"DOMAIN",
    b"EVENT TRIGGER",
    b"FOREIGN DATA WRAPPER",
    b"FOREIGN TABLE",
    b"MATERIALIZED VIEW",
    b"PROCEDURAL LANGUAGE",
    b"PUBLICATION",
    b"SCHEMA",
    b"SEQUENCE",
    b"SERVER",
    b"STATISTICS",
    b"SUBSCRIPTION",
    b"TABLE",
    b"TEXT SEARCH CONFIGURATION",
    b"TEXT SEARCH DICTIONARY",
    b"TYPE",
    b"VIEW",
];

/// Kinds whose names need their arguments, which the statement that removes them has.
const AS_DROPPED: &[&[u8]] =
    &[b"AGGREGATE", b"FUNCTION", b"OPERATOR", b"OPERATOR CLASS", b"OPERATOR FAMILY", b"PROCEDURE"];

/// Kinds that can be removed but belong to whoever owns what they are on.
const WITHOUT_OWNER: &[&[u8]] = &[
    b"CAST",
    b"CHECK CONSTRAINT",
    b"CONSTRAINT",
    b"DATABASE PROPERTIES",
    b"DEFAULT",
    b"FK CONSTRAINT",
    b"INDEX",
    b"POLICY",
    b"ROW SECURITY",
    b"RULE",
    b"TRIGGER",
    b"USER MAPPING",
];

/// The statements that give the object of a record to its owner, without semicolons; none where it has none of its own. Only
/// large objects, of which a record can make many, have more than one.
///
/// The text of some comes from the record's DROP statement, so that it is to be trusted as far as that.
///
/// # Errors
/// * `Malformed` for a kind of object that is not known to have an owner, and for a record that does not say which object.
pub fn alter(record: &Record) -> Result<Vec<Vec<u8>>> {
    let said = |text: &Option<Vec<u8>>| text.as_deref().filter(|text| !text.is_empty()).map(<[u8]>::to_vec);
    let (Some(owner), Some(drop)) = (said(&record.owner), said(&record.drop)) else { return Ok(Vec::new()) };
    let to = [&b" OWNER TO "[..], &quoted(&owner)].concat();
    let desc = record.desc.as_slice();
    if desc == large_object::METADATA || desc == large_object::ONE {
        let of_one = |oid: u32| [format!("ALTER LARGE OBJECT {oid}").as_bytes(), &to].concat();
        return Ok(large_object::made_by(record)?.into_iter().map(of_one).collect());
    }
    let object = if BY_NAME.contains(&desc) {
        let name = qualified(record.namespace.as_deref(), &record.tag);
        [desc, b" ", &name].concat()
    } else if AS_DROPPED.contains(&desc) {
        dropped(&drop).ok_or_else(|| unknown(record, "does not say what it is"))?.to_vec()
    } else if WITHOUT_OWNER.contains(&desc) {
        return Ok(Vec::new());
    } else {
        return Err(unknown(record, "is of a kind that is not known to have an owner"));
    };
    Ok(vec![[b"ALTER ", object.as_slice(), &to].concat()])
}

/// What a DROP statement removes: "FUNCTION a.f(integer)".
fn dropped(statement: &[u8]) -> Option<&[u8]> {
    let object = statement.strip_prefix(b"DROP ")?;
    let end = object.iter().rposition(|byte| !b";\n".contains(byte))?;
    object.get(..=end)
}

fn unknown(record: &Record, why: &str) -> Error {
    let subject = format!(
        "entry {}, {} {}",
        record.id,
        String::from_utf8_lossy(&record.desc),
        String::from_utf8_lossy(&record.tag)
    );
    Error::malformed(format!("an entry of the archive has an owner, and {why}"))
        .about(subject)
        .with_hint("It can be restored with --no-owner.")
}

/// A name between double quotes. In no encoding that a server or client can have is one of them part of another character.
#[must_use]
pub fn quoted(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len() + 2);
    out.push(b'"');
    for &byte in name {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
    out
}

/// A name with its schema, if it has one.
#[must_use]
pub fn qualified(schema: Option<&[u8]>, name: &[u8]) -> Vec<u8> {
    match schema.filter(|schema| !schema.is_empty()) {
        Some(schema) => [&quoted(schema), &b"."[..], &quoted(name)].concat(),
        None => quoted(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(desc: &str, namespace: Option<&str>, tag: &str, drop: &str) -> String {
        let record = Record {
            namespace: namespace.map(|name| name.as_bytes().to_vec()),
            owner: Some(b"o\"x".to_vec()),
            drop: Some(drop.as_bytes().to_vec()),
            definition: Some(b"16400\n3000000000\n".to_vec()),
            ..Record::new(1, desc, tag)
        };
        match alter(&record) {
            Ok(statements) => String::from_utf8(statements.join(&b"; "[..])).unwrap(),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn owners_are_derived() {
        assert_eq!(told("TABLE", Some("a.b"), "c\nd", "DROP"), "ALTER TABLE \"a.b\".\"c\nd\" OWNER TO \"o\"\"x\"");
        assert_eq!(told("SCHEMA", None, "s", "DROP"), r#"ALTER SCHEMA "s" OWNER TO "o""x""#);
        let drop = "DROP FUNCTION a.f(integer);\n";
        assert_eq!(told("FUNCTION", Some("a"), "f(integer)", drop), r#"ALTER FUNCTION a.f(integer) OWNER TO "o""x""#);
        let two = r#"ALTER LARGE OBJECT 16400 OWNER TO "o""x"; ALTER LARGE OBJECT 3000000000 OWNER TO "o""x""#;
        assert_eq!(told("BLOB METADATA", None, "16400..3000000000", "-- x"), two);
        assert_eq!(told("BLOB", None, "7", "SELECT 1"), r#"ALTER LARGE OBJECT 7 OWNER TO "o""x""#);
    }

    #[test]
    fn what_has_no_owner_of_its_own_gets_none() {
        assert_eq!(told("TABLE", None, "t", ""), "");
        assert_eq!(told("INDEX", None, "i", "DROP INDEX i;"), "");
        let ownerless =
            Record { drop: Some(b"DROP TABLE t;".to_vec()), owner: Some(vec![]), ..Record::new(1, "TABLE", "t") };
        assert_eq!(alter(&ownerless).unwrap(), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(told("WINDOW", None, "w", "DROP WINDOW w").contains("error: an entry of the archive has an owner"));
        assert!(told("FUNCTION", None, "f()", "SELECT 1").contains("does not say"));
        assert!(told("FUNCTION", None, "f()", "DROP ;\n").contains("does not say"));
        assert!(told("BLOB", None, "7 OWNER TO x; --", "-- x").contains("error: "));
    }
}
