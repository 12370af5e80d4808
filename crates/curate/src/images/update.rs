//! What upstreams publish: the newest build of an image, at an address that will still mean the same build tomorrow.
//!
//! Definitions name where the newest build always is (`latest_url`) and where its digest is (`latest_checksum_url`). No
//! rule here knows a distribution; each knows one way of publishing, and a build is only taken if its digest is that of
//! the newest one.

use jiff::civil::Date;
use thiserror::Error;
use url::Url;

use super::definition::{Checksum, Definition, Digest};
use super::fetch::{FetchError, Fetcher, entries, file_name, listed};
use super::natural;

/// Folders that are looked into, the newest first.
const MOST_FOLDERS: usize = 5;

/// A build that a catalogue does not have yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBuild {
    /// What it is called.
    pub version: String,
    /// The day of the build.
    pub date: Date,
    /// Where it is, today and tomorrow.
    pub url: Url,
    /// Its digest.
    pub digest: Digest,
}

/// What an upstream has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upstream {
    /// The definition does not say where to look.
    Unknown,
    /// Nothing that the catalogue does not have.
    Nothing,
    /// Something newer.
    Build(NewBuild),
}

/// Why it is not known what an upstream has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// It cannot be reached.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Its list of digests does not name the newest build.
    #[error("{0} names no digest of {1}")]
    NoDigest(String, String),
    /// Its version would stand before that of an older one.
    #[error("the newest build is {found:?}, but {other:?} would still be the current one; put it in by hand")]
    Order {
        /// What it is called.
        found: String,
        /// The one that stands after it.
        other: String,
    },
    /// The answer of a forge is not about a release.
    #[error("{0} does not tell of a release")]
    NoRelease(String),
    /// The newest release has no such file.
    #[error("the newest release by {0} has no file {1:?}")]
    NoFile(String, String),
    /// There is a newer build, but no address that stays.
    #[error("there is a newer build at {0}, but no address at which that very build stays")]
    NoStay(String),
}

/// Looks at upstreams.
#[derive(Debug)]
pub struct Upstreams {
    fetcher: Fetcher,
}

impl Upstreams {
    /// A new one.
    ///
    /// # Errors
    /// The system offers no TLS.
    pub fn new() -> Result<Self, reqwest::Error> {
        Ok(Upstreams { fetcher: Fetcher::new()? })
    }

    /// The newest build of an image.
    ///
    /// # Errors
    /// It cannot be found out.
    pub async fn newest(&self, definition: &Definition) -> Result<Upstream, UpdateError> {
        let Some(latest) = &definition.latest else { return Ok(Upstream::Unknown) };
        if file_name(latest).starts_with("last-") {
            return self.by_marker(definition, latest).await;
        }
        if let Some(release) = Release::of(latest) {
            return self.by_release(definition, latest, &release).await;
        }
        let Some(list) = &definition.latest_checksum else { return Ok(Upstream::Unknown) };
        let text = self.fetcher.text(list).await?;
        let name = file_name(latest);
        let digest = listed(&text, &name)
            .or_else(|| of_one(&text, &name, list))
            .ok_or_else(|| UpdateError::NoDigest(crate::source::public(list), name.clone()))?;
        if has(definition, &digest) {
            return Ok(Upstream::Nothing);
        }
        let found = match twin(&text, &name, &digest, latest) {
            Some(found) => Some(found),
            None => match self.in_folder(latest, list, &digest).await? {
                Some(found) => Some(found),
                None => match self.by_version_file(latest, list, &digest).await? {
                    Some(found) => Some(found),
                    None => self.beside(latest, list, &digest).await?,
                },
            },
        };
        match found {
            Some(found) if definition.builds.iter().any(|build| build.url == found.url) => {
                Ok(Upstream::Nothing)
            }
            Some(found) => in_order(definition, renamed(definition, found)),
            None => Err(UpdateError::NoStay(crate::source::public(latest))),
        }
    }

