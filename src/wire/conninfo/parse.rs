//! The three ways to write a connection string: a URI, keywords with values, or the bare name of a database.
//!
//! No error in here repeats the text: it may hold a password.

use super::keyword::Params;
use crate::error::{Error, Result};

/// Reads a connection string in whichever form it is (documentation, "Connection Strings").
pub(super) fn parse(text: &str) -> Result<Params> {
    match text.strip_prefix("postgresql://").or_else(|| text.strip_prefix("postgres://")) {
        Some(rest) => uri(rest),
        None if text.contains('=') => keywords(text),
        None if text.contains("://") => {
            Err(Error::usage("a connection URI must begin with postgres:// or postgresql://"))
        }
        None => {
            let mut params = Params::default();
            params.set("dbname", text.to_owned())?;
            Ok(params)
        }
    }
}

/// `user:password@host:port,host:port/database?keyword=value&keyword=value`, everything optional.
fn uri(text: &str) -> Result<Params> {
    let mut params = Params::default();
    let (before, query) = text.split_once('?').unwrap_or((text, ""));
    // As libpq does it, an `@` or `/` within the password must be percent-encoded.
    let (authority, database) = before.split_once('/').unwrap_or((before, ""));
    let hosts = match authority.split_once('@') {
        Some((login, hosts)) => {
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            set_decoded(&mut params, "user", user)?;
            set_decoded(&mut params, "password", password)?;
            hosts
        }
        None => authority,
    };
    if hosts.contains('@') || database.contains('@') {
        return Err(misread("there is an \"@\" too many in the connection URI"));
    }
    set_hosts(&mut params, hosts)?;
    set_decoded(&mut params, "dbname", database)?;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (keyword, value) =
            pair.split_once('=').ok_or_else(|| misread("a query parameter of the connection URI has no \"=\""))?;
        let (keyword, value) = (decode(keyword)?, decode(value)?);
        // JDBC's way of asking for encryption, which libpq takes too.
        match (keyword.as_str(), value.as_str()) {
            ("ssl", "true") => params.set("sslmode", "require".into())?,
            _ => params.set(&keyword, value)?,
        }
    }
    Ok(params)
}

/// Sets hosts and ports from the list in the middle of a URI.
fn set_hosts(params: &mut Params, list: &str) -> Result<()> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for item in list.split(',') {
        let (host, port) = match item.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest
                    .split_once(']')
                    .ok_or_else(|| misread("an IPv6 address in the connection URI lacks its \"]\""))?;
                let port = match rest.strip_prefix(':') {
                    Some(port) => port,
                    None if rest.is_empty() => "",
                    None => {
                        return Err(misread(
                            "an IPv6 address in the connection URI is followed by something else than a port",
                        ));
                    }
                };
                (address, port)
            }
            None => item.split_once(':').unwrap_or((item, "")),
        };
        hosts.push(decode(host)?);
        ports.push(decode(port)?);
    }
    if hosts.iter().any(|host| !host.is_empty()) {
        params.set("host", hosts.join(","))?;
    }
    if ports.iter().any(|port| !port.is_empty()) {
        params.set("port", ports.join(","))?;
    }
    Ok(())
}

fn set_decoded(params: &mut Params, keyword: &str, text: &str) -> Result<()> {
    if text.is_empty() { Ok(()) } else { params.set(keyword, decode(text)?) }
}

fn misread(what: &'static str) -> Error {
    Error::usage(what).with_hint(
        "Write the characters @ : / ? # % and blanks in a user name or password percent-encoded (%40 for @).",
    )
}

/// Resolves `%xx`.
fn decode(text: &str) -> Result<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16));
        match (digit(bytes.next()), digit(bytes.next())) {
            (Some(high), Some(low)) if (high, low) != (0, 0) => out.push((high * 16 + low) as u8),
            _ => {
                return Err(misread(
                    "a \"%\" in the connection URI is not followed by two hexadecimal digits other than 00",
                ));
            }
        }
    }
    String::from_utf8(out).map_err(|_| misread("a percent-encoded part of the connection URI is not UTF-8"))
}

/// `keyword = value` with blanks between; quotes and backslashes as libpq has them.
fn keywords(text: &str) -> Result<Params> {
    let mut params = Params::default();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (keyword, after) = rest.split_once('=').ok_or_else(no_equals)?;
        let keyword = keyword.trim_end();
        if keyword.is_empty() || keyword.contains(char::is_whitespace) {
            return Err(no_equals());
        }
        let (value, after) = value(after.trim_start())?;
        params.set(keyword, value)?;
        rest = after.trim_start();
    }
    Ok(params)
}

