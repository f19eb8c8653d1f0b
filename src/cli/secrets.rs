//! Passwords in the command line: taken out of it, so that `ps` does not show them, and out of what is printed about it.
//!
//! Everybody on a machine can read the arguments of every process; only the same user and root can read its environment
//! (Linux, proc(5): `/proc/pid/cmdline`, `/proc/pid/environ`). A process cannot safely change its own arguments, but it can
//! start the same program once more in its own place: the process id stays, the arguments are new.

use std::ffi::{OsStr, OsString};

/// Set for the second start, to the process id: nothing is tried twice.
const MARK: &str = "PGTANDEM_ARGUMENTS_HIDDEN";

/// The options that take a connection string, and the variables that can take their place.
const OPTIONS: [(&str, &str); 2] = [("--from", "PGTANDEM_FROM"), ("--to", "PGTANDEM_TO")];

/// Arguments without the connection strings that hold passwords, and the variables that hold those instead.
#[derive(Debug, PartialEq, Eq)]
struct Moved {
    arguments: Vec<OsString>,
    variables: Vec<(&'static str, OsString)>,
}

/// What became of passwords in the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// There were none.
    Nothing,
    /// They were there for a moment.
    Moved,
    /// They are still there.
    Visible,
}

/// Starts the program anew in the place of this process if its arguments hold a password; returns if there is none (any
/// more). To be called before there is a second thread.
pub fn hide() -> Hidden {
    let own = std::process::id().to_string();
    let again = std::env::var_os(MARK).is_some_and(|mark| mark == OsStr::new(&own));
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let Some(moved) = without_passwords(&arguments) else {
        return if again { Hidden::Moved } else { Hidden::Nothing };
    };
    if !again {
        start_anew(&arguments, &moved, &own);
    }
    Hidden::Visible
}

/// Returns only if that cannot be done.
#[cfg(unix)]
fn start_anew(arguments: &[OsString], moved: &Moved, own: &str) {
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    let (Ok(program), Some(name)) = (std::env::current_exe(), arguments.first()) else { return };
    let mut command = Command::new(program);
    command.arg0(name).args(&moved.arguments).envs(moved.variables.iter().map(|(k, v)| (k, v))).env(MARK, own);
    let error = command.exec();
    tracing::debug!(%error, "cannot start anew without the password in the arguments");
}

#[cfg(not(unix))]
fn start_anew(_arguments: &[OsString], _moved: &Moved, _own: &str) {}

/// The arguments (the program's name left out) without connection strings that hold a password; `None` if there are none,
/// or if the arguments are wrong in a way that is to be reported first.
fn without_passwords(arguments: &[OsString]) -> Option<Moved> {
    let mut moved = Moved { arguments: Vec::new(), variables: Vec::new() };
    let mut rest = arguments.iter().skip(1);
    while let Some(argument) = rest.next() {
        if argument == "--" {
            moved.arguments.push(argument.clone());
            moved.arguments.extend(rest.cloned());
            break;
        }
        match connection_string(argument, &mut rest) {
            Some((variable, value)) if value.to_str().is_none_or(holds_password) => {
                if moved.variables.iter().any(|(known, _)| *known == variable) {
                    return None;
                }
                moved.variables.push((variable, value));
            }
            Some((variable, value)) => {
                let option = OPTIONS.iter().find(|(_, v)| *v == variable).map_or("", |(option, _)| option);
                moved.arguments.extend([OsString::from(option), value]);
            }
            None => moved.arguments.push(argument.clone()),
        }
    }
    // One given twice, once with a password and once without, is for the parser to refuse.
    let twice = moved.variables.iter().any(|(variable, _)| {
        OPTIONS.iter().any(|(option, v)| v == variable && moved.arguments.iter().any(|a| a == option))
    });
    (!moved.variables.is_empty() && !twice).then_some(moved)
}

/// The connection string that an argument gives, or the one after it.
fn connection_string<'a>(
    argument: &OsStr,
    rest: &mut impl Iterator<Item = &'a OsString>,
) -> Option<(&'static str, OsString)> {
    for (option, variable) in OPTIONS {
        if argument == option {
            return rest.next().map(|value| (variable, value.clone()));
        }
        if let Some(value) = argument.to_str().and_then(|a| a.strip_prefix(option)?.strip_prefix('=')) {
            return Some((variable, value.into()));
        }
    }
    None
}

/// Whether a connection string may hold a password. Rather says yes too often than once too rarely.
fn holds_password(text: &str) -> bool {
    let plain: String = percent_decoded(text).to_lowercase().split_whitespace().collect();
    let in_user_part =
        text.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@')).is_some_and(|(user, _)| user.contains(':'));
    in_user_part || plain.contains("password=")
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let Some((first, rest)) = bytes.split_first() {
        let code = rest
            .get(..2)
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (first, code) {
            (b'%', Some(code)) => {
                out.push(code);
                bytes = rest.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(*first);
                bytes = rest;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A message about the arguments, with every argument that may hold a password replaced by `***`.
pub fn scrubbed(message: &str, arguments: impl Iterator<Item = OsString>) -> String {
    let mut out = message.to_owned();
    for argument in arguments.skip(1) {
        let argument = argument.to_string_lossy();
        if !holds_password(&argument) {
            continue;
        }
        // A parser may show the whole argument, or what stands after the equals sign.
        out = out.replace(&*argument, "***");
        if let Some((_, value)) = argument.split_once('=') {
            out = out.replace(value, "***");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn os(arguments: &[&str]) -> Vec<OsString> {
        arguments.iter().map(OsString::from).collect()
    }

    #[test]
    fn finds_passwords() {
        for text in [
            "postgres://u:p@h/d",
            "postgresql://u:p@ss@h",
            "postgres://h/d?user=u&password=p",
            "postgres://h/d?%70assword=p",
            "host=h PassWord = p",
            "sslpassword=p",
            "postgres://:p@h",
        ] {
            assert!(holds_password(text), "{text}");
        }
        for text in
            ["postgres://u@h:5432/d", "host=h user=u", "shop", "postgres://[::1]:5432/d", "passfile=/password", "%"]
        {
            assert!(!holds_password(text), "{text}");
        }
    }

    #[test]
    fn moves_only_what_holds_a_password() {
        let moved = without_passwords(&os(&[
            "pgtandem",
            "upgrade",
            "--from=postgres://u:p@h/d",
            "--to",
            "postgres://u@n/d",
            "-v",
        ]));
        let moved = moved.unwrap();
        assert_eq!(moved.arguments, os(&["upgrade", "--to", "postgres://u@n/d", "-v"]));
        assert_eq!(moved.variables, [("PGTANDEM_FROM", "postgres://u:p@h/d".into())]);
        assert_eq!(without_passwords(&os(&["pgtandem", "upgrade", "--from", "postgres://u@h/d"])), None);
        assert_eq!(without_passwords(&os(&["pgtandem", "upgrade", "--from"])), None);
        for twice in [["--from=h", "--from=postgres://u:p@h"], ["--from=postgres://u:p@h", "--from=password=q"]] {
            assert_eq!(without_passwords(&os(&[&["pgtandem", "upgrade"], &twice[..]].concat())), None);
        }
    }

    #[test]
    fn messages_show_no_password() {
        let message = "unexpected argument 'postgres://u:p@h' found, and 'postgres://u:q@h'";
        let arguments = os(&["pgtandem", "postgres://u:p@h", "--form=postgres://u:q@h"]);
        assert_eq!(scrubbed(message, arguments.into_iter()), "unexpected argument '***' found, and '***'");
    }
}
