//! Buckets that a run left: they are removed through S3, with a key made for the purpose.

use assay_inventory::{Leftover, Reason, Unavailable};
use assay_journal::{Journal, Kind};
use http::Method;
use serde_json::json;
use tokio::time::{Duration, Instant};
use url::Url;
use uuid::Uuid;

use super::remove::{Doomed, Janitor};
use crate::ec2::{Ec2Key, access, credential_id, s3_endpoint};
use crate::session::Wanting;

/// What a key is called, after the mark of the run and before digits of its own.
const KEY: &str = "removal-key";

impl Janitor<'_> {
    /// Takes down buckets, and the key with which that is done.
    pub(super) async fn take_buckets_down(
        &self,
        journal: &Journal,
        buckets: &[Doomed],
        until: Instant,
    ) -> Vec<Leftover> {
        let left = |why: String| {
            buckets
                .iter()
                .map(|bucket| Leftover {
                    kind: Kind::Bucket.label().into(),
                    name: bucket.open.name.clone(),
                    id: None,
                    why: why.clone(),
                })
                .collect::<Vec<_>>()
        };
        // A cleanup that was killed may have left its own, and keystone takes no name twice.
        let digits = Uuid::new_v4().simple();
        let key = Ec2Key::new(self.session, journal.run().name(&format!("{KEY}-{digits}")));
        let Ok(entry) = journal.intend(Kind::Ec2Credential, &key.access) else {
            return left("no key can be made for its removal, because the journal cannot be written".into());
        };
        let mut leftovers = match self.introduce(&key).await {
            Err(why) => left(format!("no key can be made for its removal: {why}")),
            Ok(()) => self.remove_all(journal, buckets, &key, until).await,
        };
        let id = credential_id(&key.access);
        match self.remove(Kind::Ec2Credential, &id, None, until).await {
            Ok(()) => {
                // If this cannot be ticked off, the next run finds that the key is gone.
                let _ = entry.gone();
            }
            Err(why) => leftovers.push(Leftover {
                kind: Kind::Ec2Credential.label().into(),
                name: key.access.clone(),
                id: Some(id),
                why: why.to_string(),
            }),
        }
        leftovers
    }

    /// Makes keystone know a key.
    async fn introduce(&self, key: &Ec2Key) -> Result<(), Unavailable> {
        let endpoint = self.session.endpoint("identity")?;
        let body = json!({"credential": key.fields(self.session)});
        let wanting = Wanting {
            method: Method::POST,
            body: Some(body.to_string().into()),
            ..Wanting::get(self.fact, &endpoint, endpoint.at(&["credentials"]))
        };
        self.session.call(wanting).await.map(drop)
    }

    async fn remove_all(
        &self,
        journal: &Journal,
        buckets: &[Doomed],
        key: &Ec2Key,
        until: Instant,
    ) -> Vec<Leftover> {
        let settings = assay_s3::Settings {
            timeout: self.session.http().settings().timeout,
            cleanup: until.saturating_duration_since(Instant::now()),
            ..assay_s3::Settings::default()
        };
        let mut leftovers = Vec::new();
        for bucket in buckets {
            let open = &bucket.open;
            let removed = match self.endpoint_of(bucket) {
                Err(why) => Err(why.to_string()),
                Ok(endpoint) => {
                    let access = access(self.session, endpoint, key);
                    let late = match bucket.settled || open.id.is_some() {
                        true => Duration::ZERO,
                        false => self.still_on_its_way(open.at),
                    };
                    assay_s3::remove_bucket(&access, &settings, &open.name, late)
                        .await
                        .map_err(|error| error.to_string())
                }
            };
            match removed {
                Ok(_) => {
                    let _ = journal.entry(open).gone();
                }
                Err(why) => leftovers.push(Leftover {
                    kind: Kind::Bucket.label().into(),
                    name: open.name.clone(),
                    id: None,
                    why,
                }),
            }
        }
        leftovers
    }

    /// Where the bucket lies; it must be where this cloud has its S3 now, or its key would go elsewhere.
    fn endpoint_of(&self, bucket: &Doomed) -> Result<Url, Unavailable> {
        let here = s3_endpoint(self.session).ok_or_else(|| {
            Unavailable::new(Reason::NotInCatalog, "the catalog has neither S3 nor an object store")
        })?;
        let there = bucket.open.within.as_deref().map(Url::parse);
        match there {
            Some(Ok(there)) if there.origin() != here.origin() => Err(Unavailable::new(
                Reason::ForeignLink,
                format!("it lies at {there}, but the catalog has S3 at {here}"),
            )),
            _ => Ok(here),
        }
    }
}
