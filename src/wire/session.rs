//! One session on a server: statements, rows, cancelling.

use std::fmt;
use std::time::Duration;

use futures::TryStreamExt as _;
use postgres_types::FromSql;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::connect::{self, Place};
use super::conninfo::ConnInfo;
use super::driver::Driver;
use super::failure;
use super::settings;
use super::tap::TapHandle;
use super::version::ServerVersion;
use crate::error::{Error, ErrorKind, Result};
use crate::sql::Sql;

pub use super::cancel::Canceller;
pub use super::conninfo::Side;
pub use super::driver::{Notice, NoticeSink};
pub use super::failure::server_error;

/// How long [`Session::close`] waits for the server's process to end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// One session on a server, with the task that drives its connection. Dropping it ends it; [`Session::close`] waits
/// for that.
pub struct Session {
    client: Client,
    tap: TapHandle,
    driver: Driver,
    place: Place,
    side: Side,
    version: ServerVersion,
    pid: i32,
}

impl Session {
    /// Logs in, and sets what every session needs (see `settings.rs`), which takes one more round trip.
    ///
    /// `purpose` becomes part of the application name (`pgtandem: lane`), which the server shows in `pg_stat_activity`.
    /// Warnings of the server go to `notices`.
    ///
    /// # Errors
    /// * `Connect` if no server can be reached, or the login is refused; the hint says what to do.
    pub async fn connect(info: &ConnInfo, side: Side, purpose: &str, notices: NoticeSink) -> Result<Self> {
        let login = connect::login(info, side, purpose, notices).await?;
        let (client, tap, driver, place) = (login.client, login.tap, login.driver, login.place);
        let mut session = Self { client, tap, driver, place, side, version: ServerVersion::default(), pid: 0 };
        session.set_up().await.map_err(|error| error.about(&session.place))?;
        Ok(session)
    }

