//! Databases to move: the SQL files of `testdata/`, loaded with the stock `psql`.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use pgtandem_lab::Server;

/// The root of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file or folder of `testdata/`.
pub fn testdata(name: &str) -> PathBuf {
    root().join("testdata").join(name)
}

/// Gives a server the roles and the extension that the test databases use, once.
pub fn prepare_server(server: &Server) {
    static PREPARED: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);
    let mut prepared = PREPARED.lock().unwrap_or_else(PoisonError::into_inner);
    // By folder: a port may be that of an earlier server, gone by now.
    if prepared.get_or_insert_default().insert(server.data_dir()) {
        for roles in ["roles.sql", "catalog/roles.sql"] {
            server.psql_file("postgres", &testdata(roles)).unwrap();
        }
        install_extension(server, "tandem_settings", "1.0");
    }
}

/// Puts an extension of `testdata/extension/` where this server looks for extensions.
pub fn install_extension(server: &Server, name: &str, version: &str) {
    let share = server.psql("postgres", "SELECT setting FROM pg_config WHERE name = 'SHAREDIR'").unwrap();
    let folder = Path::new(share.trim_end()).join("extension");
    for file in [format!("{name}.control"), format!("{name}--{version}.sql")] {
        let text = fs::read_to_string(testdata("extension").join(&file)).unwrap().replace("@version@", version);
        let path = folder.join(&file);
        if fs::read_to_string(&path).ok().as_ref() == Some(&text) {
            continue;
        }
        // Other test processes may be looking: the file is there as a whole, or not at all.
        let draft = folder.join(format!("{file}.{}", std::process::id()));
        fs::write(&draft, text)
            .and_then(|()| fs::rename(&draft, &path))
            .unwrap_or_else(|error| panic!("cannot install the extension {name} in {}: {error}", folder.display()));
    }
}

/// Loads a file or all files of a folder, in the order of their names, as far as this major understands them.
pub fn load(server: &Server, database: &str, name: &str) {
    prepare_server(server);
    let path = testdata(name);
    let files = if path.is_dir() { case_files(&path) } else { vec![path] };
    assert!(!files.is_empty(), "nothing in testdata/{name}");
    for file in files {
        if since(&file) <= server.major() {
            server.psql_file(database, &file).unwrap();
        }
    }
}

/// A fresh database of this name with these files in it.
pub fn fill(server: &Server, database: &str, name: &str) {
    server.create_database(database).unwrap();
    load(server, database, name);
}

/// The SQL files of a folder, in the order of their names.
pub fn case_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    files
}

/// The first major that understands a file: from its name (`60_indexes.since_15.sql`) or its first line (`-- since: 15`).
pub fn since(file: &Path) -> u32 {
    let name = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if let Some((_, major)) = name.split_once(".since_") {
        return major.parse().unwrap_or_else(|_| panic!("{}: `since_` and a number", file.display()));
    }
    let text = fs::read_to_string(file).unwrap();
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("-- since:").map_or(0, |major| major.trim().parse().unwrap())
}

/// A database of this name with a shop of so many orders: narrow rows and wide ones, partitions, large indexes.
pub fn fill_shop(server: &Server, database: &str, orders: u32) {
    server.create_database(database).unwrap();
    let sql = fs::read_to_string(testdata("shop.sql")).unwrap();
    server.psql(database, &format!("\\set orders {orders}\n{sql}")).unwrap();
}

/// The databases whose names begin like this.
pub fn databases(server: &Server, prefix: &str) -> Vec<String> {
    let sql = format!("SELECT datname FROM pg_database WHERE starts_with(datname, '{prefix}') ORDER BY 1");
    server.psql("postgres", &sql).unwrap().lines().map(str::to_owned).collect()
}
