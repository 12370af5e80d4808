use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use thiserror::Error;
use url::Url;

use super::fetch::file_name;
use super::natural;

/// Who may see an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Everybody finds it.
    Public,
    /// Everybody may use it, and nobody finds it unasked.
    Community,
    /// Some projects may use it.
    Shared,
    /// The project alone.
    Private,
}

/// A word that is none of those that are expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("use {0}")]
pub struct OtherWord(pub &'static str);

impl Visibility {
    /// The word that glance has for it.
    pub fn word(self) -> &'static str {
        match self {
            Visibility::Public => "public",
            Visibility::Community => "community",
            Visibility::Shared => "shared",
            Visibility::Private => "private",
        }
    }
}

impl FromStr for Visibility {
    type Err = OtherWord;

    fn from_str(text: &str) -> Result<Self, OtherWord> {
        let all = [Visibility::Public, Visibility::Community, Visibility::Shared, Visibility::Private];
        let found = all.into_iter().find(|visibility| visibility.word() == text);
        found.ok_or(OtherWord("public, community, shared or private"))
    }
}

/// How long a replaced image stays reachable by its id (scs-0102, `uuid_validity`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// No longer than its content is current.
    None,
    /// As long as it is one of the last so many, the current one included.
    Last(u32),
    /// At least until a day.
    Until(Date),
    /// Until its end was announced.
    Notice,
    /// For ever.
    Forever,
}

impl Validity {
    /// Whether an image must stay: `place` is 1 for the current image, 2 for the one before it, and so on.
    pub fn keeps(self, place: usize, today: Date) -> bool {
        place <= 1
            || match self {
                Validity::None => false,
                Validity::Last(count) => place <= usize::try_from(count).unwrap_or(usize::MAX),
                Validity::Until(day) => today <= day,
                // Nothing tells the program of an announcement; whoever made it takes the image away.
                Validity::Notice | Validity::Forever => true,
            }
    }
}

impl FromStr for Validity {
    type Err = OtherWord;

    fn from_str(text: &str) -> Result<Self, OtherWord> {
        const WORDS: OtherWord = OtherWord("none, last-N, YYYY-MM-DD, notice or forever");
        match text {
            "none" => Ok(Validity::None),
            "notice" => Ok(Validity::Notice),
            "forever" => Ok(Validity::Forever),
            _ => match text.strip_prefix("last-") {
                Some(count) => count.parse().map(Validity::Last).map_err(|_| WORDS),
                None => text.parse().map(Validity::Until).map_err(|_| WORDS),
            },
        }
    }
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Validity::None => f.write_str("none"),
            Validity::Last(count) => write!(f, "last-{count}"),
            Validity::Until(day) => write!(f, "{day}"),
            Validity::Notice => f.write_str("notice"),
            Validity::Forever => f.write_str("forever"),
        }
    }
}

/// How a digest was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// Its name, as glance has it in `os_hash_algo`.
    pub fn word(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
        }
    }
}

/// A digest of what a URL leads to, before anything is decompressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// How it was computed.
    pub algorithm: Algorithm,
    /// In hexadecimal digits, lower case.
    pub hex: String,
}

impl Digest {
    /// A digest of as many digits as its algorithm has; nothing if no algorithm that can be trusted has so many.
    pub fn of_hex(hex: &str) -> Option<Self> {
        let algorithm = match hex.len() {
            64 => Algorithm::Sha256,
            128 => Algorithm::Sha512,
            _ => return None,
        };
        let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| Digest { algorithm, hex: hex.to_ascii_lowercase() })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.word(), self.hex)
    }
}

/// Where the digest of a build stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checksum {
    /// In the definition.
    Given(Digest),
    /// In a file that lists digests by file name, or holds nothing but one.
    Listed(Url),
}

/// One build of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// What it is called. Builds are ordered by it, as people would.
    pub version: String,
    /// The day up to which patches are included.
    pub date: Option<Date>,
    /// Where it comes from.
    pub url: Url,
    /// Where it is fetched from instead.
    pub mirror_url: Option<Url>,
    /// Its digest, if one is known.
    pub checksum: Option<Checksum>,
    /// The id that the image gets.
    pub id: Option<String>,
    /// Whether lists leave it out.
    pub hidden: bool,
    /// Who may see it, if that differs from other builds.
    pub visibility: Option<Visibility>,
    /// Properties that differ from those of other builds.
    pub properties: BTreeMap<String, String>,
}

impl Build {
    /// The name of its file.
    pub fn file_name(&self) -> String {
        file_name(&self.url)
    }

    /// The name of the list that its digest stands in, if it stands in one.
    pub fn list_name(&self) -> Option<String> {
        match &self.checksum {
            Some(Checksum::Listed(url)) => Some(file_name(url)),
            Some(Checksum::Given(_)) | None => None,
        }
    }
}

