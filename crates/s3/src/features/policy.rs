//! Policies of buckets.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::answer::{Finding, Outcome, Step as _, ensure};
use crate::attempt::{Attempt, same};
use crate::client::with_md5;

/// Servers that consist of many take a moment to agree on a policy.
const PATIENCE: usize = 10;
const PAUSE: Duration = Duration::from_millis(300);

pub(super) async fn public_read(a: &Attempt) -> Outcome {
    let bucket = &a.bucket("policy").await?;
    let (open, shut) = ("policy/open", "policy/shut");
    a.put(bucket, open, b"by policy").await?;
    a.put(bucket, shut, b"by policy").await?;
    a.anonymous(bucket, open).await.refused("read an object without a key and without a policy")?;
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "AssayPublicRead",
            "Effect": "Allow",
            "Principal": "*",
            "Action": ["s3:GetObject"],
            "Resource": [format!("arn:aws:s3:::{bucket}/{open}")],
        }],
    });
    let request = a.s3.put_bucket_policy().bucket(bucket).policy(policy.to_string());
    let put = with_md5(request.customize()).send().await.step("put a policy");
    let read = || a.s3.get_bucket_policy().bucket(bucket).send();
    a.known(put, "policy", read()).await?;
    let got = read().await.step("read the policy")?;
    ensure(got.policy().is_some_and(|policy| policy.contains("AssayPublicRead")), || {
        Finding::broken("the policy is not given back")
    })?;
    let mut reply = a.anonymous(bucket, open).await;
    for _ in 0..PATIENCE {
        if reply.is_ok() {
            break;
        }
        sleep(PAUSE).await;
        reply = a.anonymous(bucket, open).await;
    }
    let reply = reply.map_err(|trouble| {
        Finding::settled(
            assay_inventory::S3FeatureState::Broken,
            format!("the policy is kept, but does not act: {trouble}"),
            &trouble,
        )
    })?;
    same(&reply.body, b"by policy", "read an object that the policy opens")?;
    a.anonymous(bucket, shut).await.refused("read an object that the policy does not name")?;
    a.s3.delete_bucket_policy().bucket(bucket).send().await.step("remove the policy")?;
    let mut shut_again = a.anonymous(bucket, open).await;
    for _ in 0..PATIENCE {
        if shut_again.is_err() {
            break;
        }
        sleep(PAUSE).await;
        shut_again = a.anonymous(bucket, open).await;
    }
    shut_again.refused("read the object without a key after the policy was removed")?;
    Ok("a policy lets anybody read one object, and nobody once it is removed".to_owned())
}
