//! Loops between objects, and their repair (PostgreSQL 18, `src/bin/pg_dump/pg_dump_sort.c`, `repairDependencyLoop`, knows
//! the same loops).

use super::graph::{BOUNDARY, Graph, Key};
use crate::catalog::{Catalog, Decisions, Node, Object, ObjectId, Part, Priority};
use crate::error::{Error, Result};

/// Loops among the vertices that are not `placed`: lists of members, each of which needs the next, and the last the first.
/// No vertex is in two of them, so that repairing one does not touch another.
pub(super) fn loops(graph: &Graph, placed: &[bool]) -> Vec<Vec<usize>> {
    let mut state = vec![State::New; graph.vertices.len()];
    let mut found = Vec::new();
    for start in 0..graph.vertices.len() {
        if !placed[start] && state[start] == State::New {
            walk(graph, placed, start, &mut state, &mut found);
        }
    }
    found
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    OnPath,
    Done,
}

/// A depth-first walk without recursion (a chain may be as long as the database has objects).
fn walk(graph: &Graph, placed: &[bool], start: usize, state: &mut [State], found: &mut Vec<Vec<usize>>) {
    let mut path: Vec<(usize, Vec<usize>)> = vec![(start, next_of(graph, placed, start))];
    state[start] = State::OnPath;
    while let Some((here, todo)) = path.last_mut() {
        let here = *here;
        match todo.pop() {
            None => {
                state[here] = State::Done;
                path.pop();
            }
            Some(next) => match state[next] {
                State::Done => {}
                State::New => {
                    state[next] = State::OnPath;
                    path.push((next, next_of(graph, placed, next)));
                }
                State::OnPath => {
                    let from = path.iter().position(|(n, _)| *n == next).unwrap_or(0);
                    let members: Vec<usize> = path[from..].iter().map(|(n, _)| *n).collect();
                    // Its members are spoken for in this round, and so is whatever led here.
                    for (n, _) in path.drain(..) {
                        state[n] = State::Done;
                    }
                    found.push(members);
                }
            },
        }
    }
}

fn next_of(graph: &Graph, placed: &[bool], number: usize) -> Vec<usize> {
    graph.vertices[number].needs.iter().copied().filter(|&n| !placed[n]).collect()
}

/// Breaks one loop.
///
/// # Errors
///
/// Where no rule fits; names the members.
pub(super) fn repair(catalog: &Catalog, graph: &mut Graph, how: &mut Decisions, members: &[usize]) -> Result<()> {
    let at_boundary = members.contains(&BOUNDARY);
    let rules: [fn(&Loop<'_>, &mut Graph, &mut Decisions) -> bool; 4] =
        [declare_type, replace_view, postpone_behind_boundary, set_apart];
    let found = Loop { catalog, members, at_boundary };
    if rules.iter().any(|rule| rule(&found, graph, how)) {
        return Ok(());
    }
    let names: Vec<String> = members.iter().map(|&n| found.name(graph, n)).collect();
    Err(Error::malformed("these objects depend on each other in a loop that no known repair breaks")
        .about(names.join(" -> ")))
}

struct Loop<'a> {
    catalog: &'a Catalog,
    members: &'a [usize],
    at_boundary: bool,
}

impl Loop<'_> {
    /// The definitions among the members, in the order of their kinds and names.
    fn definitions(&self, graph: &Graph) -> impl Iterator<Item = (usize, &Object)> {
        let mut members = self.members.to_vec();
        members.sort_by_key(|&n| graph.vertices.get(n).map(|v| &v.key));
        let nodes: Vec<(usize, Node)> =
            members.into_iter().filter_map(|n| Some((n, graph.vertices.get(n)?.node?))).collect();
        nodes
            .into_iter()
            .filter(|(_, node)| node.part == Part::Definition)
            .filter_map(|(n, node)| Some((n, self.catalog.get(node.object)?)))
    }

    fn name(&self, graph: &Graph, number: usize) -> String {
        match graph.vertices.get(number).and_then(|v| v.node) {
            None => "(data)".to_owned(),
            Some(node) => match self.catalog.get(node.object) {
                Some(object) => object.render().identity(self.catalog).to_string(),
                None => format!("{node:?}"),
            },
        }
    }
}

