//! Objects in parts.

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use crate::answer::{Finding, Outcome, Step as _, ensure};
use crate::attempt::{Attempt, content, same};

/// The smallest part but the last that S3 allows.
const PART: usize = 5 << 20;

pub(super) async fn upload(a: &Attempt) -> Outcome {
    let key = "multipart/object";
    let id = begin(a, key).await?;
    let mut parts = Vec::new();
    for (number, fill) in [(1, b'1'), (2, b'2')] {
        let body = vec![fill; PART].into();
        let request =
            a.s3.upload_part().bucket(&a.main).key(key).upload_id(&id).part_number(number).body(body);
        let done = request.send().await.step("upload a part")?;
        parts.push(CompletedPart::builder().part_number(number).set_e_tag(done.e_tag).build());
    }
    let listed =
        a.s3.list_parts().bucket(&a.main).key(key).upload_id(&id).send().await.step("list the parts")?;
    ensure(listed.parts().len() == 2, || {
        Finding::broken(format!("{} parts are listed instead of 2", listed.parts().len()))
    })?;
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    a.s3.complete_multipart_upload()
        .bucket(&a.main)
        .key(key)
        .upload_id(&id)
        .multipart_upload(parts)
        .send()
        .await
        .step("complete the upload")?;
    // The seam shows that both parts are there and in order.
    let got = a.s3.get_object().bucket(&a.main).key(key).send().await.step("read the object")?;
    let body = content(got.body).await.step("read the object")?;
    ensure(body.len() == 2 * PART, || {
        Finding::broken(format!("the object has {} bytes instead of {}", body.len(), 2 * PART))
    })?;
    let whole = [vec![b'1'; PART], vec![b'2'; PART]].concat();
    same(&body, &whole, "read the object")?;
    abort(a).await?;
    Ok("two parts of 5 MiB became one object; an aborted upload is gone".to_owned())
}

async fn begin(a: &Attempt, key: &str) -> Result<String, Finding> {
    let begun =
        a.s3.create_multipart_upload()
            .bucket(&a.main)
            .key(key)
            .send()
            .await
            .step("begin an upload in parts")?;
    begun.upload_id().map(str::to_owned).ok_or_else(|| Finding::broken("a new upload has no id"))
}

async fn abort(a: &Attempt) -> Result<(), Finding> {
    let key = "multipart/aborted";
    let id = begin(a, key).await?;
    let part = a.s3.upload_part().bucket(&a.main).key(key).upload_id(&id).part_number(1);
    part.body(b"to be thrown away".to_vec().into()).send().await.step("upload a part to throw away")?;
    let under_way = async || {
        let listed =
            a.s3.list_multipart_uploads().bucket(&a.main).send().await.step("list the uploads under way")?;
        Ok::<bool, Finding>(listed.uploads().iter().any(|upload| upload.upload_id() == Some(&id)))
    };
    ensure(under_way().await?, || Finding::broken("an upload under way is not listed"))?;
    a.s3.abort_multipart_upload()
        .bucket(&a.main)
        .key(key)
        .upload_id(&id)
        .send()
        .await
        .step("abort the upload")?;
    ensure(!under_way().await?, || Finding::broken("an aborted upload is still listed"))?;
    a.s3.list_parts()
        .bucket(&a.main)
        .key(key)
        .upload_id(&id)
        .send()
        .await
        .refused("list the parts of an aborted upload")?;
    Ok(())
}
