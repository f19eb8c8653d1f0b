//! Views and materialized views.

use std::collections::{HashMap, HashSet};

use super::query::{Query, expr, in_user_schema};
use super::reloptions::{Reloption, clauses};
use super::table::Column;
use super::{Acl, Catalog, Class, Decisions, Draft, Node, Object, ObjectId, Part, Priority, Render};
use crate::error::{Error, Result};
use crate::sql;
use crate::sql::acl::AclKind;
use crate::sql::{Ident, QualName, Sql, join};
use crate::toc::{Kind, Section};
use crate::wire::session::Row;

/// All views, with the rule that each of them is.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "c.oid"),
        expr("schema", "n.nspname::text"),
        expr("name", "c.relname::text"),
        expr("owner", "pg_get_userbyid(c.relowner)::text"),
        expr("materialized", "c.relkind = 'm'"),
        // Not the pretty form: that leaves out parentheses which a later server may need.
        expr("definition", "pg_get_viewdef(c.oid)"),
        expr("options", "c.reloptions"),
        expr("toast_options", "o.reloptions"),
        expr("rule", "r.oid"),
        expr("populated", "c.relispopulated"),
        expr("replica_identity", "c.relreplident::text"),
        expr("tablespace", "s.spcname::text"),
        expr("access_method", "m.amname::text"),
        expr("size", "CASE WHEN c.relkind = 'm' THEN coalesce(pg_total_relation_size(c.oid), 0) ELSE 0 END"),
        expr("acl", "c.relacl::text[]"),
        expr("acl_base", "acldefault('r', c.relowner)::text[]"),
    ],
    concat!(
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace ",
        "JOIN pg_rewrite r ON r.ev_class = c.oid AND r.ev_type = '1' LEFT JOIN pg_class o ON o.oid = c.reltoastrelid ",
        "LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace LEFT JOIN pg_am m ON m.oid = c.relam ",
        "WHERE c.relkind IN ('v', 'm') AND ",
        in_user_schema!(),
        " ORDER BY c.oid"
    ),
);

/// Which views read which other views.
pub(super) const READS: Query = Query::of(
    &[expr("view", "r.ev_class"), expr("reads", "d.refobjid")],
    concat!(
        "FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid ",
        "JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace ",
        "JOIN pg_class b ON b.oid = d.refobjid ",
        "WHERE d.refclassid = 'pg_class'::regclass AND b.relkind IN ('v', 'm') AND d.refobjid <> r.ev_class ",
        "AND r.ev_type = '1' AND ",
        in_user_schema!(),
        " GROUP BY 1, 2 ORDER BY 1, 2"
    ),
);

/// A view or materialized view.
#[derive(Clone, Debug)]
pub struct View {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: QualName,
    /// Its owner.
    pub owner: Ident,
    /// The query.
    pub definition: Sql,
    /// The rule (OID in `pg_rewrite`) that makes it a view: others depend on that.
    pub rule: u32,
    /// Its columns, dropped ones left out.
    pub columns: Vec<Column>,
    /// The views (OIDs) that its query reads.
    pub reads: Vec<u32>,
    /// Its privileges.
    pub acl: Acl,
    options: Vec<Reloption>,
    check_option: &'static str,
    stored: Option<Stored>,
}

/// What only a materialized view has.
#[derive(Clone, Debug)]
struct Stored {
    populated: bool,
    replica_identity: Option<&'static str>,
    tablespace: Option<Ident>,
    access_method: Option<Ident>,
    toast_options: Vec<Reloption>,
    /// In bytes, with TOAST and indexes, as all that is made again when it is filled.
    size: u64,
}

/// One row of [`QUERY`]: a view that has no columns yet.
///
/// # Errors
/// If the row is not what the query promises, or the query is empty.
pub(super) fn decode(row: &Row) -> Result<View> {
    let name = QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?);
    let definition: String = row.get("definition")?;
    let definition = definition.trim_end().trim_end_matches(';');
    if definition.is_empty() {
        return Err(Error::malformed("cannot read the views: empty definition").about(name.label()));
    }
    let mut options = Reloption::parse(row.get("options")?);
    let mut check_option = "";
    // It is kept among the options, but has a clause of its own.
    options.retain(|option| match (option.name.as_str(), option.value.as_str()) {
        ("check_option", value) => {
            let local = value.eq_ignore_ascii_case("local");
            check_option = if local { "\n  WITH LOCAL CHECK OPTION" } else { "\n  WITH CASCADED CHECK OPTION" };
            false
        }
        _ => true,
    });
    Ok(View {
        id: ObjectId::relation(row.get("oid")?),
        owner: row.get::<String>("owner")?.into(),
        definition: Sql::deparsed(definition),
        rule: row.get("rule")?,
        columns: Vec::new(),
        reads: Vec::new(),
        acl: Acl::decode(row, AclKind::Table)?,
        options,
        check_option,
        stored: if row.get("materialized")? { Some(decode_stored(row)?) } else { None },
        name,
    })
}

