//! Writing on the new server, in a database that goes at the end: rows from memory, and indexes.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use tokio_util::sync::CancellationToken;

use super::leg::Flow;
use super::reading::Readers;
use super::sample::{Content, Sample};
use crate::archive::binary;
use crate::error::{ErrorKind, Result};
use crate::event::{Finding, Severity, Tally};
use crate::ops::staging::Staging;
use crate::plan::means::Means;
use crate::sql;
use crate::sql::{Ident, Literal, QualName, Sql, join};
use crate::toc::{RowForm, Rows};
use crate::transfer::{self, DigestMode, copy_in, copy_out};
use crate::wire::session::{Session, Side};

/// Where the copies of tables are.
const SCHEMA: &str = "tandem_bench";
/// The most that is written into one of them, in bytes of rows: they are emptied after that.
const MOST: u64 = 64 << 20;

/// Sessions that write side by side, each to tables of its own.
pub(super) struct Writers {
    /// The sessions, for what is not written.
    pub there: Readers,
    means: Means,
    encoding: String,
    /// Which of the samples there are copies of.
    pub made: Vec<usize>,
}

/// An index that was built.
pub(super) struct Built {
    /// The access method.
    pub method: String,
    /// Its size.
    pub bytes: u64,
    /// How long one lane took.
    pub elapsed: Duration,
}

impl Writers {
    /// Opens so many sessions in the new database.
    pub async fn open(staging: &Staging, means: Means, lanes: usize, encoding: &str) -> Result<Self> {
        let sessions = try_join_all((0..lanes).map(|_| staging.connect(Side::New, "bench"))).await?;
        for session in &sessions {
            session.run(&means.settings()).await?;
        }
        Ok(Self { there: Readers::of(sessions), means, encoding: encoding.to_owned(), made: Vec::new() })
    }

    fn session(&self) -> Result<&Session> {
        self.there.session()
    }

    /// Makes a copy of every table for every lane, and tells of those that cannot be made.
    pub async fn make(&mut self, samples: &[Sample]) -> Result<Vec<Finding>> {
        let session = self.session()?;
        session.run(&sql!("CREATE SCHEMA {}", Ident::new(SCHEMA))).await?;
        let (mut made, mut findings) = (Vec::new(), Vec::new());
        for (place, sample) in samples.iter().enumerate() {
            let statements = (0..self.there.sessions().len()).map(|lane| create_table(&copy_of(place, lane), sample));
            let refused = match sample.can_be_made() {
                true => session.run(&join(statements, ";\n")).await.err(),
                false => None,
            };
            let why = match refused {
                None if sample.can_be_made() => {
                    made.push(place);
                    continue;
                }
                None => "it has columns of types that the database has made itself".to_owned(),
                Some(error) if error.kind() == ErrorKind::Server => {
                    error.server().map_or_else(|| error.to_string(), |said| said.message.clone())
                }
                Some(error) => return Err(error),
            };
            findings.push(Finding {
                severity: Severity::Note,
                subject: format!("table {}", sample.rows.table.label()),
                text: format!("it is read, and not written: {why}"),
                remedy: None,
            });
        }
        self.made = made;
        Ok(findings)
    }

    /// Writes rows from memory with so many lanes, each table for a while. What was written, lane by lane, in the order of
    /// [`Writers::made`]; nothing of what has no such form.
    pub async fn load(&self, samples: &[Sample], form: Form, lanes: usize, slice: Duration) -> Result<Vec<Vec<Flow>>> {
        let lanes = self.there.sessions().iter().take(lanes).enumerate().map(|(lane, session)| async move {
            let mut flows = vec![Flow::default(); self.made.len()];
            for turn in 0..self.made.len() {
                let at = (turn + lane) % self.made.len();
                let (Some(&place), Some(flow)) = (self.made.get(at), flows.get_mut(at)) else { continue };
                if let Some((sample, form)) = samples.get(place).and_then(|sample| Some((sample, form.of(sample)?))) {
                    *flow = self.load_one(session, sample, copy_of(place, lane), form, slice).await?;
                }
            }
            Ok(flows)
        });
        try_join_all(lanes).await
    }

    async fn load_one(
        &self,
        session: &Session,
        sample: &Sample,
        table: QualName,
        form: RowForm,
        slice: Duration,
    ) -> Result<Flow> {
        let rows = Rows { table, fresh: true, form, parts: 1, into: None, filter: None, ..sample.rows.clone() };
        let Content { rows: bytes, count, .. } = sample.content(form);
        let (head, tail) = match form {
            RowForm::Binary => (binary::HEAD.as_slice(), binary::TAIL.as_slice()),
            RowForm::Text => (&[][..], &[][..]),
        };
        let mut flow = Flow::default();
        let begun = Instant::now();
        let mut copy = session.copy_in(&copy_in(&rows, &self.encoding)).await?;
        copy.send(bytes::Bytes::from_static(head)).await?;
        while flow.bytes == 0 || begun.elapsed() < slice && flow.bytes < MOST {
            copy.send(bytes.clone()).await?;
            flow.bytes += bytes.len() as u64;
            flow.rows += count;
        }
        copy.send(bytes::Bytes::from_static(tail)).await?;
        copy.finish().await?;
        flow.elapsed = begun.elapsed();
        session.run(&sql!("TRUNCATE {}", rows.table)).await?;
        Ok(flow)
    }

