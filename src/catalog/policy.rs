//! Row-level security policies (`pg_policy`). Whether row security is switched on belongs to the table.

use super::query::{Query, expr, in_user_schema};
use super::{Catalog, Class, Decisions, Draft, ObjectId, Part, Priority, Render};
use crate::error::{Error, Result};
use crate::sql;
use crate::sql::{Ident, QualName, Sql, join};
use crate::toc::{Kind, Section};
use crate::wire::session::Row;

/// All policies. No roles stand for all roles.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "p.oid"),
        expr("name", "p.polname::text"),
        expr("relation", "p.polrelid"),
        expr("schema", "n.nspname::text"),
        expr("relation_name", "c.relname::text"),
        expr("command", "p.polcmd::text"),
        expr("permissive", "p.polpermissive"),
        expr("public", "0 = ANY (p.polroles)"),
        expr(
            "roles",
            "ARRAY(SELECT r.rolname::text FROM unnest(p.polroles) WITH ORDINALITY u (oid, n) \
             JOIN pg_roles r ON r.oid = u.oid ORDER BY u.n)",
        ),
        expr("using_expression", "pg_get_expr(p.polqual, p.polrelid)"),
        expr("check_expression", "pg_get_expr(p.polwithcheck, p.polrelid)"),
    ],
    concat!(
        "FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ",
        in_user_schema!(),
        " ORDER BY p.oid"
    ),
);

/// A policy.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: Ident,
    /// The table.
    pub relation: u32,
    /// Its name.
    pub on: QualName,
    /// The statements that it is about; `None` for all.
    pub command: Option<&'static str>,
    /// Whether it only narrows what others allow.
    pub restrictive: bool,
    /// The roles that it is for; empty for all.
    pub roles: Vec<Ident>,
    /// The rows that can be seen.
    pub using: Option<Sql>,
    /// The rows that can be written.
    pub check: Option<Sql>,
}

/// One row of [`QUERY`].
///
/// # Errors
/// If the row is not what the query promises, or if none of its roles is left.
pub(super) fn decode(row: &Row) -> Result<Policy> {
    let name: String = row.get("name")?;
    let malformed = |what: &'static str| Error::malformed(what).about(&name);
    let command = match row.get::<String>("command")?.as_str() {
        "*" => None,
        "r" => Some("SELECT"),
        "a" => Some("INSERT"),
        "w" => Some("UPDATE"),
        "d" => Some("DELETE"),
        _ => return Err(malformed("cannot read the policies: unknown command")),
    };
    let public: bool = row.get("public")?;
    let roles: Vec<String> = if public { Vec::new() } else { row.get("roles")? };
    if !public && roles.is_empty() {
        // Without a list it would be for everybody.
        return Err(malformed("cannot read the policies: its roles do not exist"));
    }
    Ok(Policy {
        id: ObjectId::new(Class::POLICY, row.get("oid")?),
        relation: row.get("relation")?,
        on: QualName::new(row.get::<String>("schema")?, row.get::<String>("relation_name")?),
        command,
        restrictive: !row.get::<bool>("permissive")?,
        roles: roles.into_iter().map(Ident::from).collect(),
        using: row.get::<Option<String>>("using_expression")?.map(Sql::deparsed),
        check: row.get::<Option<String>>("check_expression")?.map(Sql::deparsed),
        name: name.into(),
    })
}

impl Policy {
    /// The OID of the table.
    pub fn table(&self) -> u32 {
        self.relation
    }
}

impl Render for Policy {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("POLICY {} ON {}", self.name, self.on)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::Policy
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.on.schema.as_str().to_owned(), format!("{}\0{}", self.on.name.as_str(), self.name.as_str()))
    }

    fn section(&self, _part: Part) -> Section {
        Section::PostData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let identity = self.identity(catalog);
        let mut create = sql!("CREATE {}", identity);
        if self.restrictive {
            create.push_str(" AS RESTRICTIVE");
        }
        if let Some(command) = self.command {
            create.push(&sql!(" FOR {}", command));
        }
        if !self.roles.is_empty() {
            create.push(&sql!(" TO {}", join(&self.roles, ", ")));
        }
        if let Some(using) = &self.using {
            create.push(&sql!(" USING ({})", using));
        }
        if let Some(check) = &self.check {
            create.push(&sql!(" WITH CHECK ({})", check));
        }
        let tag = format!("{} {}", self.on.name.as_str(), self.name.as_str());
        let mut draft = Draft::new(Kind::Policy, Section::PostData, tag, vec![create]).within(&self.on.schema);
        draft.remove = Some(sql!("DROP {}", identity));
        draft.locks = vec![ObjectId::relation(self.relation)];
        Some(draft)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{catalog, texts};

    #[test]
    fn every_clause() {
        let policy = Policy {
            id: ObjectId::new(Class::POLICY, 1),
            name: "p".into(),
            relation: 2,
            on: QualName::new("s", "t"),
            command: Some("UPDATE"),
            restrictive: true,
            roles: vec!["a\"b".into(), "public".into()],
            using: Some(Sql::constant("a > 0")),
            check: Some(Sql::constant("true")),
        };
        let draft = policy.draft(Part::Definition, &catalog(15), &Decisions::default());
        assert_eq!(
            texts(&draft.map(|draft| draft.create).unwrap_or_default()),
            [
                "CREATE POLICY \"p\" ON \"s\".\"t\" AS RESTRICTIVE FOR UPDATE TO \"a\"\"b\", \"public\" USING (a > 0) WITH CHECK (true)"
            ]
        );
    }
}
