//! Requests of web pages from elsewhere.

use aws_sdk_s3::types::{CorsConfiguration, CorsRule};
use reqwest::Method;

use crate::answer::{Finding, Outcome, Step as _, Trouble, ensure};
use crate::attempt::Attempt;
use crate::client::with_md5;
use crate::http::Reply;

const ALLOWED: &str = "https://allowed.example";
const OTHER: &str = "https://other.example";

pub(super) async fn preflight(a: &Attempt) -> Outcome {
    let bucket = &a.bucket("cors").await?;
    let key = "cors/object";
    a.put(bucket, key, b"shared").await?;
    let failed = |error: aws_sdk_s3::error::BuildError| Finding::not_tried(error.to_string());
    let rule = CorsRule::builder().allowed_methods("GET").allowed_origins(ALLOWED).allowed_headers("*");
    let rules =
        CorsConfiguration::builder().cors_rules(rule.build().map_err(failed)?).build().map_err(failed)?;
    let request = a.s3.put_bucket_cors().bucket(bucket).cors_configuration(rules);
    let put = with_md5(request.customize()).send().await.step("put a CORS rule");
    let read = || a.s3.get_bucket_cors().bucket(bucket).send();
    a.known(put, "cors", read()).await?;
    let got = read().await.step("read the CORS rule")?;
    let is_kept = |rule: &CorsRule| rule.allowed_origins() == [ALLOWED] && rule.allowed_methods() == ["GET"];
    ensure(got.cors_rules().len() == 1 && is_kept(&got.cors_rules()[0]), || {
        Finding::broken("the CORS rule is not given back as it was put")
    })?;
    let stranger = ask(a, bucket, key, OTHER, "GET").await.step("ask as a page of another origin")?;
    ensure(!grants(&stranger, OTHER), || Finding::broken("a preflight request of any origin is granted"))?;
    let other_method = ask(a, bucket, key, ALLOWED, "DELETE").await.step("ask for another method")?;
    let methods = other_method.header("access-control-allow-methods").unwrap_or_default();
    ensure(!(grants(&other_method, ALLOWED) && methods.contains("DELETE")), || {
        Finding::broken("a preflight request for a method that the rule does not name is granted")
    })?;
    let granted = ask(a, bucket, key, ALLOWED, "GET").await.step("ask as a page of the allowed origin")?;
    ensure(grants(&granted, ALLOWED), || {
        let answer = granted.answer();
        let detail =
            format!("the rule is kept, but a preflight request that it allows is not granted: {answer}");
        Finding { answer: Some(answer), ..Finding::broken(detail) }
    })?;
    a.s3.delete_bucket_cors().bucket(bucket).send().await.step("remove the CORS rule")?;
    Ok("a preflight request is granted to the allowed origin and method alone".to_owned())
}

async fn ask(a: &Attempt, bucket: &str, key: &str, origin: &str, method: &str) -> Result<Reply, Trouble> {
    let headers = [("origin", origin), ("access-control-request-method", method)];
    a.http.plain(Method::OPTIONS, a.url(bucket, key), &headers, &[]).await
}

/// Whether a browser would let the page go on.
fn grants(reply: &Reply, origin: &str) -> bool {
    let allowed = reply.header("access-control-allow-origin");
    (200..300).contains(&reply.status) && allowed.is_some_and(|allowed| allowed == origin || allowed == "*")
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;

    use super::*;

    #[test]
    fn a_grant_needs_success_and_the_origin() {
        let reply = |status, origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(origin) = origin {
                headers.insert("access-control-allow-origin", origin.parse().unwrap());
            }
            Reply { status, headers, body: Vec::new() }
        };
        assert!(grants(&reply(200, Some(ALLOWED)), ALLOWED));
        assert!(grants(&reply(204, Some("*")), ALLOWED));
        assert!(!grants(&reply(403, Some(ALLOWED)), ALLOWED));
        assert!(!grants(&reply(200, Some(OTHER)), ALLOWED));
        assert!(!grants(&reply(200, None), ALLOWED));
    }
}
