//! Who inherits from whom, and which column comes from which.

use std::collections::{HashMap, HashSet};

use super::{Column, Table};
use crate::sql::Ident;

/// Where a column stands: the table's and the column's place in their lists.
pub(super) type Place = (usize, usize);

/// The tables by OID, and the columns by name of those that are parents.
pub(super) struct Family {
    tables: HashMap<u32, usize>,
    columns: HashMap<usize, HashMap<Ident, usize>>,
}

impl Family {
    /// The family of these tables. It stays true as long as none is added, removed or moved.
    pub fn of(tables: &[Table]) -> Self {
        let by_oid: HashMap<u32, usize> = tables.iter().enumerate().map(|(i, table)| (table.id.oid, i)).collect();
        let parents = tables.iter().flat_map(|table| &table.parents).filter_map(|parent| by_oid.get(&parent.oid));
        let parents: HashSet<usize> = parents.copied().collect();
        let names = |i: usize| {
            let columns = tables.get(i).map(|table| table.columns.as_slice()).unwrap_or_default();
            columns.iter().enumerate().map(|(j, column)| (column.name.clone(), j)).collect()
        };
        Self { tables: by_oid, columns: parents.into_iter().map(|i| (i, names(i))).collect() }
    }

    /// The place of the table with this OID.
    pub fn table(&self, oid: u32) -> Option<usize> {
        self.tables.get(&oid).copied()
    }

    /// The places of a column in the parents of its table.
    pub fn above<'a>(&'a self, table: &'a Table, column: &'a Ident) -> impl Iterator<Item = Place> + 'a {
        table.parents.iter().filter_map(move |parent| {
            let i = *self.tables.get(&parent.oid)?;
            Some((i, *self.columns.get(&i)?.get(column)?))
        })
    }
}

/// Every column that there is.
pub(super) fn places(tables: &[Table]) -> Vec<Place> {
    let each = tables.iter().enumerate();
    each.flat_map(|(i, table)| (0..table.columns.len()).map(move |j| (i, j))).collect()
}

/// The column at a place, with its table.
pub(super) fn column(tables: &[Table], (i, j): Place) -> Option<(&Table, &Column)> {
    let table = tables.get(i)?;
    Some((table, table.columns.get(j)?))
}

/// The column at a place.
pub(super) fn column_mut(tables: &mut [Table], (i, j): Place) -> Option<&mut Column> {
    tables.get_mut(i)?.columns.get_mut(j)
}
