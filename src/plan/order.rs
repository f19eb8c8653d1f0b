//! The order: by priority and name, as far as dependencies allow.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::cycle;
use super::graph::Graph;
use crate::catalog::{Catalog, Decisions, Step};
use crate::error::{Error, Result};

/// How many rounds of loop repairs are tried. A round repairs every loop that it sees, and a repair can uncover another.
const ROUNDS: usize = 1_000;

/// The steps that make everything in the catalog, one after the other, and the decisions that make such an order possible.
///
/// Stable: the same catalog gives the same order, whatever the OIDs.
///
/// # Errors
///
/// `Malformed`, where objects depend on each other in a loop that no known repair breaks; the error names its members.
pub fn order(catalog: &Catalog, target_major: u32) -> Result<(Vec<Step>, Decisions)> {
    let mut graph = Graph::of(catalog);
    let mut how = Decisions { target: target_major, ..Decisions::default() };
    for _ in 0..ROUNDS {
        let sorted = sort(&graph);
        if sorted.len() == graph.vertices.len() {
            return Ok((steps(&graph, &sorted), how));
        }
        let mut placed = vec![false; graph.vertices.len()];
        for &number in &sorted {
            if let Some(flag) = placed.get_mut(number) {
                *flag = true;
            }
        }
        for members in cycle::loops(&graph, &placed) {
            cycle::repair(catalog, &mut graph, &mut how, &members)?;
        }
    }
    Err(Error::malformed("cannot find an order: repairs of dependency loops do not come to an end"))
}

/// A topological sort with a heap: of all that is ready, the one that ranks first. What is part of a loop, or behind one,
/// is missing from the result.
fn sort(graph: &Graph) -> Vec<usize> {
    let count = graph.vertices.len();
    let mut waiting: Vec<usize> = graph.vertices.iter().map(|v| v.needs.len()).collect();
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (number, vertex) in graph.vertices.iter().enumerate() {
        for &needs in &vertex.needs {
            if let Some(list) = needed_by.get_mut(needs) {
                list.push(number);
            }
        }
    }
    let rank = ranks(graph);
    let mut ready: BinaryHeap<Reverse<(usize, usize)>> = BinaryHeap::new();
    for (number, &left) in waiting.iter().enumerate() {
        if left == 0 {
            ready.push(Reverse((rank[number], number)));
        }
    }
    let mut sorted = Vec::with_capacity(count);
    while let Some(Reverse((_, number))) = ready.pop() {
        sorted.push(number);
        for &next in &needed_by[number] {
            waiting[next] -= 1;
            if waiting[next] == 0 {
                ready.push(Reverse((rank[next], next)));
            }
        }
    }
    sorted
}

/// The place of every vertex if there were no dependencies.
fn ranks(graph: &Graph) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..graph.vertices.len()).collect();
    numbers.sort_by(|&a, &b| graph.vertices[a].key.cmp(&graph.vertices[b].key));
    let mut rank = vec![0; numbers.len()];
    for (place, &number) in numbers.iter().enumerate() {
        rank[number] = place;
    }
    rank
}

fn steps(graph: &Graph, sorted: &[usize]) -> Vec<Step> {
    let mut out = Vec::with_capacity(sorted.len());
    for vertex in sorted.iter().filter_map(|&number| graph.vertices.get(number)) {
        if let Some(node) = vertex.node {
            let needs = vertex.needs.iter().filter_map(|&n| graph.vertices.get(n)?.node).collect();
            out.push(Step { node, needs });
        }
    }
    out
}
