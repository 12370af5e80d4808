//! An image comes to glance: fetched and uploaded by us, or by glance itself where that proves as much.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use assay_inventory::{Image, Reason, Record, Unavailable};
use assay_openstack::{Session, wait_for};
use http::Method;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::sync::{OnceCell, oneshot};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::definition::{Algorithm, Checksum, Digest};
use super::fetch::{FetchError, Fetcher, Packing, file_name, listed};
use super::plan::{least_disk, stores};
use super::share::share;
use super::step::{Import, Origin, Step, delete, patch, set_active};

/// How long glance may take until it keeps what it was told.
const SETTLING: Duration = Duration::from_secs(30);

/// How long a source may take to say why an upload failed.
const MOMENT: Duration = Duration::from_secs(1);

/// How an image gets to glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Glance fetches it.
    WebDownload,
    /// We put it straight into its store.
    Upload,
    /// We put it where glance imports it from.
    GlanceDirect,
}

impl Way {
    /// The name that glance has for it; `upload` is ours.
    pub fn word(self) -> &'static str {
        match self {
            Way::WebDownload => "web-download",
            Way::Upload => "upload",
            Way::GlanceDirect => "glance-direct",
        }
    }
}

/// How images are imported.
#[derive(Debug, Clone)]
pub struct Importing {
    /// Where all files are fetched from, by their names, instead of where definitions say.
    pub mirror_base: Option<Url>,
    /// Whether what has no digest is refused.
    pub require_checksum: bool,
    /// The one way that is to be taken; none for whatever works.
    pub way: Option<Way>,
    /// How long one image may take on one way.
    pub budget: Duration,
}

/// Why an image did not come to be.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ImportError {
    /// It cannot be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Something else came than was promised.
    #[error("{url} is not what its digest says: expected {expected}, found {found}")]
    OtherDigest {
        /// Where it came from.
        url: String,
        /// What was promised.
        expected: String,
        /// What came.
        found: String,
    },
    /// There is no digest, and one is required.
    #[error("{0}; --require-checksum wants one")]
    NoDigest(String),
    /// The cloud refused something, or failed.
    #[error(transparent)]
    Cloud(#[from] Unavailable),
    /// The user had enough.
    #[error("interrupted")]
    Interrupted,
    /// No way led there.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NoWay(Vec<Attempt>),
}

/// A way that was tried in vain.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The way.
    pub way: Way,
    /// What came of it.
    pub why: String,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "by {}: {}", self.way.word(), self.why)
    }
}

/// What an import tells while it is at work.
#[derive(Debug, Clone)]
pub enum News {
    /// So many bytes have come in, of so many, if that is known.
    Bytes(u64, Option<u64>),
    /// What is worth knowing.
    Note(String),
}

/// Imports images into one cloud.
#[derive(Debug)]
pub struct Importer {
    options: Importing,
    pub(super) fetcher: Fetcher,
    /// What glance can fetch or import by itself; asked for once.
    offers: OnceCell<Vec<String>>,
}

impl Importer {
    /// An importer for one cloud.
    ///
    /// # Errors
    /// The system offers no TLS.
    pub fn new(options: Importing) -> Result<Self, reqwest::Error> {
        Ok(Importer { options, fetcher: Fetcher::new()?, offers: OnceCell::new() })
    }

    /// Makes an image. Until it is known to be what it should be, nobody else sees it; if it is not, it goes.
    pub(super) async fn import(
        &self,
        session: &Session,
        import: &Import,
        cancel: &CancellationToken,
        tell: &(dyn Fn(News) + Sync),
    ) -> Result<(), ImportError> {
        for leftover in &import.unfinished {
            delete(session, leftover).await?;
        }
        let expected = tokio::select! {
            expected = self.digest(&import.origin, tell) => expected?,
            () = cancel.cancelled() => return Err(ImportError::Interrupted),
        };
        let sources = self.sources(&import.origin);
        let mut attempts = Vec::new();
        // Sources that hold something else, whichever way it is sent.
        let mut wrong: Vec<&Url> = Vec::new();
        for way in self.ways(session, import, expected.as_ref()).await {
            for source in sources.iter().filter(|source| can_be_fetched(way, source)) {
                if wrong.contains(&source) {
                    continue;
                }
                let tried = self.try_way(session, import, (way, source), expected.as_ref(), cancel, tell);
                match tried.await? {
                    None => return Ok(()),
                    Some(why) => {
                        // What glance has by itself may have been converted on its way; what we sent was not.
                        if matches!(why, ImportError::OtherDigest { .. }) && way != Way::WebDownload {
                            wrong.push(source);
                        }
                        attempts.push(Attempt { way, why: why.to_string() });
                    }
                }
            }
        }
        if attempts.is_empty() {
            attempts.push(Attempt {
                way: Way::WebDownload,
                why: "glance cannot fetch and unpack that".to_owned(),
            });
        }
        Err(ImportError::NoWay(attempts))
    }

