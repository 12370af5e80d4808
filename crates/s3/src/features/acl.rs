//! Access control lists.

use aws_sdk_s3::types::{BucketCannedAcl, Grantee, ObjectCannedAcl};

use crate::answer::{Finding, Outcome, Step as _, ensure};
use crate::attempt::{Attempt, same};
use crate::client::with_md5;

const ANYBODY: &str = "http://acs.amazonaws.com/groups/global/AllUsers";

pub(super) async fn canned(a: &Attempt) -> Outcome {
    let bucket = &a.bucket("acl").await?;
    let key = "acl/object";
    a.put(bucket, key, b"listed").await?;
    a.anonymous(bucket, key).await.refused("read a private object without a key")?;
    let set = async |acl: ObjectCannedAcl, step: &str| {
        let request = a.s3.put_object_acl().bucket(bucket).key(key).acl(acl);
        with_md5(request.customize()).send().await.step(step)
    };
    if let Err(finding) = set(ObjectCannedAcl::PublicRead, "put the ACL public-read on an object").await {
        let request = a.s3.put_bucket_acl().bucket(bucket).acl(BucketCannedAcl::Private);
        let of_buckets = with_md5(request.customize()).send().await.is_ok();
        let remark = if of_buckets { "; on a bucket, an ACL is accepted" } else { "" };
        return Err(Finding { detail: format!("{}{remark}", finding.detail), ..finding });
    }
    let got = a.s3.get_object_acl().bucket(bucket).key(key).send().await.step("read the ACL")?;
    let is_public = got.grants().iter().any(|grant| grant.grantee().and_then(Grantee::uri) == Some(ANYBODY));
    let reply = a.anonymous(bucket, key).await.step("read a public object without a key");
    match (is_public, reply) {
        (true, Ok(reply)) => same(&reply.body, b"listed", "read a public object without a key")?,
        (false, Ok(_)) => return Err(Finding::broken("the ACL acts, but is not given back")),
        (true, Err(Finding { detail, answer, .. })) => {
            let detail = format!("the ACL is kept, but does not act: {detail}");
            return Err(Finding { answer, ..Finding::broken(detail) });
        }
        (false, Err(_)) => return Err(Finding::broken("the ACL is accepted, and neither kept nor acting")),
    }
    set(ObjectCannedAcl::Private, "put the ACL private").await?;
    let private = a.anonymous(bucket, key).await.refused("read a private object without a key")?;
    ensure(private.status != 404, || Finding::broken("an object with the ACL private is gone"))?;
    Ok("public-read lets anybody read, private nobody".to_owned())
}
