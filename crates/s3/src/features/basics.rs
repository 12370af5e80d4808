//! Buckets and objects, ranges, and removing many at once.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use crate::answer::{Finding, Outcome, Step as _, ensure};
use crate::attempt::{Attempt, content, same};
use crate::client::with_md5;

pub(super) async fn buckets(a: &Attempt) -> Outcome {
    let name = match a.buckets.create(a, "buckets", false).await {
        Ok(name) => name,
        Err(crate::buckets::Uncreated::Server(trouble)) => {
            return Err(Finding::failed("make a bucket", &trouble));
        }
        Err(journal) => return Err(journal.finding()),
    };
    a.s3.head_bucket().bucket(&name).send().await.step("ask for the new bucket")?;
    let listed = a.s3.list_buckets().send().await.step("list the buckets")?;
    ensure(listed.buckets().iter().any(|bucket| bucket.name() == Some(&name)), || {
        Finding::broken("the new bucket is missing in the list of buckets")
    })?;
    a.s3.delete_bucket().bucket(&name).send().await.step("remove the bucket")?;
    let gone =
        a.s3.head_bucket().bucket(&name).send().await.refused("ask for the bucket after its removal")?;
    ensure(gone.status == 404, || {
        Finding::broken(format!("a removed bucket should give 404, it gives {gone}"))
    })?;
    Ok("made, found, listed, removed, absent".to_owned())
}

pub(super) async fn objects(a: &Attempt) -> Outcome {
    let (key, text) = ("objects/one", b"what was written");
    a.s3.put_object()
        .bucket(&a.main)
        .key(key)
        .content_type("text/x-assay")
        .metadata("colour", "blue")
        .body(text.to_vec().into())
        .send()
        .await
        .step("write an object")?;
    let head = a.s3.head_object().bucket(&a.main).key(key).send().await.step("ask for the object")?;
    ensure(head.content_length() == i64::try_from(text.len()).ok(), || {
        Finding::broken(format!(
            "HEAD gives a length of {:?} instead of {}",
            head.content_length(),
            text.len()
        ))
    })?;
    let got = a.s3.get_object().bucket(&a.main).key(key).send().await.step("read the object")?;
    let colour = got.metadata().and_then(|metadata| metadata.get("colour"));
    ensure(colour.is_some_and(|colour| colour == "blue"), || {
        Finding::broken("the metadata of the object is not given back")
    })?;
    ensure(got.content_type() == Some("text/x-assay"), || {
        Finding::broken("the content type of the object is not given back")
    })?;
    let body = content(got.body).await.step("read the object")?;
    same(&body, text, "read the object")?;
    a.put(&a.main, key, b"something else").await?;
    a.expect(&a.main, key, b"something else", "read the overwritten object").await?;
    a.s3.delete_object().bucket(&a.main).key(key).send().await.step("remove the object")?;
    let gone = a.read(&a.main, key).await.refused("read the object after its removal")?;
    ensure(gone.status == 404, || {
        Finding::broken(format!("a removed object should give 404, it gives {gone}"))
    })?;
    Ok("written with metadata, read, overwritten, removed, absent".to_owned())
}

pub(super) async fn ranges(a: &Attempt) -> Outcome {
    let whole: Vec<u8> = (0..1000_u32).flat_map(u32::to_be_bytes).collect();
    let key = "ranges/object";
    a.put(&a.main, key, &whole).await?;
    let read = async |range: &str| {
        let got =
            a.s3.get_object().bucket(&a.main).key(key).range(range).send().await.step("read a range")?;
        let status = a.http.last().map(|reply| reply.status);
        let range = got.content_range().map(str::to_owned);
        let body = content(got.body).await.step("read a range")?;
        Ok((status, range, body))
    };
    let (status, range, body) = read("bytes=100-199").await?;
    if status == Some(200) && body == whole {
        return Err(Finding::absent("the header Range is ignored: the whole object comes with status 200"));
    }
    ensure(status == Some(206), || {
        Finding::broken(format!("a range comes with status {status:?} instead of 206"))
    })?;
    same(&body, &whole[100..200], "read bytes 100 to 199")?;
    ensure(range.as_deref() == Some("bytes 100-199/4000"), || {
        Finding::broken(format!("Content-Range of bytes 100 to 199 is {range:?}"))
    })?;
    let (_, _, tail) = read("bytes=-10").await?;
    same(&tail, &whole[3990..], "read the last 10 bytes")?;
    let beyond =
        a.s3.get_object()
            .bucket(&a.main)
            .key(key)
            .range("bytes=5000-")
            .send()
            .await
            .refused("read beyond the end")?;
    ensure(beyond.status == 416, || {
        Finding::broken(format!("a range beyond the end gives {beyond}, not 416"))
    })?;
    Ok("206 with the right bytes, from the start and from the end; 416 beyond the end".to_owned())
}

pub(super) async fn batch_delete(a: &Attempt) -> Outcome {
    let keys = ["batch/one", "batch/t & w ö", "batch/three"];
    for key in keys {
        a.put(&a.main, key, key.as_bytes()).await?;
    }
    let identifiers = keys[..2].iter().map(|key| ObjectIdentifier::builder().key(*key).build());
    let objects =
        identifiers.collect::<Result<_, _>>().map_err(|error| Finding::not_tried(error.to_string()))?;
    let batch = Delete::builder()
        .set_objects(Some(objects))
        .build()
        .map_err(|error| Finding::not_tried(error.to_string()))?;
    let request = a.s3.delete_objects().bucket(&a.main).delete(batch);
    let (done, remark) = match request.clone().send().await.told() {
        Ok(done) => (done, ""),
        Err(trouble) if trouble.is_refusal() => {
            let done =
                with_md5(request.customize()).send().await.step("remove two objects in one request")?;
            (done, "; the server demands Content-MD5, which newer clients do not send")
        }
        Err(trouble) => return Err(Finding::failed("remove two objects in one request", &trouble)),
    };
    ensure(done.errors().is_empty(), || Finding::broken("the server could not remove some of the objects"))?;
    for key in &keys[..2] {
        let gone = a.read(&a.main, key).await.refused("read a removed object")?;
        ensure(gone.status == 404, || Finding::broken(format!("a removed object gives {gone}, not 404")))?;
    }
    a.expect(&a.main, keys[2], keys[2].as_bytes(), "read the object that was not to be removed").await?;
    Ok(format!("two of three objects removed in one request{remark}"))
}
