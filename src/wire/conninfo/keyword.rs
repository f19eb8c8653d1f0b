//! The keywords of a connection string, and the environment variable that stands for each.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// What becomes of a keyword's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Treatment {
    /// It is used.
    Used,
    /// It changes nothing here, whatever it is.
    Ignored,
    /// It asks for something that is not there, except with one of these values (or none), which ask for nothing.
    Only(&'static [&'static str]),
}

use Treatment::{Ignored, Only, Used};

/// A keyword, its environment variable (empty if there is none), and what becomes of it.
type Keyword = (&'static str, &'static str, Treatment);

/// All keywords of libpq 18 (documentation, "Parameter Key Words" and "Environment Variables").
#[rustfmt::skip]
const KEYWORDS: [Keyword; 50] = [
    ("service",                   "PGSERVICE",               Used),
    ("user",                      "PGUSER",                  Used),
    ("password",                  "PGPASSWORD",              Used),
    ("passfile",                  "PGPASSFILE",              Used),
    ("channel_binding",           "PGCHANNELBINDING",        Used),
    ("connect_timeout",           "PGCONNECT_TIMEOUT",       Used),
    ("dbname",                    "PGDATABASE",              Used),
    ("host",                      "PGHOST",                  Used),
    ("hostaddr",                  "PGHOSTADDR",              Used),
    ("port",                      "PGPORT",                  Used),
    ("options",                   "PGOPTIONS",               Used),
    ("application_name",          "PGAPPNAME",               Used),
    ("keepalives",                "",                        Used),
    ("keepalives_idle",           "",                        Used),
    ("keepalives_interval",       "",                        Used),
    ("keepalives_count",          "",                        Used),
    ("tcp_user_timeout",          "",                        Used),
    ("sslmode",                   "PGSSLMODE",               Used),
    ("sslnegotiation",            "PGSSLNEGOTIATION",        Used),
    ("sslcert",                   "PGSSLCERT",               Used),
    ("sslkey",                    "PGSSLKEY",                Used),
    ("sslcertmode",               "PGSSLCERTMODE",           Only(&["disable", "allow"])),
    ("sslrootcert",               "PGSSLROOTCERT",           Used),
    ("sslsni",                    "PGSSLSNI",                Used),
    ("ssl_min_protocol_version",  "PGSSLMINPROTOCOLVERSION", Only(&["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"])),
    ("ssl_max_protocol_version",  "PGSSLMAXPROTOCOLVERSION", Only(&["TLSv1.2", "TLSv1.3"])),
    ("target_session_attrs",      "PGTARGETSESSIONATTRS",    Used),
    // The encoding of a session is ours to choose, and so is the name that it bears if nobody gives one.
    ("client_encoding",           "",                        Ignored),
    ("fallback_application_name", "",                        Ignored),
    ("sslcompression",            "",                        Ignored),
    // Without GSSAPI its parameters have nothing to act on.
    ("krbsrvname",                "",                        Ignored),
    ("gsslib",                    "",                        Ignored),
    ("gssdelegation",             "",                        Ignored),
    ("max_protocol_version",      "",                        Ignored),
    // The hosts are tried in the order given.
    ("load_balance_hosts",        "PGLOADBALANCEHOSTS",      Only(&["disable", "random"])),
    ("gssencmode",                "PGGSSENCMODE",            Only(&["disable", "prefer"])),
    ("min_protocol_version",      "PGMINPROTOCOLVERSION",    Only(&["3.0"])),
    ("replication",               "",                        Only(&["false", "off", "no", "0"])),
    // These make a connection safer: to pass over them would be a lie.
    ("sslpassword",               "",                        Only(&[])),
    ("sslcrl",                    "PGSSLCRL",                Only(&[])),
    ("sslcrldir",                 "PGSSLCRLDIR",             Only(&[])),
    ("requirepeer",               "PGREQUIREPEER",           Only(&[])),
    ("require_auth",              "PGREQUIREAUTH",           Only(&[])),
    ("scram_client_key",          "",                        Only(&[])),
    ("scram_server_key",          "",                        Only(&[])),
    ("sslkeylogfile",             "",                        Only(&[])),
    ("oauth_issuer",              "",                        Only(&[])),
    ("oauth_client_id",           "",                        Only(&[])),
    ("oauth_client_secret",       "",                        Only(&[])),
    ("oauth_scope",               "",                        Only(&[])),
];

