//! Large objects in the table of contents: one record makes one of them (`BLOB`, up to 1.15) or many (`BLOB METADATA`), and
//! the privileges of many stand there once (PostgreSQL 18, `src/bin/pg_dump/pg_backup_db.c`, `IssueCommandPerBlob` and
//! `IssueACLPerBlob`).

use super::toc::Record;
use crate::error::{Error, Result};

/// The kind of a record that makes many, all of one owner.
pub const METADATA: &[u8] = b"BLOB METADATA";
/// The kind of a record that makes one.
pub const ONE: &[u8] = b"BLOB";
/// The kind of a record that holds the contents.
pub const CONTENTS: &[u8] = b"BLOBS";
/// How the tag of privileges on many begins.
const PRIVILEGES_ON_MANY: &[u8] = b"LARGE OBJECTS";
/// What stands before the OID in a GRANT or REVOKE.
const ON: &[u8] = b"LARGE OBJECT ";

/// The OIDs of the large objects that a record makes.
///
/// # Errors
/// * `Malformed` if they are none.
pub fn made_by(record: &Record) -> Result<Vec<u32>> {
    let text = match record.desc == METADATA {
        true => record.definition.as_deref().unwrap_or_default(),
        false => record.tag.as_slice(),
    };
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| oid(line).ok_or_else(|| malformed(record, "names a large object that there cannot be"))).collect()
}

/// The statements that make the large objects of a `BLOB METADATA` record, without semicolons.
///
/// # Errors
/// * As [`made_by`].
pub fn create(record: &Record) -> Result<Vec<Vec<u8>>> {
    let one = |oid| format!("SELECT pg_catalog.lo_create('{oid}')").into_bytes();
    Ok(made_by(record)?.into_iter().map(one).collect())
}

/// Whether a record has the privileges on many large objects, so that [`privileges`] has to say what they are.
#[must_use]
pub fn is_on_many(record: &Record) -> bool {
    record.desc == b"ACL" && record.tag.starts_with(PRIVILEGES_ON_MANY)
}

/// The statements that grant and revoke privileges on many large objects, without semicolons. `metadata` is the record that
/// makes them, the first one that `record` needs.
///
/// # Errors
/// * `Malformed` if `metadata` is another kind of record, or the statements are not as expected.
pub fn privileges(record: &Record, metadata: Option<&Record>) -> Result<Vec<Vec<u8>>> {
    let metadata = metadata.filter(|metadata| metadata.desc == METADATA);
    let objects = made_by(metadata.ok_or_else(|| malformed(record, "does not say on which large objects it is"))?)?;
    let mut out = Vec::new();
    for statement in statements(record.definition.as_deref().unwrap_or_default()) {
        let (before, after) = around_oid(statement)
            .ok_or_else(|| malformed(record, "holds something other than privileges on large objects"))?;
        out.extend(objects.iter().map(|oid| [before, oid.to_string().as_bytes(), after].concat()));
    }
    Ok(out)
}

/// The statements of a text in which nothing but names is quoted.
fn statements(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    let ends = move |byte: &u8| {
        quoted ^= *byte == b'"';
        *byte == b';' && !quoted
    };
    text.split(ends).map(<[u8]>::trim_ascii).filter(|statement| !statement.is_empty())
}

/// What stands before and after the OID.
fn around_oid(statement: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut quoted = false;
    let at = (0..statement.len()).find(|&at| {
        quoted ^= statement.get(at) == Some(&b'"');
        !quoted && statement.get(at..).is_some_and(|rest| rest.starts_with(ON))
    })?;
    let (before, rest) = statement.split_at_checked(at + ON.len())?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (digits > 0).then(|| rest.split_at_checked(digits)).flatten().map(|(_, after)| (before, after))
}

fn oid(digits: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().filter(|oid| *oid != 0)
}

fn malformed(record: &Record, what: &str) -> Error {
    let subject = format!("entry {}, {}", record.id, String::from_utf8_lossy(&record.tag));
    Error::malformed(format!("an entry of the archive {what}")).about(subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(desc: &str, definition: &str) -> Record {
        Record { definition: Some(definition.into()), ..Record::new(9, desc, "LARGE OBJECTS 5..4000000000") }
    }

    fn texts(statements: Result<Vec<Vec<u8>>>) -> Vec<String> {
        statements.unwrap().into_iter().map(|statement| String::from_utf8(statement).unwrap()).collect()
    }

    #[test]
    fn many_are_made_at_once() {
        let metadata = with("BLOB METADATA", "5\n4000000000\n");
        let made = texts(create(&metadata));
        assert_eq!(made, ["SELECT pg_catalog.lo_create('5')", "SELECT pg_catalog.lo_create('4000000000')"]);
        for wrong in ["5; DROP\n", "0\n", "-1\n", "+1\n", "4294967296\n"] {
            assert!(create(&with("BLOB METADATA", wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn privileges_are_granted_on_each() {
        let metadata = with("BLOB METADATA", "5\n7\n");
        let acl = with(
            "ACL",
            "REVOKE ALL ON LARGE OBJECT 5 FROM \"x; LARGE OBJECT 9\";\nGRANT SELECT ON LARGE OBJECT 5 TO y;\n",
        );
        assert!(is_on_many(&acl));
        let expected = [
            "REVOKE ALL ON LARGE OBJECT 5 FROM \"x; LARGE OBJECT 9\"",
            "REVOKE ALL ON LARGE OBJECT 7 FROM \"x; LARGE OBJECT 9\"",
            "GRANT SELECT ON LARGE OBJECT 5 TO y",
            "GRANT SELECT ON LARGE OBJECT 7 TO y",
        ];
        assert_eq!(texts(privileges(&acl, Some(&metadata))), expected);
        assert!(privileges(&acl, None).is_err() && privileges(&acl, Some(&acl)).is_err());
        assert!(privileges(&with("ACL", "DROP TABLE x;"), Some(&metadata)).is_err());
    }
}
