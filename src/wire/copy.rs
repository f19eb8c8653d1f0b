//! COPY as streams of blocks, on top of the [tap](super::tap).
//!
//! The statement is sent as a simple query: one round trip, and other statements may stand before the COPY in the same text
//! (`TRUNCATE t; COPY t FROM STDIN (FREEZE)` is then one transaction). The COPY has to be the last of them.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use tokio::sync::mpsc;
use tokio_postgres::{SimpleQueryMessage, SimpleQueryStream};

use super::session::Session;
use super::tap::{Block, Cut, FRAME_BYTES, Fed, Format};
use crate::error::{Error, Result};
use crate::sql::Sql;

/// How long the server may take to end what it was asked to end, before it is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(500);

impl Session {
    /// Begins to read rows with `COPY ... TO STDOUT`.
    ///
    /// The session is busy until [`CopyOut::next`] has given `None` or an error. If the stream is dropped before, the rows
    /// that are still under way are thrown away, and the next statement waits for that; [`CopyOut::stop`] is the quicker way.
    ///
    /// # Errors
    /// * If the connection is lost. What the server has to say about the statement comes out of [`CopyOut::next`].
    pub async fn copy_out(&self, sql: &Sql) -> Result<CopyOut<'_>> {
        self.settle_copy().await?;
        let blocks = self.tap().arm_out();
        let answer = Answer::ask(self, sql).await?;
        Ok(CopyOut { blocks, blocks_ended: false, answer, format: None, rows: 0 })
    }

    /// Begins to write rows with `COPY ... FROM STDIN`.
    ///
    /// The session is busy until [`CopyIn::finish`] has returned. If the stream is dropped before, the server undoes the
    /// COPY.
    ///
    /// # Errors
    /// * If the connection is lost. What the server has to say about the statement comes out of [`CopyIn::send`] and
    ///   [`CopyIn::finish`].
    pub async fn copy_in(&self, sql: &Sql) -> Result<CopyIn<'_>> {
        self.settle_copy().await?;
        let pieces = self.tap().arm_in();
        Ok(CopyIn { pieces, answer: Answer::ask(self, sql).await? })
    }

    /// Waits for the end of a COPY whose stream was dropped: an empty query is answered after everything before it.
    async fn settle_copy(&self) -> Result<()> {
        if self.tap().is_unsettled() {
            self.run(&Sql::default()).await?;
            self.tap().settle();
        }
        Ok(())
    }
}

/// What the server answers to the statement, apart from rows.
struct Answer<'a> {
    stream: Pin<Box<SimpleQueryStream>>,
    session: &'a Session,
    statement: Sql,
    /// How many rows the last statement that was completed has counted.
    rows: u64,
    /// The end, once it has come. An error is reported once; after that the answer only says that it has failed.
    ended: Option<Result<u64, ()>>,
}

impl<'a> Answer<'a> {
    async fn ask(session: &'a Session, sql: &Sql) -> Result<Self> {
        let stream = session.client().simple_query_raw(sql.as_str()).await;
        let stream = stream.map_err(|error| session.server_error(error, sql))?;
        Ok(Self { stream: Box::pin(stream), session, statement: sql.clone(), rows: 0, ended: None })
    }

    /// Waits for the server to end the statement, well (with the rows that it counted) or in error.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<u64>> {
        if let Some(ended) = self.ended {
            return Poll::Ready(ended.map_err(|()| Error::malformed("the COPY has failed before")));
        }
        let end = loop {
            match ready!(self.stream.as_mut().poll_next(cx)) {
                Some(Ok(SimpleQueryMessage::CommandComplete(rows))) => self.rows = rows,
                Some(Ok(_)) => {}
                Some(Err(error)) => break Err(self.session.server_error(error, &self.statement)),
                None => break Ok(self.rows),
            }
        };
        let unused = self.session.tap().settle();
        self.ended = Some(end.as_ref().map(|rows| *rows).map_err(|_| ()));
        if end.is_ok() && unused {
            return Poll::Ready(Err(Error::malformed("the statement is not a COPY").with_statement(&self.statement)));
        }
        Poll::Ready(end)
    }

    async fn end(&mut self) -> Result<u64> {
        poll_fn(|cx| self.poll_end(cx)).await
    }
}

/// Rows that a server sends. Begun by [`Session::copy_out`].
pub struct CopyOut<'a> {
    blocks: mpsc::Receiver<Cut>,
    blocks_ended: bool,
    answer: Answer<'a>,
    format: Option<Format>,
    rows: u64,
}

