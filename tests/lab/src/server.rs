//! A running server.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::builder::ServerBuilder;
use crate::client::Client;
use crate::error::{Context, Result};
use crate::home::Home;
use crate::process;
use crate::supervisor::Supervisor;

/// How long a start may take: recovery after a crash is part of it.
const START_LIMIT: Duration = Duration::from_secs(120);
/// How often to look whether the server is ready.
const POLL: Duration = Duration::from_millis(3);

/// A running server with a data directory, a socket folder and a port of its own.
///
/// It is stopped and removed when this value is dropped, and also when the process ends in any other way: a
/// supervisor outside of this process sees to it.
#[derive(Debug)]
pub struct Server {
    // Declared first to be dropped first: what removes the folder must not run while the server does.
    supervisor: Supervisor,
    home: Home,
    major: u32,
    port: u16,
    postmaster: u32,
    /// Whether the supervisor has a postmaster to wait for.
    started: bool,
    password: Option<String>,
}

/// How to stop a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopMode {
    /// Ends sessions, writes a checkpoint: the data directory is clean afterwards.
    Fast,
    /// Ends at once: the next start recovers.
    Immediate,
}

impl Server {
    /// Starts a server of this major on a fresh cluster.
    ///
    /// # Errors
    /// * As [`ServerBuilder::start`].
    pub fn start(major: u32) -> Result<Server> {
        Server::builder(major).start()
    }

    /// A builder for a server of this major.
    pub fn builder(major: u32) -> ServerBuilder {
        ServerBuilder::new(major)
    }

    /// Starts the server whose data directory is ready in `home`.
    pub(crate) fn launch(home: Home, bin: &Path, major: u32, password: Option<String>) -> Result<Server> {
        let supervisor = Supervisor::new(&home, &bin.join("postgres"))?;
        let mut server = Server { supervisor, home, major, port: 0, postmaster: 0, started: false, password };
        // Someone may take the port between our look and the server's.
        for _ in 0..5 {
            server.port = free_port()?;
            match server.start_again() {
                Err(_) if server.log().contains("could not bind") => continue,
                other => return other.map(|()| server),
            }
        }
        Err(server.home.error("found no free port for the server"))
    }