    /// Fills the copies of the first lane from the old server, each with a part that is so many times what is kept of it.
    pub async fn fill(
        &self,
        from: &Readers,
        samples: &[Sample],
        times: f64,
        cancel: &CancellationToken,
    ) -> Result<Flow> {
        let mut flow = Flow::default();
        for (place, sample) in self.samples(samples) {
            let (rows, _) = sample.larger(times, sample.usual());
            let to = Rows { table: copy_of(place, 0), fresh: true, filter: None, into: None, ..rows.clone() };
            let (out, into) = (copy_out(&rows, &self.encoding), copy_in(&to, &self.encoding));
            let begun = Instant::now();
            let (from, tally) = (from.session()?, Tally::default());
            let copied =
                transfer::copy_table(from, self.session()?, &out, &into, &tally, DigestMode::Rows, cancel).await?;
            flow = flow.then(Flow { bytes: copied.bytes, rows: copied.rows, elapsed: begun.elapsed() });
        }
        Ok(flow)
    }

    fn samples<'a>(&'a self, samples: &'a [Sample]) -> impl Iterator<Item = (usize, &'a Sample)> {
        self.made.iter().filter_map(|&place| Some((place, samples.get(place)?)))
    }

    /// The access methods of the indexes that can be built, each once.
    pub fn methods(&self, samples: &[Sample]) -> Vec<String> {
        let methods = self.samples(samples).flat_map(|(_, sample)| &sample.indexes).map(|index| index.method.clone());
        methods.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Builds the indexes of the filled tables with so many lanes, and drops them again.
    pub async fn build(&self, samples: &[Sample], lanes: usize) -> Result<(Flow, Vec<Built>)> {
        let mut statements = Vec::new();
        for (place, sample) in self.samples(samples) {
            for index in &sample.indexes {
                let name = Ident::new(format!("i{}", statements.len()));
                statements.push((index.create(&name, &copy_of(place, 0)), index.method.clone(), name));
            }
        }
        let (next, all) = (&AtomicUsize::new(0), &statements);
        let helpers = self.means.workers_beside(lanes);
        let begun = Instant::now();
        let lanes = self.there.sessions().iter().take(lanes).map(|session| async move {
            if let Some(helpers) = helpers {
                session.run(&sql!("SET max_parallel_maintenance_workers TO {}", helpers)).await?;
            }
            let mut built = Vec::new();
            while let Some((create, method, name)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                let begun = Instant::now();
                session.run(create).await?;
                built.push((method, name, begun.elapsed()));
            }
            Ok(built)
        });
        let made = try_join_all(lanes).await?;
        let mut flow = Flow { elapsed: begun.elapsed(), ..Flow::default() };
        let mut built = Vec::new();
        for (method, name, elapsed) in made.into_iter().flatten() {
            let name = QualName::new(SCHEMA, name.clone());
            let literal = name.to_string();
            let size = sql!("SELECT pg_catalog.pg_relation_size({}::pg_catalog.regclass) AS bytes", Literal(&literal));
            let bytes = self.session()?.row(&size).await?.get::<i64>("bytes")?.unsigned_abs();
            self.session()?.run(&sql!("DROP INDEX {}", name)).await?;
            flow.bytes += bytes;
            built.push(Built { method: method.clone(), bytes, elapsed });
        }
        Ok((flow, built))
    }

    /// The statements that read the filled tables back.
    pub fn read_back(&self, samples: &[Sample]) -> Vec<Sql> {
        let rows = self.samples(samples).map(|(place, sample)| Rows {
            table: copy_of(place, 0),
            filter: None,
            into: None,
            parts: 1,
            form: sample.usual(),
            ..sample.rows.clone()
        });
        rows.map(|rows| copy_out(&rows, &self.encoding)).collect()
    }

    /// Makes the tables under their own names, in the place of the copies.
    pub async fn make_originals(&self, samples: &[Sample]) -> Result<()> {
        let session = self.session()?;
        session.run(&sql!("DROP SCHEMA {} CASCADE", Ident::new(SCHEMA))).await?;
        for (_, sample) in self.samples(samples) {
            let table = &sample.rows.table;
            let create = create_table(table, sample);
            session.run(&sql!("CREATE SCHEMA IF NOT EXISTS {};\n{}", table.schema, create)).await?;
        }
        Ok(())
    }

    /// Ends all sessions, and waits for that.
    pub async fn close(self) {
        self.there.close().await;
    }
}

/// In which form rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As text.
    Text,
    /// In binary form, where that is safe; others not at all.
    Binary,
    /// As they cross if nobody says otherwise.
    Usual,
}

impl Form {
    /// That of a table.
    pub fn of(self, sample: &Sample) -> Option<RowForm> {
        match self {
            Self::Text => Some(RowForm::Text),
            Self::Binary => sample.binary.as_ref().map(|_| RowForm::Binary),
            Self::Usual => Some(sample.usual()),
        }
    }
}

fn copy_of(sample: usize, lane: usize) -> QualName {
    QualName::new(SCHEMA, format!("t{sample}_{lane}"))
}

/// A table that takes the rows, with nothing else that the original has.
fn create_table(name: &QualName, sample: &Sample) -> Sql {
    let column = |(column, made_as): &(Ident, Option<Sql>)| Some(sql!("{} {}", column, made_as.as_ref()?));
    sql!("CREATE TABLE {} ({})", name, join(sample.columns.iter().filter_map(column), ", "))
}
