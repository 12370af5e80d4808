//! Mirrors: the files of a catalogue in a folder or a bucket, for sites without internet.

use std::path::{Path, PathBuf};

use assay_s3::{PART, Store, StoreError};
use bytes::Bytes;
use futures::StreamExt as _;
use thiserror::Error;
use tokio::fs;
use tokio::io::AsyncWriteExt as _;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::definition::{Algorithm, Build, Digest};
use super::fetch::{Download, FetchError, Packing, file_name};
use super::import::{ImportError, Importer, News, end_of, other_digest};
use super::step::Origin;

/// Where a mirror is.
#[derive(Debug)]
pub enum Depot {
    /// A folder, which must be there.
    Folder(PathBuf),
    /// A bucket of S3.
    Bucket(Store),
}

/// Why a mirror does not hold a file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MirrorError {
    /// The file cannot be fetched, or is not what its digest says.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The bucket does not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder does not take it.
    #[error("{}: {why}", path.display())]
    Folder {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
}

impl From<FetchError> for MirrorError {
    fn from(error: FetchError) -> Self {
        MirrorError::Import(error.into())
    }
}

/// A file in a mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirrored {
    /// Its digest.
    pub digest: Digest,
    /// Whether it was there already.
    pub was_there: bool,
    /// Whether the digest is that which was promised, and not just that of what came.
    pub is_verified: bool,
}

impl Depot {
    /// A text in the mirror; empty if there is no such file.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub async fn text(&self, name: &str) -> Result<String, MirrorError> {
        match self {
            Depot::Folder(folder) => {
                let path = folder.join(name);
                match fs::read_to_string(&path).await {
                    Err(why) if why.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
                    other => other.map_err(|why| MirrorError::Folder { path, why }),
                }
            }
            Depot::Bucket(store) => Ok(store.text(name).await?.unwrap_or_default()),
        }
    }

    /// Writes a text into the mirror.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn put(&self, name: &str, text: &str) -> Result<(), MirrorError> {
        match self {
            Depot::Folder(folder) => {
                let path = folder.join(name);
                fs::write(&path, text).await.map_err(|why| MirrorError::Folder { path, why })
            }
            Depot::Bucket(store) => Ok(store.put(name, text.as_bytes().to_vec()).await?),
        }
    }
}

impl Importer {
    /// Fetches the file of a build into a mirror, under its name; tells its digest, and whether it was there already.
    ///
    /// # Errors
    /// It cannot be fetched or written, or is not what its digest says; then nothing of it is left in the mirror.
    pub async fn mirror(
        &self,
        build: &Build,
        depot: &Depot,
        cancel: &CancellationToken,
        tell: &(dyn Fn(News) + Sync),
    ) -> Result<Mirrored, MirrorError> {
        let origin = Origin::from(build);
        let expected = self.digest(&origin, tell).await?;
        let name = file_name(&origin.url);
        if let Some(expected) = &expected
            && self.has(depot, &name, expected).await?
        {
            return Ok(Mirrored { digest: expected.clone(), was_there: true, is_verified: true });
        }
        let algorithm = expected.as_ref().map_or(Algorithm::Sha256, |digest| digest.algorithm);
        let mut last = None;
        // What is unpacked already would lie under the name of what is packed.
        let is_alike =
            |source: &Url| Packing::of(source) == Packing::of(&origin.url) || *source == origin.url;
        for source in self.sources(&origin).into_iter().filter(is_alike) {
            match self.save(&source, algorithm, expected.as_ref(), (depot, &name), cancel, tell).await {
                Ok(digest) => {
                    return Ok(Mirrored { digest, was_there: false, is_verified: expected.is_some() });
                }
                Err(why) if cancel.is_cancelled() => return Err(why),
                Err(why) => last = Some(why),
            }
        }
        Err(last.unwrap_or_else(|| ImportError::NoWay(Vec::new()).into()))
    }

    /// Whether a mirror has a file with this digest. A bucket remembers the digest that was compared on the way in.
    async fn has(&self, depot: &Depot, name: &str, expected: &Digest) -> Result<bool, MirrorError> {
        match depot {
            Depot::Folder(folder) => {
                let path = folder.join(name);
                let Ok(there) = Url::from_file_path(&path) else { return Ok(false) };
                if !path.exists() {
                    return Ok(false);
                }
                let mut download = self.fetcher.begin_packed(&there, expected.algorithm).await?;
                while download.data.next().await.is_some() {}
                Ok(end_of(download.end, &there).await? == *expected)
            }
            Depot::Bucket(store) => Ok(store.digest(name).await? == Some(expected.to_string())),
        }
    }

