//! Everything that is read and thought before the first byte is written.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroUsize;
use std::sync::Arc;

use super::known::known;
use super::roles::Roles;
use super::{Restore, stream};
use crate::archive::entries::{self, Contents, Without};
use crate::archive::header::Header;
use crate::archive::manifest::Manifest;
use crate::archive::toc::Record;
use crate::catalog::{self, Provider};
use crate::error::Result;
use crate::event::{Finding, Phase, Severity};
use crate::ops::Tablespaces;
use crate::ops::check::{Clearance, Preflight};
use crate::ops::means;
use crate::ops::report::Phases;
use crate::ops::staging::{self, Staging};
use crate::ops::standing::Standing;
use crate::ops::tuning;
use crate::plan::means::Means;
use crate::plan::split;
use crate::sql;
use crate::sql::{Ident, Literal, Sql, join};
use crate::toc::{Data, Kind, Toc};
use crate::transfer::{Blocks, Packed};
use crate::wire::conninfo::ConnInfo;
use crate::wire::session::{NoticeSink, Session};
use crate::wire::version::{NEWEST_KNOWN, OLDEST_TARGET, ServerVersion};

/// An archive of which everything is known, and nothing written.
pub(super) struct Ready {
    /// A session on the server, outside of what is made.
    pub control: Arc<Session>,
    pub to: ConnInfo,
    pub staging: Staging,
    /// What the database is added to, where it is not made.
    pub standing: Option<Standing>,
    pub clearance: Clearance,
    pub roles: Roles,
    /// The database, as it is made; its properties come as statements.
    pub database: catalog::Database,
    pub properties: Vec<Sql>,
    pub toc: Arc<Toc>,
    pub packed: Arc<Packed>,
    pub manifest: Option<Manifest>,
    /// The search path that the old database gives to its users: what follows SET.
    pub path: Sql,
    /// What every session sets first.
    pub first: Sql,
    /// What the run works with.
    pub means: Means,
    /// The version of the server that the archive is from.
    pub archive_version: ServerVersion,
}

/// The path that a database gives to its users if nobody says otherwise.
const USUAL_PATH: &str = "search_path TO \"$user\", public";

impl Restore {
    /// Opens the archive, connects, and looks for all that stands in the way.
    pub(super) async fn prepare(&self, phases: &mut Phases<'_>, notices: &NoticeSink) -> Result<Ready> {
        phases.begin(Phase::Catalog, None);
        let (archive, manifest) = match self.salvage {
            true => self.archive.salvaged().await?,
            false => self.archive.blocks().await?,
        };
        let archive_version = version_of(archive.header());
        let mut preflight = Preflight::default();

        phases.begin(Phase::Connect, None);
        let control = staging::connect_control(&self.to, &[self.to.database()], notices).await?;
        let to = staging::unbothered(&self.to, &control).await?;
        let staging = Staging::open(&control, &to, notices).await?;
        phases.end(Phase::Connect, format!("archive of {archive_version}, server {}", control.version()));
        preflight.target(archive_version, control.version());
        let means = means::of(&control, None, self.jobs).await?;

        let mut contents = self.contents(&archive, manifest.as_ref(), &control, &mut preflight)?;
        let entries: Vec<_> = contents.toc.entries().iter().filter(|entry| entry.is_made()).collect();
        let tables = entries.iter().filter(|entry| entry.kind == Kind::TableData).count();
        phases.end(Phase::Catalog, format!("{} entries, {tables} tables", entries.len()));

        phases.begin(Phase::Check, None);
        for obstacle in staging.obstacles().await? {
            preflight.obstacle(obstacle);
        }
        let is_new = self.wanted.selection.makes_objects();
        let (mut database, standing) = match is_new {
            true => {
                staging.target_obstacle().await?.into_iter().for_each(|obstacle| preflight.obstacle(obstacle));
                (database(&contents, &control, &mut preflight).await?, None)
            }
            false => {
                let standing = Standing::look(&staging, &mut contents.toc, &mut preflight).await?;
                (catalog::Database::default(), standing)
            }
        };
        preflight.note(self.tablespaces.apply(&mut database, &mut contents.toc));
        preflight.missing(&wanted(&contents, is_new.then_some(&database)), &control).await?;
        if self.tablespaces == Tablespaces::Keep {
            preflight.tablespaces(&tablespaces(&contents.toc, &database), &control).await?;
        }
        if let Some(owner) = contents.database.as_ref().and_then(|database| database.owner.as_ref()).filter(|_| is_new)
        {
            contents.roles.entry(owner.as_str().to_owned()).or_insert_with(|| "the database".to_owned());
        }
        let roles = Roles::check(&contents.roles, self.roles, &control, &mut preflight).await?;
        preflight.note(tuning::look(&control, contents.toc.weight(), self.tune).await?);
        phases.found(preflight.take_findings());
        let clearance = preflight.clear()?;
        phases.end(Phase::Check, "nothing stands in the way".to_owned());
        self.ready(
            contents,
            database,
            Ready {
                control,
                to,
                staging,
                standing,
                clearance,
                roles,
                database: catalog::Database::default(),
                properties: Vec::new(),
                toc: Arc::default(),
                packed: Arc::new(Packed::new(archive, &Toc::default(), HashMap::new(), "", false, None)),
                manifest,
                path: Sql::constant(USUAL_PATH),
                first: Sql::default(),
                means,
                archive_version,
            },
        )
    }

