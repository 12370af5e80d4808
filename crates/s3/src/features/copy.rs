//! Copies made by the server.

use crate::answer::{Finding, Outcome, Step as _, ensure};
use crate::attempt::{Attempt, content, same};

pub(super) async fn copy(a: &Attempt) -> Outcome {
    let (from, to) = ("copy/from", "copy/to");
    let body = b"copied".to_vec();
    a.s3.put_object()
        .bucket(&a.main)
        .key(from)
        .metadata("colour", "green")
        .body(body.clone().into())
        .send()
        .await
        .step("write an object")?;
    a.s3.copy_object()
        .bucket(&a.main)
        .key(to)
        .copy_source(format!("{}/{from}", a.main))
        .send()
        .await
        .step("copy the object")?;
    let got = a.s3.get_object().bucket(&a.main).key(to).send().await.step("read the copy")?;
    let colour = got.metadata().and_then(|metadata| metadata.get("colour"));
    ensure(colour.is_some_and(|colour| colour == "green"), || {
        Finding::broken("the copy lacks the metadata of the original")
    })?;
    same(&content(got.body).await.step("read the copy")?, &body, "read the copy")?;
    Ok("content and metadata are copied".to_owned())
}