fn decode_stored(row: &Row) -> Result<Stored> {
    Ok(Stored {
        populated: row.get("populated")?,
        replica_identity: match row.get::<String>("replica_identity")?.as_str() {
            "n" => Some("NOTHING"),
            "f" => Some("FULL"),
            _ => None,
        },
        tablespace: row.get::<Option<String>>("tablespace")?.map(Ident::from),
        access_method: row.get::<Option<String>>("access_method")?.map(Ident::from),
        toast_options: Reloption::parse(row.get("toast_options")?),
        size: row.get::<i64>("size")?.unsigned_abs(),
    })
}

/// One row of [`READS`].
///
/// # Errors
/// If the row is not what the query promises.
pub(super) fn decode_reads(row: &Row) -> Result<(u32, u32)> {
    Ok((row.get("view")?, row.get("reads")?))
}

/// Gives the views their columns, what they read, and the privileges of their columns.
///
/// # Errors
/// If the privileges of a column make no sense.
pub(super) fn assemble(
    mut views: Vec<View>,
    columns: &mut HashMap<u32, Vec<Column>>,
    reads: &[(u32, u32)],
    column_acls: &[(u32, Ident, Vec<String>)],
) -> Result<Vec<View>> {
    let by_oid: HashMap<u32, usize> = views.iter().enumerate().map(|(i, view)| (view.id.oid, i)).collect();
    for view in &mut views {
        view.columns = columns.remove(&view.id.oid).unwrap_or_default();
    }
    for (view, read) in reads {
        if let Some(view) = by_oid.get(view).and_then(|&i| views.get_mut(i)) {
            view.reads.push(*read);
        }
    }
    for (relation, column, items) in column_acls {
        if let Some(view) = by_oid.get(relation).and_then(|&i| views.get_mut(i)) {
            view.acl.add_column(column.clone(), items)?;
        }
    }
    Ok(views)
}

impl View {
    /// Whether its rows are stored.
    pub fn is_materialized(&self) -> bool {
        self.stored.is_some()
    }

    /// The rule that makes it a view, which stands for it in dependencies.
    pub fn rule(&self) -> ObjectId {
        ObjectId::new(Class::REWRITE, self.rule)
    }

    /// Whether it is to be filled: it was, and so was every materialized view that it reads, at any remove.
    fn is_fillable(&self, catalog: &Catalog) -> bool {
        let mut seen = HashSet::from([self.id.oid]);
        let mut next = vec![self];
        while let Some(view) = next.pop() {
            if view.stored.as_ref().is_some_and(|stored| !stored.populated) {
                return false;
            }
            let reads = view.reads.iter().filter(|&&read| seen.insert(read));
            next.extend(reads.filter_map(|&read| view_of(catalog, read)));
        }
        self.is_materialized()
    }

    /// What must be there before it is filled: the materialized views that it reads, filled, and the ordinary ones through
    /// which it does, as they really are.
    fn sources(&self, catalog: &Catalog) -> Vec<Node> {
        let (mut out, mut seen, mut next) = (Vec::new(), HashSet::from([self.id.oid]), vec![self]);
        while let Some(view) = next.pop() {
            for view in view.reads.iter().filter(|&&read| seen.insert(read)).filter_map(|&read| view_of(catalog, read))
            {
                if view.is_materialized() {
                    out.push(Node { object: view.id, part: Part::Refresh });
                } else {
                    out.push(Node::definition(view.id));
                    next.push(view);
                }
            }
        }
        out
    }

