//! Names of segments and user classes, told by number on the hot path.

use std::sync::Arc;

use super::limits;

/// Names that are told by number; 0 stands for none.
#[derive(Debug)]
pub(super) struct Names {
    known: Vec<Arc<str>>,
    none: Arc<str>,
    cap: usize,
}

impl Names {
    pub(super) fn new(cap: usize) -> Self {
        Self { known: Vec::new(), none: "".into(), cap }
    }

    /// The number of a name. Past the cap all further names share that of [`limits::OTHER`].
    pub(super) fn number(&mut self, name: &str) -> u16 {
        let place = |names: &[Arc<str>], name: &str| names.iter().position(|n| **n == *name);
        let at = place(&self.known, name).unwrap_or_else(|| {
            let full = self.known.len() >= self.cap;
            let name = if full { limits::OTHER } else { name };
            place(&self.known, name).unwrap_or_else(|| {
                self.known.push(name.into());
                self.known.len() - 1
            })
        });
        u16::try_from(at + 1).expect("the number of names is capped")
    }

    pub(super) fn name(&self, number: u16) -> Option<Arc<str>> {
        let at = usize::from(number).checked_sub(1)?;
        self.known.get(at).cloned()
    }

    /// The name, empty for none.
    pub(super) fn text(&self, number: u16) -> &Arc<str> {
        let at = usize::from(number).checked_sub(1);
        at.and_then(|at| self.known.get(at)).unwrap_or(&self.none)
    }
}