    /// Puts together what lanes need.
    fn ready(&self, contents: Contents, database: catalog::Database, ready: Ready) -> Result<Ready> {
        let Contents { toc, blocks, settings, database: archived, .. } = contents;
        let backslashes = settings.backslashes();
        let mut properties = Vec::new();
        let mut path = ready.path;
        if let Some(archived) = &archived {
            let name = ready.staging.name();
            properties.extend(archived.owner.iter().map(|owner| sql!("ALTER DATABASE {} OWNER TO {}", name, owner)));
            properties.extend(archived.properties(name, backslashes));
            path = archived.search_path(backslashes).unwrap_or(path);
        }
        if let Some(standing) = &ready.standing {
            properties.clone_from(&standing.properties);
        }
        let strings = backslashes.then(|| Sql::constant("SET standard_conforming_strings TO off"));
        let first = join(strings.into_iter().chain([ready.means.settings()]).filter(|sql| !sql.is_empty()), ";\n");
        let major = Some(ready.archive_version.major()).filter(|major| *major > 0);
        let packed = Packed::new(ready.packed.archive(), &toc, blocks, &settings.encoding, backslashes, major);
        let toc = shared_by_lanes(toc, &packed, ready.means.lanes);
        Ok(Ready { database, properties, toc: Arc::new(toc), packed: Arc::new(packed), path, first, ..ready })
    }

    /// The entries of what is selected.
    fn contents(
        &self,
        archive: &Blocks,
        manifest: Option<&Manifest>,
        control: &Session,
        preflight: &mut Preflight,
    ) -> Result<Contents> {
        let picked = self.wanted.pick(archive.header(), archive.records())?;
        let is_new = self.wanted.selection.makes_objects();
        // What stands already is what it is.
        if is_new {
            preflight.dangling(&picked.dangling);
        }
        preflight.note(picked.findings);
        let mut chosen = picked.records;
        if !control.version().has_statistics_import() {
            let before = chosen.len();
            chosen.retain(|record| record.desc != b"STATISTICS DATA");
            if chosen.len() < before {
                preflight.note([Finding {
                    severity: Severity::Note,
                    subject: "planner statistics".to_owned(),
                    text: "those of the archive are left out, which servers take since 18; ANALYZE collects new ones"
                        .to_owned(),
                    remedy: None,
                }]);
            }
        }
        let selection = &self.wanted.selection;
        let without = Without { owners: selection.no_owner, privileges: selection.no_privileges };
        if let Blocks::Stream(_) = archive {
            stream::in_turn(&mut chosen, archive.records());
        }
        let standing: &[&Record] = if is_new { &[] } else { &picked.standing };
        let contents = entries::contents(archive.records(), &chosen, standing, without, &known(archive, manifest))?;
        if let Blocks::Stream(_) = archive {
            stream::insist_on_turns(&contents, archive.records())?;
        }
        preflight.note(contents.warnings.iter().map(|text| Finding {
            severity: Severity::Warning,
            subject: "the archive".to_owned(),
            text: text.clone(),
            remedy: None,
        }));
        Ok(contents)
    }
}

/// Lets lanes share the table that is most of all, if the archive tells where its frames lie.
fn shared_by_lanes(mut toc: Toc, packed: &Packed, lanes: NonZeroUsize) -> Toc {
    for entry in toc.entries_mut() {
        let id = entry.id;
        if let Some(Data::Rows(rows)) = &mut entry.data {
            rows.pages = packed.frame_count(id);
        }
    }
    split::for_loading(&mut toc, lanes);
    toc
}

/// The version of the server that an archive is from; zero if it does not say.
fn version_of(header: &Header) -> ServerVersion {
    let text = String::from_utf8_lossy(&header.server);
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse::<u32>().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0).min(999), numbers.next().unwrap_or(0).min(99));
    match major {
        0..10 => ServerVersion(major * 10_000 + minor * 100 + numbers.next().unwrap_or(0).min(99)),
        _ => ServerVersion(major * 10_000 + minor),
    }
}