fn no_equals() -> Error {
    Error::usage("the connection string is not a list of keyword=value")
        .with_hint("A value with blanks goes between single quotes; within it write \\' and \\\\.")
}

/// Reads one value, and gives what comes after it.
fn value(text: &str) -> Result<(String, &str)> {
    let (quoted, text) = match text.strip_prefix('\'') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' if quoted => return Ok((out, text.get(at + 1..).unwrap_or_default())),
            c if !quoted && c.is_whitespace() => return Ok((out, text.get(at..).unwrap_or_default())),
            '\\' => out.extend(chars.next().map(|(_, escaped)| escaped)),
            c => out.push(c),
        }
    }
    if quoted {
        return Err(Error::usage("a quoted value in the connection string lacks its closing quote"));
    }
    Ok((out, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, keywords: &[&str]) -> Vec<Option<String>> {
        let params = parse(text).unwrap();
        keywords.iter().map(|keyword| params.get(keyword).map(str::to_owned)).collect()
    }

    #[test]
    fn uris() {
        let cases: [(&str, [&str; 5]); 14] = [
            ("postgres://", ["", "", "", "", ""]),
            ("postgresql:///shop", ["", "", "", "", "shop"]),
            ("postgres://db", ["", "", "db", "", ""]),
            ("postgres://ann@db/shop", ["ann", "", "db", "", "shop"]),
            ("postgres://ann:pw@db:5433/shop", ["ann", "pw", "db", "5433", "shop"]),
            ("postgres://a%40b:p%3A%2Fw%25@db/s%20p", ["a@b", "p:/w%", "db", "", "s p"]),
            ("postgres://ann:p:w@db", ["ann", "p:w", "db", "", ""]),
            ("postgres://:pw@/", ["", "pw", "", "", ""]),
            ("postgres://[::1]:5433/shop", ["", "", "::1", "5433", "shop"]),
            ("postgres://[fe80::1]", ["", "", "fe80::1", "", ""]),
            ("postgres://a:1,b,[::1]:3/x", ["", "", "a,b,::1", "1,,3", "x"]),
            ("postgres://%2Fvar%2Frun/shop", ["", "", "/var/run", "", "shop"]),
            ("postgres:///shop?host=/tmp&port=1&user=u", ["u", "", "/tmp", "1", "shop"]),
            ("postgres://db?user=u&dbname=d", ["u", "", "db", "", "d"]),
        ];
        for (text, expected) in cases {
            let got = read(text, &["user", "password", "host", "port", "dbname"]);
            let got: Vec<_> = got.into_iter().map(Option::unwrap_or_default).collect();
            assert_eq!(got, expected, "{text}");
        }
        assert_eq!(read("postgres://db?ssl=true", &["sslmode"]), [Some("require".into())]);
    }

    #[test]
    fn keyword_strings() {
        let cases: [(&str, [&str; 3]); 8] = [
            ("host=a port=1 dbname=x", ["a", "1", "x"]),
            ("  host = a\n port= '1'dbname=x ", ["a", "1", "x"]),
            (r"host='it\'s' dbname='a b\\c'", ["it's", "", r"a b\c"]),
            (r"dbname=a\ b host=x\'", ["x'", "", "a b"]),
            ("host='' port=", ["", "", ""]),
            ("host=a host=b", ["b", "", ""]),
            ("host=a,b port=1,2", ["a,b", "1,2", ""]),
            ("dbname=ä", ["", "", "ä"]),
        ];
        for (text, expected) in cases {
            let got = read(text, &["host", "port", "dbname"]);
            let got: Vec<_> = got.into_iter().map(Option::unwrap_or_default).collect();
            assert_eq!(got, expected, "{text}");
        }
    }

    #[test]
    fn bare_name() {
        assert_eq!(read("shop", &["dbname"]), [Some("shop".into())]);
    }

    #[test]
    fn errors_never_show_the_text() {
        for text in [
            "postgres://ann:ge@heim@db/x",
            "postgres://ann:geheim/@db/x",
            "postgres://ann:geheim@[::1/x",
            "postgres://ann:geheim@[::1]x/x",
            "postgres://ann:geheim%@db",
            "postgres://ann:geheim%00@db",
            "postgres://ann:geheim%ff@db",
            "postgres://ann:geheim@db?application_name",
            "mysql://ann:geheim@db",
            "host=db password='geheim",
            "host=db geheim password=x",
            "password=geheim x",
        ] {
            let error = parse(text).err().unwrap_or_else(|| panic!("{text} was taken"));
            let all = format!("{error} {error:?} {:?}", error.hint());
            assert!(!all.contains("heim"), "{all}");
        }
    }
}
