//! Rewrite rules (`pg_rewrite`), other than those that make a view.

use super::query::{Query, expr, in_user_schema};
use super::{Catalog, Class, Decisions, Draft, ObjectId, Part, Priority, Render};
use crate::error::{Error, Result};
use crate::sql;
use crate::sql::{Ident, QualName, Sql};
use crate::toc::{Kind, Section};
use crate::wire::session::Row;

/// All rules but those for SELECT.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "r.oid"),
        expr("name", "r.rulename::text"),
        expr("relation", "r.ev_class"),
        expr("schema", "n.nspname::text"),
        expr("relation_name", "c.relname::text"),
        expr("enabled", "r.ev_enabled::text"),
        expr("definition", "pg_get_ruledef(r.oid)"),
    ],
    concat!(
        "FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace ",
        "WHERE c.relkind IN ('r', 'p', 'v') AND r.ev_type <> '1' AND ",
        in_user_schema!(),
        " ORDER BY r.oid"
    ),
);

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: Ident,
    /// The table or view.
    pub relation: u32,
    /// Its name.
    pub on: QualName,
    /// When it fires, where that is not what is usual: what follows `ALTER TABLE t` and precedes `RULE`.
    pub enabled: Option<&'static str>,
    /// `CREATE RULE ...`.
    pub definition: Sql,
}

/// What brings a rule or trigger into the state that the catalog calls by this letter, from the state of a new one
/// (PostgreSQL 18, `src/include/commands/trigger.h`, `TRIGGER_FIRES_*`).
///
/// # Errors
/// If there is no such letter.
pub(super) fn enabled(letter: &str) -> Result<Option<&'static str>> {
    match letter {
        "O" => Ok(None),
        "D" => Ok(Some("DISABLE")),
        "R" => Ok(Some("ENABLE REPLICA")),
        "A" => Ok(Some("ENABLE ALWAYS")),
        _ => Err(Error::malformed("cannot read whether a rule or trigger is enabled")),
    }
}

/// One row of [`QUERY`].
///
/// # Errors
/// If the row is not what the query promises.
pub(super) fn decode(row: &Row) -> Result<Rule> {
    let name: String = row.get("name")?;
    let definition: String = row.get("definition")?;
    Ok(Rule {
        id: ObjectId::new(Class::REWRITE, row.get("oid")?),
        relation: row.get("relation")?,
        on: QualName::new(row.get::<String>("schema")?, row.get::<String>("relation_name")?),
        enabled: enabled(&row.get::<String>("enabled")?).map_err(|error| error.about(&name))?,
        definition: Sql::deparsed(definition.trim_end().trim_end_matches(';')),
        name: name.into(),
    })
}

impl Rule {
    /// The OID of the table or view.
    pub fn table(&self) -> u32 {
        self.relation
    }
}

impl Render for Rule {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("RULE {} ON {}", self.name, self.on)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::Rule
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.on.schema.as_str().to_owned(), format!("{}\0{}", self.name.as_str(), self.on.name.as_str()))
    }

    fn section(&self, _part: Part) -> Section {
        Section::PostData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let mut create = vec![self.definition.clone()];
        create.extend(self.enabled.map(|enabled| sql!("ALTER TABLE {} {} RULE {}", self.on, enabled, self.name)));
        let tag = format!("{} {}", self.on.name.as_str(), self.name.as_str());
        let mut draft = Draft::new(Kind::Rule, Section::PostData, tag, create).within(&self.on.schema);
        draft.remove = Some(sql!("DROP {}", self.identity(catalog)));
        draft.locks = vec![ObjectId::relation(self.relation)];
        Some(draft)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{catalog, texts};

    #[test]
    fn a_rule_and_its_state() {
        let rule = Rule {
            id: ObjectId::new(Class::REWRITE, 1),
            name: "r".into(),
            relation: 2,
            on: QualName::new("s", "t"),
            enabled: Some("ENABLE ALWAYS"),
            definition: Sql::constant("CREATE RULE r AS ON INSERT TO s.t DO NOTHING"),
        };
        let draft = rule.draft(Part::Definition, &catalog(15), &Decisions::default());
        let create = draft.map(|draft| draft.create).unwrap_or_default();
        assert_eq!(
            texts(&create),
            ["CREATE RULE r AS ON INSERT TO s.t DO NOTHING", "ALTER TABLE \"s\".\"t\" ENABLE ALWAYS RULE \"r\""]
        );
        assert!(enabled("?").is_err());
    }
}
