//! The password file, `~/.pgpass` (documentation, "The Password File").

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::secret::Secret;

/// What a password file holds, read once.
#[derive(Clone, Debug, Default)]
pub struct PassFile {
    path: PathBuf,
    entries: Vec<Entry>,
    /// Why the file was not used, if it is there and was not.
    warning: Option<String>,
}

/// One line: `host:port:database:user:password`.
#[derive(Clone, Debug)]
struct Entry {
    matched: [Field; 4],
    password: Secret,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Field {
    Any,
    Is(String),
}

impl Field {
    fn matches(&self, value: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Is(own) => own == value,
        }
    }
}

impl PassFile {
    /// Reads the file at `path`. One that is not there is empty; one that others may read, or that is no plain file, is
    /// passed over with a [warning](Self::warning), as libpq does.
    pub fn read(path: &Path) -> Self {
        match Self::entries_of(path) {
            Ok(entries) => Self { path: path.to_owned(), entries, warning: None },
            Err(why) => {
                if let Some(why) = &why {
                    tracing::warn!("{why}");
                }
                Self { path: path.to_owned(), entries: Vec::new(), warning: why }
            }
        }
    }

    /// The entries, or the reason why there are none (`None` where the file is not there).
    fn entries_of(path: &Path) -> Result<Vec<Entry>, Option<String>> {
        let shown = path.display();
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => None,
            _ => Some(format!("cannot read the password file {shown}: {error}")),
        };
        let about = fs::metadata(path).map_err(unreadable)?;
        if !about.is_file() {
            return Err(Some(format!("the password file {shown} is not a plain file and was not used")));
        }
        if about.mode() & 0o077 != 0 {
            return Err(Some(format!(
                "the password file {shown} was not used: group or others have access (chmod 0600 mends that)"
            )));
        }
        let text = fs::read(path).map_err(unreadable)?;
        Ok(text.split(|b| *b == b'\n').filter_map(|line| entry(&String::from_utf8_lossy(line))).collect())
    }

    /// Where the file is, or would be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why the file was not used, if it is there and was not.
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// The password of the first line that matches. A server has several names when it is reached over the default
    /// socket folder, which `localhost` stands for.
    pub fn find(&self, hosts: &[&str], port: u16, database: &str, user: &str) -> Option<&Secret> {
        let port = port.to_string();
        let fits = |entry: &&Entry| {
            let [host, its_port, its_database, its_user] = &entry.matched;
            hosts.iter().any(|name| host.matches(name))
                && its_port.matches(&port)
                && its_database.matches(database)
                && its_user.matches(user)
        };
        self.entries.iter().find(fits).map(|entry| &entry.password)
    }
}

/// Reads one line; comments, blank lines and lines with too few fields are none.
fn entry(line: &str) -> Option<Entry> {
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let mut fields = fields(line).into_iter();
    let mut field = || {
        let (text, bare) = fields.next()?;
        Some(if bare && text == "*" { Field::Any } else { Field::Is(text) })
    };
    let matched = [field()?, field()?, field()?, field()?];
    let (password, _) = fields.next()?;
    // An empty password is none (libpq says so too).
    (!password.is_empty()).then(|| Entry { matched, password: Secret::new(password) })
}

/// Splits at colons, resolves backslashes; says of each field whether it had none.
fn fields(line: &str) -> Vec<(String, bool)> {
    let mut out = vec![(String::new(), true)];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        let last = out.last_mut();
        match (c, last) {
            (':', _) => out.push((String::new(), true)),
            ('\\', Some((text, bare))) => {
                *bare = false;
                text.extend(chars.next());
            }
            (c, Some((text, _))) => text.push(c),
            (_, None) => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn of(text: &str) -> PassFile {
        PassFile { entries: text.lines().filter_map(entry).collect(), ..PassFile::default() }
    }

    fn find<'a>(file: &'a PassFile, host: &str, port: u16, database: &str, user: &str) -> Option<&'a str> {
        file.find(&[host], port, database, user).map(Secret::reveal)
    }

    #[test]
    fn first_match_wins() {
        let file = of("# db:1:d:u:no\n\ndb:1:d:u:one\n*:1:*:u:two\ndb:*:*:*:three\nshort:1:d:u\n");
        assert_eq!(find(&file, "db", 1, "d", "u"), Some("one"));
        assert_eq!(find(&file, "other", 1, "x", "u"), Some("two"));
        assert_eq!(find(&file, "db", 2, "x", "v"), Some("three"));
        assert_eq!(find(&file, "other", 2, "x", "v"), None);
        assert_eq!(find(&file, "short", 1, "d", "u"), Some("two"));
    }

    #[test]
    fn escapes() {
        let file = of(r"\:\:1:5432:a\\b:\*:p\:w\\d:ignored");
        assert_eq!(find(&file, "::1", 5432, r"a\b", "*"), Some(r"p:w\d"));
        assert_eq!(find(&file, "::1", 5432, r"a\b", "ann"), None);
    }

    #[test]
    fn any_of_the_names_of_a_server() {
        let file = of("localhost:1:*:*:pw");
        assert!(file.find(&["/tmp", "localhost"], 1, "d", "u").is_some());
        assert!(file.find(&["/tmp"], 1, "d", "u").is_none());
    }

    #[test]
    fn files_open_to_others_are_passed_over_with_a_warning() {
        let path = std::env::temp_dir().join(format!("pgtandem-passfile-{}", std::process::id()));
        fs::write(&path, "*:*:*:*:pw\n").unwrap();
        for (mode, used) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let file = PassFile::read(&path);
            assert_eq!(find(&file, "h", 1, "d", "u").is_some(), used, "{mode:o}");
            assert_eq!(file.warning().is_none(), used, "{mode:o}");
        }
        fs::remove_file(&path).unwrap();
        assert!(PassFile::read(&path).warning().is_none());
        assert!(PassFile::read(Path::new("/")).warning().is_some());
    }

    #[test]
    fn debug_shows_no_password() {
        assert!(!format!("{:?}", of("a:1:d:u:geheim")).contains("geheim"));
    }
}