/// What has been said so far, by keyword. A layer that comes later only adds what is missing.
#[derive(Clone, Default)]
pub(super) struct Params(BTreeMap<&'static str, String>);

impl Params {
    /// Takes a value; within one layer the last one counts, as in libpq.
    ///
    /// # Errors
    /// * If there is no such keyword.
    pub(super) fn set(&mut self, keyword: &str, value: String) -> Result<()> {
        let known = KEYWORDS.iter().find(|(name, ..)| *name == keyword);
        let (name, ..) = known.ok_or_else(|| {
            Error::usage(format!("unknown keyword \"{}\" in a connection string", keyword.escape_debug()))
                .with_hint("The keywords are those of libpq (PostgreSQL documentation, \"Parameter Key Words\").")
        })?;
        self.0.insert(name, value);
        Ok(())
    }

    /// The value of a keyword; an empty one counts as none.
    pub(super) fn get(&self, keyword: &str) -> Option<&str> {
        self.0.get(keyword).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether a keyword was given, be it with an empty value.
    pub(super) fn has(&self, keyword: &str) -> bool {
        self.0.contains_key(keyword)
    }

    /// Adds what is missing here and said there.
    ///
    /// Host and address go together: an address from a lower layer must not redirect a host that was named.
    pub(super) fn fill(&mut self, lower: &Params) {
        let placed = self.has("host") || self.has("hostaddr");
        for (name, value) in &lower.0 {
            if !(placed && matches!(*name, "host" | "hostaddr")) {
                self.0.entry(name).or_insert_with(|| value.clone());
            }
        }
    }

    /// What the environment says.
    pub(super) fn of_environment(env: &dyn Fn(&str) -> Option<String>) -> Params {
        let named = KEYWORDS.iter().filter(|(_, variable, _)| !variable.is_empty());
        let set = named.filter_map(|(name, variable, _)| Some((*name, env(variable).filter(|v| !v.is_empty())?)));
        Params(set.collect())
    }

    /// Refuses what asks for something that is not there.
    ///
    /// # Errors
    /// * If a keyword has a value that cannot be honoured.
    pub(super) fn check(&self) -> Result<()> {
        for (name, variable, treatment) in KEYWORDS {
            let (Only(harmless), Some(value)) = (treatment, self.get(name)) else { continue };
            if harmless.iter().any(|known| known.eq_ignore_ascii_case(value)) {
                continue;
            }
            let allowed = match harmless {
                [] => "Leave it out".to_owned(),
                some => format!("Leave it out, or use one of: {}", some.join(", ")),
            };
            let unset = if variable.is_empty() { String::new() } else { format!(" (it may come from {variable})") };
            return Err(Error::usage(format!("the connection parameter {name} is not supported with this value"))
                .with_hint(format!("{allowed}{unset}.")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_keyword_twice() {
        for (i, (name, variable, _)) in KEYWORDS.iter().enumerate() {
            for (other, of_other, _) in KEYWORDS.iter().skip(i + 1) {
                assert_ne!(name, other);
                assert!(variable.is_empty() || variable != of_other, "{variable}");
            }
        }
    }

    #[test]
    fn what_cannot_be_honoured_is_refused_without_its_value() {
        let mut params = Params::default();
        params.set("gssencmode", "prefer".into()).unwrap();
        params.set("require_auth", String::new()).unwrap();
        params.check().unwrap();
        params.set("sslpassword", "geheim".into()).unwrap();
        let error = params.check().unwrap_err();
        assert!(error.to_string().contains("sslpassword") && !error.to_string().contains("geheim"), "{error}");
    }

    #[test]
    fn address_of_a_lower_layer_does_not_redirect() {
        let mut params = Params::default();
        params.set("host", "a".into()).unwrap();
        let mut lower = Params::default();
        lower.set("hostaddr", "10.0.0.1".into()).unwrap();
        lower.set("port", "1".into()).unwrap();
        params.fill(&lower);
        assert_eq!((params.get("hostaddr"), params.get("port")), (None, Some("1")));
    }
}
