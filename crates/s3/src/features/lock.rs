//! Versions that cannot be removed for a while.

use std::time::{Duration, SystemTime};

use assay_inventory::S3FeatureState;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{ObjectLockEnabled, ObjectLockRetention, ObjectLockRetentionMode};
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use crate::answer::{Finding, Outcome, Step as _, ensure};
use crate::attempt::{Attempt, content, same};
use crate::buckets::Uncreated;
use crate::client::with_md5;

const TEXT: &[u8] = b"locked";

pub(super) async fn lock(a: &Attempt) -> Outcome {
    let bucket = match a.buckets.create(a, "lock", true).await {
        Ok(bucket) => bucket,
        Err(Uncreated::Server(trouble)) => {
            return Err(Finding::failed("make a bucket with object lock", &trouble));
        }
        Err(journal) => return Err(journal.finding()),
    };
    let enabled = match a.s3.get_object_lock_configuration().bucket(&bucket).send().await.told() {
        Ok(got) => got.object_lock_configuration().and_then(|lock| lock.object_lock_enabled()).cloned(),
        // The bucket was to be made with a lock: a server that has none to show took no notice of that.
        Err(trouble) if trouble.is_status(404) || a.got_listing() => {
            let detail = format!("the wish for object lock is ignored when the bucket is made: {trouble}");
            return Err(Finding::settled(S3FeatureState::Absent, detail, &trouble));
        }
        Err(trouble) => return Err(Finding::failed("ask whether object lock is on", &trouble)),
    };
    ensure(enabled == Some(ObjectLockEnabled::Enabled), || {
        Finding::absent("the wish for object lock is ignored when the bucket is made")
    })?;

    let key = "lock/object";
    let put = a.s3.put_object().bucket(&bucket).key(key).body(TEXT.to_vec().into()).send().await;
    let put = put.step("write an object to lock")?;
    let version = put.version_id().ok_or_else(|| Finding::broken("an object to lock has no version"))?;
    // Never in compliance mode, which nobody can undo, and never for longer than the removal waits.
    let until = DateTime::from(server_time(a) + a.target.settings.lock);
    let retention = ObjectLockRetention::builder()
        .mode(ObjectLockRetentionMode::Governance)
        .retain_until_date(until)
        .build();
    let request =
        a.s3.put_object_retention().bucket(&bucket).key(key).version_id(version).retention(retention);
    with_md5(request.customize()).send().await.step("lock the object")?;
    let got = a.s3.get_object_retention().bucket(&bucket).key(key).version_id(version).send().await;
    let got = got.step("read the lock")?;
    let mode = got.retention().and_then(|retention| retention.mode());
    ensure(mode == Some(&ObjectLockRetentionMode::Governance), || {
        Finding::broken("the lock is not given back")
    })?;

    let remove = || a.s3.delete_object().bucket(&bucket).key(key).version_id(version);
    remove().send().await.refused("remove the locked version")?;
    let read = async || a.s3.get_object().bucket(&bucket).key(key).version_id(version).send().await.told();
    let got = read().await.step("read the locked version")?;
    same(&content(got.body).await.step("read the locked version")?, TEXT, "read the locked version")?;
    match remove().bypass_governance_retention(true).send().await.told() {
        Ok(_) => {}
        // The lock itself was seen to work; it ends soon, and then the bucket is removed.
        Err(trouble) if trouble.is_status(403) => {
            return Ok("a locked version is not removed; the key may not bypass the lock".to_owned());
        }
        Err(trouble) => return Err(Finding::failed("remove the locked version with the bypass", &trouble)),
    }
    read().await.refused("read the removed version")?;
    Ok("a version locked in governance mode is not removed, except with the bypass".to_owned())
}

/// The clock of the server, which decides when a lock ends; ours if it does not tell.
fn server_time(a: &Attempt) -> SystemTime {
    let told = a.http.last().and_then(|reply| rfc2822::parse(reply.header("date")?).ok());
    let told = told.map_or_else(Timestamp::now, |zoned| zoned.timestamp());
    // Another day than ours is no clock to rely on: the lock would outlast the removal.
    let ours = Timestamp::now();
    let told = if told.duration_since(ours).unsigned_abs() < Duration::from_mins(15) { told } else { ours };
    SystemTime::from(told)
}
