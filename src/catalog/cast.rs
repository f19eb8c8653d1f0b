//! Casts (`pg_cast`).

use super::function::letter;
use super::query::{Query, expr};
use super::*;
use crate::error::Result;
use crate::sql;
use crate::wire::session::Row;

/// A cast. It has neither schema nor owner.
#[derive(Clone, Debug)]
pub struct Cast {
    /// Which object this is.
    pub id: ObjectId,
    /// The type that it takes.
    pub source: Sql,
    /// The type that it gives.
    pub target: Sql,
    /// The function that does it, with the types of its arguments: for method `f`.
    pub function: Option<Sql>,
    /// By `f`unction, by the types' own `i`nput and output, or without doing anything (`b`).
    pub method: char,
    /// Only `e`xplicitly, on `a`ssignment too, or `i`mplicitly.
    pub context: char,
}

/// Casts that are no system objects. Those from a range to its multirange come with the type.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "c.oid"),
        expr("source", "format_type(c.castsource, NULL)"),
        expr("target", "format_type(c.casttarget, NULL)"),
        expr("function", "nullif(c.castfunc, 0)::regprocedure::text"),
        expr("method", "c.castmethod::text"),
        expr("context", "c.castcontext::text"),
    ],
    "FROM pg_cast c WHERE c.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.classid = 'pg_cast'::regclass AND d.objid = c.oid AND d.deptype = 'i') ORDER BY 2, 3",
);

pub(super) fn decode(row: &Row) -> Result<Cast> {
    Ok(Cast {
        id: ObjectId::new(Class::CAST, row.get("oid")?),
        source: Sql::deparsed(row.get::<String>("source")?),
        target: Sql::deparsed(row.get::<String>("target")?),
        function: row.get::<Option<String>>("function")?.map(Sql::deparsed),
        method: letter(row, "method")?,
        context: letter(row, "context")?,
    })
}

impl Render for Cast {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("CAST ({} AS {})", self.source, self.target)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::Cast
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.source.as_str().to_owned(), self.target.as_str().to_owned())
    }

    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let identity = self.identity(catalog);
        let mut create = sql!("CREATE {}", identity);
        match (&self.function, self.method) {
            (Some(function), _) => create.push(&sql!(" WITH FUNCTION {}", function)),
            (None, 'i') => create.push_str(" WITH INOUT"),
            (None, _) => create.push_str(" WITHOUT FUNCTION"),
        };
        match self.context {
            'a' => create.push_str(" AS ASSIGNMENT"),
            'i' => create.push_str(" AS IMPLICIT"),
            _ => &mut create,
        };
        let tag = identity.to_string();
        let mut draft = Draft::new(Kind::Cast, Section::PreData, tag, vec![create]);
        draft.remove = Some(sql!("DROP {}", identity));
        Some(draft)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, texts};
    use super::*;

    #[test]
    fn every_way_of_doing_it() {
        let created = |function: Option<&'static str>, method, context| {
            let cast = Cast {
                id: ObjectId::new(Class::CAST, 20_000),
                source: Sql::constant("text"),
                target: Sql::constant("\"s\".\"t\""),
                function: function.map(Sql::constant),
                method,
                context,
            };
            let draft = cast.draft(Part::Definition, &catalog(15), &Decisions::default()).unwrap();
            texts(&draft.create).concat()
        };
        let head = "CREATE CAST (text AS \"s\".\"t\") WITH";
        assert_eq!(
            created(Some("\"s\".\"f\"(text)"), 'f', 'i'),
            format!("{head} FUNCTION \"s\".\"f\"(text) AS IMPLICIT")
        );
        assert_eq!(created(None, 'i', 'a'), format!("{head} INOUT AS ASSIGNMENT"));
        assert_eq!(created(None, 'b', 'e'), format!("{head}OUT FUNCTION"));
    }
}
