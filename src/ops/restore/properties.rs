//! What an archive gives the database besides its objects, tried before anything is loaded: it is done last of all.

use super::Ready;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Finding, Severity};
use crate::sql;
use crate::sql::{Sql, join};

impl Ready {
    /// Tries the statements that give the database its properties, and leaves settings out that the server refuses.
    ///
    /// # Errors
    ///
    /// What the server says about anything else.
    pub(super) async fn rehearse(&mut self) -> Result<Vec<Finding>> {
        if self.properties.is_empty() {
            return Ok(Vec::new());
        }
        self.control.run(&Sql::constant("BEGIN")).await?;
        let tried = self.try_all().await;
        let ended = self.control.run(&Sql::constant("ROLLBACK; RESET SESSION AUTHORIZATION")).await;
        let (kept, findings) = tried?;
        ended?;
        self.properties = kept;
        Ok(findings)
    }

    async fn try_all(&self) -> Result<(Vec<Sql>, Vec<Finding>)> {
        let (mut kept, mut findings) = (Vec::new(), Vec::new());
        for statement in &self.properties {
            let script = join([&Sql::constant("SAVEPOINT pgtandem"), statement], ";\n");
            let Err(error) = self.control.run(&script).await else {
                kept.push(statement.clone());
                continue;
            };
            // undefined_object, invalid_name, invalid_parameter_value, feature_not_supported: of a setting.
            let of_setting = matches!(error.sqlstate(), Some("42704" | "42602" | "22023" | "0A000"))
                && statement.as_str().contains(" SET ");
            if error.kind() != ErrorKind::Server || !of_setting {
                return Err(error.about("properties of the database"));
            }
            self.control.run(&Sql::constant("ROLLBACK TO SAVEPOINT pgtandem")).await?;
            findings.push(left_out(statement, &error));
        }
        Ok((kept, findings))
    }
}

fn left_out(statement: &Sql, error: &Error) -> Finding {
    let said = error.server().map(|server| server.message.clone()).unwrap_or_default();
    Finding {
        severity: Severity::Warning,
        subject: "a setting of the database".to_owned(),
        text: format!("left out, since the server refuses it: {said}"),
        remedy: Some(format!("The statement was: {}.", sql!("{}", statement).shown())),
    }
}
