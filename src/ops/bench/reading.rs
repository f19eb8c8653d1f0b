//! Reading on a server: rows that are thrown away as they arrive, bytes that cost nothing, and the way there and back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures::future::try_join_all;

use super::leg::Flow;
use crate::error::{Error, Result};
use crate::sql::Sql;
use crate::wire::conninfo::ConnInfo;
use crate::wire::copy::CopyOut;
use crate::wire::session::{NoticeSink, Session, Side};
use crate::wire::snapshot::SnapshotHold;
use crate::wire::tap::Block;

/// How many times the way there and back is taken.
const TRIPS: usize = 21;

/// Sessions that read side by side.
pub(super) struct Readers {
    sessions: Vec<Session>,
    /// The snapshot that all of them read in; on the new server, where nobody else writes, there is none.
    snapshot: Option<Arc<SnapshotHold>>,
}

/// What has come of a statement.
pub(super) struct Taken {
    pub bytes: Bytes,
    pub rows: u64,
    /// Whether these are all.
    pub whole: bool,
}

impl Readers {
    /// Opens so many sessions on the old server.
    pub async fn open(
        from: &ConnInfo,
        snapshot: &Arc<SnapshotHold>,
        lanes: usize,
        notices: &NoticeSink,
    ) -> Result<Self> {
        let one = || Session::connect(from, Side::Old, "bench", notices.clone());
        let sessions = try_join_all((0..lanes).map(|_| one())).await?;
        let readers = Self { sessions, snapshot: Some(Arc::clone(snapshot)) };
        for session in &readers.sessions {
            readers.enter(session).await?;
        }
        Ok(readers)
    }

    /// Takes over sessions on the new server.
    pub const fn of(sessions: Vec<Session>) -> Self {
        Self { sessions, snapshot: None }
    }

    /// The sessions.
    pub fn sessions(&self) -> &[Session] {
        &self.sessions
    }

    /// One for questions.
    pub fn session(&self) -> Result<&Session> {
        self.sessions.first().ok_or_else(|| Error::malformed("nobody reads; this is a bug"))
    }

    async fn enter(&self, session: &Session) -> Result<()> {
        let Some(snapshot) = &self.snapshot else { return Ok(()) };
        snapshot.import(session).await?;
        // As lanes do: names within rows have to come back as they went out.
        session.run(&Sql::constant("SET quote_all_identifiers TO off")).await
    }

    /// Ends a COPY early, which aborts the transaction if there is one.
    async fn stop(&self, session: &Session, copy: CopyOut<'_>) -> Result<()> {
        copy.stop().await?;
        if self.snapshot.is_some() {
            session.run(&Sql::constant("ROLLBACK")).await?;
        }
        self.enter(session).await
    }

    /// Reads with so many lanes at once; every lane has statements of its own, each of which it repeats for a while. What
    /// each of its statements brought, lane by lane.
    pub async fn read(&self, lanes: &[Vec<Sql>], slice: Duration) -> Result<Vec<Vec<Flow>>> {
        let lanes = self.sessions.iter().zip(lanes).map(|(session, statements)| async move {
            let mut flows = Vec::with_capacity(statements.len());
            for statement in statements {
                flows.push(self.drain(session, statement, slice).await?);
            }
            Ok(flows)
        });
        try_join_all(lanes).await
    }

    async fn drain(&self, session: &Session, statement: &Sql, slice: Duration) -> Result<Flow> {
        let mut flow = Flow::default();
        let begun = Instant::now();
        let until = begun + slice;
        while flow.elapsed < slice {
            let mut copy = session.copy_out(statement).await?;
            let before = flow.bytes;
            let ended = loop {
                match next(&mut copy, until).await? {
                    Next::Block(block) => {
                        flow.bytes += block.bytes.len() as u64;
                        flow.rows += block.ends.len() as u64;
                    }
                    Next::End => break true,
                    Next::Late => break false,
                }
            };
            flow.elapsed = begun.elapsed();
            match ended {
                true if flow.bytes == before => break,
                true => {}
                false => self.stop(session, copy).await?,
            }
        }
        Ok(flow)
    }

    /// Keeps what comes, up to so many bytes, and whole rows alone.
    pub async fn take(&mut self, statement: &Sql, most: usize) -> Result<Taken> {
        let session = self.session()?;
        let mut copy = session.copy_out(statement).await?;
        let (mut bytes, mut rows, mut end) = (BytesMut::new(), 0, 0);
        while let Some(block) = copy.next().await? {
            let begun = bytes.len();
            bytes.extend_from_slice(&block.bytes);
            if let Some(last) = block.ends.last() {
                end = begun + *last as usize;
                rows += block.ends.len() as u64;
            }
            if bytes.len() > most {
                self.stop(session, copy).await?;
                bytes.truncate(end);
                return Ok(Taken { bytes: bytes.freeze(), rows, whole: false });
            }
        }
        Ok(Taken { bytes: bytes.freeze(), rows: copy.rows(), whole: true })
    }

    /// Bytes that cost the server next to nothing, with so many lanes.
    pub async fn wire(&self, lanes: usize, slice: Duration) -> Result<Flow> {
        let flows = self.read(&vec![vec![Sql::constant(NOTHING)]; lanes], slice).await?;
        Ok(flows.into_iter().flatten().fold(Flow::default(), Flow::beside))
    }

    /// How long the way there and back takes: the median of some.
    pub async fn round_trip(&self) -> Result<Duration> {
        let mut trips = Vec::with_capacity(TRIPS);
        for _ in 0..TRIPS {
            let begun = Instant::now();
            self.session()?.run(&Sql::constant("SELECT 1")).await?;
            trips.push(begun.elapsed());
        }
        trips.sort_unstable();
        Ok(trips.get(TRIPS / 2).copied().unwrap_or_default())
    }

    /// Ends all sessions but one, which others may need.
    pub async fn keep_one(&mut self) {
        let more = self.sessions.split_off(self.sessions.len().min(1));
        futures::future::join_all(more.into_iter().map(Session::close)).await;
    }

    /// Ends all sessions, and waits for that.
    pub async fn close(self) {
        futures::future::join_all(self.sessions.into_iter().map(Session::close)).await;
    }
}

enum Next {
    Block(Block),
    End,
    Late,
}

async fn next(copy: &mut CopyOut<'_>, until: Instant) -> Result<Next> {
    // A block that is there already would never let the time be up.
    if Instant::now() >= until {
        return Ok(Next::Late);
    }
    match tokio::time::timeout_at(until.into(), copy.next()).await {
        Ok(block) => Ok(block?.map_or(Next::End, Next::Block)),
        Err(_) => Ok(Next::Late),
    }
}

/// The planner makes a constant of the text; the series is not stored, as it would be in FROM.
const NOTHING: &str = "COPY (SELECT pg_catalog.repeat('x', 65536), pg_catalog.generate_series(1, 2000000000)) TO STDOUT \
    (FORMAT binary)";