    /// A sibling of the folder of the newest build that bears a date and holds the same file: Ubuntu, Debian.
    async fn in_folder(
        &self,
        latest: &Url,
        list: &Url,
        digest: &Digest,
    ) -> Result<Option<NewBuild>, FetchError> {
        let Some(parent) = parent(latest) else { return Ok(None) };
        let index = match self.fetcher.text(&parent).await {
            Err(why) if why.is_missing => return Ok(None),
            other => other?,
        };
        let mut folders: Vec<(Date, &str)> =
            folders(&index).filter_map(|folder| Some((date_in(folder)?, folder))).collect();
        folders.sort();
        folders.dedup();
        for (date, folder) in folders.into_iter().rev().take(MOST_FOLDERS) {
            let Ok(folder_url) = parent.join(&format!("{folder}/")) else { continue };
            let Ok(list) = folder_url.join(&file_name(list)) else { continue };
            let text = match self.fetcher.text(&list).await {
                Err(why) if why.is_missing => continue,
                other => other?,
            };
            let same = entries(&text).find(|(listed, _)| listed == digest);
            if let Some((_, name)) = same
                && let Ok(url) = folder_url.join(name)
            {
                return Ok(Some(NewBuild { version: compact(date), date, url, digest: digest.clone() }));
            }
        }
        Ok(None)
    }

