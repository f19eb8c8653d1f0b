//! Roles that an archive names and the server lacks.

use std::collections::BTreeMap;

use super::MissingRoles;
use crate::error::Result;
use crate::event::{Finding, Severity};
use crate::ops::check::Preflight;
use crate::sql;
use crate::sql::{Ident, Sql, join};
use crate::wire::session::Session;

/// The roles that are to be made, and those that were.
#[derive(Debug, Default)]
pub(super) struct Roles {
    missing: Vec<Ident>,
    made: bool,
}

impl Roles {
    /// Looks for roles that are not there. `named` has each of them with something that names it.
    pub async fn check(
        named: &BTreeMap<String, String>,
        which: MissingRoles,
        control: &Session,
        preflight: &mut Preflight,
    ) -> Result<Self> {
        let query = Sql::constant("SELECT rolname::text AS name FROM pg_catalog.pg_roles");
        let there: Vec<String> =
            control.rows(&query).await?.iter().map(|row| row.get("name")).collect::<Result<_>>()?;
        let mut missing = Vec::new();
        for (name, example) in named.iter().filter(|(name, _)| !there.contains(name)) {
            if which == MissingRoles::Create && !name.starts_with("pg_") {
                missing.push(Ident::new(name.as_str()));
                continue;
            }
            preflight.obstacle(format!(
                "role {name} is missing on the server; {example} names it. CREATE ROLE {} there, or say --roles create, which \
                 makes it without a login, or --no-owner --no-privileges.",
                Ident::new(name.as_str())
            ));
        }
        preflight.note(missing.iter().map(|role| Finding {
            severity: Severity::Note,
            subject: format!("role {}", role.as_str()),
            text: "is made without a login and without any right: an archive has nothing but its name".to_owned(),
            remedy: Some("ALTER ROLE .. LOGIN, and what else it needs.".to_owned()),
        }));
        Ok(Self { missing, made: false })
    }

    /// Those that are to be made.
    pub fn missing(&self) -> &[Ident] {
        &self.missing
    }

    /// Makes them, in one transaction.
    pub async fn create(&mut self, control: &Session) -> Result<()> {
        if !self.missing.is_empty() {
            control.run(&join(self.missing.iter().map(|role| sql!("CREATE ROLE {} NOLOGIN", role)), ";\n")).await?;
            self.made = true;
        }
        Ok(())
    }

    /// Takes them back. Where that cannot be done, what to say about it is returned.
    pub async fn remove(&self, control: &Session) -> Option<String> {
        if !self.made {
            return None;
        }
        let drop = join(self.missing.iter().map(|role| sql!("DROP ROLE {}", role)), ";\n");
        let error = control.run(&drop).await.err()?;
        tracing::warn!(%error, "cannot remove the roles that were made");
        let names: Vec<&str> = self.missing.iter().map(Ident::as_str).collect();
        Some(format!("The roles that this run has made stay there: {}.", names.join(", ")))
    }
}
