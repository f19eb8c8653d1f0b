//! Subscriptions (`pg_subscription`) of this database.
//!
//! They arrive disabled, without a connection and without the state of their tables: which of the two servers is to take
//! what the publisher has in its slot is for people to say. The connection string may hold a password.

use super::query::{Query, expr};
use super::{Catalog, Class, Decisions, Draft, Hazard, ObjectId, Part, Priority, Render};
use crate::error::Result;
use crate::sql;
use crate::sql::{Ident, Literal, Secret, Sql, join};
use crate::toc::{Kind, Section};
use crate::wire::session::Row;

/// Since when large transactions are taken in parallel unless a subscription says otherwise.
const STREAMS_BY_DEFAULT: u32 = 18;
/// Since when a subscription works with the rights of the owners of tables, and may demand a password.
const RUNS_AS_TABLE_OWNER: u32 = 16;

/// The names of the database's subscriptions, and whether everything else about them may be read: the connection string is
/// kept from all but superusers (PostgreSQL, `src/backend/catalog/system_views.sql`).
pub(super) const NAMES: Query = Query::of(
    &[expr("name", "s.subname::text"), expr("readable", "has_table_privilege('pg_catalog.pg_subscription', 'SELECT')")],
    "FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database() ORDER BY 1",
);

/// The database's subscriptions. Up to 15 all worked with the rights of their owners.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "s.oid"),
        expr("name", "s.subname::text"),
        expr("owner", "pg_get_userbyid(s.subowner)::text"),
        expr("connection", "s.subconninfo"),
        expr("publications", "s.subpublications"),
        expr("slot", "s.subslotname::text"),
        expr("synchronous_commit", "s.subsynccommit"),
        expr("binary", "s.subbinary").since(14, "false"),
        // A boolean up to 15.
        expr("streaming", "left(s.substream::text, 1)").since(14, "'f'::text"),
        expr("two_phase", "s.subtwophasestate <> 'd'").since(15, "false"),
        expr("disable_on_error", "s.subdisableonerr").since(15, "false"),
        expr("password_required", "s.subpasswordrequired").since(16, "true"),
        expr("run_as_owner", "s.subrunasowner").since(16, "true"),
        expr("origin", "s.suborigin").since(16, "'any'::text"),
        expr("failover", "s.subfailover").since(17, "false"),
    ],
    "FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database()
        ORDER BY s.subname",
);

/// A subscription.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: Ident,
    /// Its owner.
    pub owner: Ident,
    /// How to reach the publisher: a string constant, secret.
    pub connection: Sql,
    /// What it subscribes to.
    pub publications: Vec<Ident>,
    /// Its slot on the publisher, if it has one.
    pub slot: Option<String>,
    /// `synchronous_commit` of its workers.
    pub synchronous_commit: String,
    /// Whether values come in binary form.
    pub binary: bool,
    /// What is done with large transactions under way: `t`aken, taken in `p`arallel, or not (`f`).
    pub streaming: char,
    /// Whether prepared transactions are prepared here as well.
    pub two_phase: bool,
    /// Whether an error disables it.
    pub disable_on_error: bool,
    /// Whether the connection has to use a password.
    pub password_required: bool,
    /// Whether it works with the rights of its owner, and not with those of the owners of tables.
    pub run_as_owner: bool,
    /// What it wants of changes that came to the publisher from elsewhere.
    pub origin: String,
    /// Whether the slot is kept on the publisher's standbys, too.
    pub failover: bool,
}

/// One row of [`NAMES`].
pub(super) fn decode_name(row: &Row) -> Result<(String, bool)> {
    Ok((row.get("name")?, row.get("readable")?))
}

/// One row of [`QUERY`].
///
/// # Errors
/// If the row is not what the query promises.
pub(super) fn decode(row: &Row) -> Result<Subscription> {
    let publications: Vec<String> = row.get("publications")?;
    Ok(Subscription {
        id: ObjectId::new(Class::SUBSCRIPTION, row.get("oid")?),
        name: Ident::new(row.get::<String>("name")?),
        owner: Ident::new(row.get::<String>("owner")?),
        connection: sql!("{}", Secret(&row.get::<String>("connection")?)),
        publications: publications.into_iter().map(Ident::from).collect(),
        slot: row.get("slot")?,
        synchronous_commit: row.get("synchronous_commit")?,
        binary: row.get("binary")?,
        streaming: super::function::letter(row, "streaming")?,
        two_phase: row.get("two_phase")?,
        disable_on_error: row.get("disable_on_error")?,
        password_required: row.get("password_required")?,
        run_as_owner: row.get("run_as_owner")?,
        origin: row.get("origin")?,
        failover: row.get("failover")?,
    })
}

/// What to know about a subscription whose connection string may not be read.
pub(super) fn unreadable(name: &str) -> Hazard {
    Hazard {
        subject: format!("subscription {name}"),
        text: "it is left out: only a superuser may read how it reaches its publisher".to_owned(),
        remedy: "Make it on the new server by hand, or let a superuser run this.",
        fatal: false,
    }
}

