//! Cancelling a statement from outside of its session.

use std::convert::Infallible;
use std::future::{Ready, ready};

use tokio_postgres::CancelToken;
use tokio_postgres::tls::{TlsConnect, TlsStream};

use super::connect::{Place, within};
use super::conninfo::Side;
use super::failure;
use crate::error::{Error, ErrorKind, Result};

/// What cancels the statements of one session.
#[derive(Clone)]
pub struct Canceller {
    token: CancelToken,
    place: Place,
    side: Side,
}

impl Canceller {
    pub(super) fn new(token: CancelToken, place: Place, side: Side) -> Self {
        Self { token, place, side }
    }

    /// Asks the server to cancel the statement that is under way, if one is, and waits until the server has taken
    /// notice. It opens a connection of its own, encrypted if the session's is.
    ///
    /// # Errors
    /// * `Connect` if the server cannot be reached for this.
    pub async fn cancel(&self) -> Result<()> {
        let failed = |error: Error| {
            error.as_kind(ErrorKind::Connect).about(format!("cancelling on the {} ({})", self.side, self.place))
        };
        let ask = async {
            let stream = self.place.open().await?;
            // The stream's shutdown waits until the server closes the connection, and it does when it has passed the
            // request on.
            self.token.cancel_query_raw(stream, Established).await.map_err(failure::explain)
        };
        match within(self.place.timeout(), ask).await {
            Some(done) => done.map_err(failed),
            None => Err(failed(Error::new(ErrorKind::Connect, "no answer in time"))),
        }
    }
}

/// Tells the library that the stream it gets is established, encrypted or not: the negotiation is done by then.
pub(super) struct Established;

impl<S: TlsStream + Unpin> TlsConnect<S> for Established {
    type Stream = S;
    type Error = Infallible;
    type Future = Ready<Result<S, Infallible>>;

    fn connect(self, stream: S) -> Self::Future {
        ready(Ok(stream))
    }
}
