//! Clients of the SDK, with nothing taken from the environment.

use aws_sdk_s3::Client;
use aws_sdk_s3::client::customize::CustomizableOperation;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    StalledStreamProtectionConfig,
};
use secrecy::ExposeSecret as _;
use url::Url;

use crate::Access;
use crate::digest::md5;
use crate::http::Http;

/// A request is sent at most so often: connections break and servers stumble.
const ATTEMPTS: u32 = 2;

/// How buckets are addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Path,
    VirtualHost,
}

/// A client that signs for a region and addresses buckets in one style.
pub(crate) fn client(access: &Access, region: &str, endpoint: &Url, style: Style, http: &Http) -> Client {
    let secret = access.secret_key.expose_secret();
    let credentials = Credentials::new(&access.access_key, secret, None, None, "assay");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(http.for_sdk())
        .endpoint_url(endpoint.as_str().trim_end_matches('/'))
        .region(Region::new(region.to_owned()))
        .credentials_provider(credentials)
        .force_path_style(style == Style::Path)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        // Many servers do not know the checksums that the SDK would add by itself.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build();
    Client::from_conf(config)
}

/// The operation with `Content-MD5`, which older servers demand where the SDK sends newer checksums.
pub(crate) fn with_md5<T, E, B>(operation: CustomizableOperation<T, E, B>) -> CustomizableOperation<T, E, B> {
    operation.mutate_request(|request| {
        if let Some(body) = request.body().bytes() {
            let sum = md5(body);
            request.headers_mut().insert("content-md5", sum);
        }
    })
}
