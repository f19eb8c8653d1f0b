//! A shell that starts and stops one server, and cleans up when our process is gone.
//!
//! The shell reads requests from a pipe of which this process alone holds the writing end. The system closes it when
//! this process ends, be it by a panic, by `exit` or by SIGKILL; the shell then sees the end of its input, stops the
//! server and removes its folder. Asking the kernel for a signal on our death would be simpler, but that one is sent
//! when the *thread* ends that started the server, and test threads come and go.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use crate::error::{Context, Error, Result};
use crate::home::Home;
use crate::{process, user};

/// `start PORT`, `signal NAME PID...` and `wait`; each but `signal` is answered with a line.
///
/// The first two arguments are the folders to remove at the end, the others the server's command line.
const SCRIPT: &str = r#"
home=$1 socket=$2; shift 2
postmaster=
while read -r request rest; do
    case $request in
    start)
        "$@" -p "$rest" </dev/null >>"$home/log" 2>&1 &
        postmaster=$!
        echo "$postmaster" ;;
    signal) kill -s $rest 2>/dev/null ;;
    wait)
        wait "$postmaster"
        postmaster=
        echo stopped ;;
    esac
done
if [ -n "$postmaster" ]; then
    kill -s QUIT "$postmaster" 2>/dev/null
    wait "$postmaster"
fi
rm -rf "$home" "$socket"
"#;

/// The shell, and the pipes to it.
#[derive(Debug)]
pub(crate) struct Supervisor {
    shell: Child,
    /// `None` once the shell was told to end.
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Supervisor {
    /// Starts the shell, which starts no server yet.
    pub(crate) fn new(home: &Home, postgres: &Path) -> Result<Supervisor> {
        let mut shell = user::command(Path::new("/bin/sh"), home.path());
        shell.args(["-c", SCRIPT, "lab-supervisor"]).arg(home.path()).arg(home.socket());
        shell.arg(postgres).arg("-D").arg(home.data());
        // In a process group of its own the shell survives what ends ours, such as an interrupt from the keyboard.
        shell.process_group(0);
        // A test runner waits for all who hold its output, so the shell must not.
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut shell = process::spawn(&mut shell)?;
        match (shell.stdin.take(), shell.stdout.take()) {
            (Some(requests), Some(answers)) => {
                Ok(Supervisor { shell, requests: Some(requests), answers: BufReader::new(answers) })
            }
            _ => Err(Error::Unsupported("the supervisor has no pipes".to_owned())),
        }
    }

    /// Starts the server and returns the process id of its postmaster.
    pub(crate) fn start(&mut self, port: u16) -> Result<u32> {
        self.request(&format!("start {port}"))?;
        let answer = self.answer()?;
        answer.trim().parse().map_err(|_| Error::Unsupported(format!("the supervisor answered {answer:?}")))
    }

    /// Sends a signal, such as `INT`, to processes of the server; one that has ended is no error.
    pub(crate) fn signal(&mut self, name: &str, pids: &[u32]) -> Result<()> {
        let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
        self.request(&format!("signal {name} {}", pids.join(" ")))
    }

    /// Waits until the postmaster has ended.
    pub(crate) fn wait(&mut self) -> Result<()> {
        self.request("wait")?;
        self.answer().map(drop)
    }

    fn request(&mut self, line: &str) -> Result<()> {
        let Some(pipe) = self.requests.as_mut() else {
            return Err(Error::Unsupported("the supervisor was told to end".to_owned()));
        };
        writeln!(pipe, "{line}").context(|| "reach the supervisor of the server".to_owned())
    }

    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).context(|| "hear the supervisor of the server".to_owned())?;
        Ok(line)
    }
}

impl Drop for Supervisor {
    /// Stops the server, if it runs, and removes its folder.
    fn drop(&mut self) {
        drop(self.requests.take());
        let _ = self.shell.wait();
    }
}