    /// Where an image can be fetched from, the best place first.
    pub(super) fn sources(&self, origin: &Origin) -> Vec<Url> {
        match &self.options.mirror_base {
            Some(_) if origin.url.scheme() != "file" => vec![self.mirrored(&origin.url)],
            _ => origin.mirror_url.iter().chain([&origin.url]).cloned().collect(),
        }
    }

    fn mirrored(&self, url: &Url) -> Url {
        let Some(base) = &self.options.mirror_base else { return url.clone() };
        let mut mirrored = base.clone();
        // A base that cannot have a path has none to add to.
        if let Ok(mut parts) = mirrored.path_segments_mut() {
            parts.pop_if_empty().push(&file_name(url));
        }
        mirrored
    }

    /// The digest that the file must have; none if none is known.
    pub(super) async fn digest(
        &self,
        origin: &Origin,
        tell: &(dyn Fn(News) + Sync),
    ) -> Result<Option<Digest>, ImportError> {
        let missing = match &origin.checksum {
            Some(Checksum::Given(digest)) => return Ok(Some(digest.clone())),
            Some(Checksum::Listed(url)) => {
                let url = self.mirrored(url);
                match self.fetcher.text(&url).await {
                    Ok(text) => match listed(&text, &file_name(&origin.url)) {
                        Some(digest) => return Ok(Some(digest)),
                        None => format!(
                            "{} has no digest of {}",
                            crate::source::public(&url),
                            file_name(&origin.url)
                        ),
                    },
                    Err(why) if why.is_missing => format!("there is no list of digests: {why}"),
                    // Whoever keeps a list from us must not keep us from looking at it.
                    Err(why) => return Err(why.into()),
                }
            }
            None => "no digest is known".to_owned(),
        };
        if self.options.require_checksum {
            return Err(ImportError::NoDigest(missing));
        }
        tell(News::Note(format!("not verified: {missing}")));
        Ok(None)
    }

    /// The ways that can lead to an image, the one that costs least first.
    async fn ways(&self, session: &Session, import: &Import, digest: Option<&Digest>) -> Vec<Way> {
        if let Some(way) = self.options.way {
            return vec![way];
        }
        if import.record.contains_key("id") {
            // Glance gives no id twice, not even after a failure.
            return vec![Way::Upload];
        }
        let offers = self.offers.get_or_init(|| offers(session)).await;
        let offers = |way: Way| offers.iter().any(|offer| offer == way.word());
        // Glance tells the SHA-512 of what it has, and nothing of what was packed.
        let is_proven = digest.is_none_or(|digest| digest.algorithm == Algorithm::Sha512);
        let mut ways = Vec::new();
        if is_proven && offers(Way::WebDownload) {
            ways.push(Way::WebDownload);
        }
        ways.push(Way::Upload);
        if offers(Way::GlanceDirect) {
            ways.push(Way::GlanceDirect);
        }
        ways
    }

    /// Tries to make an image on one way, and says what came in the way, if anything did. What another way would not
    /// mend is an error.
    async fn try_way(
        &self,
        session: &Session,
        import: &Import,
        (way, source): (Way, &Url),
        expected: Option<&Digest>,
        cancel: &CancellationToken,
        tell: &(dyn Fn(News) + Sync),
    ) -> Result<Option<ImportError>, ImportError> {
        let endpoint = session.endpoint("image").map_err(Unavailable::from)?;
        let record = Value::Object(import.record.clone());
        let made = session.send(&endpoint, Method::POST, &["images"], &[], Some(&record)).await?;
        let id = made.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        if id.is_empty() {
            return Err(Unavailable::new(Reason::Malformed, "glance made an image without an id").into());
        }
        let format = import.record.get("disk_format").and_then(Value::as_str).unwrap_or_default();
        let work = async {
            let fill = self.fill(session, &id, format, (way, source), expected, tell);
            match tokio::time::timeout(self.options.budget, fill).await {
                Ok(Ok(())) => self.finish(session, &id, import).await.map(|()| None),
                Ok(Err(why)) => Ok(Some(why)),
                Err(_) => {
                    let what = format!("not there within {} seconds", self.options.budget.as_secs());
                    Ok(Some(Unavailable::new(Reason::Budget, what).into()))
                }
            }
        };
        let outcome = tokio::select! {
            outcome = work => outcome,
            () = cancel.cancelled() => Err(ImportError::Interrupted),
        };
        if !matches!(outcome, Ok(None))
            && let Err(why) = delete(session, &id).await
        {
            // The next run finds what cannot be removed now.
            tell(News::Note(format!("the unfinished image {id} is left: {why}")));
        }
        if matches!(outcome, Ok(None)) {
            // The image is what it should be; what is missing now, the next run finds.
            self.copy_unless(cancel, session, &id, &import.stores).await?;
            for member in &import.members {
                share(session, &id, member, true).await?;
            }
        }
        outcome
    }