    /// A folder named after a version that a file beside the newest build tells: Flatcar.
    async fn by_version_file(
        &self,
        latest: &Url,
        list: &Url,
        digest: &Digest,
    ) -> Result<Option<NewBuild>, FetchError> {
        let (Ok(file), Some(parent)) = (latest.join("version.txt"), parent(latest)) else { return Ok(None) };
        let text = match self.fetcher.text(&file).await {
            Err(why) if why.is_missing => return Ok(None),
            other => other?,
        };
        let value = |end: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once('='));
            lines
                .find(|(key, _)| key.ends_with(end))
                .map(|(_, value)| value.trim().trim_matches('"').to_owned())
        };
        let date = value("_BUILD_ID").and_then(|id| id.get(..10)?.parse().ok());
        let (Some(version), Some(date)) = (value("_VERSION"), date) else { return Ok(None) };
        let in_folder = |name: String| parent.join(&format!("{version}/{name}"));
        let (Ok(url), Ok(list)) = (in_folder(file_name(latest)), in_folder(file_name(list))) else {
            return Ok(None);
        };
        let listed = listed(&self.fetcher.text(&list).await?, &file_name(latest));
        let is_same = listed.as_ref() == Some(digest);
        Ok(is_same.then(|| NewBuild { version, date, url, digest: digest.clone() }))
    }

    /// A file in the folder of the newest build that has the words of its name and more between them, and the same digest
    /// beside it: openSUSE.
    async fn beside(
        &self,
        latest: &Url,
        list: &Url,
        digest: &Digest,
    ) -> Result<Option<NewBuild>, FetchError> {
        let name = file_name(latest);
        let Some(end) = file_name(list).strip_prefix(&name).map(str::to_owned) else { return Ok(None) };
        let Ok(folder) = latest.join("./") else { return Ok(None) };
        let index = match self.fetcher.text(&folder).await {
            Err(why) if why.is_missing => return Ok(None),
            other => other?,
        };
        let mut siblings: Vec<&str> =
            files(&index).filter(|file| *file != name && says_more(file, &name)).collect();
        siblings.sort_by(|one, other| natural::compare(other, one));
        siblings.dedup();
        for sibling in siblings.into_iter().take(MOST_FOLDERS) {
            let (Ok(url), Ok(list)) = (folder.join(sibling), folder.join(&format!("{sibling}{end}"))) else {
                continue;
            };
            let text = match self.fetcher.text(&list).await {
                Err(why) if why.is_missing => continue,
                other => other?,
            };
            if listed(&text, sibling).as_ref() == Some(digest) {
                let day = self.fetcher.changed(&url).await?;
                return Ok(day.map(|date| NewBuild {
                    version: compact(date),
                    date,
                    url,
                    digest: digest.clone(),
                }));
            }
        }
        Ok(None)
    }

    /// The newest release of a forge that speaks as GitHub does: Garden Linux, Talos.
    async fn by_release(
        &self,
        definition: &Definition,
        latest: &Url,
        release: &Release,
    ) -> Result<Upstream, UpdateError> {
        let told_at = crate::source::public(&release.api);
        let said = || UpdateError::NoRelease(told_at.clone());
        let text = self.fetcher.text(&release.api).await?;
        let told: serde_json::Value = serde_json::from_str(&text).map_err(|_| said())?;
        let version = told["tag_name"].as_str().filter(|tag| !tag.trim().is_empty()).ok_or_else(said)?;
        let date =
            told["published_at"].as_str().and_then(|at| at.get(..10)?.parse().ok()).ok_or_else(said)?;
        let assets = told["assets"].as_array().map(Vec::as_slice).unwrap_or_default();
        let address = |asset: &serde_json::Value| {
            let url = Url::parse(asset["browser_download_url"].as_str()?).ok()?;
            // What the answer names is fetched and written down only where the project publishes.
            url.as_str().starts_with(release.downloads.as_str()).then_some(url)
        };
        let named = |wanted: &str| assets.iter().find(|asset| asset["name"] == wanted);
        let asset =
            assets.iter().find(|asset| asset["name"].as_str().is_some_and(|name| release.means(name)));
        let url =
            asset.and_then(address).ok_or_else(|| UpdateError::NoFile(told_at.clone(), file_name(latest)))?;
        let name = file_name(&url);
        let mut digest = asset
            .and_then(|asset| asset["digest"].as_str()?.split_once(':'))
            .and_then(|(_, hex)| Digest::of_hex(hex));
        let lists = [".sha512", ".sha256"].map(|end| format!("{name}{end}")).into_iter();
        let lists =
            lists.chain(["sha512sum.txt", "sha256sum.txt", "SHA512SUMS", "SHA256SUMS"].map(str::to_owned));
        for list in lists.filter_map(|list| address(named(&list)?)) {
            if digest.is_none() {
                digest = listed(&self.fetcher.text(&list).await?, &name);
            }
        }
        let digest =
            digest.ok_or_else(|| UpdateError::NoDigest(crate::source::public(&release.api), name.clone()))?;
        if has(definition, &digest) || definition.builds.iter().any(|build| build.url == url) {
            return Ok(Upstream::Nothing);
        }
        let version = version.to_owned();
        in_order(definition, renamed(definition, NewBuild { version, date, url, digest }))
    }

    /// A file that tells the day and the path of the newest build, which has a digest beside it: images for Cluster API.
    async fn by_marker(&self, definition: &Definition, marker: &Url) -> Result<Upstream, UpdateError> {
        let text = self.fetcher.text(marker).await?;
        let said = || UpdateError::NoStay(crate::source::public(marker));
        let mut words = text.split_whitespace();
        let date = words.next().and_then(|word| word.parse().ok()).ok_or_else(said)?;
        let url = words.next().and_then(|path| marker.join(path).ok()).ok_or_else(said)?;
        let list = Url::parse(&format!("{url}.CHECKSUM")).map_err(|_| said())?;
        let name = file_name(&url);
        let digest = listed(&self.fetcher.text(&list).await?, &name)
            .ok_or_else(|| UpdateError::NoDigest(crate::source::public(&list), name.clone()))?;
        let is_known = definition.builds.iter().any(|build| build.url == url);
        if is_known || has(definition, &digest) {
            return Ok(Upstream::Nothing);
        }
        let version = version_in(&name).map_or_else(|| compact(date), str::to_owned);
        in_order(definition, renamed(definition, NewBuild { version, date, url, digest }))
    }
}

