//! What belongs to the new server as a whole: roles that it lacks are made before the databases, settings for everybody
//! come after them, and what differs is told.
//!
//! Everything is tried beforehand, in a transaction that is rolled back: the new server itself says what it refuses. Roles
//! are made in one transaction, so that a run that was killed leaves all of them or none, and the next one finds them as it
//! would have made them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::check::{Clearance, Preflight};
use crate::catalog::{self, Action, Carried, Carry, Wanted};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Finding, Severity};
use crate::sql::{Ident, Sql, join};
use crate::toc::Toc;
use crate::wire::session::Session;

/// What to do about tablespaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tablespaces {
    /// What lies in one lies in one of the same name on the new server, where it has to be.
    #[default]
    Keep,
    /// Everything lies in the default tablespace of the new server.
    Default,
}

/// Both servers, as a whole.
pub(super) struct Globals {
    control: Arc<Session>,
    old: catalog::Globals,
    new: catalog::Globals,
    /// What the bootstrap superuser of the old server is called, and what it is called on the new one.
    renamed: Option<(Ident, Ident)>,
    which: Carried,
    wanted: BTreeSet<String>,
    carry: Carry,
    /// What the new server has refused when it was tried.
    refused: Vec<Sql>,
    /// What takes back what was made.
    undo: Vec<Sql>,
}

impl Globals {
    /// Reads both sides. As long as this run lives, no other takes back the roles that it has made.
    pub async fn read(old: &Session, control: &Arc<Session>, which: Carried) -> Result<Self> {
        control.rows(&Sql::constant(HOLD)).await?;
        let (mut from, new) = futures::try_join!(catalog::read::globals(old), catalog::read::globals(control))?;
        let renamed = from.bootstrap_renamed(&new);
        if let Some((name, other)) = &renamed {
            from.rename_role(name, other);
        }
        Ok(Self {
            control: Arc::clone(control),
            old: from,
            new,
            renamed,
            which,
            wanted: BTreeSet::new(),
            carry: Carry::default(),
            refused: Vec::new(),
            undo: Vec::new(),
        })
    }

    /// Calls the bootstrap superuser as the new server does.
    pub fn rename_in(&self, catalog: &mut catalog::Catalog) {
        if let Some((from, to)) = &self.renamed {
            catalog.rename_role(from, to);
        }
    }