    /// As [`Importer::copy`], until the user has had enough; glance goes on by itself.
    async fn copy_unless(
        &self,
        cancel: &CancellationToken,
        session: &Session,
        id: &str,
        wanted: &BTreeSet<String>,
    ) -> Result<(), ImportError> {
        tokio::select! {
            copied = self.copy(session, id, wanted) => Ok(copied?),
            () = cancel.cancelled() => Err(ImportError::Interrupted),
        }
    }

    /// Brings an image to more stores, and waits until they have it.
    async fn copy(&self, session: &Session, id: &str, wanted: &BTreeSet<String>) -> Result<(), Unavailable> {
        if wanted.is_empty() {
            return Ok(());
        }
        let endpoint = session.endpoint("image")?;
        let mut is_begun = false;
        wait_for(self.options.budget, "not all stores have the image", async || {
            let image = session.send(&endpoint, Method::GET, &["images", id], &[], None).await?;
            let image = Image(serde_json::from_value::<Record>(image).unwrap_or_default());
            let present: BTreeSet<&str> = stores(&image).collect();
            let missing: Vec<&str> =
                wanted.iter().map(String::as_str).filter(|store| !present.contains(store)).collect();
            if missing.is_empty() {
                return Ok(Some(()));
            }
            let failed: Vec<&str> =
                image.text("os_glance_failed_import").value().unwrap_or_default().split(',').collect();
            if is_begun && missing.iter().any(|store| failed.contains(store)) {
                let stores = failed.join(",");
                let why = match tasks_end(session, id).await {
                    TasksEnd::Failed(why) => not_taken(&stores, Some(&why)),
                    TasksEnd::AtWork | TasksEnd::Unknown => not_taken(&stores, None),
                };
                return Err(Unavailable::new(Reason::Refused, why));
            }
            if !is_begun && !has_task(session, id).await {
                let method = json!({"method": {"name": "copy-image"}, "stores": missing,
                    "all_stores_must_succeed": true});
                start(session, id, &method).await?;
                is_begun = true;
            }
            Ok(None)
        })
        .await
    }

    /// Puts data into an image and waits until glance has it.
    async fn fill(
        &self,
        session: &Session,
        id: &str,
        format: &str,
        (way, source): (Way, &Url),
        expected: Option<&Digest>,
        tell: &(dyn Fn(News) + Sync),
    ) -> Result<(), ImportError> {
        if way == Way::WebDownload {
            let method = json!({"method": {"name": way.word(), "uri": source.as_str()}});
            start(session, id, &method).await?;
            let image = self.await_active(session, id).await?;
            return verify(&image, source, expected);
        }
        let algorithm = expected.map_or(Algorithm::Sha512, |digest| digest.algorithm);
        let download = self.fetcher.begin(source, algorithm, format).await?;
        let endpoint = session.endpoint("image").map_err(Unavailable::from)?;
        let last = if way == Way::Upload { "file" } else { "stage" };
        let path = ["images", id, last];
        let sent = {
            let data = reqwest::Body::wrap_stream(download.data);
            let upload = session.upload(&endpoint, &path, download.length, data, self.options.budget);
            with_news(upload, &download.received, download.total, tell).await
        };
        if let Err(why) = sent {
            // Where the source fails, the upload fails too, and says less about it.
            return match tokio::time::timeout(MOMENT, download.end).await {
                Ok(Ok(Err(of_source))) => Err(of_source.into()),
                _ => Err(why.into()),
            };
        }
        let found = end_of(download.end, source).await?;
        if let Some(expected) = expected
            && *expected != found
        {
            return Err(other_digest(source, expected, &found.to_string()));
        }
        if way == Way::GlanceDirect {
            start(session, id, &json!({"method": {"name": way.word()}})).await?;
        }
        self.await_active(session, id).await?;
        Ok(())
    }

