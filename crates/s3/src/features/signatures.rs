//! Whether signatures of version 2, with their SHA-1, are still taken.

use jiff::Timestamp;
use reqwest::Method;
use secrecy::ExposeSecret as _;

use crate::answer::{Answer, Finding, Outcome, Step as _, Trouble, ensure};
use crate::attempt::Attempt;
use crate::digest::hmac_sha1;
use crate::http::Reply;

/// How long a signed URL is valid.
const SECONDS: i64 = 300;

pub(super) async fn version_four_only(a: &Attempt) -> Outcome {
    let key = "signatures/object";
    a.put(&a.main, key, b"signed").await?;
    // Version 4 as a comparison: without it, a refusal of version 2 says nothing.
    a.expect(&a.main, key, b"signed", "read it with a signature of version 4").await?;
    let forged = by_header(a, key, "no such secret").await;
    if let Ok(reply) = &forged
        && reply.body == b"signed"
    {
        return Err(Finding::broken("a request with a forged signature of version 2 reads the object"));
    }
    let secret = a.target.access.secret_key.expose_secret();
    let header = taken(by_header(a, key, secret).await)?;
    let query = taken(by_query(a, key, secret).await)?;
    ensure(header.is_err() || query.is_err(), || {
        Finding::absent("signatures of version 2 are taken as well, in the header and in the URL")
    })?;
    match (header, query) {
        (Err(refusal), Err(_)) => Ok(format!("a signature of version 2 is refused: {refusal}")),
        (Ok(()), _) => Err(Finding::absent("signatures of version 2 are taken as well, in the header")),
        _ => Err(Finding::absent("signatures of version 2 are taken as well, in the URL")),
    }
}

/// Whether the object was read, or how that was refused.
fn taken(result: Result<Reply, Trouble>) -> Result<Result<(), Answer>, Finding> {
    match result {
        Ok(reply) if reply.body == b"signed" => Ok(Ok(())),
        Ok(_) => {
            Err(Finding::broken("a request of version 2 is answered with something that is not the object"))
        }
        Err(Trouble::Answer(answer)) if answer.is_refusal() => Ok(Err(answer)),
        Err(trouble) => Err(trouble).step("read it with a signature of version 2").map(|()| Ok(())),
    }
}

fn resource(a: &Attempt, key: &str) -> String {
    format!("/{}/{key}", a.main)
}

async fn by_header(a: &Attempt, key: &str, secret: &str) -> Result<Reply, Trouble> {
    let date = Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let signature = hmac_sha1(secret.as_bytes(), &format!("GET\n\n\n{date}\n{}", resource(a, key)));
    let authorization = format!("AWS {}:{signature}", a.target.access.access_key);
    let headers = [("date", date.as_str()), ("authorization", authorization.as_str())];
    a.http.plain(Method::GET, a.url(&a.main, key), &headers, &[]).await?.success()
}

async fn by_query(a: &Attempt, key: &str, secret: &str) -> Result<Reply, Trouble> {
    let expires = (Timestamp::now().as_second() + SECONDS).to_string();
    let signature = hmac_sha1(secret.as_bytes(), &format!("GET\n\n\n{expires}\n{}", resource(a, key)));
    let mut url = a.url(&a.main, key);
    url.query_pairs_mut()
        .append_pair("AWSAccessKeyId", &a.target.access.access_key)
        .append_pair("Expires", &expires)
        .append_pair("Signature", &signature);
    a.http.plain(Method::GET, url, &[], &[]).await?.success()
}