    /// What stands between `CREATE` and the name.
    fn word(&self) -> &'static str {
        if self.is_materialized() { "MATERIALIZED VIEW" } else { "VIEW" }
    }

    fn target(&self) -> Sql {
        sql!("{} {}", self.word(), self.name)
    }

    /// A stand-in with the same columns. The collation counts: it cannot be changed when the real one replaces this.
    fn stand_in(&self) -> Sql {
        let columns = self
            .columns
            .iter()
            .map(|column| sql!("\n    NULL::{}{} AS {}", column.data_type, column.collate(), column.name));
        sql!("VIEW {} AS\n SELECT{}", self.name, join(columns, ","))
    }

    fn shell(&self) -> Draft {
        let create = vec![sql!("CREATE {}", self.stand_in())];
        let mut draft = self.draft_of(Kind::View, Section::PreData, create).owned_by(&self.owner, self.target());
        draft.remove = Some(sql!("DROP {}", self.target()));
        draft
    }

    fn definition(&self, how: &Decisions) -> Draft {
        let replaces = how.shells.contains(&self.id);
        let late = replaces || how.postponed.contains(&self.id);
        let section = if late { Section::PostData } else { Section::PreData };
        let or_replace = if replaces { "OR REPLACE " } else { "" };
        let mut create = sql!("CREATE {}{}", or_replace, self.target());
        let toast = self.stored.as_ref().map(|stored| stored.toast_options.as_slice()).unwrap_or_default();
        if let Some(options) = clauses(&self.options, toast) {
            create.push(&sql!(" WITH ({})", options));
        }
        create.push(&sql!(" AS\n{}{}", self.definition, self.check_option));
        if self.is_materialized() {
            create.push_str("\n  WITH NO DATA");
        }
        let mut statements = vec![create];
        if self.is_materialized() {
            statements.extend(self.columns.iter().flat_map(|column| column.alter(&self.name)));
        }
        if replaces {
            // An archive calls it what others call it: the view itself is there already.
            let mut draft = self.draft_of(Kind::Rule, section, statements);
            draft.tag = format!("{} _RETURN", self.name.name.as_str());
            draft.remove = Some(sql!("CREATE OR REPLACE {}", self.stand_in()));
            draft.locks = vec![self.id];
            return draft;
        }
        let kind = if self.is_materialized() { Kind::MaterializedView } else { Kind::View };
        let mut draft = self.draft_of(kind, section, statements).owned_by(&self.owner, self.target());
        draft.remove = Some(sql!("DROP {}", self.target()));
        if let Some(stored) = &self.stored {
            if let Some(identity) = stored.replica_identity {
                draft.create.push(sql!("ALTER TABLE ONLY {} REPLICA IDENTITY {}", self.name, identity));
            }
            draft.tablespace = Some(stored.tablespace.clone());
            draft.table_am = stored.access_method.clone();
        }
        draft
    }

    fn refresh(&self, catalog: &Catalog) -> Option<Draft> {
        let size = self.stored.as_ref().map(|stored| stored.size).filter(|_| self.is_fillable(catalog))?;
        let create = vec![sql!("REFRESH MATERIALIZED VIEW {}", self.name)];
        let mut draft = self.draft_of(Kind::MaterializedViewData, Section::Last, create);
        draft.locks = vec![self.id];
        draft.weight = size;
        Some(draft)
    }

    fn draft_of(&self, kind: Kind, section: Section, create: Vec<Sql>) -> Draft {
        Draft::new(kind, section, self.name.name.as_str(), create).within(&self.name.schema)
    }
}

fn view_of(catalog: &Catalog, oid: u32) -> Option<&View> {
    match catalog.get(ObjectId::relation(oid))? {
        Object::View(view) => Some(view),
        _ => None,
    }
}

