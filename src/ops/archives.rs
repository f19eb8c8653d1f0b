//! The archives that an upgrade writes on its way: one of each database.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ArchiveFile;
use super::archiving::{Archivable, Destination, Options};
use super::check::Preflight;
use super::prepare::{Prepared, Ready};
use super::report::Phases;
use super::upgrade::Archiving;
use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::event::{Finding, Severity};
use crate::plan::select::Selected;
use crate::transfer::{Archivist, Tee};

/// Archives that have been begun.
#[derive(Default)]
pub(super) struct Archives {
    /// In the order of the databases.
    begun: Vec<Archivist>,
    optional: bool,
}

/// An archive that a database is to have, and what goes into it.
pub(super) struct Wanted {
    path: PathBuf,
    to: Options,
    pub database: Archivable,
}

impl Archiving {
    /// What of this database, of which everything has been read, goes where: of several, each has a file of its own in a
    /// folder.
    ///
    /// # Errors
    ///
    /// As for [`Archivable::of`].
    pub(super) fn of(
        &self,
        catalog: &Catalog,
        selected: &Selected,
        several: bool,
        preflight: &mut Preflight,
    ) -> Result<Wanted> {
        let (path, overwrite) = self.file()?;
        let path = if several { path.join(file_name(&catalog.database.name)) } else { path.to_owned() };
        let to = Options { to: Destination::File { path: path.clone(), overwrite }, ..self.to.clone() };
        let database = Archivable::of(catalog, selected, &to, preflight)?;
        Ok(Wanted { path, to, database })
    }

    /// Looks whether there can be such an archive.
    ///
    /// # Errors
    ///
    /// `Usage` if it is to go to standard output, or if its readers cannot read how it is to be compressed.
    pub(super) fn check(&self) -> Result<()> {
        self.to.checked()?;
        self.file().map(|_| ())
    }

    fn file(&self) -> Result<(&Path, bool)> {
        match &self.to.to {
            Destination::File { path, overwrite } => Ok((path, *overwrite)),
            Destination::Stdout => Err(Error::usage("an upgrade cannot write its archive to standard output")
                .with_hint("Name a file: its blocks come in any order, and it is put in order at the end.")),
        }
    }
}

/// The name of a database's file. What a name of a file may not have, or what other programs may stumble over, is written as
/// its bytes are in URLs.
fn file_name(database: &str) -> PathBuf {
    let mut name = String::new();
    for byte in database.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => name.push(byte.into()),
            other => name.push_str(&format!("%{other:02X}")),
        }
    }
    PathBuf::from(name + ".pgdump")
}

impl Archives {
    /// Begins those that are wanted.
    ///
    /// # Errors
    ///
    /// As for [`Archivable::begin`].
    pub async fn begin(ready: &mut Ready, optional: bool) -> Result<Self> {
        let mut archives = Self { begun: Vec::new(), optional };
        for wanted in ready.databases.iter_mut().filter_map(|database| database.archive.as_mut()) {
            match wanted.database.begin(&wanted.to) {
                Ok(archivist) => archives.begun.push(archivist),
                Err(error) => {
                    archives.discard().await;
                    return Err(error);
                }
            }
        }
        Ok(archives)
    }

    /// What lanes hand to the archive of a database, by its place.
    ///
    /// # Errors
    ///
    /// As for [`Tee::new`].
    pub fn tee(&self, place: usize, database: &Prepared) -> Result<Option<Arc<Tee>>> {
        let (Some(archivist), Some(wanted)) = (self.begun.get(place), &database.archive) else { return Ok(None) };
        let desk = if self.optional { archivist.desk().spared() } else { archivist.desk() };
        Ok(Some(Arc::new(Tee::new(desk, &database.toc, &wanted.database.toc)?)))
    }

    /// Makes them whole. Of one that has failed, and that the run can do without, it is told; its place holds nothing.
    ///
    /// # Errors
    ///
    /// Why one cannot be written that is needed.
    pub async fn finish(self, ready: &Ready, phases: &mut Phases<'_>) -> Result<Vec<Option<ArchiveFile>>> {
        let mut done = Vec::new();
        let mut begun = self.begun.into_iter();
        for database in &ready.databases {
            let (Some(archivist), Some(wanted)) = (begun.next(), &database.archive) else { break };
            let manifest = wanted.database.manifest(&database.snapshot, phases.found_so_far().iter()).await;
            let written = match manifest {
                Ok(manifest) => archivist.finish(manifest).await,
                Err(error) => {
                    archivist.discard().await;
                    Err(error)
                }
            };
            match written {
                Ok(written) => done.push(Some(ArchiveFile {
                    path: wanted.path.clone(),
                    bytes: written.bytes,
                    codec: wanted.to.codec.to_string(),
                })),
                Err(error) if self.optional => {
                    phases.found(vec![lost(&wanted.path, &error)]);
                    done.push(None);
                }
                Err(error) => {
                    discard(begun).await;
                    return Err(error);
                }
            }
        }
        Ok(done)
    }

    /// Gives them up.
    pub async fn discard(self) {
        discard(self.begun.into_iter()).await;
    }
}

async fn discard(archives: impl Iterator<Item = Archivist>) {
    for archivist in archives {
        archivist.discard().await;
    }
}

fn lost(path: &Path, error: &Error) -> Finding {
    Finding {
        severity: Severity::Warning,
        subject: format!("archive {}", path.display()),
        text: format!("it could NOT be written, and nothing of it is left: {error}"),
        remedy: Some("Take one of the new database: pgtandem dump. The old server has the same rows.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_of_a_database_makes_a_file() {
        for (database, file) in [("shop", "shop.pgdump"), ("../a b", "%2E%2E%2Fa%20b.pgdump"), ("ü", "%C3%BC.pgdump")]
        {
            assert_eq!(file_name(database), PathBuf::from(file));
        }
    }
}
