//! Extensions that are gone.

/// Extensions that came with the server and no longer do: the first major without them, and what to do (PostgreSQL, release
/// notes of these majors).
const GONE: [(&str, u32, &str); 13] = [
    ("tsearch2", 10, "Full text search is built in"),
    ("chkpass", 11, "Keep such passwords as text, hashed by pgcrypto"),
    ("timetravel", 12, "Do without its triggers"),
    ("plpythonu", 15, PYTHON),
    ("plpython2u", 15, PYTHON),
    ("hstore_plpythonu", 15, PYTHON),
    ("hstore_plpython2u", 15, PYTHON),
    ("jsonb_plpythonu", 15, PYTHON),
    ("jsonb_plpython2u", 15, PYTHON),
    ("ltree_plpythonu", 15, PYTHON),
    ("ltree_plpython2u", 15, PYTHON),
    ("adminpack", 17, "Only old versions of pgAdmin used it"),
    ("old_snapshot", 17, "The setting that it is about is gone as well"),
];

const PYTHON: &str = "Move its functions to plpython3u";

/// What to do about an extension that came with earlier majors than `target`, if that is so.
pub fn gone(name: &str, target: u32) -> Option<String> {
    let (_, since, advice) = GONE.iter().find(|(gone, since, _)| *gone == name && target >= *since)?;
    Some(format!("It is gone since {since}. {advice}, and drop it on the old server"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_cannot_be_installed() {
        assert!(
            gone("plpython2u", 18).is_some_and(|advice| advice.contains("since 15") && advice.contains("plpython3u"))
        );
        assert_eq!(gone("plpython2u", 14), None);
        assert_eq!(gone("postgis", 18), None);
    }
}