/// The newest release of a project, as an address under `releases/latest/download` names a file of it.
struct Release {
    /// Where the forge tells about it.
    api: Url,
    /// Where its files are, whatever the release.
    downloads: Url,
    /// The name of the file, around what differs from release to release.
    name: (String, Option<String>),
}

impl Release {
    fn of(latest: &Url) -> Option<Self> {
        let parts: Vec<&str> = latest.path_segments()?.collect();
        let [owner, project, "releases", "latest", "download", name] = parts.as_slice() else { return None };
        let about = format!("repos/{owner}/{project}/releases/latest");
        let api = if latest.host_str() == Some("github.com") {
            Url::parse(&format!("https://api.github.com/{about}"))
        } else {
            latest.join(&format!("/api/v3/{about}"))
        };
        let downloads = latest.join(&format!("/{owner}/{project}/releases/download/")).ok()?;
        let name = match name.split_once('*') {
            Some((start, end)) => (start.to_owned(), Some(end.to_owned())),
            None => ((*name).to_owned(), None),
        };
        Some(Release { api: api.ok()?, downloads, name })
    }

    fn means(&self, name: &str) -> bool {
        let (start, end) = &self.name;
        match end {
            None => name == start,
            Some(end) => {
                name.len() >= start.len() + end.len()
                    && name.starts_with(start.as_str())
                    && name.ends_with(end.as_str())
            }
        }
    }
}

/// The digest in a file beside an image that knows it by another name only.
fn of_one(text: &str, name: &str, list: &Url) -> Option<Digest> {
    let mut all = entries(text);
    let (digest, _) = all.next().filter(|_| all.next().is_none())?;
    file_name(list).starts_with(name).then_some(digest)
}

/// What a page links to below its own folder.
fn links(page: &str) -> impl Iterator<Item = &str> {
    page.split("href=\"").skip(1).filter_map(|rest| {
        let (link, _) = rest.split_once('"')?;
        let link = link.trim_start_matches("./");
        (!link.contains(['?', ':', '#'])).then_some(link)
    })
}

/// The files that a page links to.
fn files(page: &str) -> impl Iterator<Item = &str> {
    links(page).filter(|link| !link.is_empty() && !link.contains('/'))
}

/// Whether a name has all words of another one in their order, and the same ending.
fn says_more(name: &str, words: &str) -> bool {
    let Some((words, end)) = words.rsplit_once('.') else { return false };
    let Some(name) = name.strip_suffix(end).and_then(|name| name.strip_suffix('.')) else { return false };
    let mut parts = name.split('-');
    words.split('-').all(|word| parts.any(|part| part == word))
}

/// A build whose version would stand before that of an older one would never be the current one.
fn in_order(definition: &Definition, found: NewBuild) -> Result<Upstream, UpdateError> {
    let after =
        definition.builds.iter().find(|build| natural::compare(&build.version, &found.version).is_gt());
    match after {
        Some(other) if definition.rotates => {
            Err(UpdateError::Order { found: found.version, other: other.version.clone() })
        }
        _ => Ok(Upstream::Build(found)),
    }
}

fn has(definition: &Definition, digest: &Digest) -> bool {
    definition.builds.iter().any(|build| build.checksum == Some(Checksum::Given(digest.clone())))
}

/// A version that another build has already gets a number.
fn renamed(definition: &Definition, found: NewBuild) -> NewBuild {
    let is_taken = |version: &str| definition.builds.iter().any(|build| build.version == version);
    let mut version = found.version.clone();
    for number in 1_u32.. {
        if !is_taken(&version) {
            break;
        }
        version = format!("{}.{number}", found.version);
    }
    NewBuild { version, ..found }
}

/// Another name of the same file in the same list, with a date in it: Rocky and its siblings.
fn twin(text: &str, name: &str, digest: &Digest, latest: &Url) -> Option<NewBuild> {
    entries(text).filter(|(listed, other)| listed == digest && *other != name).find_map(|(_, other)| {
        let date = date_in(other)?;
        let url = latest.join(other).ok()?;
        Some(NewBuild { version: compact(date), date, url, digest: digest.clone() })
    })
}

