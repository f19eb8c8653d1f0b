//! Running the program as a user does.

use std::ffi::OsStr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
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
    lines: Arc<Lines>,
    stdout: JoinHandle<io::Result<String>>,
    stderr: JoinHandle<io::Result<String>>,
}

/// What came of it.
#[derive(Debug)]
pub struct Ran {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
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
        command.env("HOME", "/nonexistent").stdin(Stdio::null());
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

    /// What it reads, which otherwise is nothing.
    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.0.stdin(stdin);
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
        self.0.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.0.spawn().unwrap();
        let lines = Arc::new(Lines::default());
        let stdout = collect(child.stdout.take().unwrap(), Arc::clone(&lines));
        let stderr = collect(child.stderr.take().unwrap(), Arc::default());
        Running { child, begun: Instant::now(), lines, stdout, stderr }
    }
}

/// How many lines a stream has given, and whether it has come to its end.
#[derive(Default)]
struct Lines {
    state: Mutex<(usize, bool)>,
    changed: Condvar,
}

impl Lines {
    fn update(&self, more: usize, ended: bool) {
        let mut state = self.state.lock().unwrap();
        *state = (state.0 + more, ended);
        self.changed.notify_all();
    }
}

fn collect(mut stream: impl Read + Send + 'static, lines: Arc<Lines>) -> JoinHandle<io::Result<String>> {
    thread::spawn(move || {
        let (mut bytes, mut piece) = (Vec::new(), [0; 8192]);
        let done = loop {
            match stream.read(&mut piece) {
                Ok(0) => break Ok(()),
                Ok(length) => {
                    bytes.extend_from_slice(&piece[..length]);
                    lines.update(piece[..length].iter().filter(|byte| **byte == b'\n').count(), false);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        lines.update(0, true);
        done.map(|()| String::from_utf8_lossy(&bytes).into_owned())
    })
}

impl Running {
    /// Sends a signal by its name, such as `INT`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args([&format!("-{name}"), &pid]).stderr(Stdio::null()).status().unwrap();
    }

    /// Waits until it has written so many lines to standard output, or no more come.
    pub fn wait_for_lines(&self, count: usize) {
        let state = self.lines.state.lock().unwrap();
        let (_state, waited) = self.lines.changed.wait_timeout_while(state, HANG, |s| s.0 < count && !s.1).unwrap();
        assert!(!waited.timed_out(), "it hangs");
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
        let (stdout, stderr) = (self.stdout.join().unwrap().unwrap(), self.stderr.join().unwrap().unwrap());
        Ran { status, stdout, stderr }
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
