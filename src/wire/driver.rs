//! The task that drives a connection, and what it hears on the side: notices, and why the connection ended.

use std::future::poll_fn;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_postgres::{AsyncMessage, Connection};

use super::conninfo::Side;
use super::failure;
use super::stream::Stream;
use super::tap::Tap;
use crate::error::ServerMessage;

/// A warning of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Which server.
    pub side: Side,
    /// The severity that the server gave ("WARNING").
    pub severity: String,
    /// The text, with the server's detail if it gave one.
    pub text: String,
}

/// Who hears the warnings of the servers. It is bounded: what comes while it is full is dropped and only logged,
/// because no session waits for a listener.
pub type NoticeSink = mpsc::Sender<Notice>;

/// Severities that are dropped; only what is worse than a notice is of interest (they are English at the protocol's
/// field V).
const DROPPED: [&str; 4] = ["DEBUG", "LOG", "INFO", "NOTICE"];

/// A running task.
#[derive(Debug)]
pub(super) struct Driver {
    ended: watch::Receiver<Option<Arc<Ending>>>,
}

/// How a connection came to its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Ending {
    /// What the server said last, if it ended the connection.
    pub server: Option<ServerMessage>,
    /// What else went wrong.
    pub cause: Option<String>,
}

impl Driver {
    /// Starts the task. It ends with the connection: when the client has been dropped, or when something breaks.
    pub(super) fn spawn(mut connection: Connection<Tap<Stream>, Tap<Stream>>, side: Side, notices: NoticeSink) -> Self {
        let (tell, ended) = watch::channel(None);
        tokio::spawn(async move {
            let ending = loop {
                match poll_fn(|cx| connection.poll_message(cx)).await {
                    Some(Ok(AsyncMessage::Notice(notice))) => pass_on(&notices, side, &notice),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => break Ending::of(&error),
                    None => break Ending::default(),
                }
            };
            // Told before the connection goes, which wakes everybody who waits for an answer.
            tell.send_replace(Some(Arc::new(ending)));
            drop(connection);
        });
        Self { ended }
    }

    /// How the connection ended, if it has.
    pub(super) fn ending(&self) -> Option<Arc<Ending>> {
        self.ended.borrow().clone()
    }

    /// Waits for the end of the connection.
    pub(super) async fn wait(mut self) {
        // An error here means that the task is gone, which is just as well.
        let _ = self.ended.wait_for(Option::is_some).await;
    }
}

impl Ending {
    fn of(error: &tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(said) => Self { server: Some(failure::message(said)), cause: None },
            None if error.is_closed() => Self::default(),
            None => Self { server: None, cause: Some(std::error::Error::source(error).unwrap_or(error).to_string()) },
        }
    }
}

/// Hands on what is worse than a notice.
fn pass_on(notices: &NoticeSink, side: Side, said: &tokio_postgres::error::DbError) {
    let severity = said.parsed_severity().map_or_else(|| said.severity().to_owned(), |known| known.to_string());
    if DROPPED.contains(&severity.as_str()) {
        return;
    }
    let text = match said.detail() {
        Some(detail) => format!("{} ({detail})", said.message()),
        None => said.message().to_owned(),
    };
    let notice = Notice { side, severity, text };
    if let Err(mpsc::error::TrySendError::Full(notice)) = notices.try_send(notice) {
        tracing::warn!(server = side.name(), severity = notice.severity, "{}", notice.text);
    }
}