impl Render for View {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        self.target()
    }

    fn priority(&self, part: Part) -> Priority {
        if part == Part::Refresh { Priority::Refresh } else { Priority::Relation }
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.name.schema.as_str().to_owned(), self.name.name.as_str().to_owned())
    }

    fn parts(&self) -> Vec<Part> {
        // The stand-in is a part only once the order has found that it needs one.
        match &self.stored {
            Some(stored) if stored.populated => vec![Part::Definition, Part::Refresh],
            _ => vec![Part::Definition],
        }
    }

    fn section(&self, part: Part) -> Section {
        if part == Part::Refresh { Section::Last } else { Section::PreData }
    }

    fn draft(&self, part: Part, catalog: &Catalog, how: &Decisions) -> Option<Draft> {
        match part {
            Part::Shell => how.shells.contains(&self.id).then(|| self.shell()),
            Part::Definition => Some(self.definition(how)),
            Part::Refresh => self.refresh(catalog),
            _ => None,
        }
    }

    fn edges(&self, catalog: &Catalog) -> Vec<(Node, Node)> {
        if !self.is_materialized() {
            return Vec::new();
        }
        let refresh = |object| Node { object, part: Part::Refresh };
        let mut edges = vec![(refresh(self.id), Node::definition(self.id))];
        edges.extend(self.sources(catalog).into_iter().map(|source| (refresh(self.id), source)));
        edges
    }

    fn acl(&self) -> Option<&Acl> {
        Some(&self.acl)
    }

    fn grant_target(&self, _catalog: &Catalog) -> Sql {
        sql!("TABLE {}", self.name)
    }

    fn column(&self, number: i32) -> Option<&Ident> {
        self.columns.iter().find(|column| i32::from(column.number) == number).map(|column| &column.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{catalog, holding, plain, texts};

    fn view(oid: u32, name: &str, populated: Option<bool>, reads: &[u32]) -> View {
        View {
            id: ObjectId::relation(oid),
            name: QualName::new("s", name),
            owner: "o".into(),
            definition: Sql::constant(" SELECT a FROM s.t"),
            rule: oid + 1000,
            columns: vec![Column::plain(1, "a", "text")],
            reads: reads.to_vec(),
            acl: plain(AclKind::Table, "o"),
            options: Reloption::parse(Some(vec!["security_barrier=true".into()])),
            check_option: "",
            stored: populated.map(|populated| Stored {
                populated,
                replica_identity: None,
                tablespace: None,
                access_method: Some("heap".into()),
                toast_options: Vec::new(),
                size: 8192,
            }),
        }
    }

    #[test]
    fn a_view_with_its_clauses() {
        let view = View { check_option: "\n  WITH LOCAL CHECK OPTION", ..view(1, "v", None, &[]) };
        let draft = view.draft(Part::Definition, &catalog(15), &Decisions::default()).map(|draft| draft.create);
        assert_eq!(
            texts(&draft.unwrap_or_default()),
            [
                "CREATE VIEW \"s\".\"v\" WITH (\"security_barrier\"='true') AS\n SELECT a FROM s.t\n  WITH LOCAL CHECK OPTION"
            ]
        );
    }

    #[test]
    fn a_stand_in_has_the_collations_and_no_options() {
        let mut view = view(1, "v", None, &[]);
        view.columns[0].collation = Some(QualName::new("pg_catalog", "C"));
        let how = Decisions { shells: HashSet::from([view.id]), ..Decisions::default() };
        let shell = view.draft(Part::Shell, &catalog(15), &how).map(|draft| draft.create).unwrap_or_default();
        assert_eq!(
            texts(&shell),
            ["CREATE VIEW \"s\".\"v\" AS\n SELECT\n    NULL::text COLLATE \"pg_catalog\".\"C\" AS \"a\""]
        );
        let real = view.draft(Part::Definition, &catalog(15), &how);
        let real =
            real.as_ref().map(|draft| (draft.section, draft.create[0].as_str().starts_with("CREATE OR REPLACE VIEW")));
        assert_eq!(real, Some((Section::PostData, true)));
        assert!(view.draft(Part::Shell, &catalog(15), &Decisions::default()).is_none());
    }

    #[test]
    fn a_materialized_view_is_filled_after_what_it_reads_and_only_if_that_is() {
        let objects = |populated| {
            vec![
                view(1, "a", Some(populated), &[]).into(),
                view(2, "b", None, &[1]).into(),
                view(3, "c", Some(true), &[2]).into(),
            ]
        };
        let refresh = |catalog: &Catalog| {
            let view = catalog.get(ObjectId::relation(3)).map(Object::render);
            view.and_then(|view| view.draft(Part::Refresh, catalog, &Decisions::default())).map(|draft| draft.create)
        };
        let full = holding(15, objects(true));
        assert_eq!(texts(&refresh(&full).unwrap_or_default()), ["REFRESH MATERIALIZED VIEW \"s\".\"c\""]);
        assert!(refresh(&holding(15, objects(false))).is_none());
        let edges = full.get(ObjectId::relation(3)).map(|view| view.render().edges(&full)).unwrap_or_default();
        let node = |oid, part| Node { object: ObjectId::relation(oid), part };
        for needs in [node(1, Part::Refresh), node(2, Part::Definition)] {
            assert!(edges.contains(&(node(3, Part::Refresh), needs)), "{edges:?}");
        }
    }
}
