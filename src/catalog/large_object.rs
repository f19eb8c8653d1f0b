//! Large objects (`pg_largeobject_metadata`), in batches: there may be millions, mostly with one owner and one list of
//! privileges.

use super::query::{Query, expr};
use super::*;
use crate::error::Result;
use crate::sql;
use crate::sql::acl::AclKind;
use crate::sql::join;
use crate::wire::session::Row;

/// How many large objects are one entry (the same as in PostgreSQL 18, `src/bin/pg_dump/pg_dump.c`).
const BATCH: usize = 1000;

/// Large objects of one owner with the same privileges. The first of them gives its OID to the batch.
#[derive(Clone, Debug)]
pub struct LargeObjects {
    /// The first of them.
    pub id: ObjectId,
    /// Their OIDs, ascending, which stay as they are: rows refer to them.
    pub oids: Vec<u32>,
    /// Their privileges and owner.
    pub acl: Acl,
    /// What they weigh on the old server, in bytes, if all weigh the same.
    pub weight: u64,
}

/// One row for all that have the same owner and privileges. The contents may be read by superusers only, so that one
/// weighs what another does.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oids", "array_agg(m.oid ORDER BY m.oid)"),
        expr("owner", "pg_get_userbyid(m.lomowner)::text"),
        expr("acl", "m.lomacl"),
        expr("acl_base", "acldefault('L', m.lomowner)::text[]"),
        expr("weight", "(pg_relation_size('pg_largeobject') / sum(count(*)) OVER ())::bigint"),
    ],
    "FROM (SELECT oid, lomowner, lomacl::text[] FROM pg_largeobject_metadata) m
        GROUP BY m.lomowner, m.lomacl ORDER BY min(m.oid)",
);

pub(super) fn decode(row: &Row) -> Result<Vec<LargeObjects>> {
    let (oids, weight): (Vec<u32>, i64) = (row.get("oids")?, row.get("weight")?);
    let acl = Acl::decode(row, AclKind::LargeObject)?;
    let weight = u64::try_from(weight).unwrap_or(0);
    let batches = oids.chunks(BATCH).filter_map(|oids| {
        let id = ObjectId::new(Class::LARGE_OBJECT, *oids.first()?);
        let weight = weight.saturating_mul(oids.len() as u64);
        Some(LargeObjects { id, oids: oids.to_vec(), acl: acl.clone(), weight })
    });
    Ok(batches.collect())
}

impl LargeObjects {
    /// What stands for the batch in dependencies and comments: the large objects other than the first.
    pub fn aliases(&self) -> impl Iterator<Item = (ObjectId, ObjectId)> {
        self.oids.iter().skip(1).map(|oid| (ObjectId::new(Class::LARGE_OBJECT, *oid), self.id))
    }

    /// What to call them, for people: "16400..16499", as pg_dump does.
    fn tag(&self) -> String {
        match self.oids.as_slice() {
            [first, .., last] => format!("{first}..{last}"),
            _ => self.id.oid.to_string(),
        }
    }
}

impl Render for LargeObjects {
    /// All of them at once, as `GRANT` has it. Comments and owners belong to each of its own
    /// ([`Target::derived`](super::Target::derived)).
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("LARGE OBJECT {}", join(&self.oids, ", "))
    }

    fn priority(&self, part: Part) -> Priority {
        match part {
            Part::Data => Priority::LargeObjectData,
            _ => Priority::LargeObject,
        }
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (String::new(), format!("{:010}", self.id.oid))
    }

    fn parts(&self) -> Vec<Part> {
        vec![Part::Definition, Part::Data]
    }

    fn section(&self, part: Part) -> Section {
        match part {
            Part::Data => Section::Data,
            _ => Section::PreData,
        }
    }

    fn draft(&self, part: Part, _catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        if part == Part::Data {
            let mut draft = Draft::new(Kind::LargeObjectData, Section::Data, self.tag(), Vec::new());
            draft.data = Some(Data::LargeObjects(self.oids.clone()));
            draft.weight = self.weight;
            return Some(draft);
        }
        let list = sql!("pg_catalog.unnest('{{{}}}'::pg_catalog.oid[]) AS o", join(&self.oids, ","));
        let create = vec![sql!("SELECT pg_catalog.count(pg_catalog.lo_create(o)) FROM {}", list)];
        let mut draft = Draft::new(Kind::LargeObject, Section::PreData, self.tag(), create);
        let each = self.oids.iter().map(|oid| sql!("LARGE OBJECT {}", oid));
        draft.owner = Some((self.acl.owner.clone(), each.collect()));
        draft.remove = Some(sql!("SELECT pg_catalog.count(pg_catalog.lo_unlink(o)) FROM {}", list));
        Some(draft)
    }

    fn edges(&self, _catalog: &Catalog) -> Vec<(Node, Node)> {
        vec![(Node { object: self.id, part: Part::Data }, Node::definition(self.id))]
    }

    fn acl(&self) -> Option<&Acl> {
        Some(&self.acl)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, plain, texts};
    use super::*;

    #[test]
    fn a_batch_is_two_entries() {
        let acl = plain(AclKind::LargeObject, "own");
        let id = ObjectId::new(Class::LARGE_OBJECT, 5);
        let batch = LargeObjects { id, oids: vec![5, 7], acl, weight: 0 };
        let draft = |part| batch.draft(part, &catalog(12), &Decisions::default()).unwrap();
        assert_eq!(
            texts(&draft(Part::Definition).create),
            ["SELECT pg_catalog.count(pg_catalog.lo_create(o)) FROM pg_catalog.unnest('{5,7}'::pg_catalog.oid[]) AS o"]
        );
        let (role, objects) = draft(Part::Definition).owner.unwrap();
        assert_eq!((role.as_str(), texts(&objects).join(", ")), ("own", "LARGE OBJECT 5, LARGE OBJECT 7".to_owned()));
        assert_eq!(draft(Part::Data).data, Some(Data::LargeObjects(vec![5, 7])));
        assert_eq!(batch.tag(), "5..7");
        assert_eq!(batch.aliases().count(), 1);
        assert_eq!(batch.grant_target(&catalog(12)).as_str(), "LARGE OBJECT 5, 7");
    }
}