    /// The major of this server.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// The TCP port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address it listens on.
    pub fn host(&self) -> &'static str {
        "127.0.0.1"
    }

    /// The folder its socket is in.
    pub fn socket_dir(&self) -> &Path {
        self.home.socket()
    }

    /// Its data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.home.data()
    }

    /// The process id of its postmaster, as of the last start.
    pub fn pid(&self) -> u32 {
        self.postmaster
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.home.log()
    }

    /// A connection URL for a database.
    pub fn url(&self, database: &str) -> String {
        let password = self.password.as_ref().map(|word| format!(":{}", percent_encode(word)));
        let (host, port) = (self.host(), self.port);
        format!("postgres://postgres{}@{host}:{port}/{}", password.unwrap_or_default(), percent_encode(database))
    }

    /// A command for a stock client program that connects to this server unless told otherwise.
    ///
    /// # Errors
    /// * As [`Client::get`].
    pub fn client(&self, program: &str) -> Result<Command> {
        Ok(self.connected(Client::get()?.command(program)))
    }

    /// The same with a client of exactly this major.
    ///
    /// # Errors
    /// * As [`Client::of`].
    pub fn client_of(&self, major: u32, program: &str) -> Result<Command> {
        Ok(self.connected(Client::of(major)?.command(program)))
    }

    fn connected(&self, mut command: Command) -> Command {
        for name in ["PGSERVICE", "PGOPTIONS", "PGSSLMODE", "PGHOSTADDR", "PGDATABASE", "PGAPPNAME"] {
            command.env_remove(name);
        }
        command.env("PGHOST", self.socket_dir()).env("PGPORT", self.port.to_string());
        command.env("PGUSER", "postgres").env("PGPASSWORD", self.password.as_deref().unwrap_or_default());
        // Else the locale of whoever runs the tests would decide what comes out.
        command.env("PGCLIENTENCODING", "UTF8");
        command
    }

    /// Runs SQL and meta-commands with the stock `psql`; returns unaligned rows without headings.
    ///
    /// # Errors
    /// * If a statement fails; the ones after it do not run.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String> {
        process::run_with_input(&mut self.psql_command(database)?, sql.as_bytes())
    }

    /// Runs a file with the stock `psql`.
    ///
    /// # Errors
    /// * If a statement fails; the ones after it do not run.
    pub fn psql_file(&self, database: &str, path: &Path) -> Result<String> {
        process::run(self.psql_command(database)?.arg("-f").arg(path))
    }

    fn psql_command(&self, database: &str) -> Result<Command> {
        let mut psql = self.client("psql")?;
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", database]);
        Ok(psql)
    }

    /// Runs the stock `pg_dump` and returns its standard output, for formats that are text.
    ///
    /// # Errors
    /// * If it fails.
    pub fn pg_dump(&self, database: &str, arguments: &[&str]) -> Result<String> {
        process::run(self.client("pg_dump")?.args(arguments).args(["-d", database]))
    }

    /// Creates an empty database.
    ///
    /// # Errors
    /// * If there is one of this name.
    pub fn create_database(&self, name: &str) -> Result<()> {
        let quoted = name.replace('"', "\"\"");
        self.psql("postgres", &format!("CREATE DATABASE \"{quoted}\" TEMPLATE template0")).map(drop)
    }

    /// Stops the server and keeps its data directory for [`start_again`](Self::start_again).
    ///
    /// # Errors
    /// * If its supervisor cannot be reached.
    pub fn stop(&mut self, mode: StopMode) -> Result<()> {
        let signal = match mode {
            StopMode::Fast => "INT",
            StopMode::Immediate => "QUIT",
        };
        if !self.started {
            return Ok(());
        }
        self.supervisor.signal(signal, &[self.postmaster])?;
        self.wait()
    }

    /// Starts a server that was stopped, or has ended in another way, on the same port.
    ///
    /// # Errors
    /// * If it does not start; the error has the end of its log.
    pub fn start_again(&mut self) -> Result<()> {
        if self.started {
            if !has_ended(self.postmaster) {
                return Ok(());
            }
            self.wait()?;
        }
        self.postmaster = self.supervisor.start(self.port)?;
        self.started = true;
        let deadline = Instant::now() + START_LIMIT;
        while !self.is_ready() {
            if has_ended(self.postmaster) {
                self.wait()?;
                return Err(self.home.error(format!("PostgreSQL {} did not start", self.major)));
            }
            if Instant::now() > deadline {
                self.stop(StopMode::Immediate)?;
                return Err(self.home.error(format!("PostgreSQL {} was not ready in time", self.major)));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// Kills all processes of the server, as the system would for want of memory.
    ///
    /// # Errors
    /// * If its supervisor cannot be reached.
    pub fn kill(&mut self) -> Result<()> {
        if !self.started {
            return Ok(());
        }
        // A stopped postmaster starts no more processes while we look for those it has.
        self.supervisor.signal("STOP", &[self.postmaster])?;
        let children = children(self.postmaster)?;
        self.supervisor.signal("KILL", &[&children[..], &[self.postmaster]].concat())?;
        self.wait()?;
        // One that is left would keep the next start from its shared memory.
        while !children.iter().all(|pid| has_ended(*pid)) {
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn wait(&mut self) -> Result<()> {
        self.started = false;
        self.supervisor.wait()
    }

    /// Reads what the postmaster notes for `pg_ctl`: its process id, and "ready" on the eighth line.
    fn is_ready(&self) -> bool {
        let note = fs::read_to_string(self.home.data().join("postmaster.pid")).unwrap_or_default();
        let mut lines = note.lines();
        let pid = lines.next().and_then(|line| line.trim().parse().ok());
        pid == Some(self.postmaster) && lines.nth(6).is_some_and(|status| status.trim() == "ready")
    }
}

fn free_port() -> Result<u16> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .context(|| "find a free port".to_owned())
}

/// State and parent of a process, from its entry in `/proc`.
fn process_state(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it is in parentheses and may hold anything, parentheses too.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// Whether a process is gone, or is but an entry its parent has yet to collect.
fn has_ended(pid: u32) -> bool {
    matches!(process_state(pid), None | Some(('Z' | 'X', _)))
}

fn children(parent: u32) -> Result<Vec<u32>> {
    let entries = fs::read_dir("/proc").context(|| "list processes".to_owned())?;
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    Ok(pids.filter(|pid| process_state(*pid).is_some_and(|(_, of)| of == parent)).collect())
}

/// Encodes all that could mean something in a URL.
fn percent_encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
