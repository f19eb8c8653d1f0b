//! Types (`pg_type`): base types, enums, domains, composite types and ranges.

mod base;
mod composite;
mod domain;
mod domain_constraint;
mod enumeration;
mod range;

pub use base::Base;
#[cfg(test)]
use composite::Attribute;
pub use composite::Composite;
pub use domain::Domain;
pub use domain_constraint::DomainConstraint;
pub(super) use domain_constraint::{QUERY as CONSTRAINTS, decode as decode_constraint};
pub use enumeration::Enumeration;
pub use range::Range;

use super::query::{Query, expr, in_user_schema};
use super::*;
use crate::error::{Error, Result};
use crate::sql;
use crate::sql::acl::AclKind;
use crate::wire::session::Row;

/// A type.
#[derive(Clone, Debug)]
pub struct Type {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: QualName,
    /// Its privileges and owner.
    pub acl: Acl,
    /// What it is.
    pub definition: Definition,
    /// What came with it and stands for it in dependencies: its array type, a composite type's relation, the multirange
    /// type and the constructors of a range.
    pub derived: Vec<ObjectId>,
}

/// What a type is.
#[derive(Clone, Debug)]
pub enum Definition {
    /// Nothing: it was only declared.
    Undefined,
    /// What functions read and write.
    Base(Base),
    /// One of a list of labels.
    Enumeration(Enumeration),
    /// Another type with constraints.
    Domain(Domain),
    /// Attributes with names.
    Composite(Composite),
    /// A range over another type.
    Range(Range),
}

/// Users' types, other than those that came with tables or with other types.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "t.oid"),
        expr("schema", "n.nspname::text"),
        expr("name", "t.typname::text"),
        expr("owner", "pg_get_userbyid(t.typowner)::text"),
        expr("acl", "t.typacl::text[]"),
        expr("acl_base", "acldefault('T', t.typowner)::text[]"),
        expr("kind", "t.typtype::text"),
        expr("array", "t.typarray"),
        expr("relation", "t.typrelid"),
        expr("multirange", "coalesce(r.rngmultitypid, 0)").since(14, "0::oid"),
        expr("multirange_array", "coalesce(m.typarray, 0)").since(14, "0::oid"),
        expr(
            "constructors",
            "ARRAY(SELECT d.objid FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'i'
                AND d.refclassid = 'pg_type'::regclass AND d.refobjid IN (r.rngtypid, r.rngmultitypid))",
        )
        .since(
            14,
            "ARRAY(SELECT d.objid FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'i'
                AND d.refclassid = 'pg_type'::regclass AND d.refobjid = r.rngtypid)",
        ),
        enumeration::LABELS,
        domain::BASE,
        domain::COLLATION,
        domain::DEFAULT,
        domain::NOT_NULL,
        domain::CONSTRAINTS,
        composite::NAMES,
        composite::TYPES,
        composite::COLLATIONS,
        composite::NUMBERS,
        range::SUBTYPE,
        range::OPCLASS,
        range::COLLATION,
        range::DIFF,
        range::MULTIRANGE,
        range::CANONICAL,
        base::LENGTH,
        base::FUNCTIONS,
        base::DEFAULT_EXPRESSION,
        base::DEFAULT_TEXT,
        base::ELEMENT,
        base::CATEGORY,
        base::PREFERRED,
        base::DELIMITER,
        base::ALIGNMENT,
        base::STORAGE,
        base::BY_VALUE,
        base::COLLATABLE,
    ],
    concat!(
        "FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        LEFT JOIN pg_class c ON c.oid = t.typrelid
        LEFT JOIN pg_type b ON b.oid = t.typbasetype
        LEFT JOIN pg_range r ON t.typtype = 'r' AND r.rngtypid = t.oid
        LEFT JOIN pg_type s ON s.oid = r.rngsubtype
        LEFT JOIN pg_type m ON t.typtype = 'r' AND m.oid = (to_jsonb(r) ->> 'rngmultitypid')::oid
        LEFT JOIN LATERAL (
            SELECT array_agg(a.attname::text ORDER BY a.attnum) AS names,
                array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum) AS types,
                array_agg(CASE WHEN a.attcollation <> y.typcollation THEN (
                    SELECT quote_ident(cn.nspname) || '.' || quote_ident(co.collname)
                    FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace WHERE co.oid = a.attcollation
                ) END ORDER BY a.attnum) AS collations,
                array_agg(a.attnum ORDER BY a.attnum) AS numbers
            FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        ) p ON t.typtype = 'c'
        WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND c.relkind = 'c' OR t.typtype = 'p' AND NOT t.typisdefined
                OR t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid))
            AND ",
        in_user_schema!(),
        " ORDER BY n.nspname, t.typname"
    ),
);

