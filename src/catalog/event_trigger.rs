//! Event triggers (`pg_event_trigger`). They come last of all, so that none fires while the database is made.

use super::query::{Query, expr};
use super::rule::enabled;
use super::{Catalog, Class, Decisions, Draft, ObjectId, Part, Priority, Render};
use crate::error::{Error, Result};
use crate::sql;
use crate::sql::{Ident, Literal, Sql, join};
use crate::toc::{Kind, Section};
use crate::wire::session::Row;

/// All event triggers.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "e.oid"),
        expr("name", "e.evtname::text"),
        expr("owner", "pg_get_userbyid(e.evtowner)::text"),
        expr("event", "e.evtevent::text"),
        expr("tags", "coalesce(e.evttags, '{}')"),
        expr("function", "e.evtfoid::regproc::text"),
        expr("enabled", "e.evtenabled::text"),
    ],
    "FROM pg_event_trigger e ORDER BY e.evtname",
);

/// An event trigger.
#[derive(Clone, Debug)]
pub struct EventTrigger {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: Ident,
    /// Its owner, who has to be a superuser.
    pub owner: Ident,
    /// The event that it is about.
    pub event: Event,
    /// The commands that it is about; empty for all.
    pub tags: Vec<String>,
    /// What it calls.
    pub function: Sql,
    /// When it fires, where that is not what is usual: what follows `ALTER EVENT TRIGGER e`.
    pub enabled: Option<&'static str>,
}

/// What an event trigger fires on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A command begins.
    CommandStart,
    /// A command ends.
    CommandEnd,
    /// A table or type is to be rewritten.
    TableRewrite,
    /// Objects have been dropped.
    Drop,
    /// Somebody has logged in (17 and later).
    Login,
}

impl Event {
    /// The word in `CREATE EVENT TRIGGER`.
    const fn word(self) -> &'static str {
        match self {
            Self::CommandStart => "ddl_command_start",
            Self::CommandEnd => "ddl_command_end",
            Self::TableRewrite => "table_rewrite",
            Self::Drop => "sql_drop",
            Self::Login => "login",
        }
    }
}

/// One row of [`QUERY`].
///
/// # Errors
/// If the row is not what the query promises, or the event is none that is known.
pub(super) fn decode(row: &Row) -> Result<EventTrigger> {
    let name: String = row.get("name")?;
    let all = [Event::CommandStart, Event::CommandEnd, Event::TableRewrite, Event::Drop, Event::Login];
    let word: String = row.get("event")?;
    let event = all.into_iter().find(|event| event.word() == word);
    Ok(EventTrigger {
        id: ObjectId::new(Class::EVENT_TRIGGER, row.get("oid")?),
        owner: Ident::new(row.get::<String>("owner")?),
        event: event.ok_or_else(|| Error::malformed("cannot read an event trigger: unknown event").about(&name))?,
        tags: row.get("tags")?,
        function: Sql::deparsed(row.get::<String>("function")?),
        enabled: enabled(&row.get::<String>("enabled")?).map_err(|error| error.about(&name))?,
        name: name.into(),
    })
}

impl Render for EventTrigger {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("EVENT TRIGGER {}", self.name)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::EventTrigger
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (String::new(), self.name.as_str().to_owned())
    }

    fn section(&self, _part: Part) -> Section {
        Section::Last
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let identity = self.identity(catalog);
        let mut create = sql!("CREATE {} ON {}", identity, self.event.word());
        if !self.tags.is_empty() {
            create.push(&sql!(" WHEN TAG IN ({})", join(self.tags.iter().map(|tag| Literal(tag)), ", ")));
        }
        create.push(&sql!(" EXECUTE FUNCTION {}()", self.function));
        let mut create = vec![create];
        create.extend(self.enabled.map(|state| sql!("ALTER {} {}", identity, state)));
        let mut draft = Draft::new(Kind::EventTrigger, Section::Last, self.name.as_str(), create)
            .owned_by(&self.owner, identity.clone());
        draft.remove = Some(sql!("DROP {}", identity));
        Some(draft)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{catalog, texts};

    #[test]
    fn tags_and_state() {
        let trigger = EventTrigger {
            id: ObjectId::new(Class::EVENT_TRIGGER, 1),
            name: "e \"1".into(),
            owner: "own".into(),
            event: Event::Drop,
            tags: vec!["DROP TABLE".into(), "DROP VIEW".into()],
            function: Sql::constant("s.f"),
            enabled: Some("ENABLE ALWAYS"),
        };
        let draft = trigger.draft(Part::Definition, &catalog(15), &Decisions::default()).unwrap();
        assert_eq!(
            texts(&draft.create),
            [
                r#"CREATE EVENT TRIGGER "e ""1" ON sql_drop WHEN TAG IN ('DROP TABLE', 'DROP VIEW') EXECUTE FUNCTION s.f()"#,
                r#"ALTER EVENT TRIGGER "e ""1" ENABLE ALWAYS"#,
            ]
        );
    }
}
