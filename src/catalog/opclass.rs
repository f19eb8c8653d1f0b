//! Operator families and classes (`pg_opfamily`, `pg_opclass`), with their members (`pg_amop`, `pg_amproc`).
//!
//! A member belongs to a class (`pg_depend` says which), or is loose in the family. Which it is differs between majors:
//! since 14 the support functions that an access method can do without are loose. In the order of things a family stands
//! for all its members, those of its classes included.

use std::collections::HashMap;

use super::query::{Query, expr, in_user_schema};
use super::*;
use crate::error::Result;
use crate::sql;
use crate::sql::join;
use crate::wire::session::Row;

/// An operator family.
#[derive(Clone, Debug)]
pub struct OperatorFamily {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: QualName,
    /// Its owner.
    pub owner: Ident,
    /// The access method.
    pub method: Ident,
    /// The members that belong to no class: `OPERATOR 1 ...`, `FUNCTION 1 ...`.
    pub loose: Vec<Sql>,
    /// All its members, those of its classes included, which it stands for in dependencies.
    pub members: Vec<ObjectId>,
}

/// An operator class.
#[derive(Clone, Debug)]
pub struct OperatorClass {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: QualName,
    /// Its owner.
    pub owner: Ident,
    /// The access method.
    pub method: Ident,
    /// The family.
    pub family: QualName,
    /// The type of what is indexed.
    pub data_type: Sql,
    /// The type of what the index holds, if that is another one.
    pub storage: Option<Sql>,
    /// Whether an index on the type uses it unless it says otherwise.
    pub default: bool,
    /// Its members.
    pub members: Vec<Sql>,
}

pub(super) const FAMILIES: Query = Query::of(
    &[
        expr("oid", "f.oid"),
        expr("schema", "n.nspname::text"),
        expr("name", "f.opfname::text"),
        expr("owner", "pg_get_userbyid(f.opfowner)::text"),
        expr("method", "m.amname::text"),
    ],
    concat!(
        "FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace JOIN pg_am m ON m.oid = f.opfmethod WHERE ",
        in_user_schema!(),
        " ORDER BY n.nspname, f.opfname, m.amname"
    ),
);

pub(super) fn decode_family(row: &Row) -> Result<OperatorFamily> {
    Ok(OperatorFamily {
        id: ObjectId::new(Class::OPFAMILY, row.get("oid")?),
        name: QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?),
        owner: Ident::new(row.get::<String>("owner")?),
        method: Ident::new(row.get::<String>("method")?),
        loose: Vec::new(),
        members: Vec::new(),
    })
}

pub(super) const CLASSES: Query = Query::of(
    &[
        expr("oid", "c.oid"),
        expr("schema", "n.nspname::text"),
        expr("name", "c.opcname::text"),
        expr("owner", "pg_get_userbyid(c.opcowner)::text"),
        expr("method", "m.amname::text"),
        expr("family_schema", "s.nspname::text"),
        expr("family", "f.opfname::text"),
        expr("data_type", "format_type(c.opcintype, NULL)"),
        expr("storage", "CASE WHEN c.opckeytype <> 0 THEN format_type(c.opckeytype, NULL) END"),
        expr("is_default", "c.opcdefault"),
    ],
    concat!(
        "FROM pg_opclass c JOIN pg_namespace n ON n.oid = c.opcnamespace JOIN pg_am m ON m.oid = c.opcmethod
        JOIN pg_opfamily f ON f.oid = c.opcfamily JOIN pg_namespace s ON s.oid = f.opfnamespace WHERE ",
        in_user_schema!(),
        " ORDER BY n.nspname, c.opcname, m.amname"
    ),
);