    /// Fetches a file, and puts it in its place once it is known to be what it should be.
    async fn save(
        &self,
        source: &Url,
        algorithm: Algorithm,
        expected: Option<&Digest>,
        (depot, name): (&Depot, &str),
        cancel: &CancellationToken,
        tell: &(dyn Fn(News) + Sync),
    ) -> Result<Digest, MirrorError> {
        let download = self.fetcher.begin_packed(source, algorithm).await?;
        match depot {
            Depot::Folder(folder) => {
                into_folder(download, source, expected, &folder.join(name), cancel, tell).await
            }
            Depot::Bucket(store) => {
                into_bucket(download, source, expected, (store, name), cancel, tell).await
            }
        }
    }
}

/// The digest of a download at its end, if it is that which was promised.
async fn compared(
    end: tokio::sync::oneshot::Receiver<Result<Digest, FetchError>>,
    source: &Url,
    expected: Option<&Digest>,
) -> Result<Digest, MirrorError> {
    let found = end_of(end, source).await?;
    match expected {
        Some(expected) if *expected != found => {
            Err(other_digest(source, expected, &found.to_string()).into())
        }
        _ => Ok(found),
    }
}

async fn into_folder(
    mut download: Download,
    source: &Url,
    expected: Option<&Digest>,
    path: &Path,
    cancel: &CancellationToken,
    tell: &(dyn Fn(News) + Sync),
) -> Result<Digest, MirrorError> {
    let half = path.with_added_extension("part");
    let unwritable = |why: std::io::Error| MirrorError::Folder { path: path.to_owned(), why };
    let saving = async {
        let mut file = fs::File::create(&half).await.map_err(unwritable)?;
        let mut done = 0;
        while let Some(Ok(part)) = download.data.next().await {
            file.write_all(&part).await.map_err(unwritable)?;
            done += part.len() as u64;
            tell(News::Bytes(done, download.total));
        }
        file.sync_all().await.map_err(unwritable)?;
        let found = compared(download.end, source, expected).await?;
        fs::rename(&half, path).await.map_err(unwritable)?;
        Ok(found)
    };
    let saved = unless(cancel, saving).await;
    if saved.is_err() {
        // If there is none, nothing need go.
        let _ = fs::remove_file(&half).await;
    }
    saved
}

async fn into_bucket(
    mut download: Download,
    source: &Url,
    expected: Option<&Digest>,
    (store, name): (&Store, &str),
    cancel: &CancellationToken,
    tell: &(dyn Fn(News) + Sync),
) -> Result<Digest, MirrorError> {
    let known = expected.map(ToString::to_string);
    let mut upload = store.begin(name, known.as_deref()).await?;
    let sending = async {
        let mut part: Vec<u8> = Vec::with_capacity(PART);
        let mut done = 0;
        while let Some(Ok(bytes)) = download.data.next().await {
            done += bytes.len() as u64;
            let mut rest: Bytes = bytes;
            while part.len() + rest.len() >= PART {
                part.extend_from_slice(&rest.split_to(PART - part.len()));
                upload.add(std::mem::replace(&mut part, Vec::with_capacity(PART))).await?;
            }
            part.extend_from_slice(&rest);
            tell(News::Bytes(done, download.total));
        }
        let found = compared(download.end, source, expected).await?;
        upload.add(part).await?;
        Ok(found)
    };
    let sent = match unless(cancel, sending).await {
        Ok(digest) => upload.complete().await.map(|()| digest).map_err(MirrorError::from),
        other => other,
    };
    if sent.is_err() {
        // Why it failed is worth more than that its parts are left to the rules of the bucket.
        let _ = upload.abort().await;
    }
    sent
}

/// Does a piece of work until the user has had enough.
async fn unless<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T, MirrorError>>,
) -> Result<T, MirrorError> {
    tokio::select! {
        done = work => done,
        () = cancel.cancelled() => Err(ImportError::Interrupted.into()),
    }
}
