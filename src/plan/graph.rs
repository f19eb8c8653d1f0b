//! The graph that the order is made from: parts of objects, and what each needs.

use std::collections::{BTreeSet, HashMap};

use crate::catalog::attached;
use crate::catalog::depend::Dependency;
use crate::catalog::{Catalog, Class, Node, Object, ObjectId, Part, Priority};
use crate::toc::Section;

/// What decides between nodes that are both ready.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub priority: Priority,
    pub name: (String, String),
    pub node: Option<Node>,
}

/// One vertex. `node` is `None` for the boundary between what comes before the data and everything else.
#[derive(Clone, Debug)]
pub(super) struct Vertex {
    pub node: Option<Node>,
    pub key: Key,
    /// Whether it has to come before the boundary.
    pub pre_data: bool,
    /// What must come before, by number.
    pub needs: BTreeSet<usize>,
    /// Those of `needs` that come from a view's rule: from what its query reads, not from its columns.
    pub by_rule: BTreeSet<usize>,
}

/// All vertices. Number 0 is the pre-data boundary: string-bodied functions have no recorded dependencies, so nothing may
/// run user code (defaults, CHECKs, index expressions) before all of them are there.
#[derive(Clone, Debug)]
pub(super) struct Graph {
    pub vertices: Vec<Vertex>,
    numbers: HashMap<Node, usize>,
}

/// The number of the pre-data boundary.
pub(super) const BOUNDARY: usize = 0;

impl Graph {
    /// The graph of a catalog, loops and all.
    pub fn of(catalog: &Catalog) -> Self {
        let mut graph = Self { vertices: vec![Vertex::boundary()], numbers: HashMap::new() };
        let mut nodes = Vec::new();
        for object in catalog.objects() {
            let render = object.render();
            for part in render.parts() {
                let node = Node { object: object.id(), part };
                let key = Key { priority: render.priority(part), name: render.sort_key(catalog), node: Some(node) };
                nodes.push((key, node, render.section(part) == Section::PreData));
            }
        }
        // Numbers follow names, so that loops are found and repaired alike on two servers with different OIDs.
        nodes.sort_by(|a, b| a.0.cmp(&b.0));
        for (key, node, pre_data) in nodes {
            graph.add(node, key, pre_data);
        }
        for object in catalog.objects() {
            for (node, needs) in object.render().edges(catalog) {
                graph.connect(node, needs, false);
            }
        }
        for (node, needs) in attached::edges(catalog) {
            graph.connect(node, needs, false);
        }
        for dependency in &catalog.depends {
            graph.add_dependency(catalog, dependency);
        }
        graph
    }

    /// Adds a vertex and puts it on its side of the boundary.
    pub fn add(&mut self, node: Node, key: Key, pre_data: bool) -> usize {
        let number = self.vertices.len();
        let mut needs = BTreeSet::new();
        if !pre_data {
            needs.insert(BOUNDARY);
        }
        self.vertices.push(Vertex { node: Some(node), key, pre_data, needs, by_rule: BTreeSet::new() });
        self.numbers.insert(node, number);
        if pre_data && let Some(boundary) = self.vertices.get_mut(BOUNDARY) {
            boundary.needs.insert(number);
        }
        number
    }

    /// The number of a node, if it is in the graph.
    pub fn number(&self, node: Node) -> Option<usize> {
        self.numbers.get(&node).copied()
    }

    /// `node` needs `needs`. Nothing happens if either is unknown; only a rule makes something need itself.
    fn connect(&mut self, node: Node, needs: Node, by_rule: bool) {
        if let (Some(node), Some(needs)) = (self.number(node), self.number(needs))
            && (node != needs || by_rule)
            && let Some(vertex) = self.vertices.get_mut(node)
        {
            vertex.needs.insert(needs);
            if by_rule {
                vertex.by_rule.insert(needs);
            }
        }
    }