/// The folder above that of a file.
fn parent(url: &Url) -> Option<Url> {
    url.join("../").ok().filter(|parent| parent.path() != url.path())
}

/// The folders that a page links to.
fn folders(page: &str) -> impl Iterator<Item = &str> {
    let folders = links(page).filter_map(|link| link.strip_suffix('/'));
    folders.filter(|folder| !folder.is_empty() && !folder.contains('/'))
}

/// The first eight digits in a row that are a day of this century.
fn date_in(text: &str) -> Option<Date> {
    let numbers = text.split(|letter: char| !letter.is_ascii_digit());
    let mut eight = numbers.filter(|number| number.len() == 8 && number.starts_with("20"));
    eight.find_map(|number| {
        let (year, month, day) = (&number[..4], &number[4..6], &number[6..]);
        Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
    })
}

fn compact(date: Date) -> String {
    date.to_string().replace('-', "")
}

/// A version such as v1.36.4 in the name of a file.
fn version_in(name: &str) -> Option<&str> {
    name.match_indices('v').find_map(|(at, _)| {
        let rest = &name[at + 1..];
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
        let number = rest[..end].trim_end_matches('.');
        (number.matches('.').count() == 2).then(|| &name[at..=at + number.len()])
    })
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::path;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    /// A definition whose newest build is at an address of a server.
    fn definition(server: &MockServer, latest: &str, list: Option<&str>, known: &str) -> Definition {
        let uri = server.uri();
        let list = list.map(|list| format!("latest_checksum_url: '{uri}/{list}', ")).unwrap_or_default();
        let text = format!(
            "images: [{{name: x, format: qcow2, login: x, min_disk: 1, min_ram: 1, meta: {{}}, \
             latest_url: '{uri}/{latest}', {list}versions: [{{version: '20260101', build_date: 2026-01-01, \
             url: 'https://example.org/x', checksum: 'sha256:{known}'}}]}}]"
        );
        super::super::read("x.yaml", &text).unwrap().0.remove(0)
    }

    async fn serve(files: &[(&str, &str)]) -> MockServer {
        let server = MockServer::start().await;
        for (at, text) in files {
            let answer = ResponseTemplate::new(200).set_body_string(*text);
            Mock::given(path(format!("/{at}"))).respond_with(answer).mount(&server).await;
        }
        server
    }

    async fn newest(
        server: &MockServer,
        definition: &Definition,
    ) -> Result<(String, String, String), UpdateError> {
        match Upstreams::new().unwrap().newest(definition).await? {
            Upstream::Build(found) => {
                let url = found.url.as_str().replace(&server.uri(), "");
                Ok((found.version, found.date.to_string(), url))
            }
            other => Ok((format!("{other:?}"), String::new(), String::new())),
        }
    }

    fn found(version: &str, date: &str, url: &str) -> (String, String, String) {
        (version.to_owned(), date.to_owned(), url.to_owned())
    }

    #[tokio::test]
    async fn a_dated_folder_beside_the_newest_one_is_found() {
        let (new, old) = ("a".repeat(64), "b".repeat(64));
        // As Ubuntu publishes.
        let index = "<a href=\"../\">..</a><a href=\"20260101/\">x</a><a href=\"20260215/\">x</a>\
             <a href=\"20260301/\">x</a><a href=\"current/\">x</a>";
        let server = serve(&[
            ("noble/current/SHA256SUMS", &format!("{new} *noble.img\n{old} *noble.txt\n")),
            ("noble/", index),
            // The newest folder is still being filled.
            ("noble/20260215/SHA256SUMS", &format!("{new} *noble.img\n")),
            ("noble/20260101/SHA256SUMS", &format!("{old} *noble.img\n")),
        ])
        .await;
        let ubuntu = |known: &str| {
            definition(&server, "noble/current/noble.img", Some("noble/current/SHA256SUMS"), known)
        };
        assert_eq!(
            newest(&server, &ubuntu(&old)).await.unwrap(),
            found("20260215", "2026-02-15", "/noble/20260215/noble.img")
        );
        assert_eq!(newest(&server, &ubuntu(&new)).await.unwrap(), found("Nothing", "", ""));

        // As Debian does: the date is in the name of the file, too.
        let long = "c".repeat(128);
        let server = serve(&[
            ("daily/latest/SHA512SUMS", &format!("{long}  debian-daily.qcow2\n")),
            ("daily/", "<a href=\"20260124-2367/\">x</a><a href=\"latest/\">x</a>"),
            ("daily/20260124-2367/SHA512SUMS", &format!("{long}  debian-daily-20260124-2367.qcow2\n")),
        ])
        .await;
        let debian =
            definition(&server, "daily/latest/debian-daily.qcow2", Some("daily/latest/SHA512SUMS"), &old);
        assert_eq!(
            newest(&server, &debian).await.unwrap(),
            found("20260124", "2026-01-24", "/daily/20260124-2367/debian-daily-20260124-2367.qcow2")
        );
    }

    #[tokio::test]
    async fn another_name_of_the_same_file_is_found() {
        let (new, old) = ("a".repeat(64), "b".repeat(64));
        let list = format!(
            "# Rocky-9.latest.qcow2: 1 bytes\nSHA256 (Rocky-9.latest.qcow2) = {new}\n\
             SHA256 (Rocky-9-Base-9.6-20260101.0.qcow2) = {old}\nSHA256 (Rocky-9-Base-9.7-20260201.0.qcow2) = {new}\n"
        );
        let server = serve(&[("9/images/CHECKSUM", &list)]).await;
        let rocky = definition(&server, "9/images/Rocky-9.latest.qcow2", Some("9/images/CHECKSUM"), &old);
        assert_eq!(
            newest(&server, &rocky).await.unwrap(),
            found("20260201", "2026-02-01", "/9/images/Rocky-9-Base-9.7-20260201.0.qcow2")
        );
    }

    #[tokio::test]
    async fn a_version_file_and_a_marker_are_followed() {
        let (new, old) = ("a".repeat(128), "b".repeat(64));
        let server = serve(&[
            (
                "amd64/current/flatcar.img.gz.DIGESTS",
                &format!("# MD5 HASH\n0 flatcar.img.gz\n# SHA512 HASH\n{new}  flatcar.img.gz\n"),
            ),
            ("amd64/4459.2.1/flatcar.img.gz.DIGESTS", &format!("{new}  flatcar.img.gz\n")),
            (
                "amd64/current/version.txt",
                "FLATCAR_BUILD=4459\nFLATCAR_BUILD_ID=\"2026-02-03-1200\"\nFLATCAR_VERSION=4459.2.1\n",
            ),
        ])
        .await;
        let mut flatcar = definition(
            &server,
            "amd64/current/flatcar.img.gz",
            Some("amd64/current/flatcar.img.gz.DIGESTS"),
            &old,
        );
        // Next to a version of another kind, nobody could tell which one is newer.
        let order = newest(&server, &flatcar).await;
        assert!(matches!(order, Err(UpdateError::Order { .. })), "{order:?}");
        flatcar.builds[0].version = "4459.2.0".to_owned();
        assert_eq!(
            newest(&server, &flatcar).await.unwrap(),
            found("4459.2.1", "2026-02-03", "/amd64/4459.2.1/flatcar.img.gz")
        );

        let digest = "c".repeat(64);
        let server = serve(&[
            ("capi/last-1.36", "2026-09-16 kube-v1.36/kube-v1.36.4.qcow2\n"),
            ("capi/kube-v1.36/kube-v1.36.4.qcow2.CHECKSUM", &format!("{digest}  kube-v1.36.4.qcow2\n")),
        ])
        .await;
        let mut capi = definition(&server, "capi/last-1.36", None, &old);
        capi.builds[0].version = "v1.36.3".to_owned();
        assert_eq!(
            newest(&server, &capi).await.unwrap(),
            found("v1.36.4", "2026-09-16", "/capi/kube-v1.36/kube-v1.36.4.qcow2")
        );
    }

    #[tokio::test]
    async fn a_file_whose_name_says_more_is_found() {
        let (new, old) = ("a".repeat(64), "b".repeat(64));
        let (plain, first, second) = (
            "openSUSE-Leap-15.6.x86_64-NoCloud.qcow2",
            "openSUSE-Leap-15.6.x86_64-1.0.1-NoCloud-Build1.99.qcow2",
            "openSUSE-Leap-15.6.x86_64-1.0.1-NoCloud-Build1.124.qcow2",
        );
        let server = serve(&[
            // The digest of the plain name is given for the file that it leads to.
            (&format!("images/{plain}.sha256"), &format!("{new}  {second}\n")),
            (&format!("images/{first}.sha256"), &format!("{old}  {first}\n")),
            (&format!("images/{second}.sha256"), &format!("{new}  {second}\n")),
            (
                "images/",
                &format!(
                    "<a href=\"{plain}\">x</a><a href=\"./{first}\">x</a><a href=\"./{second}\">x</a>\
                     <a href=\"{second}.sha256\">x</a><a href=\"openSUSE-Leap-15.6.aarch64-1.0.1-NoCloud-Build1.125.qcow2\">x</a>"
                ),
            ),
        ])
        .await;
        let dated =
            ResponseTemplate::new(200).insert_header("last-modified", "Tue, 03 Feb 2026 10:11:12 GMT");
        Mock::given(path(format!("/images/{second}"))).respond_with(dated).mount(&server).await;
        let latest = format!("images/{plain}");
        let suse = |known: &str| definition(&server, &latest, Some(&format!("{latest}.sha256")), known);
        assert_eq!(
            newest(&server, &suse(&old)).await.unwrap(),
            found("20260203", "2026-02-03", &format!("/images/{second}"))
        );
        assert_eq!(newest(&server, &suse(&new)).await.unwrap(), found("Nothing", "", ""));
    }

    #[tokio::test]
    async fn the_newest_release_of_a_project_is_found() {
        let (new, old) = ("a".repeat(64), "b".repeat(64));
        let server = MockServer::start().await;
        let uri = server.uri();
        let asset = |name: &str, digest: Option<&str>| {
            serde_json::json!({"name": name, "digest": digest,
                "browser_download_url": format!("{uri}/o/p/releases/download/v1.2.3/{name}")})
        };
        let release = |assets: &[serde_json::Value]| serde_json::json!({"tag_name": "v1.2.3", "published_at": "2026-03-04T05:06:07Z", "assets": assets});
        let api = |project: &str| path(format!("/api/v3/repos/o/{project}/releases/latest"));
        // With a digest in the answer, as GitHub has it, and a name that differs from release to release.
        let digest = format!("sha256:{new}");
        let assets =
            [asset("disk-arm64-1.2.3.qcow2", None), asset("disk-amd64-1.2.3-0a1b.qcow2", Some(&digest))];
        let answer = ResponseTemplate::new(200).set_body_json(release(&assets));
        Mock::given(api("p")).respond_with(answer).mount(&server).await;
        let mut garden = definition(&server, "o/p/releases/latest/download/disk-amd64-*.qcow2", None, &old);
        garden.builds[0].version = "v1.2.2".to_owned();
        assert_eq!(
            newest(&server, &garden).await.unwrap(),
            found("v1.2.3", "2026-03-04", "/o/p/releases/download/v1.2.3/disk-amd64-1.2.3-0a1b.qcow2")
        );
        // With a list of digests among the files.
        let elsewhere = serde_json::json!({"name": "sha512sum.txt",
            "browser_download_url": "http://127.0.0.1:9/o/p/releases/download/v1.2.3/sha512sum.txt"});
        let list = serde_json::json!({"name": "sha256sum.txt",
            "browser_download_url": format!("{uri}/o/p/releases/download/v1.2.3/sha256sum.txt")});
        let assets = [asset("openstack-amd64.raw.xz", None), elsewhere, list];
        let answer = ResponseTemplate::new(200).set_body_json(release(&assets));
        let talos = MockServer::start().await;
        let moved = answer.set_body_string(release(&assets).to_string().replace(&uri, &talos.uri()));
        Mock::given(api("p")).respond_with(moved).mount(&talos).await;
        let sums = ResponseTemplate::new(200).set_body_string(format!("{new}  openstack-amd64.raw.xz\n"));
        Mock::given(path("/o/p/releases/download/v1.2.3/sha256sum.txt"))
            .respond_with(sums)
            .mount(&talos)
            .await;
        let mut wanted =
            definition(&talos, "o/p/releases/latest/download/openstack-amd64.raw.xz", None, &old);
        wanted.builds[0].version = "v1.2.2".to_owned();
        assert_eq!(
            newest(&talos, &wanted).await.unwrap(),
            found("v1.2.3", "2026-03-04", "/o/p/releases/download/v1.2.3/openstack-amd64.raw.xz")
        );
        // A release without that file.
        let other = definition(&server, "o/p/releases/latest/download/other.qcow2", None, &old);
        let none = newest(&server, &other).await;
        assert!(matches!(&none, Err(UpdateError::NoFile(_, file)) if file == "other.qcow2"), "{none:?}");
    }

    #[test]
    fn releases_are_told_about_by_the_forge() {
        let api =
            |latest: &str| Release::of(&Url::parse(latest).unwrap()).map(|release| release.api.to_string());
        assert_eq!(
            api("https://github.com/siderolabs/talos/releases/latest/download/openstack-amd64.raw.xz")
                .as_deref(),
            Some("https://api.github.com/repos/siderolabs/talos/releases/latest")
        );
        assert_eq!(
            api("https://git.example.org/a/b/releases/latest/download/c").as_deref(),
            Some("https://git.example.org/api/v3/repos/a/b/releases/latest")
        );
        assert_eq!(api("https://github.com/a/b/releases/download/v1/c"), None);
    }

    #[tokio::test]
    async fn what_has_no_address_that_stays_is_said_and_not_taken() {
        let new = "a".repeat(64);
        let server = serve(&[("x/SUMS", &format!("{new}  x.img\n")), ("y/SUMS", "nothing\n")]).await;
        let old = "b".repeat(64);
        let lonely = newest(&server, &definition(&server, "x/x.img", Some("x/SUMS"), &old)).await;
        assert!(matches!(lonely, Err(UpdateError::NoStay(_))), "{lonely:?}");
        let unnamed = newest(&server, &definition(&server, "y/x.img", Some("y/SUMS"), &old)).await;
        assert!(matches!(unnamed, Err(UpdateError::NoDigest(..))), "{unnamed:?}");
        let gone = newest(&server, &definition(&server, "z/x.img", Some("z/SUMS"), &old)).await;
        assert!(matches!(&gone, Err(UpdateError::Fetch(why)) if why.is_missing), "{gone:?}");
    }

    #[test]
    fn names_tell_dates_and_versions() {
        assert_eq!(date_in("release-20260108"), Some("2026-01-08".parse().unwrap()));
        assert_eq!(date_in("a-20261308-20260101.0.x"), Some("2026-01-01".parse().unwrap()));
        assert_eq!(date_in("202601081"), None);
        assert_eq!(version_in("ubuntu-2404-kube-v1.36.4.qcow2"), Some("v1.36.4"));
        assert_eq!(version_in("dev-v1.qcow2"), None);
    }
}
