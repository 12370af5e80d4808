use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Leftover;

/// What the attempts at an S3 server showed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct S3Features {
    /// Where the server answers, without credentials.
    pub endpoint: String,
    /// The region that requests were signed for in the end; the server may have named it.
    pub region: String,
    /// The `Server` header, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// One result for each of [`S3FeatureId::ALL`], in that order.
    pub features: Vec<S3Feature>,
    /// Buckets of this run that may still exist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leftovers: Vec<Leftover>,
}

impl S3Features {
    /// The result of one feature.
    pub fn get(&self, id: S3FeatureId) -> Option<&S3Feature> {
        self.features.iter().find(|feature| feature.feature == id)
    }
}

/// What was seen of one feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct S3Feature {
    /// Which feature.
    pub feature: S3FeatureId,
    /// How it stands.
    pub state: S3FeatureState,
    /// What was done and seen, in words.
    pub detail: String,
    /// HTTP status of the answer that settled it; none for what is present, and where effects settled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// S3 error code of that answer, such as `NotImplemented`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The id that the server gave that request, for its operator's logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// How a feature stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum S3FeatureState {
    /// It works: the effect was seen, not only a success status.
    Present,
    /// The server says that it does not have it, or takes no notice of an optional header.
    Absent,
    /// The server claims success without the effect, fails, or answers nonsense.
    Broken,
    /// Nothing can be said: a precondition was not met, the key may not do it, or time was up.
    NotTried,
}

impl S3FeatureState {
    /// The state in plain words.
    pub fn label(self) -> &'static str {
        match self {
            S3FeatureState::Present => "present",
            S3FeatureState::Absent => "absent",
            S3FeatureState::Broken => "broken",
            S3FeatureState::NotTried => "not tried",
        }
    }
}

impl fmt::Display for S3FeatureState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// A feature of the S3 API that users rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum S3FeatureId {
    /// Buckets are made, found, listed and removed.
    BucketCrud,
    /// Objects are written, read, described and removed.
    ObjectCrud,
    /// The bucket in the path of the URL.
    PathStyle,
    /// The bucket in the host name of the URL.
    VirtualHost,
    /// Only signatures of version 4 are taken.
    SigV4Only,
    /// The first version of listing.
    ListV1,
    /// The second version of listing.
    ListV2,
    /// Objects in parts.
    Multipart,
    /// Parts of objects.
    RangeGet,
    /// URLs that carry their signature.
    PresignedUrls,
    /// Copies made by the server.
    Copy,
    /// Many objects removed in one request.
    BatchDelete,
    /// Writes that happen only under a condition.
    ConditionalWrites,
    /// Checksums of content other than MD5.
    Checksums,
    /// Old versions of objects are kept.
    Versioning,
    /// Objects expire by rule.
    Lifecycle,
    /// Versions that cannot be removed for a while.
    ObjectLock,
    /// Tags of objects.
    ObjectTagging,
    /// Tags of buckets.
    BucketTagging,
    /// Access control lists.
    Acl,
    /// Policies of buckets.
    BucketPolicy,
    /// Requests of web pages from elsewhere.
    Cors,
    /// Encryption with a key of the customer.
    SseC,
    /// Encryption with keys of the server.
    SseS3,
}

impl S3FeatureId {
    /// Every feature there is, in the order in which they are shown.
    pub const ALL: [S3FeatureId; 24] = [
        S3FeatureId::BucketCrud,
        S3FeatureId::ObjectCrud,
        S3FeatureId::PathStyle,
        S3FeatureId::VirtualHost,
        S3FeatureId::SigV4Only,
        S3FeatureId::ListV1,
        S3FeatureId::ListV2,
        S3FeatureId::Multipart,
        S3FeatureId::RangeGet,
        S3FeatureId::PresignedUrls,
        S3FeatureId::Copy,
        S3FeatureId::BatchDelete,
        S3FeatureId::ConditionalWrites,
        S3FeatureId::Checksums,
        S3FeatureId::Versioning,
        S3FeatureId::Lifecycle,
        S3FeatureId::ObjectLock,
        S3FeatureId::ObjectTagging,
        S3FeatureId::BucketTagging,
        S3FeatureId::Acl,
        S3FeatureId::BucketPolicy,
        S3FeatureId::Cors,
        S3FeatureId::SseC,
        S3FeatureId::SseS3,
    ];

