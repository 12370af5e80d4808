//! One version of a scope.

use jiff::civil::Date;

use super::spec::Include;

/// A named set of testcases of a version. `main` decides the certificate, the others inform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `main`, `recommended`, `preview`, `text` or another name.
    pub name: String,
    /// Ids, sorted.
    pub testcases: Vec<String>,
}

/// One version of a scope: the union of the targets of the modules it includes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// For example `v5.1`.
    pub name: String,
    /// Since when the version is frozen; drafts have none.
    pub stabilized_at: Option<Date>,
    /// Included modules, in file order; modules of our own follow.
    pub includes: Vec<Include>,
    /// Most binding target first: `main`, `recommended`, `preview`, then the others by name.
    pub targets: Vec<Target>,
}

impl Version {
    /// The target that decides the certificate.
    pub const MAIN: &'static str = "main";

    /// The ids of a target, sorted; none if the version has no such target.
    pub fn target(&self, name: &str) -> &[String] {
        self.targets.iter().find(|target| target.name == name).map_or(&[], |target| &target.testcases)
    }

    /// The target a testcase belongs to; the most binding one if there are several.
    pub fn target_of(&self, testcase: &str) -> Option<&str> {
        let holds =
            |target: &&Target| target.testcases.binary_search_by(|id| id.as_str().cmp(testcase)).is_ok();
        self.targets.iter().find(holds).map(|target| target.name.as_str())
    }

    /// All testcases of all targets, by target; each id once, under its most binding target.
    pub fn testcases(&self) -> impl Iterator<Item = (&str, &str)> {
        self.targets.iter().flat_map(|target| {
            let ids = target.testcases.iter().map(|id| (id.as_str(), target.name.as_str()));
            ids.filter(|&(id, name)| self.target_of(id) == Some(name))
        })
    }
}

/// The order of [`Version::targets`].
pub(super) fn rank(target: &str) -> (u8, &str) {
    let rank = match target {
        Version::MAIN => 0,
        "recommended" => 1,
        "preview" => 2,
        _ => 3,
    };
    (rank, target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_binding_target_wins() {
        let target = |name: &str, ids: &[&str]| Target {
            name: name.to_owned(),
            testcases: ids.iter().map(|&id| id.to_owned()).collect(),
        };
        let mut targets = vec![
            target("text", &["a", "t"]),
            target("alpha", &["a", "t", "z"]),
            target("preview", &["a", "p", "r"]),
            target("recommended", &["a", "r"]),
            target("main", &["a"]),
        ];
        targets.sort_by(|a, b| rank(&a.name).cmp(&rank(&b.name)));
        let version = Version { name: "v1".to_owned(), stabilized_at: None, includes: Vec::new(), targets };
        let all: Vec<_> = version.testcases().collect();
        assert_eq!(
            all,
            [("a", "main"), ("r", "recommended"), ("p", "preview"), ("t", "alpha"), ("z", "alpha")]
        );
        assert_eq!(version.target_of("r"), Some("recommended"));
        assert_eq!(version.target_of("nope"), None);
        assert_eq!(version.target("preview"), ["a", "p", "r"]);
        assert!(version.target("nope").is_empty());
    }
}