    /// Waits until glance has an image, or says that it will not have it.
    async fn await_active(&self, session: &Session, id: &str) -> Result<Image, Unavailable> {
        let endpoint = session.endpoint("image")?;
        wait_for(self.options.budget, "the image is not active", async || {
            let image = session.send(&endpoint, Method::GET, &["images", id], &[], None).await?;
            let image = Image(serde_json::from_value::<Record>(image).unwrap_or_default());
            let status = image.text("status").value().unwrap_or_default();
            if status == "active" {
                // Whatever is changed while a task is still at work may be overwritten by it.
                let is_settled = image.get("os_glance_import_task").is_none() && !has_task(session, id).await;
                return Ok(is_settled.then_some(image));
            }
            let failed = image.text("os_glance_failed_import").value().filter(|stores| !stores.is_empty());
            let is_gone = matches!(status, "killed" | "deleted" | "pending_delete");
            if is_gone || status == "queued" || failed.is_some() {
                let refused = |why: String| Err(Unavailable::new(Reason::Refused, why));
                match (tasks_end(session, id).await, failed) {
                    // A queued image of which nothing failed is one that no task has begun with.
                    (TasksEnd::AtWork, _) | (TasksEnd::Unknown, None) if !is_gone => {}
                    (TasksEnd::Failed(why), Some(stores)) => return refused(not_taken(stores, Some(&why))),
                    (TasksEnd::Failed(why), None) => return refused(why),
                    (_, Some(stores)) => return refused(not_taken(stores, None)),
                    (_, None) => return refused(format!("glance gave up on the image ({status})")),
                }
            }
            Ok(None)
        })
        .await
    }

    /// Shows an image to whom it is for, and looks whether that took: a change can get lost between others of glance.
    async fn finish(&self, session: &Session, id: &str, import: &Import) -> Result<(), ImportError> {
        let endpoint = session.endpoint("image").map_err(Unavailable::from)?;
        let took = wait_for(SETTLING, "glance does not keep the name and the visibility", async || {
            let image = session.send(&endpoint, Method::GET, &["images", id], &[], None).await?;
            let image = Image(serde_json::from_value::<Record>(image).unwrap_or_default());
            let disk = least_disk(import.min_disk, &image);
            let disk = json!({"op": "replace", "path": "/min_disk", "value": disk});
            let wanted = [disk].into_iter().chain(import.finish.iter().cloned());
            let missing: Vec<Value> = wanted.filter(|operation| !has_taken(&image, operation)).collect();
            if missing.is_empty() {
                return Ok(Some(()));
            }
            patch(session, id, &missing).await.map(|_| None)
        });
        took.await?;
        if !import.active {
            set_active(session, id, false).await?;
        }
        Ok(())
    }
}

/// Whether an image is as an operation of a patch makes it.
fn has_taken(image: &Image, operation: &Value) -> bool {
    let field = operation["path"].as_str().unwrap_or_default().trim_start_matches('/');
    match operation["op"].as_str() {
        Some("remove") => image.get(field).is_none(),
        _ => image.get(field) == Some(&operation["value"]),
    }
}

/// Whether a source can be sent on a way: glance neither unpacks nor reads our files, and what it is told it keeps, so
/// that it must hold no secret.
fn can_be_fetched(way: Way, source: &Url) -> bool {
    let is_open = source.username().is_empty() && source.password().is_none() && source.query().is_none();
    way != Way::WebDownload
        || (is_open && source.scheme() != "file" && Packing::of(source) == Ok(Packing::NONE))
}

/// Carries out what an action says.
pub(crate) async fn perform(
    session: &Session,
    importer: &Importer,
    step: &Step,
    cancel: &CancellationToken,
    tell: &(dyn Fn(News) + Sync),
) -> Result<(), ImportError> {
    match step {
        Step::Import(import) => importer.import(session, import, cancel, tell).await,
        Step::Patch { image, patch: operations } => {
            patch(session, image, operations).await?;
            Ok(())
        }
        Step::SetActive { image, active } => Ok(set_active(session, image, *active).await?),
        Step::SetMembers { image, add, remove } => {
            for (projects, with) in [(add, true), (remove, false)] {
                for project in projects {
                    share(session, image, project, with).await?;
                }
            }
            Ok(())
        }
        Step::Copy { image, stores } => importer.copy_unless(cancel, session, image, stores).await,
        Step::Delete { image } => Ok(delete(session, image).await?),
    }
}