pub(super) fn decode_class(row: &Row) -> Result<OperatorClass> {
    Ok(OperatorClass {
        id: ObjectId::new(Class::OPCLASS, row.get("oid")?),
        name: QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?),
        owner: Ident::new(row.get::<String>("owner")?),
        method: Ident::new(row.get::<String>("method")?),
        family: QualName::new(row.get::<String>("family_schema")?, row.get::<String>("family")?),
        data_type: Sql::deparsed(row.get::<String>("data_type")?),
        storage: row.get::<Option<String>>("storage")?.map(Sql::deparsed),
        default: row.get("is_default")?,
        members: Vec::new(),
    })
}

/// A member of a family or class.
#[derive(Clone, Debug)]
pub(super) struct Member {
    id: ObjectId,
    /// The family.
    family: ObjectId,
    /// What it belongs to: the family itself, or one of its classes.
    holder: ObjectId,
    definition: Sql,
}

/// Operators, then functions, of users' families, and what each belongs to.
pub(super) const MEMBERS: Query = Query::of(
    &[
        expr("class", "x.class"),
        expr("oid", "x.oid"),
        expr("family", "x.family"),
        expr("holder_class", "d.refclassid"),
        expr("holder", "d.refobjid"),
        expr("definition", "x.definition"),
    ],
    "FROM (
        SELECT 'pg_amop'::regclass::oid AS class, o.oid, o.amopfamily AS family, o.amopstrategy AS number,
            'OPERATOR ' || o.amopstrategy || ' ' || o.amopopr::regoperator::text || coalesce(' FOR ORDER BY '
                || quote_ident(n.nspname) || '.' || quote_ident(f.opfname), '') AS definition
        FROM pg_amop o LEFT JOIN pg_opfamily f ON f.oid = o.amopsortfamily LEFT JOIN pg_namespace n ON n.oid = f.opfnamespace
        WHERE o.oid >= 16384
        UNION ALL
        SELECT 'pg_amproc'::regclass, p.oid, p.amprocfamily, p.amprocnum,
            'FUNCTION ' || p.amprocnum || ' (' || format_type(p.amproclefttype, NULL) || ', '
                || format_type(p.amprocrighttype, NULL) || ') ' || p.amproc::regprocedure::text
        FROM pg_amproc p WHERE p.oid >= 16384
    ) x JOIN pg_depend d ON d.classid = x.class AND d.objid = x.oid
        AND d.refclassid IN ('pg_opfamily'::regclass, 'pg_opclass'::regclass) AND d.deptype IN ('a', 'i')
    ORDER BY x.class, x.number, x.definition",
);

pub(super) fn decode_member(row: &Row) -> Result<Member> {
    Ok(Member {
        id: ObjectId::new(Class(row.get("class")?), row.get("oid")?),
        family: ObjectId::new(Class::OPFAMILY, row.get("family")?),
        holder: ObjectId::new(Class(row.get("holder_class")?), row.get("holder")?),
        definition: Sql::deparsed(row.get::<String>("definition")?),
    })
}

/// Gives families and classes their members.
pub(super) fn assemble(families: &mut [OperatorFamily], classes: &mut [OperatorClass], members: Vec<Member>) {
    let (mut held, mut of_family) = (HashMap::<ObjectId, Vec<Sql>>::new(), HashMap::<ObjectId, Vec<ObjectId>>::new());
    for member in members {
        of_family.entry(member.family).or_default().push(member.id);
        held.entry(member.holder).or_default().push(member.definition);
    }
    for family in families {
        family.loose = held.remove(&family.id).unwrap_or_default();
        family.members = of_family.remove(&family.id).unwrap_or_default();
    }
    for class in classes {
        class.members = held.remove(&class.id).unwrap_or_default();
    }
}

impl OperatorFamily {
    /// What it stands for in dependencies, with it.
    pub fn aliases(&self) -> impl Iterator<Item = (ObjectId, ObjectId)> {
        self.members.iter().map(|member| (*member, self.id))
    }
}

