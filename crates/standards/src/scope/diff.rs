//! What changes from one scope version to another.

use std::collections::BTreeMap;

use super::version::Version;

/// What changes from one scope version to another, each list sorted by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionDiff {
    /// Testcases only the new version has, with their target.
    pub added: Vec<(String, String)>,
    /// Testcases only the old version has, with their target.
    pub removed: Vec<(String, String)>,
    /// Testcases in both, with the old and the new target.
    pub moved: Vec<(String, String, String)>,
}

impl VersionDiff {
    /// Whether both versions demand the same.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.moved.is_empty()
    }
}

/// What changes from version `a` to version `b`: testcases that come, go, or move to another target.
pub fn diff(a: &Version, b: &Version) -> VersionDiff {
    let (old, new): (BTreeMap<_, _>, BTreeMap<_, _>) = (a.testcases().collect(), b.testcases().collect());
    let only = |these: &BTreeMap<&str, &str>, others: &BTreeMap<&str, &str>| {
        let only = these.iter().filter(|(id, _)| !others.contains_key(*id));
        only.map(|(&id, &target)| (id.to_owned(), target.to_owned())).collect()
    };
    let both = old.iter().filter_map(|(&id, &from)| new.get(id).map(|&to| (id, from, to)));
    let moved = both.filter(|(_, from, to)| from != to);
    VersionDiff {
        added: only(&new, &old),
        removed: only(&old, &new),
        moved: moved.map(|(id, from, to)| (id.to_owned(), from.to_owned(), to.to_owned())).collect(),
    }
}