/// A type and the functions that read and write it, or bring its ranges into their form, need each other: the functions
/// make do with the type's declaration.
fn declare_type(found: &Loop<'_>, graph: &mut Graph, how: &mut Decisions) -> bool {
    let pair = found.definitions(graph).find_map(|(number, object)| match object {
        Object::Type(of) if of.can_be_declared() => {
            let place = found.members.iter().position(|&member| member == number)?;
            // Each member needs the next, so that the one before needs the type.
            let before = place.checked_sub(1).unwrap_or(found.members.len() - 1);
            let function = *found.members.get(before)?;
            let node = graph.vertices.get(function)?.node?;
            matches!(found.catalog.get(node.object), Some(Object::Function(_))).then_some((number, of.id, function))
        }
        _ => None,
    });
    let Some((number, id, function)) = pair else { return false };
    let declaration = Node { object: id, part: Part::Shell };
    let shell = match graph.number(declaration) {
        Some(shell) => shell,
        None => {
            let Some(vertex) = graph.vertices.get(number).cloned() else { return false };
            let shell = graph.add(declaration, vertex.key, true);
            graph.tie(number, shell);
            for needs in vertex.needs {
                if graph.is_schema(needs) {
                    graph.tie(shell, needs);
                }
            }
            how.shells.insert(id);
            shell
        }
    };
    graph.cut(function, number);
    graph.tie(function, shell);
    true
}

/// A view whose query is part of the loop comes as a stand-in first; the real one follows after the data.
fn replace_view(found: &Loop<'_>, graph: &mut Graph, how: &mut Decisions) -> bool {
    let view = found.definitions(graph).find_map(|(number, object)| match object {
        Object::View(view) if !view.is_materialized() && !how.shells.contains(&view.id) => Some((number, view.id)),
        _ => None,
    });
    let Some((number, id)) = view else { return false };
    let Some(vertex) = graph.vertices.get(number).cloned() else { return false };
    let key = Key { priority: Priority::Relation, ..vertex.key.clone() };
    let shell = graph.add(Node { object: id, part: Part::Shell }, key, true);
    graph.redirect(number, shell, number);
    // The stand-in needs what the columns need; the query's needs stay with the real one.
    for &needs in vertex.needs.difference(&vertex.by_rule) {
        if needs != BOUNDARY {
            graph.tie(shell, needs);
        }
    }
    graph.cut(number, number);
    graph.tie(number, shell);
    graph.postpone(number);
    how.shells.insert(id);
    true
}

/// A materialized view that groups by a primary key, and a function with such a query in its body, wait for the key.
fn postpone_behind_boundary(found: &Loop<'_>, graph: &mut Graph, how: &mut Decisions) -> bool {
    if !found.at_boundary {
        return false;
    }
    let waits = found.definitions(graph).find_map(|(number, object)| match object {
        _ if !graph.vertices.get(number).is_some_and(|v| v.pre_data) => None,
        Object::View(view) if view.is_materialized() => Some((number, view.id)),
        Object::Function(function) => Some((number, function.id)),
        _ => None,
    });
    let Some((number, id)) = waits else { return false };
    graph.postpone(number);
    how.postponed.insert(id);
    true
}

/// A default or CHECK that stands in the CREATE statement of its table or domain gets a statement of its own.
fn set_apart(found: &Loop<'_>, graph: &mut Graph, how: &mut Decisions) -> bool {
    for after_data in [true, false] {
        let Some((number, id, parent)) = separable(found, graph, how, after_data) else { continue };
        graph.cut(parent, number);
        graph.tie(number, parent);
        if after_data {
            graph.postpone(number);
        }
        how.apart.insert(id);
        return true;
    }
    false
}

/// The first member that can be set apart: CHECKs (which then come after the data) before defaults.
fn separable(found: &Loop<'_>, graph: &Graph, how: &Decisions, checks: bool) -> Option<(usize, ObjectId, usize)> {
    found.definitions(graph).find_map(|(number, object)| {
        let parent = match object {
            Object::Constraint(check) if checks && check.is_inline() => ObjectId::relation(check.table()),
            Object::DomainConstraint(check) if checks && check.is_inline(how) => check.domain,
            Object::AttributeDefault(default) if !checks && default.is_separable() => {
                ObjectId::relation(default.table())
            }
            _ => return None,
        };
        let id = object.id();
        let parent = graph.number(Node::definition(parent))?;
        (!how.apart.contains(&id) && graph.vertices.get(parent)?.needs.contains(&number))
            .then_some((number, id, parent))
    })
}
