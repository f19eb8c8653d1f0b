//! Text search configurations (`pg_ts_config`): a parser, and the dictionaries for each type of its tokens.

use std::collections::HashMap;

use crate::catalog::query::{Query, expr, in_user_schema};
use crate::catalog::{Catalog, Class, Decisions, Draft, ObjectId, Part, Priority, Render};
use crate::error::{Error, Result};
use crate::sql;
use crate::sql::{Ident, QualName, Sql, join};
use crate::toc::{Kind, Section};
use crate::wire::session::Row;

/// Users' configurations.
pub(in crate::catalog) const QUERY: Query = Query::of(
    &[
        expr("oid", "c.oid"),
        expr("schema", "n.nspname::text"),
        expr("name", "c.cfgname::text"),
        expr("owner", "pg_get_userbyid(c.cfgowner)::text"),
        expr("parser_schema", "pn.nspname::text"),
        expr("parser", "p.prsname::text"),
    ],
    concat!(
        "FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace
        JOIN pg_ts_parser p ON p.oid = c.cfgparser JOIN pg_namespace pn ON pn.oid = p.prsnamespace WHERE ",
        in_user_schema!(),
        " ORDER BY n.nspname, c.cfgname"
    ),
);

/// The dictionaries for each type of token, in the order in which they are asked. The parser gives the types their names.
pub(in crate::catalog) const MAPPINGS: Query = Query::of(
    &[
        expr("configuration", "m.mapcfg"),
        expr("name", "n.nspname || '.' || c.cfgname"),
        expr("token", "(SELECT t.alias FROM ts_token_type(c.cfgparser) t WHERE t.tokid = m.maptokentype)"),
        expr("schemas", "array_agg(dn.nspname::text ORDER BY m.mapseqno)"),
        expr("dictionaries", "array_agg(d.dictname::text ORDER BY m.mapseqno)"),
    ],
    concat!(
        "FROM pg_ts_config_map m JOIN pg_ts_config c ON c.oid = m.mapcfg JOIN pg_namespace n ON n.oid = c.cfgnamespace
        JOIN pg_ts_dict d ON d.oid = m.mapdict JOIN pg_namespace dn ON dn.oid = d.dictnamespace WHERE ",
        in_user_schema!(),
        " GROUP BY m.mapcfg, c.cfgparser, n.nspname, c.cfgname, m.maptokentype ORDER BY m.mapcfg, m.maptokentype"
    ),
);

/// A text search configuration.
#[derive(Clone, Debug)]
pub struct TextSearchConfiguration {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: QualName,
    /// Its owner.
    pub owner: Ident,
    /// Its parser.
    pub parser: QualName,
    /// What is done with tokens, in the order of their types. Tokens of other types are dropped.
    pub mappings: Vec<Mapping>,
}

/// What is done with the tokens of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// What the parser calls the type.
    pub token: Ident,
    /// The dictionaries, in the order in which they are asked.
    pub dictionaries: Vec<QualName>,
}

/// One row of [`QUERY`], still without mappings.
///
/// # Errors
/// If the row is not what the query promises.
pub(in crate::catalog) fn decode(row: &Row) -> Result<TextSearchConfiguration> {
    Ok(TextSearchConfiguration {
        id: ObjectId::new(Class::TS_CONFIG, row.get("oid")?),
        name: QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?),
        owner: Ident::new(row.get::<String>("owner")?),
        parser: QualName::new(row.get::<String>("parser_schema")?, row.get::<String>("parser")?),
        mappings: Vec::new(),
    })
}

/// One row of [`MAPPINGS`]: the configuration (OID) and one of its mappings.
///
/// # Errors
/// If the parser does not know the type of token.
pub(in crate::catalog) fn decode_mapping(row: &Row) -> Result<(u32, Mapping)> {
    let name: String = row.get("name")?;
    let token = row.get::<Option<String>>("token")?.ok_or_else(|| {
        Error::malformed("its parser does not know the tokens of a mapping")
            .about(format!("text search configuration {name}"))
    })?;
    let (schemas, names): (Vec<String>, Vec<String>) = (row.get("schemas")?, row.get("dictionaries")?);
    let dictionaries = schemas.into_iter().zip(names).map(|(schema, name)| QualName::new(schema, name)).collect();
    Ok((row.get("configuration")?, Mapping { token: token.into(), dictionaries }))
}

/// Gives the configurations their mappings.
pub(in crate::catalog) fn assemble(configurations: &mut [TextSearchConfiguration], mappings: Vec<(u32, Mapping)>) {
    let mut by_configuration: HashMap<u32, Vec<Mapping>> = HashMap::new();
    for (configuration, mapping) in mappings {
        by_configuration.entry(configuration).or_default().push(mapping);
    }
    for configuration in configurations {
        configuration.mappings = by_configuration.remove(&configuration.id.oid).unwrap_or_default();
    }
}

impl Render for TextSearchConfiguration {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        super::identity(Kind::TextSearchConfiguration, &self.name)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::TextSearchConfiguration
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        super::sort_key(&self.name)
    }

    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let identity = self.identity(catalog);
        let mut create = vec![sql!("CREATE {} (PARSER = {})", identity, self.parser)];
        create.extend(self.mappings.iter().map(|mapping| {
            let dictionaries = join(&mapping.dictionaries, ", ");
            sql!("ALTER {} ADD MAPPING FOR {} WITH {}", identity, mapping.token, dictionaries)
        }));
        let draft = super::draft(Kind::TextSearchConfiguration, &self.name, create);
        Some(draft.owned_by(&self.owner, identity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{catalog, texts};

    #[test]
    fn mappings_follow() {
        let mapping = Mapping {
            token: "int \"x".into(),
            dictionaries: vec![QualName::new("s", "d"), QualName::new("pg_catalog", "simple")],
        };
        let mut configurations = vec![TextSearchConfiguration {
            id: ObjectId::new(Class::TS_CONFIG, 1),
            name: QualName::new("s", "c"),
            owner: "own".into(),
            parser: QualName::new("pg_catalog", "default"),
            mappings: vec![],
        }];
        assemble(&mut configurations, vec![(2, mapping.clone()), (1, mapping)]);
        let draft = configurations[0].draft(Part::Definition, &catalog(15), &Decisions::default()).unwrap();
        assert_eq!(
            texts(&draft.create),
            [
                r#"CREATE TEXT SEARCH CONFIGURATION "s"."c" (PARSER = "pg_catalog"."default")"#,
                r#"ALTER TEXT SEARCH CONFIGURATION "s"."c" ADD MAPPING FOR "int ""x" WITH "s"."d", "pg_catalog"."simple""#,
            ]
        );
    }
}
