//! The order of entries: that of the archive, as far as everything comes after what it needs.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use crate::error::{Error, Result};

/// How many members of a loop an error names.
const NAMED: usize = 10;

/// Puts vertices in an order in which each comes after those that it needs, and otherwise by their rank. `needs` are places
/// in the list.
///
/// # Errors
/// * `Malformed` if some need each other in a circle; names them, as `label` does.
pub(super) fn order<R: Ord + Copy>(
    ranks: &[R],
    needs: &[BTreeSet<usize>],
    label: impl Fn(usize) -> String,
) -> Result<Vec<usize>> {
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); ranks.len()];
    let mut waiting: Vec<usize> = needs.iter().map(BTreeSet::len).collect();
    for (vertex, needs) in needs.iter().enumerate() {
        for &need in needs {
            needed_by[need].push(vertex);
        }
    }
    let ready = (0..ranks.len()).filter(|vertex| waiting[*vertex] == 0).map(|vertex| Reverse((ranks[vertex], vertex)));
    let mut ready: BinaryHeap<_> = ready.collect();
    let mut out = Vec::with_capacity(ranks.len());
    while let Some(Reverse((_, vertex))) = ready.pop() {
        out.push(vertex);
        for &next in &needed_by[vertex] {
            waiting[next] -= 1;
            if waiting[next] == 0 {
                ready.push(Reverse((ranks[next], next)));
            }
        }
    }
    if out.len() == ranks.len() {
        return Ok(out);
    }
    let members = circle(needs, &waiting);
    let mut names: Vec<String> = members.iter().take(NAMED).map(|vertex| label(*vertex)).collect();
    if members.len() > NAMED {
        names.push(format!("and {} more", members.len() - NAMED));
    }
    Err(Error::malformed(format!("entries of the archive need each other in a circle: {}", names.join(", ")))
        .with_hint("No pg_dump writes such an archive. Leave one of them out with --use-list."))
}

/// One circle among the vertices that are still waiting: each of them needs another one that is.
fn circle(needs: &[BTreeSet<usize>], waiting: &[usize]) -> Vec<usize> {
    let next = |vertex: usize| needs.get(vertex)?.iter().copied().find(|need| waiting.get(*need) > Some(&0));
    let Some(mut vertex) = waiting.iter().position(|count| *count > 0) else { return Vec::new() };
    let (mut path, mut seen) = (Vec::new(), BTreeSet::new());
    while seen.insert(vertex) {
        path.push(vertex);
        let Some(other) = next(vertex) else { return path };
        vertex = other;
    }
    path.split_off(path.iter().position(|member| *member == vertex).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(needs: &[&[usize]]) -> Result<Vec<usize>> {
        let ranks: Vec<usize> = (0..needs.len()).collect();
        let needs: Vec<BTreeSet<usize>> = needs.iter().map(|needs| needs.iter().copied().collect()).collect();
        order(&ranks, &needs, |vertex| format!("e{vertex}"))
    }

    #[test]
    fn the_order_stays_where_it_can() {
        assert_eq!(ordered(&[&[], &[0], &[]]).unwrap(), [0, 1, 2]);
        assert_eq!(ordered(&[&[2], &[], &[]]).unwrap(), [1, 2, 0]);
    }

    #[test]
    fn circles_are_named() {
        let error = ordered(&[&[1], &[2], &[3], &[1], &[]]).unwrap_err().to_string();
        assert!(error.ends_with("in a circle: e1, e2, e3"), "{error}");
        let error = ordered(&[&[0]]).unwrap_err().to_string();
        assert!(error.ends_with("in a circle: e0"), "{error}");
    }
}
