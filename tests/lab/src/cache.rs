//! Where provisioned things are kept, and how each is made once.

use std::env;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::error::{Context, Error, Result};
use crate::user;

/// The folder with everything the lab provisions.
///
/// That is `$PGTANDEM_LAB_DIR`, else `lab` in cargo's target folder. Where we are root and the server's
/// unprivileged user cannot enter that folder, it is one beneath `/var/tmp`.
pub fn cache_dir() -> PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(choose).clone()
}

/// The root of the workspace this crate was built in.
pub(crate) fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

fn choose() -> PathBuf {
    let wanted = wanted();
    if user::can_enter(&wanted) {
        return wanted;
    }
    let uid = user::own_uid().unwrap_or_default();
    PathBuf::from(format!("/var/tmp/pgtandem-lab-{uid}"))
}

fn wanted() -> PathBuf {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    // Cargo runs tests in their package's folder, so a relative path is taken from the workspace.
    if let Some(directory) = set("PGTANDEM_LAB_DIR") {
        return workspace().join(directory);
    }
    let target = set("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    workspace().join(target).join("lab")
}

/// Makes `name` in the cache with `make`, unless it is there already, and returns its path.
///
/// `make` fills an empty folder, which gets its name only when whole: a provisioning that was killed leaves nothing
/// that the next one takes for complete. Processes that want the same thing wait for the first.
pub(crate) fn once(name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let finished = directory()?.join(name);
    if finished.exists() {
        return Ok(finished);
    }
    let _held = lock(name)?;
    if finished.exists() {
        return Ok(finished);
    }
    let partial = finished.with_file_name(format!("{name}.partial"));
    remove(&partial)?;
    create(&partial)?;
    make(&partial)?;
    fs::rename(&partial, &finished).context(|| format!("move {} into place", finished.display()))?;
    Ok(finished)
}

/// Waits for the lock of this name; it is held until the file is dropped.
pub(crate) fn lock(name: &str) -> Result<File> {
    let path = directory()?.join(format!("{name}.lock"));
    let file = File::create(&path).context(|| format!("create {}", path.display()))?;
    file.lock().context(|| format!("lock {}", path.display()))?;
    Ok(file)
}

/// The cache folder, made when missing.
pub(crate) fn directory() -> Result<PathBuf> {
    let path = cache_dir();
    if !path.exists() {
        create(&path)?;
    }
    // A folder in /var/tmp has a name anyone could have taken first, and what is in it gets run as us.
    let owner = fs::metadata(&path).context(|| format!("look at {}", path.display()))?.uid();
    if user::own_uid().is_some_and(|uid| uid != owner) {
        return Err(Error::Unsupported(format!(
            "{} belongs to user {owner}: set PGTANDEM_LAB_DIR to another folder",
            path.display()
        )));
    }
    Ok(path)
}

/// Creates a folder, and those above it, that the server's user can enter whatever the umask is.
pub(crate) fn create(path: &Path) -> Result<()> {
    fs::create_dir_all(path).context(|| format!("create {}", path.display()))?;
    fs::set_permissions(path, Permissions::from_mode(0o755)).context(|| format!("set the mode of {}", path.display()))
}

/// Removes a folder with all in it, if it is there.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).context(|| format!("remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