    /// Adds what one row of `pg_depend` says (PostgreSQL 18, `pg_dump.c`, `getDependencies`, has the same exceptions).
    fn add_dependency(&mut self, catalog: &Catalog, row: &Dependency) {
        // That a member belongs to its operator class says nothing about the family, which stands for all members.
        if row.kind == b'i' && matches!(row.object.class, Class::AMOP | Class::AMPROC) {
            return;
        }
        let (object, needs) = (catalog.resolve(row.object), catalog.resolve(row.needs));
        let by_rule = row.object.class == Class::REWRITE && object.class != Class::REWRITE;
        // A view can have been replaced by one that reads itself; that its rule belongs to it is another thing. An extension's
        // own views are the extension's.
        let is_view = matches!(catalog.get(object), Some(Object::View(_)));
        let reads_itself = by_rule && is_view && row.kind == b'n' && row.needs_subid != 0;
        if object == needs && !reads_itself || is_hand_made(catalog, row, object, needs) {
            return;
        }
        let owned =
            matches!(catalog.get(object), Some(Object::Sequence(_))) && row.kind == b'a' && row.needs_subid != 0;
        let part = if owned { Part::OwnedBy } else { Part::Definition };
        self.connect(Node { object, part }, Node::definition(needs), by_rule);
    }

    /// Moves a vertex behind the boundary.
    pub fn postpone(&mut self, number: usize) {
        if let Some(boundary) = self.vertices.get_mut(BOUNDARY) {
            boundary.needs.remove(&number);
        }
        if let Some(vertex) = self.vertices.get_mut(number) {
            vertex.pre_data = false;
            vertex.needs.insert(BOUNDARY);
        }
    }

    /// Takes one dependency away.
    pub fn cut(&mut self, number: usize, needs: usize) {
        if let Some(vertex) = self.vertices.get_mut(number) {
            vertex.needs.remove(&needs);
            vertex.by_rule.remove(&needs);
        }
    }

    /// Whether a vertex makes a schema.
    pub fn is_schema(&self, number: usize) -> bool {
        self.vertices.get(number).is_some_and(|vertex| vertex.key.priority == Priority::Schema)
    }

    /// Adds one dependency.
    pub fn tie(&mut self, number: usize, needs: usize) {
        if number != needs
            && let Some(vertex) = self.vertices.get_mut(number)
        {
            vertex.needs.insert(needs);
        }
    }

    /// Everything that needed `from` needs `to` instead, `except` aside; and aside from what runs queries, which needs what
    /// is real.
    pub fn redirect(&mut self, from: usize, to: usize, except: usize) {
        for (number, vertex) in self.vertices.iter_mut().enumerate() {
            if number != except && vertex.key.priority != Priority::Refresh && vertex.needs.remove(&from) {
                vertex.needs.insert(to);
                if vertex.by_rule.remove(&from) {
                    vertex.by_rule.insert(to);
                }
            }
        }
    }
}

impl Vertex {
    fn boundary() -> Self {
        Self {
            node: None,
            key: Key { priority: Priority::PreDataBoundary, name: Default::default(), node: None },
            pre_data: false,
            needs: BTreeSet::new(),
            by_rule: BTreeSet::new(),
        }
    }
}

/// Rows of `pg_depend` that say the opposite of the order in which we make things; [`crate::catalog::Render::edges`] has
/// the right ones.
fn is_hand_made(catalog: &Catalog, row: &Dependency, object: ObjectId, needs: ObjectId) -> bool {
    match (catalog.get(object), catalog.get(needs)) {
        // An inline default or CHECK comes with its table; one that has to stand apart is tied by the repair.
        (Some(Object::AttributeDefault(default)), Some(Object::Table(table))) => default.table() == table.id.oid,
        (Some(Object::Constraint(check)), Some(Object::Table(table))) => {
            check.is_inline() && check.table() == table.id.oid
        }
        (Some(Object::DomainConstraint(check)), Some(Object::Type(domain))) => {
            check.validated && check.domain == domain.id
        }
        // What belongs to a partition belongs to its parent's (P, S; I in 11), but is made by itself and attached.
        (Some(Object::Index(_)), Some(Object::Index(_)))
        | (Some(Object::Constraint(_)), Some(Object::Constraint(_))) => {
            matches!(row.kind, b'P' | b'S' | b'I')
        }
        // We build the index first and hand it to its constraint.
        (Some(Object::Index(_)), Some(Object::Constraint(_))) => row.kind == b'i',
        _ => false,
    }
}
