//! Removing a bucket with all that is in it, and seeing that it is gone.

use std::collections::BTreeSet;
use std::time::Duration;

use assay_journal::RunId;
use aws_sdk_s3::Client;
use futures::{StreamExt as _, stream};
use thiserror::Error;
use tokio::time::{Instant, sleep, timeout_at};

use crate::answer::{Step as _, Trouble};
use crate::client::{Style, client};
use crate::http::Http;
use crate::probe::region;
use crate::{Access, AccessError, Settings};

/// Objects removed at the same time.
const CONCURRENCY: usize = 8;
/// Between two rounds: listings lag behind, and locks end after seconds.
const PAUSE: Duration = Duration::from_millis(500);
/// Pages of one listing; a server that never ends its listing is not followed forever.
const PAGES: usize = 1000;

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removed {
    /// Whether the bucket was there.
    pub existed: bool,
    /// Objects, versions and delete markers.
    pub objects: usize,
    /// Multipart uploads that were aborted.
    pub uploads: usize,
}

/// Why buckets cannot be removed or listed.
#[derive(Debug, Error)]
pub enum RemovalError {
    /// No request can be sent.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The bucket does not bear the mark of a run.
    #[error("the bucket {0} was not made by assay, so it is not removed")]
    NotOurs(String),
    /// The server refuses or fails.
    #[error("{step}: {why}")]
    Server {
        /// What was to be done.
        step: &'static str,
        /// What came instead.
        why: String,
    },
    /// It is still there.
    #[error("the bucket {bucket} is still there after {after:?}: {why}")]
    StillThere {
        /// The bucket.
        bucket: String,
        /// How long was tried.
        after: Duration,
        /// The last trouble.
        why: String,
    },
}

/// The names of all buckets of the key.
pub async fn list_buckets(access: &Access, settings: &Settings) -> Result<Vec<String>, RemovalError> {
    let (s3, _) = connect(access, settings).await?;
    let listed = s3
        .list_buckets()
        .send()
        .await
        .told()
        .map_err(|trouble| RemovalError::Server { step: "list the buckets", why: trouble.to_string() })?;
    Ok(listed.buckets().iter().filter_map(|bucket| bucket.name().map(str::to_owned)).collect())
}

/// Removes a bucket of a run of assay: aborts its uploads, removes all versions, delete markers and objects,
/// bypasses locks in governance mode, waits for locks that end within [`Settings::cleanup`], removes the
/// bucket and sees that it is absent. A bucket that is not there is no error; if the request that makes it may still
/// be under way, it is looked for again after so long.
pub async fn remove_bucket(
    access: &Access,
    settings: &Settings,
    name: &str,
    late: Duration,
) -> Result<Removed, RemovalError> {
    if RunId::of_name(name).is_none() {
        return Err(RemovalError::NotOurs(name.to_owned()));
    }
    let (s3, _) = connect(access, settings).await?;
    let removed = remove(&s3, name, Instant::now() + settings.cleanup).await?;
    if removed.existed || late.is_zero() {
        return Ok(removed);
    }
    sleep(late).await;
    remove(&s3, name, Instant::now() + settings.cleanup).await
}

async fn connect(access: &Access, settings: &Settings) -> Result<(Client, Http), RemovalError> {
    let http = Http::new(access, settings)?;
    let region = region(access, &http).await;
    Ok((client(access, &region, &access.endpoint, Style::Path, &http), http))
}

/// Removes a bucket until it is absent or time is up.
pub(crate) async fn remove(s3: &Client, name: &str, deadline: Instant) -> Result<Removed, RemovalError> {
    let started = Instant::now();
    let mut removed = Removed::default();
    let mut why = "there was no time to try".to_owned();
    let absent = timeout_at(deadline, async {
        loop {
            match round(s3, name, &mut removed).await {
                Ok(()) => return,
                Err(trouble) => why = trouble,
            }
            sleep(PAUSE).await;
        }
    })
    .await;
    match absent {
        Ok(()) => Ok(removed),
        Err(_) => Err(RemovalError::StillThere { bucket: name.to_owned(), after: started.elapsed(), why }),
    }
}

/// One round; success means that the bucket was seen to be absent.
async fn round(s3: &Client, name: &str, removed: &mut Removed) -> Result<(), String> {
    let mut trouble = None;
    match s3.head_bucket().bucket(name).send().await.told() {
        // One such answer may come from anything in front of the server; the deletion below has to agree.
        Err(why) if why.is_status(404) => {}
        looked => {
            removed.existed |= looked.is_ok();
            trouble = looked.err().map(|why| format!("look for it: {why}"));
            trouble = empty(s3, name, removed).await.or(trouble);
        }
    }
    match s3.delete_bucket().bucket(name).send().await.told() {
        Err(why) if !why.is_status(404) => return Err(trouble.unwrap_or(format!("remove it: {why}"))),
        _ => {}
    }
    match s3.head_bucket().bucket(name).send().await.told() {
        Err(why) if why.is_status(404) => Ok(()),
        Err(why) => Err(format!("see that it is gone: {why}")),
        Ok(_) => Err("the server said that it was removed, but it is there".to_owned()),
    }
}