/// An image as its operator wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The name by which people find it.
    pub name: String,
    /// How the disk is stored, such as `qcow2`.
    pub format: String,
    /// The user that is made for logging in, or `none`.
    pub login: String,
    /// The smallest disk, in GiB.
    pub min_disk: u64,
    /// The least RAM, in MiB.
    pub min_ram: u64,
    /// Whether it can be used.
    pub active: bool,
    /// Who may see it.
    pub visibility: Visibility,
    /// Whether the newest build replaces the one before it. If not, each build is an image of its own.
    pub rotates: bool,
    /// Whether replaced builds stay for ever, whatever `uuid_validity` says.
    pub keep: bool,
    /// What stands between the name and a version.
    pub separator: String,
    /// Tags that it must have.
    pub tags: BTreeSet<String>,
    /// Whether it is protected from being deleted; none if that does not matter.
    pub protected: Option<bool>,
    /// The projects that may use it while it is shared, by id or name; none if that does not matter.
    pub members: Option<BTreeSet<String>>,
    /// The stores of glance that must have its data, others may; empty if that does not matter.
    pub stores: BTreeSet<String>,
    /// Properties that it must have.
    pub properties: BTreeMap<String, String>,
    /// How long a replaced build stays.
    pub validity: Validity,
    /// Its builds, the newest last.
    pub builds: Vec<Build>,
    /// Where the newest build can always be had.
    pub latest: Option<Url>,
    /// Where its digest can be had.
    pub latest_checksum: Option<Url>,
    /// Where it was defined, for messages.
    pub origin: String,
    /// The clause of the standard that asks for it, if one does.
    pub clause: Option<String>,
}

impl Definition {
    /// The name of the image of a build that is not the current one, or of one that does not rotate.
    pub fn name_of(&self, build: &Build) -> String {
        format!("{}{}{}", self.name, self.separator, build.version)
    }

    /// The builds that are to be there: the newest one, or all if they do not rotate.
    pub fn wanted(&self) -> &[Build] {
        match self.rotates {
            true => &self.builds[self.builds.len().saturating_sub(1)..],
            false => &self.builds,
        }
    }

    /// The name under which a wanted build is found.
    pub fn public_name(&self, build: &Build) -> String {
        match self.rotates {
            true => self.name.clone(),
            false => self.name_of(build),
        }
    }

    /// All properties that the image of a build must have.
    pub fn properties_of(&self, build: &Build) -> BTreeMap<String, String> {
        let mut properties = self.properties.clone();
        properties.extend(build.properties.clone());
        let mut set = |key: &str, value: String| properties.insert(key.to_owned(), value);
        set("image_original_user", self.login.clone());
        set("image_name", self.name.clone());
        set("internal_version", build.version.clone());
        set("image_source", source_of(&build.url));
        if let Some(date) = build.date {
            set("image_build_date", date.to_string());
        }
        if let Some(Checksum::Given(digest)) = &build.checksum {
            set("upstream_checksum", digest.to_string());
        }
        properties.entry("image_description".to_owned()).or_insert_with(|| self.name.clone());
        properties
    }

    /// Whether it could make one of these testcases pass: those of scs-0104 about its name, and those of scs-0102 about
    /// any image.
    pub fn could_mend(&self, testcases: &BTreeSet<String>) -> bool {
        let name: String = self
            .name
            .to_lowercase()
            .chars()
            .filter(|letter| *letter != '.')
            .map(|letter| if letter == ' ' { '-' } else { letter })
            .collect();
        let name = if name.contains("capi-image") { "capi-2" } else { &name };
        testcases.iter().any(|testcase| {
            testcase.starts_with("scs-0102-")
                || ["scs-0104-image-", "scs-0104-source-"]
                    .iter()
                    .any(|kind| testcase.strip_prefix(kind) == Some(name))
        })
    }

    /// Puts builds in the order of their versions.
    pub(super) fn sort(&mut self) {
        self.builds.sort_by(|one, other| natural::compare(&one.version, &other.version));
    }
}

/// Where an image came from, for everybody to see: of a local file no more than its name.
fn source_of(url: &Url) -> String {
    match url.scheme() {
        "file" => "private".to_owned(),
        _ => crate::source::public(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn each_promise_keeps_what_it_says() {
        let today = day("2026-06-01");
        // How many of five images stay; the current one always does.
        for (word, stay) in [
            ("none", 1),
            ("last-0", 1),
            ("last-1", 1),
            ("last-3", 3),
            ("last-4294967295", 5),
            ("2026-05-31", 1),
            ("2026-06-01", 5),
            ("notice", 5),
            ("forever", 5),
        ] {
            let validity: Validity = word.parse().unwrap();
            assert_eq!(validity.to_string(), word);
            assert_eq!((1..=5).filter(|place| validity.keeps(*place, today)).count(), stay, "{word}");
        }
        for wrong in ["", "last-", "last-x", "always", "2026-13-01", "last-4294967296"] {
            assert!(wrong.parse::<Validity>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_digests_that_can_be_trusted_are_digests() {
        let digest = Digest::of_hex(&"AB".repeat(32)).unwrap();
        assert_eq!(digest.to_string(), format!("sha256:{}", "ab".repeat(32)));
        assert_eq!(Digest::of_hex(&"0".repeat(128)).unwrap().algorithm, Algorithm::Sha512);
        // Those of MD5 and SHA-1 can be forged.
        for weak in ["0".repeat(32), "0".repeat(40), "g".repeat(64)] {
            assert_eq!(Digest::of_hex(&weak), None);
        }
    }
}
