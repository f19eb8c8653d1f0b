//! What stands at the end: the summary of a run, a plan, an error. Pure text; the caller writes it.

mod bench;
pub mod list;
mod plan;
mod summary;
mod verified;

pub use bench::{benched, format_name};
pub use plan::plan;
pub use summary::{dumped, restored, summary};
pub use verified::verified;

use super::style::Paint;
use super::text;
use crate::error::Error;
use crate::event::{Finding, Severity};
use crate::ops::Cleaned;

/// An error, and what to do about it: `error: ...`, then `hint: ...`.
pub fn error(error: &Error, paint: Paint) -> String {
    let mut out = format!("{} {}\n", paint.red("error:"), text::safe_lines(&error.to_string()));
    if let Some(hint) = error.hint() {
        out += &format!("{} {}\n", paint.cyan("hint:"), text::safe_lines(hint));
    }
    out
}

/// What a cleaning has done.
pub fn cleaned(cleaned: &Cleaned) -> String {
    let mut out: String =
        cleaned.databases.iter().map(|name| format!("Database {} is gone.\n", text::safe(name))).collect();
    if cleaned.settings {
        out += "The settings of the server are what they were before --tune-target.\n";
    }
    if out.is_empty() {
        out += match cleaned.findings.is_empty() {
            true => "No run has left anything on the server.\n",
            false => "Nothing was changed.\n",
        };
    }
    out
}

/// Findings, warnings first, otherwise in their order.
pub fn findings(findings: &[Finding], width: usize, paint: Paint) -> String {
    let of = |severity| findings.iter().filter(move |f| f.severity == severity);
    let all = of(Severity::Warning).chain(of(Severity::Note));
    all.flat_map(|f| super::progress::frame::finding(f, width, paint)).map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ErrorKind, ServerMessage};

    #[test]
    fn an_error_with_everything() {
        let server = ServerMessage {
            sqlstate: "42501".into(),
            message: "permission\x1b[2J denied\nerror: forged".into(),
            detail: Some("It is so.".into()),
            hint: Some("Ask.\x07".into()),
            context: None,
        };
        let failed = Error::new(ErrorKind::Server, "cannot read")
            .about("table a.b")
            .with_statement("SELECT\n\t1")
            .with_server(server);
        let expected = "\
error: cannot read: table a.b: permission\\x1b[2J denied
  error: forged (SQLSTATE 42501)
  detail: It is so.
  statement: SELECT
    1
hint: Ask.\\x07
";
        assert_eq!(error(&failed, Paint::PLAIN), expected);
    }

    #[test]
    fn a_list_of_refusals_keeps_its_lines() {
        let refused = Error::refused("cannot start; 2 things stand in the way:\n  - one\n  - two").with_hint("Do it.");
        assert_eq!(
            error(&refused, Paint::PLAIN),
            "error: cannot start; 2 things stand in the way:\n  - one\n  - two\nhint: Do it.\n"
        );
        assert!(error(&refused, Paint::COLOURED).starts_with("\x1b[1;31merror:\x1b[0m cannot start"));
    }
}
