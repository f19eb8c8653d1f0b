//! What a server is to be like.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Context, Result};
use crate::home::Home;
use crate::server::Server;
use crate::{npm, process, template, user};

/// Settings every server gets: durability only costs time here, as a server that crashes is thrown away.
const SETTINGS: [(&str, &str); 8] = [
    ("listen_addresses", "127.0.0.1"),
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("max_connections", "100"),
    ("shared_buffers", "64MB"),
    ("logging_collector", "off"),
    ("log_destination", "stderr"),
];

/// Says what a server is to be like, then starts it.
#[derive(Debug, Clone)]
pub struct ServerBuilder {
    pub(crate) major: u32,
    binaries: Option<PathBuf>,
    data: Data,
    initdb: Vec<String>,
    settings: Vec<(String, String)>,
    files: Vec<(String, Vec<u8>)>,
    hba: Option<String>,
    pub(crate) password: Option<String>,
}

/// Where the data directory comes from.
#[derive(Debug, Clone)]
enum Data {
    Fresh,
    Copy(PathBuf),
    Regression,
}

impl ServerBuilder {
    pub(crate) fn new(major: u32) -> ServerBuilder {
        ServerBuilder {
            major,
            binaries: None,
            data: Data::Fresh,
            initdb: Vec::new(),
            settings: Vec::new(),
            files: Vec::new(),
            hba: None,
            password: None,
        }
    }

    /// Set the `bin` folder of the server. The default is [`server_binaries`](crate::server_binaries).
    pub fn binaries(mut self, bin: impl Into<PathBuf>) -> Self {
        self.binaries = Some(bin.into());
        self
    }

    /// Add an argument for `initdb`, such as `--encoding=LATIN1`.
    ///
    /// Each combination is initialised once and then kept in the cache.
    pub fn initdb(mut self, argument: impl Into<String>) -> Self {
        self.initdb.push(argument.into());
        self
    }

    /// Set a configuration parameter.
    pub fn set(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Put a file into the data directory, readable by the server alone: a key, say.
    pub fn file(mut self, name: impl Into<String>, contents: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.into(), contents.into()));
        self
    }

    /// Replace `pg_hba.conf`. The default trusts everyone.
    pub fn hba(mut self, text: impl Into<String>) -> Self {
        self.hba = Some(text.into());
        self
    }

    /// Set the password of `postgres`.
    ///
    /// Connections over TCP then need it, unless [`hba`](Self::hba) says otherwise.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Start on a copy of this data directory, which no server may be using.
    pub fn copy_of(mut self, data: impl Into<PathBuf>) -> Self {
        self.data = Data::Copy(data.into());
        self
    }

    /// Start on the databases of PostgreSQL's own regression suite; there are those of 15 and of 18.
    pub fn regression(mut self) -> Self {
        self.data = Data::Regression;
        self
    }

    /// Starts the server and waits until it accepts connections.
    ///
    /// # Errors
    /// * If the binaries or the data directory cannot be provisioned.
    /// * If the server does not start; the error has the end of its log.
    pub fn start(self) -> Result<Server> {
        let bin = match &self.binaries {
            Some(bin) => bin.clone(),
            None => npm::server_binaries(self.major)?,
        };
        // Before the home is there, so that nobody waits for its lock while we fetch.
        let source = self.source(&bin)?;
        let home = Home::create(self.major)?;
        template::copy(&source, &home.data())?;
        if let Data::Copy(_) = self.data {
            user::give_all(&home.data())?;
        }
        self.configure(&home)?;
        self.set_password(&home, &bin)?;
        Server::launch(home, &bin, self.major, self.password)
    }

    fn source(&self, bin: &Path) -> Result<PathBuf> {
        match &self.data {
            Data::Fresh => template::fresh(self.major, bin, &self.initdb),
            Data::Regression => template::regression(self.major),
            Data::Copy(path) => Ok(path.clone()),
        }
    }

    fn configure(&self, home: &Home) -> Result<()> {
        let data = home.data();
        let mut text = String::from("\n");
        let socket = home.socket().to_string_lossy();
        let own = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        // The server takes the last of two, so the caller's settings win.
        for (name, value) in SETTINGS.into_iter().chain([("unix_socket_directories", &*socket)]).chain(own) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name} = '{}'", value.replace('\'', "''"));
        }
        let path = data.join("postgresql.conf");
        OpenOptions::new()
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .context(|| format!("write {}", path.display()))?;
        for (name, contents) in &self.files {
            write_private(&data.join(name), contents)?;
        }
        match self.hba_text() {
            Some(hba) => write_private(&data.join("pg_hba.conf"), hba.as_bytes()),
            None => Ok(()),
        }
    }

    fn hba_text(&self) -> Option<&str> {
        // `md5` takes a SCRAM secret as well.
        let with_password = self.password.as_ref().map(|_| "local all all trust\nhost all all all md5\n");
        self.hba.as_deref().or(with_password)
    }

    /// Sets the password before anyone can connect: `pg_hba.conf` may leave no way to do it later.
    fn set_password(&self, home: &Home, bin: &Path) -> Result<()> {
        let Some(password) = &self.password else {
            return Ok(());
        };
        let mut postgres = user::command(&bin.join("postgres"), home.path());
        postgres.arg("--single").arg("-D").arg(home.data()).arg("postgres");
        let sql = format!("ALTER ROLE postgres PASSWORD '{}'\n", password.replace('\'', "''"));
        process::run_with_input(&mut postgres, sql.as_bytes()).map(drop)
    }
}

fn write_private(path: &Path, contents: &[u8]) -> Result<()> {
    fs::write(path, contents)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o600)))
        .context(|| format!("write {}", path.display()))?;
    user::give(path)
}
