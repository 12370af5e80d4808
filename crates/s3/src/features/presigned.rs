//! URLs that carry their signature.

use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use reqwest::Method;
use url::Url;

use crate::answer::{Finding, Outcome, Step as _};
use crate::attempt::{Attempt, same};
use crate::http::Reply;

const VALID: Duration = Duration::from_mins(5);

pub(super) async fn urls(a: &Attempt) -> Outcome {
    let key = "presigned/object";
    let unsigned =
        |error: &dyn std::error::Error| Finding::not_tried(crate::answer::clean(&error.to_string()));
    let valid = PresigningConfig::expires_in(VALID).map_err(|error| unsigned(&error))?;
    let put = a.s3.put_object().bucket(&a.main).key(key).presigned(valid.clone()).await;
    let put = address(&put.step("sign a PUT")?)?;
    a.http
        .plain(Method::PUT, put, &[], b"by URL")
        .await
        .and_then(Reply::success)
        .step("write with a signed URL")?;
    a.expect(&a.main, key, b"by URL", "read what a signed URL wrote").await?;

    let get = a.s3.get_object().bucket(&a.main).key(key);
    let good = address(&get.clone().presigned(valid).await.step("sign a GET")?)?;
    let ask = async |url: Url| a.http.plain(Method::GET, url, &[], &[]).await.and_then(Reply::success);
    let forged = forge(&good).ok_or_else(|| Finding::not_tried("the signed URL has no signature"))?;
    let reply = ask(good).await.step("read with a signed URL")?;
    same(&reply.body, b"by URL", "read with a signed URL")?;

    ask(forged).await.refused("read with a forged URL")?;
    let long_ago = SystemTime::now() - Duration::from_hours(1);
    let expired = PresigningConfig::builder().start_time(long_ago).expires_in(VALID).build();
    let expired = get.presigned(expired.map_err(|error| unsigned(&error))?).await.step("sign a GET")?;
    ask(address(&expired)?).await.refused("read with an expired URL")?;
    Ok("PUT and GET work; a forged and an expired URL are refused".to_owned())
}

fn address(request: &PresignedRequest) -> Result<Url, Finding> {
    Url::parse(request.uri()).map_err(|error| Finding::not_tried(format!("the signed URL is none: {error}")))
}

/// The URL with another last digit of the signature.
fn forge(url: &Url) -> Option<Url> {
    let mut found = false;
    let pairs: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| {
            let mut value = value.into_owned();
            if name == "X-Amz-Signature"
                && let Some(last) = value.pop()
            {
                value.push(if last == '0' { '1' } else { '0' });
                found = true;
            }
            (name.into_owned(), value)
        })
        .collect();
    let mut forged = url.clone();
    forged.query_pairs_mut().clear().extend_pairs(pairs);
    found.then_some(forged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forged_url_differs_in_its_signature_alone() {
        let url = Url::parse("http://s3/b/k?X-Amz-Date=1&X-Amz-Signature=abc0&x-id=GetObject").unwrap();
        let forged = forge(&url).unwrap();
        assert_eq!(forged.as_str(), "http://s3/b/k?X-Amz-Date=1&X-Amz-Signature=abc1&x-id=GetObject");
        assert_eq!(forge(&Url::parse("http://s3/b/k").unwrap()), None);
    }
}
