//! The places where the server may be.

use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::keyword::Params;
use crate::error::{Error, Result};

/// The port where nobody says another.
const DEFAULT_PORT: u16 = 5432;

/// Where servers put their sockets: Debian's choice and that of the official image, then that of PostgreSQL itself.
const SOCKET_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// One place to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The machine, or the folder of the socket.
    pub host: Host,
    /// The port; part of the socket's name, too.
    pub port: u16,
}

/// How to get to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// Over the Unix socket in this folder.
    Socket(PathBuf),
    /// Over TCP.
    Tcp {
        /// The name as given: what is looked up, shown, and held against the server's certificate.
        name: String,
        /// The address, where it was given; then nothing is looked up.
        address: Option<IpAddr>,
    },
}

impl Candidate {
    /// The file of the socket, if it is one.
    pub fn socket(&self) -> Option<PathBuf> {
        match &self.host {
            Host::Socket(folder) => Some(folder.join(format!(".s.PGSQL.{}", self.port))),
            Host::Tcp { .. } => None,
        }
    }

    /// The names under which a password file may know it. `localhost` stands for the default socket folders.
    pub(super) fn passfile_names(&self) -> Vec<&str> {
        match &self.host {
            Host::Tcp { name, .. } => vec![name],
            Host::Socket(folder) => {
                let default = SOCKET_FOLDERS.iter().any(|known| Path::new(known) == folder).then_some("localhost");
                default.into_iter().chain(folder.to_str()).collect()
            }
        }
    }

    /// Whether both look like the same place.
    pub(super) fn same_place(&self, other: &Self) -> bool {
        self.port == other.port
            && match (&self.host, &other.host) {
                (Host::Tcp { name, address }, Host::Tcp { name: its_name, address: its_address }) => {
                    name.eq_ignore_ascii_case(its_name) || (address.is_some() && address == its_address)
                }
                (own, its) => own == its,
            }
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Socket(folder) => write!(f, "{}/.s.PGSQL.{}", folder.display(), self.port),
            Host::Tcp { name, address: Some(address) } if address.to_string() != *name => {
                write!(f, "{name}:{} ({address})", self.port)
            }
            Host::Tcp { name, .. } if name.contains(':') => write!(f, "[{name}]:{}", self.port),
            Host::Tcp { name, .. } => write!(f, "{name}:{}", self.port),
        }
    }
}

/// The places that `host`, `hostaddr` and `port` speak of, in order.
pub(super) fn candidates(params: &Params) -> Result<Vec<Candidate>> {
    let list = |keyword| params.get(keyword).map(|text| text.split(',').map(str::trim).collect::<Vec<_>>());
    let (hosts, addresses) = (list("host"), list("hostaddr"));
    let count = hosts.as_ref().or(addresses.as_ref()).map_or(1, Vec::len);
    let ports = list("port").unwrap_or_default();
    if addresses.as_ref().is_some_and(|addresses| addresses.len() != count) {
        return Err(Error::usage(format!(
            "{count} hosts in the connection string, but another number of addresses (hostaddr)"
        )));
    }
    if !matches!(ports.len(), 0 | 1) && ports.len() != count {
        return Err(Error::usage(format!("{count} hosts in the connection string, but {} ports", ports.len())));
    }
    let mut out = Vec::new();
    for i in 0..count {
        let port = port(ports.get(i).or(ports.first().filter(|_| ports.len() == 1)).copied().unwrap_or_default())?;
        match (item(hosts.as_deref(), i), item(addresses.as_deref(), i)) {
            (host, Some(text)) => {
                let address = text.parse().map_err(|_| {
                    Error::usage("a hostaddr in the connection string is not an IP address").about(text.escape_debug())
                })?;
                let name = host.filter(|host| !host.starts_with('/')).unwrap_or(text).to_owned();
                out.push(Candidate { host: Host::Tcp { name, address: Some(address) }, port });
            }
            (Some(host), None) => out.push(Candidate { host: named(host)?, port }),
            (None, None) => out.extend(by_default(port)),
        }
    }
    Ok(out)
}

/// One item of a list, if it is there and not empty.
fn item<'a>(list: Option<&[&'a str]>, i: usize) -> Option<&'a str> {
    list.and_then(|list| list.get(i).copied()).filter(|text| !text.is_empty())
}

/// A host as given: a folder if it begins with a slash.
fn named(host: &str) -> Result<Host> {
    if host.starts_with('/') {
        return Ok(Host::Socket(PathBuf::from(host)));
    }
    if host.starts_with('@') {
        return Err(Error::usage("sockets in the abstract namespace are not supported").about(host.escape_debug()));
    }
    Ok(Host::Tcp { name: host.to_owned(), address: host.parse().ok() })
}

/// Where a server is likely to be when nobody says where.
fn by_default(port: u16) -> impl Iterator<Item = Candidate> {
    let sockets = SOCKET_FOLDERS.into_iter().map(|folder| Host::Socket(PathBuf::from(folder)));
    let tcp = Host::Tcp { name: "localhost".to_owned(), address: None };
    sockets.chain([tcp]).map(move |host| Candidate { host, port })
}

/// The text is not repeated in the error: where an `@` was forgotten, it is the password.
fn port(text: &str) -> Result<u16> {
    if text.is_empty() {
        return Ok(DEFAULT_PORT);
    }
    text.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
        Error::usage("a port in the connection string is not a number from 1 to 65535")
            .with_hint("A URI reads postgresql://user:password@host:port/database; PGPORT may be the culprit, too.")
    })
}

/// A URI without a password.
pub(super) fn redacted(candidates: &[Candidate], user: &str, database: &str) -> String {
    let mut places: Vec<String> = Vec::new();
    for candidate in candidates {
        places.push(match &candidate.host {
            Host::Socket(folder) => format!("{}:{}", encoded(&folder.to_string_lossy()), candidate.port),
            Host::Tcp { name, .. } if name.contains(':') => format!("[{name}]:{}", candidate.port),
            Host::Tcp { name, .. } => format!("{}:{}", encoded(name), candidate.port),
        });
    }
    format!("postgresql://{}@{}/{}", encoded(user), places.join(","), encoded(database))
}

/// Percent-encodes what could mean something in a URI.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
