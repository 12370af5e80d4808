use std::sync::LazyLock;

use serde::Deserialize;

const SCS_0128: &str = include_str!("../data/scs-0128-v1.yaml");

/// One test of Tempest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// The part of OpenStack that it is about, such as `compute`.
    pub area: String,
    /// Dotted name of its class.
    pub class: String,
    /// Dotted name: class and method.
    pub name: String,
    /// Idempotent id, which stays when a test is renamed.
    pub id: String,
    /// Tags, in Tempest's order.
    pub tags: Vec<String>,
    /// What it needs besides the cloud.
    pub needs: Option<Need>,
}

/// What a test needs besides the cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// Another account, in another project.
    SecondAccount,
    /// An account without application credentials: the test counts them.
    NoApplicationCredentials,
}

impl Test {
    /// As in a list that Tempest loads: `name[id-UUID,tag,tag]`.
    pub fn load_line(&self) -> String {
        let tags: String = self.tags.iter().flat_map(|tag| [",", tag]).collect();
        format!("{}[id-{}{tags}]", self.name, self.id)
    }
}

/// A list of tests that must not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestList {
    /// The document that it belongs to, such as `scs-0128-v1`.
    pub name: String,
    /// The version of Tempest that has every test of the list.
    pub checked: String,
    /// The tests, by name.
    pub tests: Vec<Test>,
}

impl TestList {
    /// The list of scs-0128-v1.
    pub fn scs_0128() -> &'static TestList {
        static LIST: LazyLock<TestList> = LazyLock::new(|| TestList::from(embedded(SCS_0128)));
        &LIST
    }

    /// The list as a file that `tempest run --load-list` reads.
    pub fn load_list(&self) -> String {
        self.tests.iter().map(|test| test.load_line() + "\n").collect()
    }

    /// The tests whose load line contains the pattern, as `stestr` would select them by plain text.
    pub fn matching(&self, pattern: &str) -> Vec<&Test> {
        self.tests.iter().filter(|test| test.load_line().contains(pattern)).collect()
    }
}

#[expect(clippy::panic, reason = "the list is compiled in, and a test reads it")]
fn embedded(text: &str) -> File {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("data/scs-0128-v1.yaml: {error}"))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    list: String,
    #[serde(rename = "url")]
    _url: String,
    checked: String,
    areas: Vec<Area>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Area {
    area: String,
    classes: Vec<Class>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Class {
    #[serde(rename = "class")]
    name: String,
    #[serde(default)]
    needs: Option<Need>,
    tests: Vec<Method>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Method {
    name: String,
    id: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    needs: Option<Need>,
}

impl From<File> for TestList {
    fn from(file: File) -> Self {
        let mut tests = Vec::new();
        for area in file.areas {
            for class in area.classes {
                let full = format!("tempest.api.{}.{}", area.area, class.name);
                for method in class.tests {
                    tests.push(Test {
                        area: area.area.clone(),
                        class: full.clone(),
                        name: format!("{full}.{}", method.name),
                        id: method.id,
                        tags: method.tags,
                        needs: method.needs.or(class.needs),
                    });
                }
            }
        }
        TestList { name: file.list, checked: file.checked, tests }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn the_file_holds_what_the_standard_lists() {
        let list = TestList::scs_0128();
        assert_eq!((list.name.as_str(), list.tests.len()), ("scs-0128-v1", 258));
        let mut areas = BTreeMap::new();
        let mut tags = BTreeMap::new();
        for test in &list.tests {
            *areas.entry(test.area.as_str()).or_insert(0) += 1;
            for tag in &test.tags {
                *tags.entry(tag.as_str()).or_insert(0) += 1;
            }
        }
        let expected = [("compute", 88), ("identity", 16), ("image", 23), ("network", 66), ("volume", 65)];
        assert_eq!(areas, BTreeMap::from(expected));
        assert_eq!(tags, BTreeMap::from([("image", 2), ("negative", 81), ("slow", 1), ("smoke", 33)]));

        let lines: Vec<String> = list.tests.iter().map(Test::load_line).collect();
        assert!(lines.is_sorted(), "as the standard has them");
        let ids: BTreeSet<&str> = list.tests.iter().map(|test| test.id.as_str()).collect();
        assert_eq!(ids.len(), 258);
        for id in ids {
            let is_hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            let lengths: Vec<usize> = id.split('-').filter(|part| is_hex(part)).map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
        }
    }

    #[test]
    fn classes_have_as_many_tests_as_the_standard_says() {
        let mut classes = BTreeMap::new();
        for test in &TestList::scs_0128().tests {
            *classes.entry(test.class.rsplit('.').next().unwrap()).or_insert(0) += 1;
        }
        for (class, count) in [
            ("FlavorsV2TestJSON", 2),
            ("ServersNegativeTestJSON", 20),
            ("ListServerFiltersTestJSON", 13),
            ("ApplicationCredentialsV3Test", 4),
            ("ListUserImagesTest", 10),
            ("NetworksTestDHCPv6", 11),
            ("NetworksTest", 18),
            ("VolumesListTestJSON", 15),
            ("VolumesSnapshotListTestJSON", 13),
            // `ServersTestJSON` of test_create_server and of test_servers.
            ("ServersTestJSON", 9),
        ] {
            assert_eq!(classes.get(class), Some(&count), "{class}");
        }
    }

    #[test]
    fn lines_are_as_tempest_lists_them() {
        let list = TestList::scs_0128();
        let text = list.load_list();
        assert!(text.starts_with(
            "tempest.api.compute.flavors.test_flavors.FlavorsV2TestJSON.test_list_flavors\
             [id-e36c0eaa-dff5-4082-ad1f-3f9a80aa3f59,smoke]\n"
        ));
        assert_eq!(text.lines().count(), 258);
        let found = list.matching("identity.v3.test_projects");
        assert_eq!(found.iter().map(|test| test.needs).collect::<Vec<_>>(), [Some(Need::SecondAccount)]);
        assert_eq!(list.tests.iter().filter(|test| test.needs.is_some()).count(), 2);
    }
}
