//! Reading the catalog: the only I/O of this room. A few bursts, whatever the number of objects: the names of the tables, which
//! are then locked; everything else, pipelined on one session; and where the sequences stand.
//!
//! The functions that print definitions (`pg_get_viewdef` and the like) read the current catalog and not the snapshot's, so
//! the locks come first.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::query::{Query, expr, in_user_schema};
use super::*;
use crate::error::{Error, ErrorKind, Result};
use crate::sql;
use crate::sql::{Ident, QualName, join};
use crate::wire::session::{Row, Session};

/// How much text one LOCK TABLE statement may hold, in bytes.
const LOCK_TEXT: usize = 100_000;

/// The tables of the database: what has to be locked.
const TABLES: Query = Query::of(
    &[expr("schema", "n.nspname::text"), expr("name", "c.relname::text")],
    concat!(
        "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p') AND ",
        in_user_schema!(),
        " ORDER BY c.oid"
    ),
);

/// What patterns match, pattern by pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The schemas.
    pub schemas: Vec<Vec<Ident>>,
    /// The tables, views, sequences.
    pub relations: Vec<Vec<QualName>>,
}

/// Asks what patterns match. System schemas, and what is in them, match none.
///
/// # Errors
///
/// `Usage` for a pattern that is no regular expression; else what the server says.
pub async fn names(session: &Session, schemas: &[&Pattern], relations: &[&Pattern]) -> Result<Names> {
    let mut names = Names::default();
    for pattern in schemas {
        let rows = session.rows(&pattern.schemas_query()).await.map_err(|error| no_regex(error, pattern))?;
        names.schemas.push(rows.iter().map(|row| Ok(row.get::<String>("schema")?.into())).collect::<Result<_>>()?);
    }
    // For as long as it takes to ask which relations the user sees.
    session.run(&Sql::constant("RESET search_path")).await?;
    for pattern in relations {
        let rows = session.rows(&pattern.relations_query()).await.map_err(|error| no_regex(error, pattern))?;
        names.relations.push(rows.iter().map(relation_name).collect::<Result<_>>()?);
    }
    session.run(&Sql::constant("SET search_path TO ''")).await?;
    Ok(names)
}

fn no_regex(error: Error, pattern: &Pattern) -> Error {
    // invalid_regular_expression
    if error.sqlstate() == Some("2201B") { error.as_kind(ErrorKind::Usage).about(pattern) } else { error }
}

fn relation_name(row: &Row) -> Result<QualName> {
    Ok(QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?))
}

/// Locks the tables that are `wanted` against everything but reading and writing rows, for as long as the session's
/// transaction lasts.
///
/// # Errors
///
/// What the server says; a table that cannot be locked is named.
pub async fn lock(session: &Session, wanted: impl Fn(&QualName) -> bool) -> Result<()> {
    let mut names = fetch(session, &TABLES, relation_name).await?;
    names.retain(wanted);
    let mut batch: Vec<&QualName> = Vec::new();
    let mut length = 0;
    for name in &names {
        length += name.schema.as_str().len() + name.name.as_str().len() + 16;
        batch.push(name);
        if length > LOCK_TEXT {
            lock_batch(session, &batch).await?;
            batch.clear();
            length = 0;
        }
    }
    lock_batch(session, &batch).await
}

async fn lock_batch(session: &Session, tables: &[&QualName]) -> Result<()> {
    if tables.is_empty() {
        return Ok(());
    }
    let list = join(tables.iter().map(|t| sql!("ONLY {}", t)), ", ");
    let locked = session.run(&sql!("LOCK TABLE {} IN ACCESS SHARE MODE", list)).await;
    locked.map_err(|error| match error.sqlstate() {
        // out_of_memory: the server's own hint names the setting, but not how far to go.
        Some("53200") => error.with_hint(
            "Every table is locked against changes of its definition. Raise max_locks_per_transaction on this server, so \
             that it times max_connections is more than the number of its tables, and restart it.",
        ),
        _ => error,
    })
}

/// Runs one query and decodes its rows.
async fn fetch<T>(session: &Session, query: &Query, decode: impl Fn(&Row) -> Result<T>) -> Result<Vec<T>> {
    session.rows(&query.sql(session.version())).await?.iter().map(decode).collect()
}

