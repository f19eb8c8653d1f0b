//! Running the program as a user does.

use std::ffi::OsStr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{io, io::Read};

/// No run of the tests may take longer: what does, hangs.
const HANG: Duration = Duration::from_secs(300);
/// How often to look whether it has ended.
const POLL: Duration = Duration::from_millis(5);

/// The program, about to run.
pub struct Program(Command);

/// The program, running.
pub struct Running {
    child: Child,
    begun: Instant,
    stdout: JoinHandle<io::Result<String>>,
    stderr: JoinHandle<io::Result<String>>,
}

/// What came of it.
#[derive(Debug)]
pub struct Ran {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    pub elapsed: Duration,
}

impl Program {
    /// `pgtandem upgrade` from here to there.
    pub fn upgrade(from: &str, to: &str) -> Self {
        Self::new().args(["upgrade", "--from", from, "--to", to])
    }

    /// The program without arguments, and without what its environment could tell it.
    pub fn new() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgtandem"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if ["PG", "POSTGRES_"].iter().any(|prefix| name.starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        command.env("HOME", "/nonexistent");
        Self(command)
    }

    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.0.args(args);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs it to its end.
    pub fn run(self) -> Ran {
        self.spawn().wait()
    }

    /// Runs it to its end, which has to be a good one.
    pub fn succeed(self) -> Ran {
        self.run().expect(0)
    }

    pub fn spawn(mut self) -> Running {
        self.0.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.0.spawn().unwrap();
        let (stdout, stderr) = (collect(child.stdout.take().unwrap()), collect(child.stderr.take().unwrap()));
        Running { child, begun: Instant::now(), stdout, stderr }
    }
}

fn collect(mut stream: impl Read + Send + 'static) -> JoinHandle<io::Result<String>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    })
}

impl Running {
    /// Sends a signal by its name, such as `INT`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args([&format!("-{name}"), &pid]).stderr(Stdio::null()).status().unwrap();
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Ran {
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if self.begun.elapsed() > HANG {
                self.child.kill().unwrap();
                let _ = self.child.wait();
                let (out, err) = (self.stdout.join(), self.stderr.join());
                panic!("it hangs\n--- stdout\n{out:?}\n--- stderr\n{err:?}");
            }
            thread::sleep(POLL);
        };
        let elapsed = self.begun.elapsed();
        let (stdout, stderr) = (self.stdout.join().unwrap().unwrap(), self.stderr.join().unwrap().unwrap());
        Ran { status, stdout, stderr, elapsed }
    }
}

impl Ran {
    /// Insists on an exit code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "exit code; {}", self.told());
        self
    }

    /// Insists that all of these are told, and that it was no panic.
    #[track_caller]
    pub fn tells(&self, words: &[&str]) -> &Self {
        let told = self.told();
        for word in words {
            assert!(told.contains(word), "`{word}` is not told; {told}");
        }
        assert!(!told.contains("panicked"), "{told}");
        self
    }

    /// All it wrote.
    pub fn told(&self) -> String {
        format!("{}\n--- stdout\n{}\n--- stderr\n{}", self.status, self.stdout, self.stderr)
    }
}