    /// Finds out what has to be done so that everything is there that the databases want, and whether it can be done.
    pub async fn check(&mut self, wanted: &Wanted, preflight: &mut Preflight) -> Result<()> {
        self.tablespaces(wanted, preflight);
        self.wanted.clone_from(&wanted.roles);
        self.carry = self.old.carry(&self.new, &self.wanted, self.which);
        preflight.note(std::mem::take(&mut self.carry.findings));
        for name in &self.carry.absent {
            preflight.obstacle(format!(
                "role {name} is missing on the new server. Create it there (pg_dumpall --roles-only on the old server prints \
                 how), or say --roles missing."
            ));
        }
        for role in self.carry.created.iter().filter_map(|name| self.old.role(name)).filter(|role| !role.is_superuser())
        {
            if let Some(owned) = wanted.superusers.get(role.name.as_str()) {
                preflight.obstacle(format!(
                    "role {} owns {owned}, and is no superuser on either server. Give it to another owner on the old one.",
                    role.name.as_str()
                ));
            }
        }
        if self.carry.actions.is_empty() && self.carry.everybody.is_empty() {
            return Ok(());
        }
        match self.in_transaction(false).await {
            Ok((_, refused)) => {
                preflight.note(refused.iter().map(|(action, error)| left_out(action, error)).collect::<Vec<_>>());
                self.refused = refused.into_iter().map(|(action, _)| action.statement).collect();
            }
            Err(error) if error.kind() == ErrorKind::Server => preflight.obstacle(format!(
                "roles are missing on the new server and cannot be made there ({}): {}. Log in to it as a superuser, or \
                 create them beforehand (pg_dumpall --roles-only on the old server prints how).",
                said(&error),
                names(&self.carry.created),
            )),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Tablespaces that are missing, or are not the same.
    fn tablespaces(&self, wanted: &Wanted, preflight: &mut Preflight) {
        for name in wanted.tablespaces.iter().filter(|name| !name.starts_with("pg_")) {
            let of = |all: &'_ catalog::Globals| all.tablespaces.iter().find(|t| t.name.as_str() == name).cloned();
            let (Some(old), there) = (of(&self.old), of(&self.new)) else { continue };
            let Some(new) = there else {
                preflight.obstacle(format!(
                    "tablespace {name} is missing on the new server. Create it there, its directory first ({}), or say \
                     --tablespaces default.",
                    old.create()
                ));
                continue;
            };
            let statements = old.differences(&new);
            if !statements.is_empty() {
                preflight.note([Finding {
                    severity: Severity::Note,
                    subject: format!("tablespace {name}"),
                    text: "not the same on both servers; on the new one it stays as it is".to_owned(),
                    remedy: Some(format!("What would make it the same: {}.", join(statements, "; "))),
                }]);
            }
        }
    }

    /// The roles that are made.
    pub fn created(&self) -> &[Ident] {
        &self.carry.created
    }

    /// Makes the roles. What the new server did not want when it was tried is left out.
    pub async fn create(&mut self, _clearance: &Clearance) -> Result<()> {
        if !self.carry.actions.is_empty() {
            // Another run may have made some of them in the meantime.
            self.carry = self.in_transaction(true).await?.0;
            self.undo.clone_from(&self.carry.undo);
        }
        Ok(())
    }

    /// Does what holds for everybody on the new server. The databases are in their places by then: what cannot be done is told.
    pub async fn finish(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for action in self.carry.everybody.iter().filter(|action| !self.refused.contains(&action.statement)) {
            if let Err(error) = self.control.run(&action.statement).await {
                findings.push(left_out(action, &error));
            }
        }
        findings
    }

    /// Takes back the roles that this run has made, after an error. They stay where something depends on them by now, or
    /// where another run is under way, which may count on them: then what is said of them is returned.
    pub async fn remove(&self) -> Option<String> {
        if self.undo.is_empty() {
            return None;
        }
        let removed = async {
            self.control.rows(&Sql::constant(RELEASE)).await?;
            if !self.control.row(&Sql::constant(HOLD_ALONE)).await?.get::<bool>("alone")? {
                return Err(Error::refused("another run is under way"));
            }
            self.control.run(&join(&self.undo, ";\n")).await
        };
        let error = removed.await.err()?;
        tracing::warn!(%error, "cannot remove the roles that were made");
        Some(format!("The roles that this run has made stay there: {}.", names(&self.carry.created)))
    }

    /// Does everything that makes the roles, in one transaction, to keep it or to see what would come of it. Returns what
    /// had to be done, and what the new server refused and can be done without.
    async fn in_transaction(&self, keep: bool) -> Result<(Carry, Vec<(Action, Error)>)> {
        self.control.run(&Sql::constant("BEGIN")).await?;
        let done = self.attempt(keep).await;
        let end = if keep && done.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = self.control.run(&Sql::constant(end)).await;
        let done = done?;
        ended.map(|()| done)
    }

    async fn attempt(&self, keep: bool) -> Result<(Carry, Vec<(Action, Error)>)> {
        self.control.rows(&Sql::constant(ONE_AT_A_TIME)).await?;
        let new = catalog::read::globals(&self.control).await?;
        let carry = self.old.carry(&new, &self.wanted, self.which);
        let mut refused = Vec::new();
        let everybody = carry.everybody.iter().filter(|_| !keep);
        let actions: Vec<&Action> = carry.actions.iter().chain(everybody).collect();
        for alike in actions.chunk_by(|a, b| a.dispensable == b.dispensable) {
            if !alike.iter().any(|action| action.dispensable) {
                let script = join(alike.iter().map(|action| &action.statement), ";\n");
                let about = || alike.iter().map(|a| a.subject.as_str()).collect::<Vec<_>>().join(", ");
                self.control.run(&script).await.map_err(|error| error.about(about()))?;
                continue;
            }
            for action in alike {
                let script = [&Sql::constant("SAVEPOINT pgtandem"), &action.statement];
                let Err(error) = self.control.run(&join(script, ";\n")).await else { continue };
                if error.kind() != ErrorKind::Server {
                    return Err(error);
                }
                self.control.run(&Sql::constant("ROLLBACK TO SAVEPOINT pgtandem")).await?;
                refused.push(((*action).clone(), error));
            }
        }
        Ok((carry, refused))
    }
}

impl Tablespaces {
    /// Moves a database and all that is in it into one tablespace, where that is asked for, and says what lay elsewhere.
    pub(super) fn apply(self, database: &mut catalog::Database, toc: &mut Toc) -> Option<Finding> {
        if self == Self::Keep {
            return None;
        }
        let mut names = toc.into_one_tablespace();
        names.extend(database.tablespace.take().map(|name| name.as_str().to_owned()));
        (!names.is_empty()).then(|| Finding {
            severity: Severity::Note,
            subject: format!("tablespaces {}", names.into_iter().collect::<Vec<_>>().join(", ")),
            text: "what lies there goes into the default tablespace of the new server".to_owned(),
            remedy: None,
        })
    }
}

fn names(roles: &[Ident]) -> String {
    roles.iter().map(Ident::as_str).collect::<Vec<_>>().join(", ")
}

/// What the server says in an error, without the statement, which may hold a password.
fn said(error: &Error) -> String {
    match error.server() {
        Some(server) => {
            let detail = server.detail.iter().map(|detail| format!(" {detail}"));
            server.message.clone() + &detail.collect::<String>()
        }
        None => error.to_string(),
    }
}

fn left_out(action: &Action, error: &Error) -> Finding {
    Finding {
        severity: Severity::Warning,
        subject: action.subject.clone(),
        text: format!("left out, since the new server refuses it: {}", said(error)),
        remedy: Some(format!("The statement was: {}.", action.statement.shown())),
    }
}

/// Every run holds this for as long as it lives.
const HOLD: &str =
    "SELECT pg_catalog.pg_advisory_lock_shared(pg_catalog.hashtext('pgtandem'), pg_catalog.hashtext('roles'))";
const RELEASE: &str =
    "SELECT pg_catalog.pg_advisory_unlock_shared(pg_catalog.hashtext('pgtandem'), pg_catalog.hashtext('roles'))";
/// Holds it against all others, if there are none.
const HOLD_ALONE: &str = "\
SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtext('pgtandem'), pg_catalog.hashtext('roles')) AS alone";
/// Two runs may lack the same role.
const ONE_AT_A_TIME: &str = "\
SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('pgtandem'), pg_catalog.hashtext('making roles'))";
