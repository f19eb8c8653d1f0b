//! Logging in to real servers.

#![cfg(test)]

mod certificate;
mod login;
mod session;
mod tls;

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use pgtandem::error::{Error, Result};
use pgtandem::wire::conninfo::ConnInfo;
use pgtandem::wire::session::{NoticeSink, Session, Side};
use tokio::sync::mpsc;

/// An environment in which nothing of the machine counts.
fn resolve(text: &str, env: &[(&str, &str)]) -> Result<ConnInfo> {
    let env: HashMap<&str, &str> = [("HOME", "/nowhere")].into_iter().chain(env.iter().copied()).collect();
    ConnInfo::resolve(Side::Old, Some(text), &|name| env.get(name).map(|value| (*value).to_owned()))
}

/// Nobody listens.
fn silent() -> NoticeSink {
    mpsc::channel(1).0
}

async fn connect(text: &str) -> Result<Session> {
    Session::connect(&resolve(text, &[])?, Side::Old, "test", silent()).await
}

async fn connect_in(text: &str, env: &[(&str, &str)]) -> Result<Session> {
    Session::connect(&resolve(text, env)?, Side::Old, "test", silent()).await
}

/// The error of a login that must fail.
async fn refused(text: &str) -> Error {
    match connect(text).await {
        Ok(session) => panic!("{text} was let in: {session:?}"),
        Err(error) => error,
    }
}

/// Everything that a user sees of an error.
fn shown(error: &Error) -> String {
    format!("{error}\n  hint: {}", error.hint().unwrap_or_default())
}

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("pgtandem-connect-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path)?;
        Ok(Self(path))
    }

    /// The path of a file within.
    fn path(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
