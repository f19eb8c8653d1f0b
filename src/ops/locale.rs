//! The part of the preflight that is about locales and collations: what the new server's libraries have to know.

use std::collections::BTreeSet;

use crate::catalog::{Catalog, Collation, CollationSource, Object, UsedCollation};
use crate::error::Result;
use crate::event::{Finding, Severity};
use crate::sql;
use crate::sql::{Literal, Sql, join};
use crate::wire::session::Session;

use super::check::Preflight;

impl Preflight {
    /// The locales of the operating system that the database and its collations need. The server itself says whether it has it: setting
    /// `lc_monetary` checks the name (PostgreSQL, `src/backend/utils/adt/pg_locale.c`, `check_locale`) and writes nothing.
    pub(super) async fn locales(&mut self, locales: &BTreeSet<String>, new: &Session) -> Result<()> {
        for locale in locales {
            let tried = new.run(&sql!("BEGIN; SET LOCAL lc_monetary TO {}; ROLLBACK", Literal(locale))).await;
            let Err(error) = tried else { continue };
            new.run(&Sql::constant("ROLLBACK")).await?;
            if error.sqlstate() != Some("22023") {
                return Err(error);
            }
            let known = new.rows(&Sql::constant(KNOWN_LOCALES)).await?;
            let known: Vec<String> = known.iter().map(|row| row.get("name")).collect::<Result<_>>()?;
            self.obstacle(format!(
                "locale {locale} is missing in the operating system of the new server. Install it there, or use an image \
                 that has it. It has: {}.",
                known.join(", ")
            ));
        }
        Ok(())
    }

    /// The collations that the database uses, and those that it makes, as far as other providers than the operating system
    /// have to know them.
    pub(super) async fn collations(&mut self, catalog: &Catalog, new: &Session) -> Result<()> {
        let encoding = &catalog.database.encoding;
        self.used_collations(&catalog.aspects.used_collations, encoding, new).await?;
        let made = catalog.objects().iter().filter_map(|object| match object {
            Object::Collation(collation) if matches!(collation.source, CollationSource::Other { .. }) => {
                Some(collation)
            }
            _ => None,
        });
        let made: Vec<&Collation> = made.collect();
        if made.is_empty() {
            return Ok(());
        }
        // These providers refuse some encodings, and a trial has that of the database which the session is in.
        let here = Sql::constant("SELECT pg_catalog.getdatabaseencoding()::text AS encoding");
        if new.row(&here).await?.get::<String>("encoding")? != *encoding {
            return Ok(());
        }
        for collation in made {
            self.trial(&format!("collation {}", collation.name.label()), &collation.source.trial(), new).await?;
        }
        Ok(())
    }

    /// Collations of `pg_catalog` that objects refer to by name. The new database has those that initdb found.
    async fn used_collations(&mut self, used: &[UsedCollation], encoding: &str, new: &Session) -> Result<()> {
        let names = join(used.iter().map(|collation| Literal(&collation.name)), ", ");
        let here = sql!(
            "SELECT c.collname::text AS name FROM pg_catalog.pg_collation c \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace \
             WHERE n.nspname = 'pg_catalog' AND c.collencoding IN (-1, pg_catalog.pg_char_to_encoding({})) \
             AND c.collname = ANY (ARRAY[{}]::text[])",
            Literal(encoding),
            names
        );
        if used.is_empty() {
            return Ok(());
        }
        let here: BTreeSet<String> = new.rows(&here).await?.iter().map(|row| row.get("name")).collect::<Result<_>>()?;
        for missing in used.iter().filter(|collation| !here.contains(&collation.name)) {
            let others = match missing.uses {
                1 => String::new(),
                uses => format!(" (and {} more)", uses - 1),
            };
            self.obstacle(format!(
                "collation \"{}\", which {}{others} uses, is missing on the new server. Install its locale in the operating \
                 system there before initdb makes the cluster, or use an image that has it.",
                missing.name, missing.user
            ));
        }
        Ok(())
    }

    /// Makes a collation and takes it back. A server that checks the languages of ICU's locales is asked to insist; what it
    /// would only warn of is told.
    async fn trial(&mut self, subject: &str, trial: &Sql, new: &Session) -> Result<()> {
        let strict = match new.version().has_icu_validation() {
            true => sql!("SET LOCAL icu_validation_level TO error; {}", trial),
            false => trial.clone(),
        };
        let Some(objection) = take_back(&strict, new).await? else { return Ok(()) };
        if strict != *trial && take_back(trial, new).await?.is_none() {
            self.note([Finding {
                severity: Severity::Warning,
                subject: subject.to_owned(),
                text: format!("the new server does not know its locale: {objection}"),
                remedy: Some("Where ICU does not know a language it sorts as for no language at all.".to_owned()),
            }]);
            return Ok(());
        }
        self.obstacle(format!(
            "{subject} cannot be made on the new server: {objection}. Use an image that knows its locale."
        ));
        Ok(())
    }
}

/// Runs statements in a transaction that is rolled back. What the server has against them, if it is about a locale.
async fn take_back(statements: &Sql, new: &Session) -> Result<Option<String>> {
    let Err(error) = new.run(&sql!("BEGIN; {}; ROLLBACK", statements)).await else { return Ok(None) };
    new.run(&Sql::constant("ROLLBACK")).await?;
    match (error.sqlstate(), error.server()) {
        // Whoever may not make it there may still make it in the database to come.
        (Some("42501"), _) => Ok(None),
        // invalid_parameter_value, feature_not_supported, undefined_file.
        (Some("22023" | "0A000" | "58P01"), Some(said)) => Ok(Some(said.message.clone())),
        _ => Err(error),
    }
}

const KNOWN_LOCALES: &str = "\
SELECT DISTINCT name FROM (SELECT collcollate AS name FROM pg_catalog.pg_collation WHERE collprovider = 'c' \
  UNION ALL SELECT datcollate::text FROM pg_catalog.pg_database) AS l WHERE name <> '' ORDER BY name";