/// Reads the database that the session is connected to, everything in one pipelined burst. Where its sequences stand is
/// asked by [`states`].
///
/// Where others may be at work, the session must be in a transaction of its own in which it has taken the [locks](lock):
/// what a definition is printed from may change otherwise.
///
/// # Errors
///
/// What the server says.
pub async fn database(session: &Session) -> Result<Catalog> {
    let read = Read { asked: Asked::Server(session) };
    // Each on the heap: with the rows of all queries in one future the stack of a thread would not suffice.
    let (shared, mut objects, replication, relations, attached) = futures::try_join!(
        Box::pin(read.shared()),
        Box::pin(read.kinds()),
        Box::pin(read.replication()),
        Box::pin(read.relations()),
        Box::pin(read.attached())
    )?;
    let Shared { database, mut aspects, depends, unhandled, relics } = shared;
    aspects.unreadable_subscriptions = replication.unreadable;
    objects.extend(replication.objects);
    let aliases = assemble(relations, attached, session.version(), &mut objects)?;
    objects.retain(|object| is_ours(object, &aspects));
    attached::keep(&mut objects, &aspects);
    let mut catalog = Catalog {
        version: session.version(),
        database,
        aspects,
        depends,
        unhandled,
        relics,
        index: HashMap::new(),
        aliases: aliases.into_iter().collect(),
        objects,
    };
    catalog.link();
    Ok(catalog)
}

/// What belongs to no kind, or to all.
struct Shared {
    database: Database,
    aspects: Aspects,
    depends: Vec<depend::Dependency>,
    unhandled: Vec<Unhandled>,
    relics: Vec<Relic>,
}

/// Rows of tables and views that have to be put together.
struct Relations {
    tables: Vec<Table>,
    views: Vec<View>,
    columns: Vec<(u32, table::Column)>,
    defaults: Vec<AttributeDefault>,
    inherits: Vec<(u32, table::Inherits)>,
    column_acls: Vec<(u32, Ident, Vec<String>)>,
    reads: Vec<(u32, u32)>,
    row_types: Vec<(ObjectId, ObjectId)>,
}

/// What hangs on tables and views.
struct Attached {
    indexes: Vec<Index>,
    constraints: Vec<Constraint>,
    triggers: Vec<Trigger>,
    rules: Vec<Rule>,
    policies: Vec<Policy>,
}

/// Publications and subscriptions.
struct Replication {
    objects: Vec<Object>,
    /// Subscriptions of which only the names may be read.
    unreadable: Vec<String>,
}