impl CopyOut<'_> {
    /// The next block of rows. `None` once the server has sent everything and has completed the statement.
    ///
    /// May be dropped while it waits; nothing is lost by that.
    ///
    /// # Errors
    /// * What the server reports, at once, even where blocks are still waiting.
    /// * If the number of rows that came is not the one that the server has counted.
    pub async fn next(&mut self) -> Result<Option<Block>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Block>>> {
        loop {
            if !self.blocks_ended {
                match self.blocks.poll_recv(cx) {
                    Poll::Ready(Some(Cut::Start(format))) => {
                        self.format = Some(format);
                        continue;
                    }
                    Poll::Ready(Some(Cut::Block(block))) => {
                        self.rows += block.ends.len() as u64;
                        return Poll::Ready(Ok(Some(block)));
                    }
                    Poll::Ready(None) => self.blocks_ended = true,
                    Poll::Pending => {}
                }
            }
            let counted = ready!(self.answer.poll_end(cx))?;
            if self.blocks_ended {
                return Poll::Ready(self.check(counted).map(|()| None));
            }
        }
    }

    fn check(&self, counted: u64) -> Result<()> {
        if self.rows() == counted {
            return Ok(());
        }
        let what = format!("the server has counted {counted} rows, but {} have come", self.rows());
        Err(Error::malformed(what).with_statement(&self.answer.statement))
    }

    /// The form of the rows, known from the first block on.
    pub fn format(&self) -> Option<Format> {
        self.format
    }

    /// How many rows have come to their end so far.
    ///
    /// In binary form the file trailer counts as a row until the end has been reached, and no longer.
    pub fn rows(&self) -> u64 {
        match self.format {
            Some(Format::Binary) if self.blocks_ended => self.rows.saturating_sub(1),
            _ => self.rows,
        }
    }

    /// Ends the COPY early: asks the server to cancel it and waits until it has. The transaction is aborted by that. A server
    /// that has not begun with the statement yet does not hear that (`src/backend/tcop/postgres.c`, `ProcessInterrupts`), so
    /// it is asked until it does.
    ///
    /// # Errors
    /// * If the server cannot be asked. It is then left to send the rest to nobody.
    pub async fn stop(mut self) -> Result<()> {
        loop {
            self.answer.session.cancel().await?;
            let drained = async { while let Ok(Some(_)) = self.next().await {} };
            if tokio::time::timeout(ASK_AGAIN, drained).await.is_ok() {
                return Ok(());
            }
        }
    }
}

/// Rows that a server takes. Begun by [`Session::copy_in`].
pub struct CopyIn<'a> {
    pieces: mpsc::Sender<Fed>,
    answer: Answer<'a>,
}

impl CopyIn<'_> {
    /// Sends rows, cut anywhere. Waits while the server is busy with earlier ones.
    ///
    /// # Errors
    /// * What the server reports about this or any earlier piece. It has undone the COPY then.
    pub async fn send(&mut self, mut bytes: Bytes) -> Result<()> {
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(FRAME_BYTES));
            self.push(Fed::Data(piece)).await?;
        }
        Ok(())
    }

    async fn push(&mut self, fed: Fed) -> Result<()> {
        tokio::select! {
            biased;
            ended = self.answer.end() => Err(self.ended_early(ended)),
            permit = self.pieces.reserve() => match permit {
                Ok(permit) => {
                    permit.send(fed);
                    Ok(())
                }
                // The tap lets go of us when the server has ended the COPY, or the connection.
                Err(_) => {
                    let ended = self.answer.end().await;
                    Err(self.ended_early(ended))
                }
            },
        }
    }

    fn ended_early(&self, ended: Result<u64>) -> Error {
        match ended {
            Err(error) => error,
            Ok(_) => Error::malformed("the server has ended the COPY before all rows were sent")
                .with_statement(&self.answer.statement),
        }
    }

    /// Waits until the server ends the COPY by itself, which it only does in error. To be waited for beside something else;
    /// may be dropped while it waits.
    pub async fn failure(&mut self) -> Error {
        let ended = self.answer.end().await;
        self.ended_early(ended)
    }

    /// All rows have been sent. Returns how many the server has counted (rows that a trigger has left out are not among
    /// them).
    ///
    /// # Errors
    /// * What the server reports. It has undone the COPY then.
    pub async fn finish(mut self) -> Result<u64> {
        self.push(Fed::Done).await?;
        self.answer.end().await
    }

    /// Gives up: the server undoes the COPY. Returns when it has.
    pub async fn abort(mut self) {
        drop(self.pieces);
        // The server answers with the error that we asked for.
        let _ = self.answer.end().await;
    }
}