/// What glance can fetch or import by itself; nothing if it does not say.
async fn offers(session: &Session) -> Vec<String> {
    let Ok(endpoint) = session.endpoint("image") else { return Vec::new() };
    let Ok(info) = session.query(&endpoint, &["info", "import"], &[]).await else { return Vec::new() };
    let methods = info["import-methods"]["value"].as_array().cloned().unwrap_or_default();
    methods.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

async fn start(session: &Session, id: &str, method: &Value) -> Result<(), Unavailable> {
    let endpoint = session.endpoint("image")?;
    session.send(&endpoint, Method::POST, &["images", id, "import"], &[], Some(method)).await.map(|_| ())
}

/// Whether a task is still about an image. A cloud that shows no tasks has none.
async fn has_task(session: &Session, id: &str) -> bool {
    tasks(session, id).await.iter().any(is_at_work)
}

fn is_at_work(task: &Value) -> bool {
    matches!(task["status"].as_str(), Some("pending" | "processing"))
}

async fn tasks(session: &Session, id: &str) -> Vec<Value> {
    let Ok(endpoint) = session.endpoint("image") else { return Vec::new() };
    let answer = session.query(&endpoint, &["images", id, "tasks"], &[]).await.unwrap_or_default();
    answer["tasks"].as_array().cloned().unwrap_or_default()
}

/// What became of the tasks of an image.
enum TasksEnd {
    /// One of them is not at its end.
    AtWork,
    /// One of them failed, for this reason.
    Failed(String),
    /// None failed, or none can be seen.
    Unknown,
}

async fn tasks_end(session: &Session, id: &str) -> TasksEnd {
    let tasks = tasks(session, id).await;
    if tasks.iter().any(is_at_work) {
        return TasksEnd::AtWork;
    }
    let Some(failed) = tasks.iter().find(|task| task["status"].as_str() == Some("failure")) else {
        return TasksEnd::Unknown;
    };
    let message = failed["message"].as_str().filter(|message| !message.is_empty());
    TasksEnd::Failed(message.unwrap_or("the import failed, and glance does not say why").to_owned())
}

/// What there is to say of stores that did not take an image. A task does not tell that a store is full or broken.
fn not_taken(stores: &str, why: Option<&str>) -> String {
    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
    format!("store {stores} did not take it{why}; the log of glance-api says why")
}

/// Compares what glance has with what was promised.
fn verify(image: &Image, source: &Url, expected: Option<&Digest>) -> Result<(), ImportError> {
    let Some(expected) = expected else { return Ok(()) };
    let algorithm = image.text("os_hash_algo").value().unwrap_or("nothing");
    let found = image.text("os_hash_value").value().unwrap_or_default();
    if algorithm == expected.algorithm.word() && found == expected.hex {
        return Ok(());
    }
    if algorithm == expected.algorithm.word() {
        return Err(other_digest(source, expected, &format!("{algorithm}:{found}")));
    }
    let url = crate::source::public(source);
    let what = format!("glance hashes with {algorithm}, which proves nothing about {url}");
    Err(Unavailable::new(Reason::Malformed, what).into())
}

pub(super) fn other_digest(source: &Url, expected: &Digest, found: &str) -> ImportError {
    ImportError::OtherDigest {
        url: crate::source::public(source),
        expected: expected.to_string(),
        found: found.to_owned(),
    }
}

/// What became of a download that was read to its end.
pub(super) async fn end_of(
    end: oneshot::Receiver<Result<Digest, FetchError>>,
    url: &Url,
) -> Result<Digest, FetchError> {
    end.await.unwrap_or_else(|_| Err(FetchError::new(url, "the download was given up")))
}

/// Tells how far a transfer is, now and then, until it is over.
async fn with_news<T>(
    work: impl Future<Output = T>,
    received: &Arc<AtomicU64>,
    total: Option<u64>,
    tell: &(dyn Fn(News) + Sync),
) -> T {
    const STEP: Duration = Duration::from_millis(200);
    let mut clock = tokio::time::interval(STEP);
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = clock.tick() => tell(News::Bytes(received.load(Ordering::Relaxed), total)),
        }
    }
}