/// Every query that [`lock`] and [`database`] send to a server of this version, apart from those for the states of sequences,
/// which name them.
///
/// They are taken down where they are otherwise sent, so that none can be missing here.
pub async fn queries(version: ServerVersion) -> Vec<Sql> {
    let taken = Mutex::new(vec![TABLES.sql(version)]);
    let read = Read { asked: Asked::Nobody { version, taken: &taken } };
    // Nothing has been read, which some of them take for an error.
    let _ = futures::join!(
        Box::pin(read.shared()),
        Box::pin(read.plain()),
        Box::pin(read.foreign()),
        Box::pin(read.text_search()),
        Box::pin(read.replication()),
        Box::pin(read.relations()),
        Box::pin(read.attached())
    );
    taken.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Who is asked.
enum Asked<'a> {
    /// A server.
    Server(&'a Session),
    /// Nobody: the queries are taken down.
    Nobody { version: ServerVersion, taken: &'a Mutex<Vec<Sql>> },
}

struct Read<'a> {
    asked: Asked<'a>,
}

impl Read<'_> {
    async fn all<T>(&self, query: &Query, decode: impl Fn(&Row) -> Result<T>) -> Result<Vec<T>> {
        match &self.asked {
            Asked::Server(session) => fetch(session, query, decode).await,
            Asked::Nobody { version, taken } => {
                taken.lock().unwrap_or_else(PoisonError::into_inner).push(query.sql(*version));
                Ok(Vec::new())
            }
        }
    }

    fn version(&self) -> ServerVersion {
        match self.asked {
            Asked::Server(session) => session.version(),
            Asked::Nobody { version, .. } => version,
        }
    }

    async fn shared(&self) -> Result<Shared> {
        let (
            databases,
            settings,
            depends,
            members,
            comments,
            labels,
            alien_acls,
            remarks,
            numbered,
            used,
            unhandled,
            relics,
        ) = futures::try_join!(
            self.all(&database::QUERY, database::decode),
            self.all(&database::SETTINGS, database::decode_settings),
            self.all(&depend::QUERY, depend::decode),
            self.all(&aspect::MEMBERS, aspect::decode_member),
            self.all(&aspect::COMMENTS, aspect::decode_comment),
            self.all(&aspect::LABELS, aspect::decode_label),
            self.all(&privileges::QUERY, privileges::decode),
            self.all(&attached::REMARKS, attached::decode),
            self.all(&aspect::NUMBERED_ROLES, aspect::decode_numbered_role),
            self.all(&collation::USED, collation::decode_used),
            self.all(&unhandled::QUERY, unhandled::decode),
            self.all(&hazard::QUERY, hazard::decode),
        )?;
        let mut database =
            databases.into_iter().next().ok_or_else(|| Error::malformed("cannot read the database's own row"))?;
        database.settings = settings.into_iter().flatten().collect();
        let aspects = Aspects {
            comments,
            labels,
            members: members.into_iter().collect(),
            alien_acls,
            remarks,
            numbered_roles: numbered.into_iter().collect(),
            used_collations: used,
            unreadable_subscriptions: Vec::new(),
        };
        Ok(Shared { database, aspects, depends, unhandled, relics })
    }

    /// Kinds that need nothing of each other to be whole.
    async fn kinds(&self) -> Result<Vec<Object>> {
        let all = futures::try_join!(
            Box::pin(self.plain()),
            Box::pin(self.others()),
            Box::pin(self.languages()),
            Box::pin(self.operators()),
            Box::pin(self.foreign()),
            Box::pin(self.text_search())
        )?;
        Ok([all.0, all.1, all.2, all.3, all.4, all.5].concat())
    }

    async fn plain(&self) -> Result<Vec<Object>> {
        let (schemas, mut extensions, config, types, domain_constraints, functions, aggregates) = futures::try_join!(
            self.all(&schema::QUERY, schema::decode),
            self.all(&extension::QUERY, extension::decode),
            self.all(&extension::CONFIG, extension::decode_config),
            self.all(&types::QUERY, types::decode),
            self.all(&types::CONSTRAINTS, types::decode_constraint),
            self.all(&function::QUERY, function::decode),
            self.all(&aggregate::QUERY, aggregate::decode),
        )?;
        extension::assemble(&mut extensions, config);
        let mut out = Vec::new();
        out.extend(schemas.into_iter().map(Object::from));
        out.extend(extensions.into_iter().map(Object::from));
        out.extend(types.into_iter().map(Object::from));
        out.extend(domain_constraints.into_iter().map(Object::from));
        out.extend(functions.into_iter().map(Object::from));
        out.extend(aggregates.into_iter().map(Object::from));
        Ok(out)
    }

    async fn others(&self) -> Result<Vec<Object>> {
        let (sequences, large_objects, default_acls, collations, statistics, event_triggers) = futures::try_join!(
            self.all(&sequence::QUERY, sequence::decode),
            self.all(&large_object::QUERY, large_object::decode),
            self.all(&default_acl::QUERY, default_acl::decode),
            self.all(&collation::QUERY, collation::decode),
            self.all(&statistics::QUERY, statistics::decode),
            self.all(&event_trigger::QUERY, event_trigger::decode),
        )?;
        let mut out: Vec<Object> = sequences.into_iter().map(Object::from).collect();
        out.extend(large_objects.into_iter().flatten().map(Object::from));
        out.extend(default_acls.into_iter().map(Object::from));
        out.extend(collations.into_iter().map(Object::from));
        out.extend(statistics.into_iter().map(Object::from));
        out.extend(event_triggers.into_iter().map(Object::from));
        Ok(out)
    }

    async fn languages(&self) -> Result<Vec<Object>> {
        let (languages, casts, transforms, access_methods, conversions) = futures::try_join!(
            self.all(&language::QUERY, language::decode),
            self.all(&cast::QUERY, cast::decode),
            self.all(&transform::QUERY, transform::decode),
            self.all(&access_method::QUERY, access_method::decode),
            self.all(&conversion::QUERY, conversion::decode),
        )?;
        let mut out: Vec<Object> = languages.into_iter().map(Object::from).collect();
        out.extend(casts.into_iter().map(Object::from));
        out.extend(transforms.into_iter().map(Object::from));
        out.extend(access_methods.into_iter().map(Object::from));
        out.extend(conversions.into_iter().map(Object::from));
        Ok(out)
    }

    async fn operators(&self) -> Result<Vec<Object>> {
        let (operators, mut families, mut classes, members) = futures::try_join!(
            self.all(&operator::QUERY, operator::decode),
            self.all(&opclass::FAMILIES, opclass::decode_family),
            self.all(&opclass::CLASSES, opclass::decode_class),
            self.all(&opclass::MEMBERS, opclass::decode_member),
        )?;
        opclass::assemble(&mut families, &mut classes, members);
        let mut out: Vec<Object> = operators.into_iter().map(Object::from).collect();
        out.extend(families.into_iter().map(Object::from));
        out.extend(classes.into_iter().map(Object::from));
        Ok(out)
    }

    async fn foreign(&self) -> Result<Vec<Object>> {
        let (wrappers, servers, mappings) = futures::try_join!(
            self.all(&foreign::WRAPPERS, foreign::decode_wrapper),
            self.all(&foreign::SERVERS, foreign::decode_server),
            self.all(&foreign::MAPPINGS, foreign::decode_mapping),
        )?;
        let mut out: Vec<Object> = wrappers.into_iter().map(Object::from).collect();
        out.extend(servers.into_iter().map(Object::from));
        out.extend(mappings.into_iter().map(Object::from));
        Ok(out)
    }

    async fn text_search(&self) -> Result<Vec<Object>> {
        let (parsers, templates, dictionaries, mut configurations, mappings) = futures::try_join!(
            self.all(&text_search::PARSERS, text_search::decode_parser),
            self.all(&text_search::TEMPLATES, text_search::decode_template),
            self.all(&text_search::DICTIONARIES, text_search::decode_dictionary),
            self.all(&text_search::CONFIGURATIONS, text_search::decode_configuration),
            self.all(&text_search::MAPPINGS, text_search::decode_mapping),
        )?;
        text_search::assemble(&mut configurations, mappings);
        let mut out: Vec<Object> = parsers.into_iter().map(Object::from).collect();
        out.extend(templates.into_iter().map(Object::from));
        out.extend(dictionaries.into_iter().map(Object::from));
        out.extend(configurations.into_iter().map(Object::from));
        Ok(out)
    }

    async fn replication(&self) -> Result<Replication> {
        let schemas = async {
            match self.version().has_schema_publications() {
                true => self.all(&publication::SCHEMAS, publication::decode_schema).await,
                false => Ok(Vec::new()),
            }
        };
        let (publications, tables, schemas, (subscriptions, unreadable)) = futures::try_join!(
            self.all(&publication::QUERY, publication::decode),
            self.all(&publication::TABLES, publication::decode_table),
            schemas,
            self.subscriptions(),
        )?;
        let mut objects: Vec<Object> = publications.into_iter().map(Object::from).collect();
        objects.extend(tables.into_iter().map(Object::from));
        objects.extend(schemas.into_iter().map(Object::from));
        objects.extend(subscriptions.into_iter().map(Object::from));
        Ok(Replication { objects, unreadable })
    }

    /// Subscriptions, or the names of those that may not be read. Who may not gets an error instead of rows, so that the
    /// server is asked beforehand.
    async fn subscriptions(&self) -> Result<(Vec<Subscription>, Vec<String>)> {
        let names = self.all(&subscription::NAMES, subscription::decode_name).await?;
        match names.iter().all(|(_, readable)| *readable) {
            true if names.is_empty() && matches!(self.asked, Asked::Server(_)) => Ok((Vec::new(), Vec::new())),
            true => Ok((self.all(&subscription::QUERY, subscription::decode).await?, Vec::new())),
            false => Ok((Vec::new(), names.into_iter().map(|(name, _)| name).collect())),
        }
    }

    async fn relations(&self) -> Result<Relations> {
        let (tables, views, columns, defaults, inherits, column_acls, reads, row_types) = futures::try_join!(
            self.all(&table::RELATIONS, table::decode_relation),
            self.all(&view::QUERY, view::decode),
            self.all(&table::ATTRIBUTES, table::decode_attribute),
            self.all(&table::DEFAULTS, table::decode_default),
            self.all(&table::INHERITS, table::decode_inherits),
            self.all(&table::COLUMN_ACLS, table::decode_column_acl),
            self.all(&view::READS, view::decode_reads),
            self.all(&depend::ROW_TYPES, depend::decode_row_type),
        )?;
        Ok(Relations { tables, views, columns, defaults, inherits, column_acls, reads, row_types })
    }

    async fn attached(&self) -> Result<Attached> {
        let (indexes, mut constraints, states, triggers, rules, policies) = futures::try_join!(
            self.all(&index::QUERY, index::decode),
            self.all(&constraint::QUERY, constraint::decode),
            self.all(&constraint::triggers::QUERY, constraint::triggers::decode),
            self.all(&trigger::QUERY, trigger::decode),
            self.all(&rule::QUERY, rule::decode),
            self.all(&policy::QUERY, policy::decode),
        )?;
        constraint::triggers::assemble(&mut constraints, states);
        let triggers = trigger::assemble(triggers.into_iter().flatten().collect());
        Ok(Attached { indexes: index::assemble(indexes), constraints, triggers, rules, policies })
    }
}

