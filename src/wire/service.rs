//! The service file, `pg_service.conf` (documentation, "The Connection Service File").

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::error::{Error, Result};

/// Finds a service and gives its `keyword=value` lines in order.
///
/// # Errors
/// * If no file defines the service; the error names the files that were looked in.
/// * If a file that is there cannot be read or understood.
pub(super) fn find(
    name: &str,
    env: &dyn Fn(&str) -> Option<String>,
    home: Option<&str>,
) -> Result<Vec<(String, String)>> {
    let files = files(env, home);
    for path in &files {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(Error::usage("cannot read the service file").about(path.display()).with_source(error));
            }
        };
        if let Some(lines) = section(&text, name).map_err(|line| {
            Error::usage(format!("line {line} of the service file is neither [name] nor keyword=value"))
                .about(path.display())
        })? {
            return Ok(lines);
        }
    }
    let looked: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
    let looked =
        if looked.is_empty() { "nowhere: neither HOME nor PGSERVICEFILE is set".into() } else { looked.join(", ") };
    Err(Error::usage("no definition of the service")
        .about(name.escape_debug())
        .with_hint(format!("Looked in {looked}.")))
}

/// The user's own file, then the one of the system.
fn files(env: &dyn Fn(&str) -> Option<String>, home: Option<&str>) -> Vec<PathBuf> {
    let set = |name| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let own = set("PGSERVICEFILE").or_else(|| home.map(|home| PathBuf::from(home).join(".pg_service.conf")));
    let system = set("PGSYSCONFDIR").unwrap_or_else(|| PathBuf::from("/etc/postgresql-common"));
    own.into_iter().chain([system.join("pg_service.conf")]).collect()
}

/// The lines of one section, if it is there; the number of the line that cannot be read.
fn section(text: &str, name: &str) -> Result<Option<Vec<(String, String)>>, usize> {
    let mut found: Option<Vec<(String, String)>> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            if found.is_some() {
                break;
            }
            found = (header == name).then(Vec::new);
        } else if let Some(lines) = &mut found {
            // libpq takes the value as it is: no quotes, no blanks around the equals sign.
            let (keyword, value) = line.split_once('=').ok_or(number + 1)?;
            lines.push((keyword.trim_end().to_owned(), value.trim_start().to_owned()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "# ours\n[one]\nhost=a\nport = 5433\n\n[two]\nhost=b\noptions=-c x=y\n[one]\nhost=late\n[bad]\nnonsense\n";

    #[test]
    fn sections() {
        let pair = |keyword: &str, value: &str| (keyword.to_owned(), value.to_owned());
        assert_eq!(section(FILE, "one"), Ok(Some(vec![pair("host", "a"), pair("port", "5433")])));
        assert_eq!(section(FILE, "two"), Ok(Some(vec![pair("host", "b"), pair("options", "-c x=y")])));
        assert_eq!(section(FILE, "three"), Ok(None));
        assert_eq!(section(FILE, "bad"), Err(12));
    }

    #[test]
    fn unknown_service_names_the_files() {
        let env = |name: &str| (name == "PGSYSCONFDIR").then(|| "/nowhere/etc".to_owned());
        let error = find("x", &env, Some("/nowhere/home")).unwrap_err();
        let hint = error.hint().unwrap();
        assert!(hint.contains("/nowhere/home/.pg_service.conf, /nowhere/etc/pg_service.conf"), "{hint}");
    }
}