impl Render for OperatorFamily {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("OPERATOR FAMILY {} USING {}", self.name, self.method)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::OperatorFamily
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.name.schema.as_str().to_owned(), format!("{} {}", self.name.name.as_str(), self.method.as_str()))
    }

    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let identity = self.identity(catalog);
        let mut create = vec![sql!("CREATE {}", identity)];
        if !self.loose.is_empty() {
            create.push(sql!("ALTER {} ADD\n    {}", identity, join(&self.loose, ",\n    ")));
        }
        let mut draft = Draft::new(Kind::OperatorFamily, Section::PreData, self.name.name.as_str(), create)
            .within(&self.name.schema)
            .owned_by(&self.owner, identity.clone());
        draft.remove = Some(sql!("DROP {}", identity));
        Some(draft)
    }
}

impl Render for OperatorClass {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("OPERATOR CLASS {} USING {}", self.name, self.method)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::OperatorFamily
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.name.schema.as_str().to_owned(), format!("{} {}", self.name.name.as_str(), self.method.as_str()))
    }

    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let mut items: Vec<Sql> = self.storage.iter().map(|storage| sql!("STORAGE {}", storage)).collect();
        items.extend(self.members.iter().cloned());
        if items.is_empty() {
            // The grammar wants something to be listed. This changes nothing.
            items.push(sql!("STORAGE {}", self.data_type));
        }
        let default = if self.default { " DEFAULT" } else { "" };
        let create = sql!(
            "CREATE OPERATOR CLASS {}{} FOR TYPE {} USING {} FAMILY {} AS\n    {}",
            self.name,
            default,
            self.data_type,
            self.method,
            self.family,
            join(items, ",\n    ")
        );
        let identity = self.identity(catalog);
        let mut draft = Draft::new(Kind::OperatorClass, Section::PreData, self.name.name.as_str(), vec![create])
            .within(&self.name.schema)
            .owned_by(&self.owner, identity.clone());
        draft.remove = Some(sql!("DROP {}", identity));
        Some(draft)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, texts};
    use super::*;

    #[test]
    fn members_go_where_they_belong() {
        let (family, class) = (ObjectId::new(Class::OPFAMILY, 1), ObjectId::new(Class::OPCLASS, 2));
        let member = |oid, holder, text| Member {
            id: ObjectId::new(Class::AMOP, oid),
            family,
            holder,
            definition: Sql::constant(text),
        };
        let mut families = vec![OperatorFamily {
            id: family,
            name: QualName::new("s", "f"),
            owner: "own".into(),
            method: "btree".into(),
            loose: vec![],
            members: vec![],
        }];
        let mut classes = vec![OperatorClass {
            id: class,
            name: QualName::new("s", "c"),
            owner: "own".into(),
            method: "btree".into(),
            family: QualName::new("s", "f"),
            data_type: Sql::constant("integer"),
            storage: None,
            default: true,
            members: vec![],
        }];
        let empty = classes[0].draft(Part::Definition, &catalog(15), &Decisions::default()).unwrap();
        assert!(texts(&empty.create)[0].ends_with("FAMILY \"s\".\"f\" AS\n    STORAGE integer"));
        let members =
            vec![member(3, class, "OPERATOR 1 <(integer,integer)"), member(4, family, "OPERATOR 2 <=(integer,bigint)")];
        assemble(&mut families, &mut classes, members);
        let of = |render: &dyn Render| {
            let draft = render.draft(Part::Definition, &catalog(15), &Decisions::default()).unwrap();
            texts(&draft.create).join("; ")
        };
        assert_eq!(
            of(&families[0]),
            "CREATE OPERATOR FAMILY \"s\".\"f\" USING \"btree\"; \
             ALTER OPERATOR FAMILY \"s\".\"f\" USING \"btree\" ADD\n    OPERATOR 2 <=(integer,bigint)"
        );
        assert_eq!(
            of(&classes[0]),
            "CREATE OPERATOR CLASS \"s\".\"c\" DEFAULT FOR TYPE integer USING \"btree\" FAMILY \"s\".\"f\" AS\n    \
             OPERATOR 1 <(integer,integer)"
        );
        assert_eq!(families[0].aliases().count(), 2);
    }
}