    /// The feature in plain words, as tables show it.
    pub fn label(self) -> &'static str {
        match self {
            S3FeatureId::BucketCrud => "buckets",
            S3FeatureId::ObjectCrud => "objects",
            S3FeatureId::PathStyle => "path-style addressing",
            S3FeatureId::VirtualHost => "virtual-host addressing",
            S3FeatureId::SigV4Only => "SigV4 only",
            S3FeatureId::ListV1 => "list v1",
            S3FeatureId::ListV2 => "list v2",
            S3FeatureId::Multipart => "multipart upload",
            S3FeatureId::RangeGet => "range GET",
            S3FeatureId::PresignedUrls => "presigned URLs",
            S3FeatureId::Copy => "copy",
            S3FeatureId::BatchDelete => "batch delete",
            S3FeatureId::ConditionalWrites => "conditional writes",
            S3FeatureId::Checksums => "checksums",
            S3FeatureId::Versioning => "versioning",
            S3FeatureId::Lifecycle => "lifecycle expiry",
            S3FeatureId::ObjectLock => "object lock",
            S3FeatureId::ObjectTagging => "object tagging",
            S3FeatureId::BucketTagging => "bucket tagging",
            S3FeatureId::Acl => "ACL",
            S3FeatureId::BucketPolicy => "bucket policy",
            S3FeatureId::Cors => "CORS",
            S3FeatureId::SseC => "SSE-C",
            S3FeatureId::SseS3 => "SSE-S3",
        }
    }

    /// One line on what `present` means.
    pub fn explanation(self) -> &'static str {
        match self {
            S3FeatureId::BucketCrud => "a bucket is made, found, listed, removed, and then absent",
            S3FeatureId::ObjectCrud => {
                "an object and its metadata are written, read back, removed, and then absent"
            }
            S3FeatureId::PathStyle => "https://host/bucket/key leads to the object",
            S3FeatureId::VirtualHost => "https://bucket.host/key leads to the object",
            S3FeatureId::SigV4Only => "requests signed with the outdated version 2 are refused",
            S3FeatureId::ListV1 => {
                "ListObjects: pages by marker, prefixes by delimiter, any character in keys"
            }
            S3FeatureId::ListV2 => {
                "ListObjectsV2: pages by token, prefixes by delimiter, any character in keys"
            }
            S3FeatureId::Multipart => "two parts of 5 MiB become one object; an aborted upload is gone",
            S3FeatureId::RangeGet => "a part of an object is read with status 206",
            S3FeatureId::PresignedUrls => {
                "a GET and a PUT need no more than the URL, and a changed URL is refused"
            }
            S3FeatureId::Copy => "the server copies an object with its content and metadata",
            S3FeatureId::BatchDelete => "DeleteObjects removes several objects in one request",
            S3FeatureId::ConditionalWrites => "PUT with If-None-Match: * never overwrites an object",
            S3FeatureId::Checksums => {
                "CRC32C and SHA-256 are checked, kept and given back; wrong ones are refused"
            }
            S3FeatureId::Versioning => "an overwritten and a removed object can be read by version",
            S3FeatureId::Lifecycle => "an expiry rule is kept as given (that it acts would take days to see)",
            S3FeatureId::ObjectLock => {
                "a locked version cannot be removed, except by bypassing governance mode"
            }
            S3FeatureId::ObjectTagging => "tags of an object are kept, given back and removed",
            S3FeatureId::BucketTagging => "tags of a bucket are kept, given back and removed",
            S3FeatureId::Acl => "the canned ACL public-read lets anybody read, private nobody",
            S3FeatureId::BucketPolicy => "a policy lets anybody read, and nobody once it is removed",
            S3FeatureId::Cors => "preflight requests of the allowed origin alone are granted",
            S3FeatureId::SseC => "an object encrypted with a key of ours is read with that key alone",
            S3FeatureId::SseS3 => "the server says of an object that it is encrypted with AES256",
        }
    }
}

impl fmt::Display for S3FeatureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_list_is_complete_and_in_the_order_of_the_enum() {
        assert!(S3FeatureId::ALL.is_sorted());
        let labels: BTreeSet<_> = S3FeatureId::ALL.iter().map(|id| id.label()).collect();
        let explanations: BTreeSet<_> = S3FeatureId::ALL.iter().map(|id| id.explanation()).collect();
        assert_eq!((labels.len(), explanations.len()), (S3FeatureId::ALL.len(), S3FeatureId::ALL.len()));
        // `SseS3` is declared last: were one missing in the list, its place would not be the last.
        assert_eq!(S3FeatureId::SseS3 as usize + 1, S3FeatureId::ALL.len());
    }

    #[test]
    fn names_in_snapshots_stay_as_they_are() {
        let name = |id: &S3FeatureId| serde_json::to_value(id).unwrap().as_str().unwrap().to_owned();
        let names: Vec<String> = S3FeatureId::ALL.iter().map(name).collect();
        assert_eq!(
            names.join(" "),
            "bucket_crud object_crud path_style virtual_host sig_v4_only list_v1 list_v2 multipart range_get \
             presigned_urls copy batch_delete conditional_writes checksums versioning lifecycle object_lock \
             object_tagging bucket_tagging acl bucket_policy cors sse_c sse_s3"
        );
        let text = r#"{"endpoint":"http://s3","region":"r","features":[
            {"feature":"acl","state":"not_tried","detail":"time was up","later":1}]}"#;
        let seen: S3Features = serde_json::from_str(text).unwrap();
        assert_eq!(seen.get(S3FeatureId::Acl).map(|acl| acl.state), Some(S3FeatureState::NotTried));
        assert!(seen.get(S3FeatureId::Cors).is_none() && seen.leftovers.is_empty() && seen.server.is_none());
    }
}
