//! The buckets of a run: journalled before they are made, so that none is forgotten.

use std::sync::{Mutex, PoisonError};

use assay_inventory::S3FeatureState;
use assay_journal::{Entry, Journal, JournalError, Kind};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};

use crate::answer::{Finding, Step as _, Trouble};
use crate::attempt::Attempt;

/// How servers say that they want to hear their region when a bucket is made.
const LOCATION_CODES: [&str; 2] = ["IllegalLocationConstraintException", "InvalidLocationConstraint"];

/// The buckets that a run has made, or may have.
#[derive(Debug)]
pub(crate) struct Buckets {
    journal: Journal,
    endpoint: String,
    made: Mutex<Vec<Bucket>>,
}

/// A bucket that may exist.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) entry: Entry,
    /// Whether the server said that it made it. If not, it may do so late.
    pub(crate) is_sure: bool,
}

/// Why there is no bucket.
#[derive(Debug)]
pub(crate) enum Uncreated {
    /// The journal cannot be written, so nothing may be created.
    Journal(JournalError),
    /// The server did not make it.
    Server(Trouble),
}

impl Uncreated {
    /// What it says about the feature that needs the bucket.
    pub(crate) fn finding(self) -> Finding {
        match self {
            Uncreated::Journal(error) => Finding::not_tried(format!("no bucket may be made: {error}")),
            // That a bucket cannot be made is the finding of another feature.
            Uncreated::Server(trouble) => {
                let detail = format!("the bucket to try it in cannot be made: {trouble}");
                Finding::settled(S3FeatureState::NotTried, detail, &trouble)
            }
        }
    }
}

impl Buckets {
    pub(crate) fn new(journal: Journal, endpoint: String) -> Self {
        Buckets { journal, endpoint, made: Mutex::default() }
    }

    /// All that may exist.
    pub(crate) fn all(&self) -> Vec<Bucket> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn forget(&self, name: &str) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).retain(|bucket| bucket.name != name);
    }

    /// The journal's errors after a call change nothing about the bucket: at worst it is looked for once more.
    fn note(written: Result<(), JournalError>) {
        drop(written);
    }

    /// It is certainly absent.
    pub(crate) fn gone(&self, bucket: &Bucket) {
        Self::note(bucket.entry.gone());
        self.forget(&bucket.name);
    }

    /// Makes a bucket whose name ends in `suffix`, with object lock if wanted.
    pub(crate) async fn create(&self, a: &Attempt, suffix: &str, lock: bool) -> Result<String, Uncreated> {
        let name = self.journal.run().name(&format!("s3-{suffix}"));
        let entry = self
            .journal
            .intend_within(Kind::Bucket, &name, Some(&self.endpoint))
            .map_err(Uncreated::Journal)?;
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(Bucket {
            name: name.clone(),
            entry: entry.clone(),
            is_sure: false,
        });

        let mut result = send(a, &name, lock, None).await;
        if let Err(trouble) = &result
            && LOCATION_CODES.iter().any(|code| trouble.is_code(code))
        {
            result = send(a, &name, lock, Some(&a.target.region)).await;
        }
        match result {
            // The second: an answer was lost, and the retry found the bucket. Nobody else has such a name.
            Ok(()) => {}
            Err(trouble) if trouble.is_code("BucketAlreadyOwnedByYou") => {}
            Err(trouble) => {
                if trouble.is_refusal() {
                    Self::note(entry.refused());
                    self.forget(&name);
                }
                return Err(Uncreated::Server(trouble));
            }
        }
        Self::note(entry.made(&name));
        for bucket in self.made.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            bucket.is_sure |= bucket.name == name;
        }
        Ok(name)
    }
}

async fn send(a: &Attempt, name: &str, lock: bool, region: Option<&str>) -> Result<(), Trouble> {
    let location = region.map(|region| {
        CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::from(region))
            .build()
    });
    a.s3.create_bucket()
        .bucket(name)
        .set_object_lock_enabled_for_bucket(lock.then_some(true))
        .set_create_bucket_configuration(location)
        .send()
        .await
        .told()
        .map(drop)
}
