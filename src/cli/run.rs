//! One run from beginning to end, with the signals that may end it earlier.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::options::Streams;
use super::progress::{self, Voice};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Reporter;

/// How a run ended, if it did not fail.
#[derive(Debug)]
pub enum Ended<T> {
    /// Well, with this.
    Done(T),
    /// It was asked to stop a second time, and everything was left as it was.
    Aborted,
}

/// Does something that may take long, under the eyes of a reporter. `left` says what it may leave behind if it is aborted.
///
/// # Errors
///
/// Those of `work`; `Io` if there is no runtime to be had.
pub fn run<T, W>(streams: &Streams, begun: Instant, left: &'static str, work: W) -> Result<Ended<T>>
where
    T: Send + 'static,
    W: AsyncFnOnce(&mut dyn Reporter, CancellationToken) -> Result<T> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Io, "cannot start the runtime").with_source(error))?;
    let (reporter, voice) = progress::reporter(streams, begun);
    let cancel = CancellationToken::new();
    let ended = in_thread(&runtime, reporter, cancel.clone(), work)?;
    let ended = runtime.block_on(watch(ended, &cancel, &voice, left));
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
fn in_thread<T, W>(
    runtime: &Runtime,
    mut reporter: Box<dyn Reporter>,
    cancel: CancellationToken,
    work: W,
) -> Result<oneshot::Receiver<Result<T>>>
where
    T: Send + 'static,
    W: AsyncFnOnce(&mut dyn Reporter, CancellationToken) -> Result<T> + Send + 'static,
{
    let (tell, ended) = oneshot::channel();
    let handle = runtime.handle().clone();
    let work = move || {
        let ended = handle.block_on(work(&mut *reporter, cancel));
        // The bars go before anything else is printed.
        drop(reporter);
        // Nobody listens after an abort.
        let _ = tell.send(ended);
    };
    let thread = std::thread::Builder::new().name("run".to_owned()).spawn(work);
    thread.map_err(|error| Error::new(ErrorKind::Io, "cannot start a thread").with_source(error))?;
    Ok(ended)
}

/// Waits for the end; the first signal asks the run to stop, the second one does not wait for it.
async fn watch<T>(
    mut ended: oneshot::Receiver<Result<T>>,
    cancel: &CancellationToken,
    voice: &Voice,
    left: &'static str,
) -> Result<Ended<T>> {
    let mut signals = Signals::listen()?;
    loop {
        tokio::select! {
            biased;
            ended = &mut ended => {
                let ended = ended.map_err(|_| Error::malformed("the run has ended without a result; this is a bug"))?;
                return ended.map(Ended::Done);
            }
            () = signals.next() => {
                if cancel.is_cancelled() {
                    say_aborted(left);
                    return Ok(Ended::Aborted);
                }
                cancel.cancel();
                voice.stopping();
            }
        }
    }
}

/// Says that nothing is waited for, unless standard error does not take it at once.
fn say_aborted(left: &'static str) {
    let (done, said) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        super::tell(&format!("\naborted: {left}\n"));
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
