//! A sequence whose copies share what has not changed since.

use std::sync::Arc;

/// Bits of a place that one floor of the tree decides.
const BITS: u32 = 5;
/// Branches of a node at most: 20,000 values are three floors high.
const FAN: usize = 1 << BITS;

/// Values by place, in leaves of [`FAN`]; all leaves are on one floor. A copy costs one count, a change of a copied tree
/// the nodes from its root to the value.
#[derive(Clone, Debug)]
pub(super) struct Tree<V> {
    root: Arc<Node<V>>,
    /// Floors above the leaves.
    height: u32,
    len: usize,
}

#[derive(Clone, Debug)]
enum Node<V> {
    Leaf(Vec<V>),
    Inner(Vec<Arc<Node<V>>>),
}

impl<V> Default for Tree<V> {
    fn default() -> Self {
        Self { root: Arc::new(Node::Leaf(Vec::new())), height: 0, len: 0 }
    }
}

/// The branch of a node `height` floors above the leaves that leads to this place.
const fn branch(place: usize, height: u32) -> usize {
    (place >> (BITS * height)) & (FAN - 1)
}

impl<V> Tree<V> {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, place: usize) -> Option<&V> {
        // A place beyond the end would lead back into the tree, of which a floor sees its own bits only.
        if place >= self.len {
            return None;
        }
        let (mut node, mut height) = (&*self.root, self.height);
        loop {
            match node {
                Node::Leaf(values) => return values.get(branch(place, 0)),
                Node::Inner(nodes) => node = nodes.get(branch(place, height))?,
            }
            height = height.saturating_sub(1);
        }
    }
}

impl<V: Clone> Tree<V> {
    pub(super) fn push(&mut self, value: V) {
        if self.len == FAN << (BITS * self.height) {
            self.root = Arc::new(Node::Inner(vec![Arc::clone(&self.root)]));
            self.height += 1;
        }
        let (mut node, mut height) = (Arc::make_mut(&mut self.root), self.height);
        loop {
            let nodes = match node {
                Node::Inner(nodes) => nodes,
                Node::Leaf(values) => {
                    values.push(value);
                    self.len += 1;
                    return;
                }
            };
            if nodes.len() == branch(self.len, height) {
                let below =
                    if height == 1 { Node::Leaf(Vec::new()) } else { Node::Inner(Vec::new()) };
                nodes.push(Arc::new(below));
            }
            // There is one: it was just added, or has room.
            let Some(last) = nodes.last_mut() else { return };
            node = Arc::make_mut(last);
            height = height.saturating_sub(1);
        }
    }

    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut V> {
        if place >= self.len {
            return None;
        }
        let (mut node, mut height) = (Arc::make_mut(&mut self.root), self.height);
        loop {
            match node {
                Node::Leaf(values) => return values.get_mut(branch(place, 0)),
                Node::Inner(nodes) => node = Arc::make_mut(nodes.get_mut(branch(place, height))?),
            }
            height = height.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_they_were_put_at_every_height() {
        let mut tree = Tree::default();
        for value in 0..FAN * FAN * FAN + 3 {
            assert_eq!(tree.get(value), None, "beyond the end");
            tree.push(value);
            assert_eq!(
                (tree.len(), tree.get(value), tree.get(0)),
                (value + 1, Some(&value), Some(&0))
            );
        }
        for place in (0..tree.len()).step_by(7) {
            assert_eq!(tree.get(place), Some(&place));
            *tree.get_mut(place).unwrap() += 1;
            assert_eq!(tree.get(place), Some(&(place + 1)));
        }
        assert_eq!(tree.get_mut(tree.len()), None);
    }

    #[test]
    fn a_copy_shows_nothing_of_what_comes_after() {
        let mut tree = Tree::default();
        (0..100).for_each(|value| tree.push(value));
        let copy = tree.clone();
        *tree.get_mut(40).unwrap() = -1;
        tree.push(100);
        let seen = |tree: &Tree<i32>| [tree.get(40).copied(), tree.get(100).copied()];
        assert_eq!(seen(&copy), [Some(40), None]);
        assert_eq!(seen(&tree), [Some(-1), Some(100)]);
    }
}
