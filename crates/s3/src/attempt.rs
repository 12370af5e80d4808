//! What every feature is tried with.

use std::sync::Arc;

use assay_inventory::S3FeatureState;
use aws_sdk_s3::Client;
use reqwest::Method;
use url::Url;

use crate::answer::{Finding, Step as _, Trouble};
use crate::buckets::Buckets;
use crate::client::{Style, client};
use crate::http::{Http, Reply};
use crate::{Access, Settings};

/// The server as it is asked: the access with what was learned about it.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) access: Access,
    pub(crate) settings: Settings,
    /// The region that the server wants.
    pub(crate) region: String,
}

/// One feature being tried: clients of its own, and the bucket that many share.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) target: Arc<Target>,
    pub(crate) buckets: Arc<Buckets>,
    pub(crate) http: Http,
    pub(crate) s3: Client,
    /// The common bucket. What is configured for a whole bucket is tried in another.
    pub(crate) main: String,
}

impl Attempt {
    pub(crate) fn new(target: Arc<Target>, buckets: Arc<Buckets>, http: &Http, main: String) -> Self {
        let http = http.apart();
        let s3 = client(&target.access, &target.region, &target.access.endpoint, Style::Path, &http);
        Attempt { target, buckets, http, s3, main }
    }

    /// Makes another bucket.
    pub(crate) async fn bucket(&self, suffix: &str) -> Result<String, Finding> {
        self.buckets.create(self, suffix, false).await.map_err(crate::buckets::Uncreated::finding)
    }

    /// Writes an object.
    pub(crate) async fn put(&self, bucket: &str, key: &str, content: &[u8]) -> Result<(), Finding> {
        let body = content.to_vec().into();
        self.s3.put_object().bucket(bucket).key(key).body(body).send().await.step("write an object")?;
        Ok(())
    }

    /// Reads an object.
    pub(crate) async fn read(&self, bucket: &str, key: &str) -> Result<Vec<u8>, Trouble> {
        let got = self.s3.get_object().bucket(bucket).key(key).send().await.told()?;
        content(got.body).await
    }

    /// Reads an object and compares it with what was written; `step` says what it shows.
    pub(crate) async fn expect(
        &self,
        bucket: &str,
        key: &str,
        content: &[u8],
        step: &str,
    ) -> Result<(), Finding> {
        let got = self.read(bucket, key).await.step(step)?;
        same(&got, content, step)
    }

    /// The address of an object, path-style.
    pub(crate) fn url(&self, bucket: &str, key: &str) -> Url {
        object_url(&self.target.access.endpoint, bucket, key)
    }

    /// Whether the last answer is a listing of a bucket, whatever was asked for.
    pub(crate) fn got_listing(&self) -> bool {
        self.http.last().is_some_and(|last| String::from_utf8_lossy(&last.body).contains("<ListBucketResult"))
    }

    /// The finding for a refused request for a sub-resource of a bucket, such as `?lifecycle`. Servers that
    /// do not know one take the request for one about the bucket itself, and refuse it with strange words;
    /// `read` asks for the sub-resource, which such servers answer with a listing.
    pub(crate) async fn known<T>(
        &self,
        put: Result<T, Finding>,
        name: &str,
        read: impl Future<Output: Send>,
    ) -> Result<T, Finding> {
        let finding = match put {
            Err(finding) if finding.state == S3FeatureState::Broken => finding,
            other => return other,
        };
        read.await;
        if !self.got_listing() {
            return Err(finding);
        }
        let detail =
            format!("{}; a request for ?{name} is answered with a listing of the bucket", finding.detail);
        Err(Finding { state: S3FeatureState::Absent, detail, ..finding })
    }

    /// Asks for an object as anybody would who has no key.
    pub(crate) async fn anonymous(&self, bucket: &str, key: &str) -> Result<Reply, Trouble> {
        self.http.plain(Method::GET, self.url(bucket, key), &[], &[]).await?.success()
    }
}

/// The address of an object, path-style.
pub(crate) fn object_url(endpoint: &Url, bucket: &str, key: &str) -> Url {
    let mut url = endpoint.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(bucket).extend(key.split('/'));
    }
    url
}

/// The content of an answer of the SDK.
pub(crate) async fn content(body: aws_sdk_s3::primitives::ByteStream) -> Result<Vec<u8>, Trouble> {
    match body.collect().await {
        Ok(bytes) => Ok(bytes.to_vec()),
        Err(error) => Err(Trouble::Silence(crate::answer::chain(&error))),
    }
}

/// What was read has to be what was written.
pub(crate) fn same(got: &[u8], wanted: &[u8], step: &str) -> Result<(), Finding> {
    if got == wanted {
        return Ok(());
    }
    let (got, wanted) = (got.len(), wanted.len());
    Err(Finding::broken(format!("{step}: the content differs ({got} bytes instead of {wanted})")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_lie_below_the_path_of_the_endpoint() {
        for (endpoint, url) in [
            ("http://s3.example.com", "http://s3.example.com/b/d/k%20%3F"),
            ("http://s3.example.com/", "http://s3.example.com/b/d/k%20%3F"),
            ("https://example.com:8080/s3/", "https://example.com:8080/s3/b/d/k%20%3F"),
            ("https://example.com:8080/s3", "https://example.com:8080/s3/b/d/k%20%3F"),
        ] {
            let endpoint = Url::parse(endpoint).unwrap();
            assert_eq!(object_url(&endpoint, "b", "d/k ?").as_str(), url);
        }
    }
}