pub(super) fn decode(row: &Row) -> Result<Type> {
    let kind: String = row.get("kind")?;
    let definition = match kind.as_str() {
        "p" => Definition::Undefined,
        "b" => Definition::Base(base::decode(row)?),
        "e" => Definition::Enumeration(enumeration::decode(row)?),
        "d" => Definition::Domain(domain::decode(row)?),
        "c" => Definition::Composite(composite::decode(row)?),
        "r" => Definition::Range(range::decode(row)?),
        _ => return Err(Error::malformed("cannot read a type").about(kind)),
    };
    let types = [row.get("array")?, row.get("multirange")?, row.get("multirange_array")?].map(|oid| (Class::TYPE, oid));
    let relation = [(Class::RELATION, row.get("relation")?)];
    let constructors: Vec<u32> = row.get("constructors")?;
    let derived = types.into_iter().chain(relation).chain(constructors.into_iter().map(|oid| (Class::PROC, oid)));
    Ok(Type {
        id: ObjectId::new(Class::TYPE, row.get("oid")?),
        name: QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?),
        acl: Acl::decode(row, AclKind::Type)?,
        definition,
        derived: derived.filter(|(_, oid)| *oid != 0).map(|(class, oid)| ObjectId::new(class, oid)).collect(),
    })
}

impl Type {
    /// What stands for this type in dependencies, with it.
    pub fn aliases(&self) -> impl Iterator<Item = (ObjectId, ObjectId)> {
        self.derived.iter().map(|derived| (*derived, self.id))
    }

    /// Whether functions can name it before it is defined, and it needs such functions.
    pub fn can_be_declared(&self) -> bool {
        matches!(self.definition, Definition::Base(_) | Definition::Range(_))
    }

    fn kind(&self) -> Kind {
        match self.definition {
            Definition::Domain(_) => Kind::Domain,
            _ => Kind::Type,
        }
    }
}