impl Subscription {
    /// What somebody has to do when it has arrived.
    pub(super) fn hazard(&self) -> Hazard {
        let text = match &self.slot {
            Some(slot) => {
                format!("it arrives disabled; slot {slot} of the publisher can serve only one of both servers")
            }
            None => "it arrives disabled, without a slot on the publisher, as it is on the old server".to_owned(),
        };
        Hazard {
            subject: format!("subscription {}", self.name.as_str()),
            text,
            remedy: "When the old server no longer takes changes: ALTER SUBSCRIPTION .. ENABLE on the new one, and .. REFRESH \
                     PUBLICATION WITH (copy_data = false).",
            fatal: false,
        }
    }

    /// What it is made with. Words that an older target does not know stand only for what an older source does not have.
    fn options(&self, target: u32) -> Sql {
        let mut out = vec![Sql::constant("connect = false")];
        out.push(match &self.slot {
            Some(slot) => sql!("slot_name = {}", Literal(slot)),
            None => Sql::constant("slot_name = NONE"),
        });
        match self.streaming {
            't' => out.push(Sql::constant("streaming = on")),
            'p' => out.push(Sql::constant("streaming = parallel")),
            _ if target >= STREAMS_BY_DEFAULT => out.push(Sql::constant("streaming = off")),
            _ => {}
        }
        for (holds, option) in [
            (self.binary, "binary = true"),
            (self.two_phase, "two_phase = on"),
            (self.disable_on_error, "disable_on_error = true"),
            (!self.password_required, "password_required = false"),
            (self.run_as_owner && target >= RUNS_AS_TABLE_OWNER, "run_as_owner = true"),
            (self.failover, "failover = true"),
        ] {
            if holds {
                out.push(Sql::constant(option));
            }
        }
        if self.synchronous_commit != "off" {
            out.push(sql!("synchronous_commit = {}", Literal(&self.synchronous_commit)));
        }
        if self.origin != "any" {
            out.push(sql!("origin = {}", Literal(&self.origin)));
        }
        join(out, ", ")
    }
}

impl Render for Subscription {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("SUBSCRIPTION {}", self.name)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::Subscription
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (String::new(), self.name.as_str().to_owned())
    }

    fn section(&self, _part: Part) -> Section {
        Section::PostData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, how: &Decisions) -> Option<Draft> {
        let identity = self.identity(catalog);
        let create = sql!(
            "CREATE {} CONNECTION {} PUBLICATION {} WITH ({})",
            identity,
            self.connection,
            join(&self.publications, ", "),
            self.options(how.target)
        );
        let mut draft = Draft::new(Kind::Subscription, Section::PostData, self.name.as_str(), vec![create])
            .owned_by(&self.owner, identity.clone());
        draft.remove = Some(sql!("DROP {}", identity));
        Some(draft)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{catalog, texts};

    fn subscription() -> Subscription {
        Subscription {
            id: ObjectId::new(Class::SUBSCRIPTION, 1),
            name: "s".into(),
            owner: "own".into(),
            connection: sql!("{}", Secret("host=h password='p''w'")),
            publications: vec!["p".into(), "q \"1".into()],
            slot: None,
            synchronous_commit: "off".into(),
            binary: false,
            streaming: 'f',
            two_phase: false,
            disable_on_error: false,
            password_required: true,
            run_as_owner: true,
            origin: "any".into(),
            failover: false,
        }
    }

    fn options(subscription: &Subscription, target: u32) -> String {
        subscription.options(target).to_string()
    }

    #[test]
    fn everything_is_quoted_and_nothing_is_connected() {
        let how = Decisions { target: 15, ..Decisions::default() };
        let draft = subscription().draft(Part::Definition, &catalog(15), &how).unwrap();
        assert_eq!(
            texts(&draft.create),
            ["CREATE SUBSCRIPTION \"s\" CONNECTION 'host=h password=''p''''w''' PUBLICATION \"p\", \"q \"\"1\" \
                 WITH (connect = false, slot_name = NONE)"]
        );
        assert!(!draft.create[0].shown().contains("password="));
        assert!(!format!("{:?}", subscription()).contains("password="));
    }

    #[test]
    fn options_depend_on_what_the_target_does_by_itself() {
        assert_eq!(options(&subscription(), 17), "connect = false, slot_name = NONE, run_as_owner = true");
        assert_eq!(
            options(&subscription(), 18),
            "connect = false, slot_name = NONE, streaming = off, run_as_owner = true"
        );
        let all = Subscription {
            slot: Some("it's".into()),
            synchronous_commit: "remote_apply".into(),
            binary: true,
            streaming: 'p',
            two_phase: true,
            disable_on_error: true,
            password_required: false,
            run_as_owner: false,
            origin: "none".into(),
            failover: true,
            ..subscription()
        };
        assert_eq!(
            options(&all, 18),
            "connect = false, slot_name = 'it''s', streaming = parallel, binary = true, two_phase = on, \
             disable_on_error = true, password_required = false, failover = true, synchronous_commit = 'remote_apply', \
             origin = 'none'"
        );
    }
}
