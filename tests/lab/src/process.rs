//! Running programs to their end.

use std::io::Write;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use std::{fmt::Write as _, thread};

use crate::error::{Context, Error, Result};

/// Runs the command and returns its standard output.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    run_piped(command.stdin(Stdio::null()))
}

/// Runs the command on the standard input it was given and returns its standard output.
pub(crate) fn run_piped(command: &mut Command) -> Result<String> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = spawn(command)?;
    finish(command, child, b"")
}

/// Runs the command with `input` as its standard input and returns its standard output.
pub(crate) fn run_with_input(command: &mut Command, input: &[u8]) -> Result<String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = spawn(command)?;
    finish(command, child, input)
}

/// Runs what talks to a network, up to three times.
pub(crate) fn run_with_retries(mut command: impl FnMut() -> Command) -> Result<String> {
    let mut pause = Duration::from_secs(1);
    for _ in 0..2 {
        match run(&mut command()) {
            Err(Error::Command { .. }) => thread::sleep(pause),
            other => return other,
        }
        pause *= 3;
    }
    run(&mut command())
}

/// Starts the command; the error names it.
pub(crate) fn spawn(command: &mut Command) -> Result<Child> {
    command.spawn().context(|| format!("run `{}`", describe(command)))
}

/// The program and its arguments, as a person would type them.
fn describe(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        // Writing to a string cannot fail.
        let _ = write!(text, " {}", argument.to_string_lossy());
    }
    text
}

/// Feeds the child while its output is read: with either alone, both pipes could fill and block.
fn finish(command: &Command, mut child: Child, input: &[u8]) -> Result<String> {
    let stdin = child.stdin.take();
    let output = thread::scope(|scope| {
        if let Some(mut stdin) = stdin {
            // A child that stops reading has its own complaint, which says more than a broken pipe.
            scope.spawn(move || stdin.write_all(input));
        }
        child.wait_with_output()
    });
    let output = output.context(|| format!("read the output of `{}`", describe(command)))?;
    check(command, output)
}

fn check(command: &Command, output: Output) -> Result<String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    // npm, for one, complains on standard output.
    let complaint = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
    Err(Error::Command {
        command: describe(command),
        status: output.status,
        stderr: String::from_utf8_lossy(complaint).into_owned(),
    })
}
