//! Files in a bucket, each of them whole or not there at all.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use thiserror::Error;

use crate::answer::{Step as _, Trouble};
use crate::client::{Style, client};
use crate::http::Http;
use crate::probe::region;
use crate::{Access, AccessError, Settings};

/// Bytes of a part of an upload; with ten thousand of them, an object may have 160 GiB.
pub const PART: usize = 16 << 20;
/// The property of an object that holds the digest of its content.
const DIGEST: &str = "digest";

/// Why a file cannot be stored or looked at.
#[derive(Debug, Error)]
pub enum StoreError {
    /// No request can be sent.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The server refuses or fails.
    #[error("{bucket}/{key}: {step}: {why}")]
    Server {
        /// The bucket.
        bucket: String,
        /// The object.
        key: String,
        /// What was to be done.
        step: &'static str,
        /// What came instead.
        why: String,
    },
}

/// A folder in a bucket.
#[derive(Debug)]
pub struct Store {
    s3: Client,
    bucket: String,
    prefix: String,
}

impl Store {
    /// A folder in a bucket, which must be there; an empty prefix stands for all of it.
    ///
    /// # Errors
    /// No request can be sent.
    pub async fn open(
        access: &Access,
        settings: &Settings,
        bucket: &str,
        prefix: &str,
    ) -> Result<Self, StoreError> {
        let http = Http::new(access, settings)?;
        let region = region(access, &http).await;
        let s3 = client(access, &region, &access.endpoint, Style::Path, &http);
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Store { s3, bucket: bucket.to_owned(), prefix })
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn failed(&self, name: &str, step: &'static str, trouble: &Trouble) -> StoreError {
        StoreError::Server {
            bucket: self.bucket.clone(),
            key: self.key(name),
            step,
            why: trouble.to_string(),
        }
    }

    /// The digest that a file was stored with; none if there is no such file, or none is known.
    ///
    /// # Errors
    /// The server refuses or fails.
    pub async fn digest(&self, name: &str) -> Result<Option<String>, StoreError> {
        let head = self.s3.head_object().bucket(&self.bucket).key(self.key(name)).send().await.told();
        match head {
            Ok(head) => Ok(head.metadata().and_then(|metadata| metadata.get(DIGEST).cloned())),
            Err(trouble) if trouble.is_status(404) => Ok(None),
            Err(trouble) => Err(self.failed(name, "look at it", &trouble)),
        }
    }

    /// A file that is text; none if there is no such file.
    ///
    /// # Errors
    /// The server refuses or fails.
    pub async fn text(&self, name: &str) -> Result<Option<String>, StoreError> {
        let got = self.s3.get_object().bucket(&self.bucket).key(self.key(name)).send().await.told();
        let body = match got {
            Ok(got) => got.body.collect().await,
            Err(trouble) if trouble.is_status(404) => return Ok(None),
            Err(trouble) => return Err(self.failed(name, "read it", &trouble)),
        };
        let body =
            body.map_err(|error| self.failed(name, "read it", &Trouble::Silence(error.to_string())))?;
        Ok(Some(String::from_utf8_lossy(&body.into_bytes()).into_owned()))
    }

    /// Stores a short file.
    ///
    /// # Errors
    /// The server refuses or fails.
    pub async fn put(&self, name: &str, body: Vec<u8>) -> Result<(), StoreError> {
        let put = self.s3.put_object().bucket(&self.bucket).key(self.key(name)).body(body.into());
        put.send().await.told().map(|_| ()).map_err(|trouble| self.failed(name, "write it", &trouble))
    }

    /// Begins to store a file in parts of [`PART`] bytes, with the digest that it is known to have.
    ///
    /// # Errors
    /// The server refuses or fails.
    pub async fn begin(&self, name: &str, digest: Option<&str>) -> Result<Upload<'_>, StoreError> {
        let begun = self.s3.create_multipart_upload().bucket(&self.bucket).key(self.key(name));
        let begun = digest.into_iter().fold(begun, |begun, digest| begun.metadata(DIGEST, digest));
        let step = "begin an upload";
        let begun = begun.send().await.told().map_err(|trouble| self.failed(name, step, &trouble))?;
        let id = begun.upload_id().map(str::to_owned).ok_or_else(|| {
            self.failed(name, step, &Trouble::Silence("the answer holds no upload id".to_owned()))
        })?;
        Ok(Upload { store: self, name: name.to_owned(), id, parts: Vec::new() })
    }
}

/// A file on its way. Until [`Upload::complete`], nobody sees it; [`Upload::abort`] takes it back.
#[derive(Debug)]
pub struct Upload<'a> {
    store: &'a Store,
    name: String,
    id: String,
    parts: Vec<CompletedPart>,
}

impl Upload<'_> {
    /// Sends the next part. All but the last must have [`PART`] bytes.
    ///
    /// # Errors
    /// The server refuses or fails.
    pub async fn add(&mut self, part: Vec<u8>) -> Result<(), StoreError> {
        let number = i32::try_from(self.parts.len() + 1).unwrap_or(i32::MAX);
        let store = self.store;
        let sent =
            store.s3.upload_part().bucket(&store.bucket).key(store.key(&self.name)).upload_id(&self.id);
        let sent = sent.part_number(number).body(part.into()).send().await.told();
        let sent = sent.map_err(|trouble| store.failed(&self.name, "write a part of it", &trouble))?;
        self.parts.push(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build());
        Ok(())
    }

    /// Makes the file what was sent.
    ///
    /// # Errors
    /// The server refuses or fails.
    pub async fn complete(&self) -> Result<(), StoreError> {
        let store = self.store;
        let parts = CompletedMultipartUpload::builder().set_parts(Some(self.parts.clone())).build();
        let done = store.s3.complete_multipart_upload().bucket(&store.bucket).key(store.key(&self.name));
        let done = done.upload_id(&self.id).multipart_upload(parts).send().await.told();
        done.map(|_| ()).map_err(|trouble| store.failed(&self.name, "complete the upload", &trouble))
    }

    /// Throws away what was sent.
    ///
    /// # Errors
    /// The server refuses or fails.
    pub async fn abort(&self) -> Result<(), StoreError> {
        let store = self.store;
        let gone = store.s3.abort_multipart_upload().bucket(&store.bucket).key(store.key(&self.name));
        let gone = gone.upload_id(&self.id).send().await.told();
        gone.map(|_| ()).map_err(|trouble| store.failed(&self.name, "abort the upload", &trouble))
    }
}
