//! The features, one attempt each: what is done, and by which effect it counts as present.

mod acl;
mod addressing;
mod basics;
mod checksums;
mod conditional;
mod copy;
mod cors;
mod encryption;
mod lifecycle;
mod listing;
mod lock;
mod multipart;
mod policy;
mod presigned;
mod signatures;
mod tagging;
mod versioning;

use assay_inventory::S3FeatureId;

use crate::answer::Outcome;
use crate::attempt::Attempt;

/// Tries one feature.
pub(crate) async fn attempt(id: S3FeatureId, a: &Attempt) -> Outcome {
    match id {
        S3FeatureId::BucketCrud => basics::buckets(a).await,
        S3FeatureId::ObjectCrud => basics::objects(a).await,
        S3FeatureId::PathStyle => addressing::path(a).await,
        S3FeatureId::VirtualHost => addressing::virtual_host(a).await,
        S3FeatureId::SigV4Only => signatures::version_four_only(a).await,
        S3FeatureId::ListV1 => listing::first(a).await,
        S3FeatureId::ListV2 => listing::second(a).await,
        S3FeatureId::Multipart => multipart::upload(a).await,
        S3FeatureId::RangeGet => basics::ranges(a).await,
        S3FeatureId::PresignedUrls => presigned::urls(a).await,
        S3FeatureId::Copy => copy::copy(a).await,
        S3FeatureId::BatchDelete => basics::batch_delete(a).await,
        S3FeatureId::ConditionalWrites => conditional::writes(a).await,
        S3FeatureId::Checksums => checksums::checksums(a).await,
        S3FeatureId::Versioning => versioning::versions(a).await,
        S3FeatureId::Lifecycle => lifecycle::expiry(a).await,
        S3FeatureId::ObjectLock => lock::lock(a).await,
        S3FeatureId::ObjectTagging => tagging::objects(a).await,
        S3FeatureId::BucketTagging => tagging::buckets(a).await,
        S3FeatureId::Acl => acl::canned(a).await,
        S3FeatureId::BucketPolicy => policy::public_read(a).await,
        S3FeatureId::Cors => cors::preflight(a).await,
        S3FeatureId::SseC => encryption::customer_key(a).await,
        S3FeatureId::SseS3 => encryption::server_key(a).await,
    }
}
