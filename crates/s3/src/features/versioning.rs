//! Old versions of objects.

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};

use crate::answer::{Finding, Outcome, Step as _, ensure};
use crate::attempt::{Attempt, content, same};
use crate::client::with_md5;

pub(super) async fn versions(a: &Attempt) -> Outcome {
    let bucket = &a.bucket("versions").await?;
    let key = "versions/object";
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let request = a.s3.put_bucket_versioning().bucket(bucket).versioning_configuration(enabled);
    let put = with_md5(request.customize()).send().await.step("turn versioning on");
    let read = || a.s3.get_bucket_versioning().bucket(bucket).send();
    a.known(put, "versioning", read()).await?;
    let status = read().await.step("ask whether versioning is on")?;
    ensure(status.status() == Some(&BucketVersioningStatus::Enabled), || {
        Finding::broken("versioning was turned on, but is not on")
    })?;
    let mut ids = Vec::new();
    for text in ["one", "two"] {
        let request = a.s3.put_object().bucket(bucket).key(key).body(text.as_bytes().to_vec().into());
        let put = request.send().await.step("write a version")?;
        let id = put.version_id().filter(|id| !id.is_empty());
        ids.push(id.map(str::to_owned).ok_or_else(|| Finding::broken("a written version has no id"))?);
    }
    ensure(ids[0] != ids[1], || Finding::broken("two versions have the same id"))?;
    let listed = a.s3.list_object_versions().bucket(bucket).send().await.step("list the versions")?;
    ensure(
        ids.iter().all(|id| listed.versions().iter().any(|version| version.version_id() == Some(id))),
        || {
            Finding::broken(format!(
                "of two versions not both are among the {} listed",
                listed.versions().len()
            ))
        },
    )?;
    let removed = a.s3.delete_object().bucket(bucket).key(key).send().await.step("remove the object")?;
    ensure(removed.delete_marker() == Some(true), || {
        Finding::broken("removing a versioned object leaves no delete marker")
    })?;
    let gone = a.read(bucket, key).await.refused("read the removed object")?;
    ensure(gone.status == 404, || Finding::broken(format!("a removed object gives {gone}, not 404")))?;
    for (id, text) in ids.iter().zip(["one", "two"]) {
        let got = a.s3.get_object().bucket(bucket).key(key).version_id(id).send().await;
        let got = got.step("read an old version")?;
        let body = content(got.body).await.step("read an old version")?;
        same(&body, text.as_bytes(), "read an old version")?;
    }
    Ok("two versions and a delete marker; both versions are listed and readable".to_owned())
}
