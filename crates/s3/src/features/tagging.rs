//! Tags of objects and buckets.

use aws_sdk_s3::types::{Tag, Tagging};

use crate::answer::{Finding, Outcome, Step as _, ensure};
use crate::attempt::Attempt;
use crate::client::with_md5;

const NAME: &str = "colour";
const VALUE: &str = "deep blue/ü";

fn tags() -> Result<Tagging, Finding> {
    let failed = |error: aws_sdk_s3::error::BuildError| Finding::not_tried(error.to_string());
    let tag = Tag::builder().key(NAME).value(VALUE).build().map_err(failed)?;
    Tagging::builder().tag_set(tag).build().map_err(failed)
}

fn kept(tags: &[Tag]) -> Result<(), Finding> {
    ensure(tags.len() == 1 && tags[0].key() == NAME && tags[0].value() == VALUE, || {
        Finding::broken("the tags are not given back as they were put")
    })
}

pub(super) async fn objects(a: &Attempt) -> Outcome {
    let key = "tagging/object";
    a.put(&a.main, key, b"tagged").await?;
    let request = a.s3.put_object_tagging().bucket(&a.main).key(key).tagging(tags()?);
    with_md5(request.customize()).send().await.step("tag the object")?;
    let read = async || a.s3.get_object_tagging().bucket(&a.main).key(key).send().await.step("read the tags");
    kept(read().await?.tag_set())?;
    a.s3.delete_object_tagging().bucket(&a.main).key(key).send().await.step("remove the tags")?;
    ensure(read().await?.tag_set().is_empty(), || Finding::broken("the removed tags are still there"))?;
    Ok("tags are kept as given, and removed".to_owned())
}

pub(super) async fn buckets(a: &Attempt) -> Outcome {
    let request = a.s3.put_bucket_tagging().bucket(&a.main).tagging(tags()?);
    let put = with_md5(request.customize()).send().await.step("tag the bucket");
    let read = || a.s3.get_bucket_tagging().bucket(&a.main).send();
    a.known(put, "tagging", read()).await?;
    let got = read().await.step("read the tags")?;
    kept(got.tag_set())?;
    a.s3.delete_bucket_tagging().bucket(&a.main).send().await.step("remove the tags")?;
    let gone = match read().await.told() {
        Ok(got) => got.tag_set().is_empty(),
        Err(trouble) => trouble.is_status(404),
    };
    ensure(gone, || Finding::broken("the removed tags are still there"))?;
    Ok("tags are kept as given, and removed".to_owned())
}