impl Render for Type {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("{} {}", self.kind().desc(), self.name)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::Type
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.name.schema.as_str().to_owned(), self.name.name.as_str().to_owned())
    }

    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }

    fn draft(&self, part: Part, catalog: &Catalog, how: &Decisions) -> Option<Draft> {
        let identity = self.identity(catalog);
        let drop = Some(sql!("DROP {}", identity));
        if part == Part::Shell {
            let create = vec![sql!("CREATE {}", identity)];
            let draft = Draft::new(Kind::ShellType, Section::PreData, self.name.name.as_str(), create);
            return Some(Draft { remove: drop, ..draft.within(&self.name.schema) });
        }
        let definition = match &self.definition {
            Definition::Undefined => Sql::default(),
            Definition::Base(base) => base.definition(),
            Definition::Enumeration(enumeration) => enumeration.definition(),
            Definition::Domain(domain) => domain.definition(catalog, how),
            Definition::Composite(composite) => composite.definition(),
            Definition::Range(range) => range.definition(&self.name, catalog, how),
        };
        let between = match self.definition {
            Definition::Undefined => "",
            Definition::Base(_) => " ",
            _ => " AS ",
        };
        let create = sql!("CREATE {}{}{}", identity, between, definition);
        let mut draft = Draft::new(self.kind(), Section::PreData, self.name.name.as_str(), vec![create])
            .within(&self.name.schema)
            .owned_by(&self.acl.owner, identity.clone());
        draft.remove = drop;
        Some(draft)
    }

    fn acl(&self) -> Option<&Acl> {
        Some(&self.acl)
    }

    fn grant_target(&self, _catalog: &Catalog) -> Sql {
        sql!("TYPE {}", self.name)
    }

    fn column(&self, number: i32) -> Option<&Ident> {
        match &self.definition {
            Definition::Composite(composite) => composite.attribute(number),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{holding, plain, texts};
    use super::*;

    fn named(name: &str, definition: Definition) -> Type {
        let acl = plain(AclKind::Type, "own");
        let derived = vec![ObjectId::new(Class::TYPE, 9), ObjectId::relation(8)];
        Type { id: ObjectId::new(Class::TYPE, 7), name: QualName::new("s", name), acl, definition, derived }
    }

    fn create(type_: &Type, objects: Vec<Object>, source: u32, target: u32) -> String {
        let how = Decisions { target, ..Decisions::default() };
        let draft = type_.draft(Part::Definition, &holding(source, objects), &how).unwrap();
        texts(&draft.create).concat()
    }

    #[test]
    fn enumerations() {
        let labels = |labels: &[&str]| {
            let labels = labels.iter().map(|l| (*l).to_owned()).collect();
            named("e", Definition::Enumeration(Enumeration { labels }))
        };
        assert_eq!(create(&labels(&["it's", ""]), vec![], 12, 18), "CREATE TYPE \"s\".\"e\" AS ENUM ('it''s', '')");
        assert_eq!(create(&labels(&[]), vec![], 12, 18), "CREATE TYPE \"s\".\"e\" AS ENUM ()");
    }

    #[test]
    fn composites() {
        let attribute = |name: &str, number, collation: Option<&'static str>| Attribute {
            number,
            name: name.into(),
            type_name: Sql::constant("text"),
            collation: collation.map(Sql::constant),
        };
        let attributes = vec![attribute("A", 1, None), attribute("b", 3, Some("\"x\".\"y\""))];
        let composite = named("c", Definition::Composite(Composite { attributes }));
        assert_eq!(
            create(&composite, vec![], 12, 18),
            "CREATE TYPE \"s\".\"c\" AS (\n    \"A\" text,\n    \"b\" text COLLATE \"x\".\"y\"\n)"
        );
        assert_eq!(composite.column(3).unwrap().as_str(), "b");
        assert!(composite.column(2).is_none());
        assert_eq!(composite.aliases().count(), 2);
        let empty = named("c", Definition::Composite(Composite { attributes: vec![] }));
        assert_eq!(create(&empty, vec![], 12, 18), "CREATE TYPE \"s\".\"c\" AS ()");
    }

    #[test]
    fn ranges_name_their_multirange_where_the_new_server_could_not() {
        let range = |multirange: Option<QualName>| {
            let definition = Range {
                subtype: Sql::constant("date"),
                opclass: Some(Sql::constant("\"s\".\"o\"")),
                collation: None,
                diff: Some(Sql::constant("\"s\".\"d\"")),
                canonical: None,
                multirange,
            };
            named("a_range", Definition::Range(definition))
        };
        let named_so = range(Some(QualName::new("s", "m")));
        let text = create(&named_so, vec![], 14, 18);
        assert!(text.contains("multirange_type_name = \"s\".\"m\""), "{text}");
        let text = create(&range(None), vec![], 13, 18);
        assert_eq!(
            text,
            "CREATE TYPE \"s\".\"a_range\" AS RANGE (\n    subtype = date,\n    subtype_opclass = \"s\".\"o\",\n    \
             subtype_diff = \"s\".\"d\"\n)"
        );
        let taken = named("a_multirange", Definition::Enumeration(Enumeration { labels: vec![] }));
        let text = create(&range(None), vec![taken.clone().into()], 13, 14);
        assert!(text.contains("multirange_type_name = \"s\".\"a_multirange_1\""), "{text}");
        assert!(!create(&range(None), vec![taken.into()], 13, 13).contains("multirange"));
    }

    #[test]
    fn domains_hold_their_constraints() {
        let constraint = |oid, validated, not_null| DomainConstraint {
            id: ObjectId::new(Class::CONSTRAINT, oid),
            domain: ObjectId::new(Class::TYPE, 7),
            domain_name: QualName::new("s", "d"),
            name: Ident::new(format!("k{oid}")),
            definition: Sql::constant(if not_null { "NOT NULL" } else { "CHECK (true)" }),
            validated,
        };
        let constraints = vec![1, 2, 3, 4];
        let (base, default) = (Sql::constant("text"), Some(Sql::constant("'a'::text")));
        let domain = Domain { base, collation: None, default, not_null: true, constraints };
        let domain = named("d", Definition::Domain(domain));
        let objects: Vec<Object> = (1..=3).map(|n| constraint(n, n != 3, n == 2).into()).collect();
        assert_eq!(
            create(&domain, objects, 17, 18),
            "CREATE DOMAIN \"s\".\"d\" AS text DEFAULT 'a'::text\n    CONSTRAINT \"k1\" CHECK (true)\n    \
             CONSTRAINT \"k2\" NOT NULL"
        );
        let older: Vec<Object> = vec![constraint(1, true, false).into()];
        assert!(create(&domain, older, 16, 18).ends_with("CHECK (true)\n    NOT NULL"));
    }
}
