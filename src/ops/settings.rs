//! Settings that functions and the database carry, and the new server does not take.

use super::check::Preflight;
use crate::catalog::{self, Catalog, Setting};
use crate::error::{Error, Result};
use crate::event::{Finding, Severity};
use crate::sql;
use crate::sql::Sql;
use crate::wire::session::Session;

impl Preflight {
    /// Leaves out the settings that the new server refuses. It is asked itself: which parameters there are, and which
    /// values they take, also depends on how it was built and what it has loaded.
    pub async fn settings(&mut self, catalog: &mut Catalog, new: &Session) -> Result<()> {
        for setting in catalog::settings(catalog) {
            let Some(error) = refusal(&setting, new).await? else { continue };
            let said = error.server().map(|server| server.message.clone()).unwrap_or_default();
            match error.sqlstate() {
                // undefined_object, invalid_name, invalid_parameter_value, feature_not_supported
                Some("42704" | "42602" | "22023" | "0A000") => {
                    self.note(catalog::leave_out(catalog, &setting).into_iter().map(|subject| Finding {
                        severity: Severity::Warning,
                        subject,
                        text: format!("its setting {} = {} is left out: {said}", setting.name, setting.value),
                        remedy: Some("Look for what took its place in the release notes.".to_owned()),
                    }));
                }
                // insufficient_privilege
                Some("42501") => self.obstacle(format!(
                    "setting {} cannot be given on the new server: {said}. Connect there as a superuser.",
                    setting.name
                )),
                _ => return Err(error),
            }
        }
        Ok(())
    }
}

/// What the new server says against a setting. `ALTER ROLE .. SET` looks at it as `ALTER DATABASE .. SET` and `CREATE FUNCTION
/// .. SET` do (PostgreSQL, `src/backend/utils/misc/guc.c`, `validate_option_array_item`), and is undone.
async fn refusal(setting: &Setting, new: &Session) -> Result<Option<Error>> {
    let tried = new.run(&sql!("BEGIN; ALTER ROLE CURRENT_USER SET {}", setting.assignment())).await;
    new.run(&Sql::constant("ROLLBACK")).await?;
    Ok(tried.err())
}