/// Puts tables and views together. Returns what stands for them in dependencies: row types, and the rules of views.
fn assemble(
    relations: Relations,
    mut attached: Attached,
    source: ServerVersion,
    objects: &mut Vec<Object>,
) -> Result<Vec<(ObjectId, ObjectId)>> {
    let mut columns = table::by_relation(relations.columns);
    let (tables, defaults) = table::assemble(table::TableRows {
        tables: relations.tables,
        columns: &mut columns,
        defaults: relations.defaults,
        inherits: relations.inherits,
        column_acls: &relations.column_acls,
        constraints: &attached.constraints,
        source,
    })?;
    constraint::assemble(&mut attached.constraints, &tables);
    let views = view::assemble(relations.views, &mut columns, &relations.reads, &relations.column_acls)?;
    let mut aliases = relations.row_types;
    aliases.extend(views.iter().map(|view| (view.rule(), view.id)));
    objects.extend(tables.into_iter().map(Object::from));
    objects.extend(views.into_iter().map(Object::from));
    objects.extend(defaults.into_iter().map(Object::from));
    objects.extend(attached.indexes.into_iter().map(Object::from));
    objects.extend(attached.constraints.into_iter().map(Object::from));
    objects.extend(attached.triggers.into_iter().map(Object::from));
    objects.extend(attached.rules.into_iter().map(Object::from));
    objects.extend(attached.policies.into_iter().map(Object::from));
    Ok(aliases)
}