/// The database to be made; what the archive does not say is as in the template.
async fn database(contents: &Contents, control: &Session, preflight: &mut Preflight) -> Result<catalog::Database> {
    let archived = contents.database.clone().unwrap_or_default();
    let template = control.row(&Sql::constant(TEMPLATE)).await?;
    let of = |column: &str| template.get::<Option<String>>(column);
    let said = archived.collate.is_some() || archived.locale.is_some();
    let provider = if said { archived.provider } else { of("provider")? };
    let provider = match provider.as_deref() {
        Some("icu" | "i") => Provider::Icu,
        Some("builtin" | "b") => Provider::Builtin,
        _ => Provider::Libc,
    };
    let since = match provider {
        Provider::Libc => 0,
        Provider::Icu => 15,
        Provider::Builtin => 17,
    };
    let version = control.version();
    if version.major() < since {
        preflight.obstacle(format!(
            "the database has a locale that PostgreSQL can give to databases since {since}, and the server is {version}."
        ));
    }
    Ok(catalog::Database {
        name: archived.name,
        encoding: archived.encoding.unwrap_or_else(|| contents.settings.encoding.clone()),
        provider,
        collate: archived.collate.or(of("collate")?).unwrap_or_default(),
        ctype: archived.ctype.or(of("ctype")?).unwrap_or_default(),
        locale: if said { archived.locale } else { of("locale")? },
        icu_rules: if said { archived.icu_rules } else { of("rules")? },
        connection_limit: -1,
        allow_connections: true,
        tablespace: archived.tablespace,
        ..catalog::Database::default()
    })
}

/// What a template says of its locale, whatever the major.
const TEMPLATE: &str = "\
SELECT d.datcollate::text AS collate, d.datctype::text AS ctype, pg_catalog.to_jsonb(d) ->> 'datlocprovider' AS provider, \
       coalesce(pg_catalog.to_jsonb(d) ->> 'datlocale', pg_catalog.to_jsonb(d) ->> 'daticulocale') AS locale, \
       pg_catalog.to_jsonb(d) ->> 'daticurules' AS rules \
FROM pg_catalog.pg_database d WHERE d.datname = 'template0'";

/// What has to be on the server, for the database too if it is made.
fn wanted(contents: &Contents, database: Option<&catalog::Database>) -> catalog::Wanted {
    let mut wanted = catalog::Wanted::default();
    wanted.extensions.extend(contents.extensions.iter().cloned());
    wanted.label_providers.extend(contents.label_providers.iter().cloned());
    if let Some(database) = database.filter(|database| database.provider != Provider::Builtin) {
        wanted.locales.extend([database.collate.clone(), database.ctype.clone()]);
    }
    for entry in contents.toc.entries().iter().filter(|entry| entry.kind == Kind::EventTrigger) {
        wanted.superusers.extend(entry.owner.iter().map(|owner| (owner.role.as_str().to_owned(), entry.label())));
    }
    wanted
}

/// The tablespaces that something lies in.
fn tablespaces(toc: &Toc, database: &catalog::Database) -> BTreeSet<String> {
    let of_entries = toc.entries().iter().filter_map(|entry| entry.tablespace.as_ref()?.as_ref());
    of_entries.chain(&database.tablespace).map(|name| name.as_str().to_owned()).collect()
}

impl Preflight {
    /// Versions that do not go together.
    fn target(&mut self, archive: ServerVersion, server: ServerVersion) {
        if server.major() < OLDEST_TARGET {
            self.obstacle(format!("the server is {server}; the oldest that can be written is {OLDEST_TARGET}."));
        }
        let mut warn = |text: String, remedy: &str| {
            self.note([Finding {
                severity: Severity::Warning,
                subject: "the server".to_owned(),
                text,
                remedy: Some(remedy.to_owned()),
            }]);
        };
        if server.major() > NEWEST_KNOWN {
            let text =
                format!("{server} is newer than the newest version that this pgtandem was tried with ({NEWEST_KNOWN})");
            warn(text, "Look for a newer pgtandem.");
        }
        if archive.major() > server.major() {
            let text = format!("{server} is older than the one that the archive is from ({archive})");
            warn(text, "It may refuse what only the newer one knows; nothing is left of the database then.");
        }
    }

    /// Tablespaces that are missing.
    async fn tablespaces(&mut self, wanted: &BTreeSet<String>, server: &Session) -> Result<()> {
        let list = join(wanted.iter().map(|name| Literal(name)), ", ");
        let query = sql!(
            "SELECT w.name FROM pg_catalog.unnest(ARRAY[{}]::text[]) AS w(name) \
             WHERE w.name NOT IN (SELECT spcname FROM pg_catalog.pg_tablespace)",
            list
        );
        for row in server.rows(&query).await? {
            let name: String = row.get("name")?;
            self.obstacle(format!(
                "tablespace {name} is missing on the server. CREATE TABLESPACE {} LOCATION .. there, or say --tablespaces \
                 default.",
                Ident::new(name.as_str())
            ));
        }
        Ok(())
    }
}