/// Removes what is in a bucket, and says what could not be.
async fn empty(s3: &Client, name: &str, removed: &mut Removed) -> Option<String> {
    let mut trouble = None;
    for (key, upload) in uploads(s3, name).await {
        match s3.abort_multipart_upload().bucket(name).key(&key).upload_id(&upload).send().await.told() {
            Ok(_) => removed.uploads += 1,
            Err(why) => trouble = Some(format!("abort the upload of {key}: {why}")),
        }
    }
    let (objects, unlisted) = objects(s3, name).await;
    trouble = unlisted.map(|why| format!("list its objects: {why}")).or(trouble);
    let mut results = stream::iter(objects)
        .map(|(key, version)| async move { delete(s3, name, &key, version.as_deref()).await })
        .buffer_unordered(CONCURRENCY);
    while let Some(result) = results.next().await {
        match result {
            Ok(()) => removed.objects += 1,
            Err(why) => trouble = Some(why),
        }
    }
    trouble
}

/// Removes one object or version; a lock in governance mode is bypassed. The bypass is asked for only then,
/// because servers refuse it for buckets without locks.
async fn delete(s3: &Client, bucket: &str, key: &str, version: Option<&str>) -> Result<(), String> {
    let plain = s3.delete_object().bucket(bucket).key(key).set_version_id(version.map(str::to_owned));
    let Err(refused) = plain.clone().send().await.told() else {
        return Ok(());
    };
    if refused.is_refusal()
        && version.is_some()
        && plain.bypass_governance_retention(true).send().await.is_ok()
    {
        return Ok(());
    }
    Err(format!("remove the object {key}: {refused}"))
}

/// The uploads under way; a server without multipart uploads has none.
async fn uploads(s3: &Client, bucket: &str) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    let (mut key, mut upload) = (None, None);
    for _ in 0..PAGES {
        let request = s3.list_multipart_uploads().bucket(bucket);
        let Ok(page) = request.set_key_marker(key).set_upload_id_marker(upload).send().await else { break };
        let before = found.len();
        found.extend(
            page.uploads()
                .iter()
                .filter_map(|upload| Some((upload.key()?.to_owned(), upload.upload_id()?.to_owned()))),
        );
        if page.is_truncated() != Some(true) || found.len() == before {
            break;
        }
        key = page.next_key_marker().map(str::to_owned);
        upload = page.next_upload_id_marker().map(str::to_owned);
    }
    found
}

type Objects = BTreeSet<(String, Option<String>)>;

/// All versions and delete markers, or the objects where a server knows no versions.
async fn objects(s3: &Client, bucket: &str) -> (Objects, Option<Trouble>) {
    let mut found = versions(s3, bucket).await;
    if !found.is_empty() {
        return (found, None);
    }
    let mut marker = None;
    for _ in 0..PAGES {
        let page = match s3.list_objects().bucket(bucket).set_marker(marker).send().await.told() {
            Ok(page) => page,
            Err(why) => return (found, Some(why)),
        };
        let before = found.len();
        found.extend(page.contents().iter().filter_map(|object| Some((object.key()?.to_owned(), None))));
        if page.is_truncated() != Some(true) || found.len() == before {
            break;
        }
        marker = page.contents().last().and_then(|object| object.key().map(str::to_owned));
    }
    (found, None)
}

async fn versions(s3: &Client, bucket: &str) -> Objects {
    let mut found = Objects::new();
    let (mut key, mut version) = (None, None);
    for _ in 0..PAGES {
        let request = s3.list_object_versions().bucket(bucket);
        let Ok(page) = request.set_key_marker(key).set_version_id_marker(version).send().await else { break };
        let before = found.len();
        let versions = page.versions().iter().map(|object| (object.key(), object.version_id()));
        let markers = page.delete_markers().iter().map(|object| (object.key(), object.version_id()));
        found.extend(
            versions
                .chain(markers)
                .filter_map(|(key, version)| Some((key?.to_owned(), version.map(str::to_owned)))),
        );
        if page.is_truncated() != Some(true) || found.len() == before {
            break;
        }
        key = page.next_key_marker().map(str::to_owned);
        version = page.next_version_id_marker().map(str::to_owned);
    }
    found
}