/// Whether an object is not an extension's.
fn is_ours(object: &Object, aspects: &Aspects) -> bool {
    !aspects.members.contains_key(&object.id())
}

/// Reads where all sequences of a catalog stand, in batches that are pipelined.
///
/// # Errors
///
/// What the server says: each of them is read from like a table.
pub async fn states(session: &Session, catalog: &mut Catalog) -> Result<()> {
    let mut names: Vec<(u32, QualName)> = Vec::new();
    for object in &catalog.objects {
        match object {
            Object::Sequence(sequence) => names.push((sequence.id.oid, sequence.name.clone())),
            Object::Extension(extension) => names.extend(extension.sequences().map(|(oid, name)| (oid, name.clone()))),
            _ => {}
        }
    }
    let queries: Vec<_> = names.chunks(sequence::STATE_BATCH).map(sequence::state_query).collect();
    let answers = futures::future::try_join_all(queries.iter().map(|query| session.rows(query))).await?;
    let states: HashMap<u32, (i64, bool)> =
        answers.iter().flatten().map(sequence::decode_state).collect::<Result<_>>()?;
    for object in &mut catalog.objects {
        match object {
            Object::Sequence(sequence) => sequence.state = states.get(&sequence.id.oid).copied(),
            Object::Extension(extension) => {
                let read: Vec<u32> = extension.sequences().map(|(oid, _)| oid).collect();
                for oid in read {
                    if let Some(&(last_value, is_called)) = states.get(&oid) {
                        extension.set_state(oid, last_value, is_called);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Reads what the server has beside its databases, in one burst.
///
/// # Errors
///
/// What the server says.
pub async fn globals(session: &Session) -> Result<Globals> {
    let read = Read { asked: Asked::Server(session) };
    let readable = session.row(&role::PASSWORDS_READABLE.sql(session.version())).await?.get::<bool>("readable")?;
    let passwords =
        async { if readable { read.all(&role::PASSWORDS, role::decode_password).await } else { Ok(Vec::new()) } };
    let parameters = async {
        if session.version().has_parameter_privileges() {
            read.all(&parameter::QUERY, parameter::decode).await
        } else {
            Ok(Vec::new())
        }
    };
    let (mut roles, passwords, memberships, parameters, settings, tablespaces) = futures::try_join!(
        read.all(&role::QUERY, role::decode),
        passwords,
        read.all(&membership::QUERY, membership::decode),
        parameters,
        read.all(&role::SETTINGS_FOR_ALL, |row| Setting::parse_all(row.get("settings")?)),
        read.all(&tablespace::QUERY, tablespace::decode),
    )?;
    let mut passwords: HashMap<u32, _> = passwords.into_iter().collect();
    for role in &mut roles {
        role.password = passwords.remove(&role.oid);
    }
    let settings = settings.into_iter().flatten().collect();
    Ok(Globals { roles, passwords_read: readable, memberships, parameters, settings, tablespaces })
}