    /// Sets everything, and learns who the server is.
    async fn set_up(&mut self) -> Result<()> {
        // Two messages in one round trip: a limit that the database sets holds for the message that lifts it.
        let (limit, statement) = (settings::no_limit(), settings::statement(self.side));
        let lifted = self.client.batch_execute(limit.as_str());
        let (lifted, answer) = futures::join!(lifted, self.client.simple_query(statement.as_str()));
        lifted.map_err(|error| self.server_error(error, &limit))?;
        let answer = answer.map_err(|error| self.server_error(error, &statement))?;
        let last = answer.iter().rev().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some((row.try_get("pid").ok()??, row.try_get("version").ok()??)),
            _ => None,
        });
        let parsed = last.and_then(|(pid, version)| Some((pid.parse().ok()?, version.parse().ok()?)));
        let (pid, version) = parsed.ok_or_else(|| Error::malformed("the server does not tell its version"))?;
        (self.pid, self.version) = (pid, ServerVersion(version));
        Ok(())
    }

    /// Which server it is on.
    pub fn side(&self) -> Side {
        self.side
    }

    /// The version of the server.
    pub fn version(&self) -> ServerVersion {
        self.version
    }

    /// The process id of the server's process that serves this session.
    pub fn backend_pid(&self) -> i32 {
        self.pid
    }

    /// Whether the connection is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.place.is_encrypted()
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// The library's client, for what the wire room builds on top.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The handle that leads the rows of a COPY past the library.
    pub(super) fn tap(&self) -> &TapHandle {
        &self.tap
    }

    /// Runs statements that give no rows, or whose rows do not matter. Several, with semicolons between, are one
    /// transaction unless they say otherwise.
    ///
    /// # Errors
    /// * As [`Session::server_error`].
    pub async fn run(&self, sql: &Sql) -> Result<()> {
        self.client.batch_execute(sql.as_str()).await.map_err(|error| self.server_error(error, sql))
    }

    /// Runs statements like [`Session::run`], and tells how many rows they have inserted or changed, all together.
    ///
    /// # Errors
    /// * As [`Session::server_error`].
    pub async fn run_counting(&self, sql: &Sql) -> Result<u64> {
        let answer = self.client.simple_query(sql.as_str()).await.map_err(|error| self.server_error(error, sql))?;
        let counts = answer.iter().filter_map(|message| match message {
            SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
            _ => None,
        });
        Ok(counts.sum())
    }

    /// The rows of one query, in one round trip. When several are asked for at once (joined futures), their round trips
    /// become one; the server works on them in the order in which they were first polled.
    ///
    /// # Errors
    /// * As [`Session::server_error`].
    pub async fn rows(&self, sql: &Sql) -> Result<Vec<Row>> {
        let rows = self.client.query_typed(sql.as_str(), &[]).await.map_err(|error| self.server_error(error, sql))?;
        Ok(rows.into_iter().map(Row).collect())
    }

    /// The rows of one query, each handed to `take` as it comes, for when they are too many to keep.
    ///
    /// # Errors
    /// * As [`Session::server_error`], or what `take` returns. Rows that are still under way are then thrown away.
    pub async fn each_row(&self, sql: &Sql, mut take: impl FnMut(&Row) -> Result<()>) -> Result<()> {
        let none = std::iter::empty::<(&(dyn postgres_types::ToSql + Sync), postgres_types::Type)>();
        let rows =
            self.client.query_typed_raw(sql.as_str(), none).await.map_err(|error| self.server_error(error, sql))?;
        let mut rows = std::pin::pin!(rows);
        while let Some(row) = rows.try_next().await.map_err(|error| self.server_error(error, sql))? {
            take(&Row(row))?;
        }
        Ok(())
    }

    /// The row of a query that gives exactly one.
    ///
    /// # Errors
    /// * As [`Session::server_error`]; `Malformed` if there are none or several.
    pub async fn row(&self, sql: &Sql) -> Result<Row> {
        let row = self.maybe_row(sql).await?;
        row.ok_or_else(|| Error::malformed("a query gave no row where one was expected").with_statement(sql.shown()))
    }

    /// The row of a query that gives one or none.
    ///
    /// # Errors
    /// * As [`Session::server_error`]; `Malformed` if there are several.
    pub async fn maybe_row(&self, sql: &Sql) -> Result<Option<Row>> {
        let mut rows = self.rows(sql).await?;
        match rows.len() {
            0 | 1 => Ok(rows.pop()),
            several => Err(Error::malformed(format!("a query gave {several} rows where one was expected"))
                .with_statement(sql.shown())),
        }
    }

    /// What cancels the statement that is under way; it works while the session is busy, and from another task.
    pub fn canceller(&self) -> Canceller {
        Canceller::new(self.client.cancel_token(), self.place.clone(), self.side)
    }

    /// Asks the server to cancel the statement that is under way. That statement then fails with SQLSTATE 57014,
    /// unless it was done already.
    ///
    /// # Errors
    /// * As [`Canceller::cancel`].
    pub async fn cancel(&self) -> Result<()> {
        self.canceller().cancel().await
    }

    /// Ends the session, and waits until the server's process has ended: only then can its database be renamed or
    /// dropped. A server that takes more than five seconds is left to it.
    pub async fn close(self) {
        let Self { client, driver, side, .. } = self;
        drop(client);
        if tokio::time::timeout(CLOSE_TIMEOUT, driver.wait()).await.is_err() {
            tracing::warn!(server = side.name(), "the server has not closed a connection yet that we have ended");
        }
    }

    /// The error for a statement of this session that failed.
    ///
    /// * `Server` for what the server reports of the statement (SQLSTATE, message, detail, hint, context);
    /// * `ConnectionLost` if the connection broke, or the server ended it; with what the server said last;
    /// * `Malformed` for an answer that cannot be understood.
    pub fn server_error(&self, error: tokio_postgres::Error, statement: &Sql) -> Error {
        let error = failure::server_error(error, statement);
        if error.kind() != ErrorKind::ConnectionLost {
            return error;
        }
        let error = match self.driver.ending() {
            Some(ending) if error.server().is_none() => {
                let error = ending.server.iter().fold(error, |error, message| error.with_server(message.clone()));
                ending.cause.iter().fold(error, |error, cause| error.with_source(cause.clone()))
            }
            _ => error,
        };
        error.with_hint(format!("Look into the log of the {} ({}).", self.side, self.place))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("side", &self.side)
            .field("place", &self.place.to_string())
            .field("pid", &self.pid)
            .finish()
    }
}

/// One row of an answer.
#[derive(Debug)]
pub struct Row(tokio_postgres::Row);

impl Row {
    /// The value of a column, by its name.
    ///
    /// # Errors
    /// * `Malformed` if there is no such column, or its value is not of that type; a NULL is only an `Option`.
    pub fn get<'a, T: FromSql<'a>>(&'a self, column: &str) -> Result<T> {
        self.0.try_get(column).map_err(|error| {
            Error::malformed("cannot read a column of the server's answer").about(column).with_source(error)
        })
    }

    /// How many columns there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no columns.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
