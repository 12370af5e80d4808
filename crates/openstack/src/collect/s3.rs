//! Whether the object store speaks S3, as the reference finds out: by asking with a key that cannot exist.

use std::time::SystemTime;

use assay_inventory::{FactId, Reason, S3Answer, S3Presence, Unavailable};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use crate::client::{Ask, Reply};
use crate::endpoint::catalog_url;
use crate::{EndpointError, Session, answer};

const OBJECT_STORE: &str = "object-store";
const ACCESS_KEY: &str = "doesnotexist";
const REGION: &str = "us-east-1";
/// What boto tries before it gives up.
const ATTEMPTS: u32 = 5;

/// What the object store says to a signed `ListBuckets` with an unknown key.
pub(super) async fn presence(session: &Session) -> Result<S3Presence, Unavailable> {
    let raw = match session.config().endpoint_override(OBJECT_STORE) {
        Some(url) => url,
        None => match catalog_url(&session.token().catalog, OBJECT_STORE, &[], &session.wanted()) {
            Ok(url) => url,
            Err(EndpointError::NotInCatalog(_)) => return Ok(S3Presence::NoObjectStore),
            Err(_) => return Ok(S3Presence::NoEndpoint),
        },
    };
    let Some(root) = root_of(raw) else {
        return Ok(S3Presence::NotSent { endpoint: raw.to_owned() });
    };
    let endpoint = root.as_str().trim_end_matches('/').to_owned();
    let headers = signed_headers(&root, SystemTime::now())?;
    let ask = Ask {
        fact: Some(FactId::S3Presence),
        service: OBJECT_STORE,
        url: root,
        headers,
        basic: None,
        method: Method::GET,
        body: None,
        attempts: ATTEMPTS,
        repeatable: true,
        retry: |status: StatusCode| matches!(status.as_u16(), 500 | 502 | 503 | 504),
    };
    // The request goes to an authority of the catalog, but it is no request to OpenStack: no token.
    Ok(match session.http().send(&ask, None).await {
        Ok(reply) => judge(&reply, endpoint),
        Err(why) => S3Presence::NoAnswer { endpoint, message: why.message },
    })
}

/// Scheme and authority of a URL, if a slash follows them; without one, the reference would not ask this host.
fn root_of(raw: &str) -> Option<Url> {
    let (_, rest) = raw.split_once("://")?;
    rest.contains('/').then_some(())?;
    let mut url = Url::parse(raw).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    url.set_path("/");
    url.set_query(None);
    url.set_fragment(None);
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(url)
}

fn signed_headers(url: &Url, now: SystemTime) -> Result<HeaderMap, Unavailable> {
    let failed = |error: &dyn std::fmt::Display| {
        Unavailable::new(Reason::Configuration, format!("the S3 request cannot be signed: {error}"))
    };
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let identity = Credentials::new(ACCESS_KEY, "", None, None, "assay").into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name("s3")
        .time(now)
        .settings(settings)
        .build()
        .map_err(|error| failed(&error))?
        .into();
    let request = SignableRequest::new("GET", url.as_str(), std::iter::empty(), SignableBody::Bytes(&[]))
        .map_err(|error| failed(&error))?;
    let (instructions, _) = sign(request, &parameters).map_err(|error| failed(&error))?.into_parts();
    instructions
        .headers()
        .map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| failed(&error))?;
            Ok((name, HeaderValue::from_str(value).map_err(|error| failed(&error))?))
        })
        .collect()
}

fn judge(reply: &Reply, endpoint: String) -> S3Presence {
    let text = String::from_utf8_lossy(&reply.body);
    let start = text.trim_start();
    let is_html = start.get(..14).is_some_and(|head| head.eq_ignore_ascii_case("<!doctype html"))
        || start.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("<html"));
    let is_xml = start.starts_with('<') && !is_html;
    // boto reads a success without a body as an empty list, and stumbles over one that is no XML.
    if reply.status.is_success() && !is_xml && !start.is_empty() {
        let message = format!("HTTP {} with {}, which is not S3", reply.status, answer::excerpt(&reply.body));
        return S3Presence::NoAnswer { endpoint, message };
    }
    let code = error_code(start).filter(|_| is_xml && !reply.status.is_success());
    let answer = S3Answer { status: reply.status.as_u16(), code, request_id: reply.request_id() };
    S3Presence::Answered { endpoint, answer }
}

/// The text of the first `<Code>`.
fn error_code(xml: &str) -> Option<String> {
    let (_, rest) = xml.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    let code = code.trim();
    (!code.is_empty() && code.len() <= 100).then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            method: http::Method::GET,
            url: Url::parse("https://s3.example.com/").unwrap(),
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.into(),
        }
    }

    fn code(status: u16, body: &str) -> String {
        match judge(&reply(status, body), String::new()) {
            S3Presence::Answered { answer, .. } => answer.code.unwrap_or_else(|| "no code".into()),
            _ => "no answer".into(),
        }
    }

    #[test]
    fn only_the_authority_of_an_endpoint_with_a_path_is_asked() {
        for (url, root) in [
            ("https://swift.example.com/swift/v1/AUTH_x", Some("https://swift.example.com/")),
            ("https://swift.example.com:8080/", Some("https://swift.example.com:8080/")),
            ("https://swift.example.com", None),
            ("https://swift.example.com:8080", None),
            ("https://user:pw@swift.example.com/v1", Some("https://swift.example.com/")),
            ("ftp://swift.example.com/v1", None),
            ("nonsense", None),
        ] {
            assert_eq!(root_of(url).as_ref().map(Url::as_str), root, "{url}");
        }
    }

    #[test]
    fn the_error_code_is_taken_from_xml_only() {
        let error = |code| format!("<?xml version='1.0'?>\n<Error><Code>{code}</Code></Error>");
        assert_eq!(code(403, &error("InvalidAccessKeyId")), "InvalidAccessKeyId");
        assert_eq!(code(404, &error("NoSuchKey")), "NoSuchKey");
        assert_eq!(code(404, "<html><Code>NoSuchKey</Code></html>"), "no code");
        assert_eq!(code(412, ""), "no code");
        assert_eq!(code(200, "<ListAllMyBucketsResult/>"), "no code");
        assert_eq!(code(200, ""), "no code");
        assert_eq!(code(200, "<!DOCTYPE html><html></html>"), "no answer");
        assert_eq!(code(200, "{}"), "no answer");
    }

    #[test]
    fn the_request_is_signed_with_the_key_that_cannot_exist() {
        let url = Url::parse("https://swift.example.com/").unwrap();
        let headers = signed_headers(&url, UNIX_EPOCH + Duration::from_secs(1_700_000_000)).unwrap();
        assert_eq!(headers["x-amz-date"], "20231114T221320Z");
        let authorization = headers["authorization"].to_str().unwrap();
        assert!(
            authorization.starts_with(
                "AWS4-HMAC-SHA256 Credential=doesnotexist/20231114/us-east-1/s3/aws4_request, \
                 SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature="
            ),
            "{authorization}"
        );
    }
}
