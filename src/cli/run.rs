//! One run from beginning to end, with the signals that may end it earlier.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::options::Streams;
use super::progress::{self, Voice};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Reporter;
use crate::ops::{Outcome, Plan, Upgrade};

/// How a run ended, if it did not fail.
#[derive(Debug)]
pub enum Ended {
    /// It was only planned.
    Planned(Plan),
    /// The database has moved.
    Upgraded(Box<Outcome>),
    /// It was asked to stop a second time, and everything was left as it was.
    Aborted,
}

/// Moves the database, or plans to.
///
/// # Errors
///
/// As [`Upgrade::run`] and [`Upgrade::plan`]; `Io` if there is no runtime to be had.
pub fn upgrade(options: Upgrade, dry_run: bool, streams: &Streams, begun: Instant) -> Result<Ended> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Io, "cannot start the runtime").with_source(error))?;
    let (reporter, voice) = progress::reporter(streams, begun);
    let cancel = CancellationToken::new();
    let ended = in_thread(&runtime, options, dry_run, reporter, cancel.clone())?;
    let ended = runtime.block_on(watch(ended, &cancel, &voice));
    if matches!(ended, Ok(Ended::Aborted)) {
        // The run still uses it; both end with the process.
        std::mem::forget(runtime);
    } else {
        // What is left are sessions that nobody waits for.
        runtime.shutdown_background();
    }
    ended
}

/// The run has a thread of its own, so that nothing in it can keep a signal from being heard.
fn in_thread(
    runtime: &Runtime,
    options: Upgrade,
    dry_run: bool,
    mut reporter: Box<dyn Reporter>,
    cancel: CancellationToken,
) -> Result<oneshot::Receiver<Result<Ended>>> {
    let (tell, ended) = oneshot::channel();
    let handle = runtime.handle().clone();
    let work = move || {
        let ended = handle.block_on(async {
            if dry_run {
                options.plan(&mut *reporter, cancel).await.map(Ended::Planned)
            } else {
                options.run(&mut *reporter, cancel).await.map(|outcome| Ended::Upgraded(Box::new(outcome)))
            }
        });
        // The bars go before anything else is printed.
        drop(reporter);
        // Nobody listens after an abort.
        let _ = tell.send(ended);
    };
    let thread = std::thread::Builder::new().name("upgrade".to_owned()).spawn(work);
    thread.map_err(|error| Error::new(ErrorKind::Io, "cannot start a thread").with_source(error))?;
    Ok(ended)
}

/// Waits for the end; the first signal asks the run to stop, the second one does not wait for it.
async fn watch(
    mut ended: oneshot::Receiver<Result<Ended>>,
    cancel: &CancellationToken,
    voice: &Voice,
) -> Result<Ended> {
    let mut signals = Signals::listen()?;
    loop {
        tokio::select! {
            biased;
            ended = &mut ended => {
                return ended.unwrap_or_else(|_| Err(Error::malformed("the run has ended without a result; this is a bug")));
            }
            () = signals.next() => {
                if cancel.is_cancelled() {
                    say_aborted();
                    return Ok(Ended::Aborted);
                }
                cancel.cancel();
                voice.stopping();
            }
        }
    }
}

/// Says that nothing is waited for, unless standard error does not take it at once.
fn say_aborted() {
    let (done, said) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        super::tell("\naborted: the new server may hold a staging database, which the next run replaces\n");
        let _ = done.send(());
    });
    let _ = said.recv_timeout(Duration::from_millis(200));
}

/// Ctrl-C, and what a supervisor sends to end a process.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| {
            signal(kind).map_err(|error| Error::new(ErrorKind::Io, "cannot listen for signals").with_source(error))
        };
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
