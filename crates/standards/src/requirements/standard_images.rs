//! scs-0104: standard images.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::releases::Due;
use super::scheme::Scheme;
use super::status::Status;
use super::table::{DocumentVersion, embedded};

/// What a pair of testcases of the reference suite looks at.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageTestcase {
    /// The end of the ids `scs-0104-source-…` and `scs-0104-image-…`.
    pub id: String,
    /// The name of the image, or of the class of images if there is a scheme.
    pub name: String,
    /// The names of a class of images.
    #[serde(default)]
    pub scheme: Option<Scheme>,
    /// Key in [`StandardImages::sources`].
    pub source: String,
}

/// An entry of an image spec.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecifiedImage {
    /// The testcases that look at it; see [`ImageTestcase::id`].
    pub testcase: String,
    /// The name of the image, or of the class of images if there is a scheme.
    pub name: String,
    /// The names of a class of images.
    #[serde(default)]
    pub scheme: Option<Scheme>,
    /// Key in [`StandardImages::sources`].
    pub source: String,
    /// How binding it is to offer such an image.
    pub status: Status,
}

impl SpecifiedImage {
    /// Whether an image of this name is meant: the name itself, or all of it as the scheme says.
    pub fn is_named(&self, name: &str) -> bool {
        match &self.scheme {
            Some(scheme) => scheme.matches(name),
            None => self.name == name,
        }
    }
}

/// A file that lists images (scs-0104-v1, image specification).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSpec {
    /// Name of the file.
    pub file: String,
    /// The scope versions that use it.
    pub scope_versions: Vec<String>,
    /// Its entries.
    pub images: Vec<SpecifiedImage>,
}

/// Where a distribution publishes images.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vendor {
    /// Value of `os_distro`.
    pub distro: String,
    /// The form of `os_version` that the rule speaks of.
    pub version: Scheme,
    sources: Vec<String>,
}

impl Vendor {
    /// Beginnings of `image_source` for a release.
    pub fn sources(&self, codename: &str) -> Vec<String> {
        self.sources.iter().map(|source| source.replace("{codename}", codename)).collect()
    }
}

/// What images for Cluster API must be like.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapiRule {
    /// Images with such a name are meant.
    pub scheme: Scheme,
    /// The form of the name that should be used.
    pub recommended_scheme: Scheme,
    /// Key in [`StandardImages::sources`].
    pub source: String,
    /// Value of `os_purpose`.
    pub os_purpose: String,
    /// Value of `image_description`.
    pub image_description: String,
}

/// A release of which a generic image is offered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRule {
    /// The end of the testcase id `scs-0104-v2-…`.
    pub id: String,
    /// Value of `os_distro`.
    pub distro: String,
    /// Releases back from the latest one.
    pub back: usize,
    /// How binding it is.
    pub status: Status,
    /// When a new release must be there.
    pub due: Due,
}

/// The rules of v2.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImagesByProperty {
    /// Where generic images come from.
    pub vendors: Vec<Vendor>,
    /// Images for Cluster API.
    pub capi: CapiRule,
    /// Releases that are offered.
    pub releases: Vec<ReleaseRule>,
}

/// The table of scs-0104.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandardImages {
    /// The document, without its version.
    pub standard: String,
    /// The versions of the document.
    pub versions: Vec<DocumentVersion>,
    /// Beginnings of `image_source` by key.
    sources: BTreeMap<String, Vec<String>>,
    /// What the reference suite looks at.
    pub testcases: Vec<ImageTestcase>,
    /// The image specs of v1.
    pub image_specs: Vec<ImageSpec>,
    /// The rules of v2.
    pub v2: ImagesByProperty,
}

impl StandardImages {
    /// The table that is part of the program.
    pub fn get() -> &'static StandardImages {
        static TABLE: LazyLock<StandardImages> = LazyLock::new(|| {
            embedded("scs-0104.yaml", include_str!("../../data/requirements/scs-0104.yaml"))
        });
        &TABLE
    }

    /// Beginnings of `image_source` by the key that an entry names; empty for an unknown key.
    pub fn sources(&self, key: &str) -> &[String] {
        self.sources.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// What the image specs say about the images of a testcase, in the order of the specs.
    pub fn specified(&self, testcase: &str) -> impl Iterator<Item = (&ImageSpec, &SpecifiedImage)> {
        self.image_specs.iter().flat_map(move |spec| {
            spec.images.iter().filter(move |image| image.testcase == testcase).map(move |image| (spec, image))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::scope_ids::ids_in_scope;
    use super::*;

    #[test]
    fn the_image_specs_have_the_statuses_of_the_published_files() {
        let count = |file: usize, status| {
            let images = &StandardImages::get().image_specs[file].images;
            images.iter().filter(|image| image.status == status).count()
        };
        for (file, expected) in [(0, [1, 1, 4]), (1, [1, 2, 4])] {
            let counts =
                [Status::Mandatory, Status::Recommended, Status::Optional].map(|status| count(file, status));
            assert_eq!(counts, expected, "file {file}");
        }
    }

    #[test]
    fn both_name_schemes_tell_blank_from_dash_and_have_an_end() {
        let table = StandardImages::get();
        let scheme = |id: &str| {
            table
                .testcases
                .iter()
                .find(|testcase| testcase.id == id)
                .and_then(|it| it.scheme.as_ref())
                .unwrap()
        };
        let (blank, dash) = (scheme("capi-1"), scheme("capi-2"));
        assert!(blank.matches("ubuntu-capi-image v1.30") && !blank.begins("ubuntu-capi-image-v1.30"));
        assert!(dash.matches("ubuntu-capi-image-v1.30.4") && !dash.begins("ubuntu-capi-image v1.30.4"));
        assert!(dash.begins("ubuntu-capi-image-v1.30-foo") && !dash.matches("ubuntu-capi-image-v1.30-foo"));
        assert!(!dash.begins("my-ubuntu-capi-image-v1.30") && !dash.begins("ubuntu-capi-image-v11.30"));
        let both = &table.v2.capi.scheme;
        assert!(both.matches("ubuntu-capi-image v1.30") && both.matches("ubuntu-capi-image-v1.30"));
    }

    #[test]
    fn every_source_has_beginnings() {
        let table = StandardImages::get();
        let keys = table
            .testcases
            .iter()
            .map(|testcase| &testcase.source)
            .chain(table.image_specs.iter().flat_map(|spec| &spec.images).map(|image| &image.source))
            .chain([&table.v2.capi.source]);
        for key in keys {
            assert!(!table.sources(key).is_empty(), "{key}");
        }
    }

    #[test]
    fn every_testcase_of_the_scope_and_of_the_specs_is_in_the_table() {
        let table = StandardImages::get();
        let has = |id: &str| table.testcases.iter().any(|testcase| testcase.id == id);
        for id in ids_in_scope("scs-0104-") {
            let end = id.trim_start_matches("scs-0104-source-").trim_start_matches("scs-0104-image-");
            assert!(has(end), "{id}");
        }
        for image in table.image_specs.iter().flat_map(|spec| &spec.images) {
            assert!(has(&image.testcase), "{}", image.testcase);
        }
        assert_eq!(table.testcases.len(), 9);
    }

    #[test]
    fn debian_13_is_in_no_image_spec() {
        assert_eq!(StandardImages::get().specified("debian-13").count(), 0);
        assert_eq!(StandardImages::get().specified("debian-12").count(), 2);
    }
}
