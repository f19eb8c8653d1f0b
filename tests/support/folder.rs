//! A place for files.

use std::path::{Path, PathBuf};

/// A folder of one test alone, which goes with it.
pub struct Folder(PathBuf);

impl Folder {
    /// A new one; no two tests give the same name.
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pgtandem-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
