//! Writes that happen only under a condition.

use assay_inventory::S3FeatureState;

use crate::answer::{Finding, Outcome, Step as _};
use crate::attempt::Attempt;

pub(super) async fn writes(a: &Attempt) -> Outcome {
    let key = "conditional/object";
    let put = |content: &[u8]| a.s3.put_object().bucket(&a.main).key(key).body(content.to_vec().into());
    put(b"first").if_none_match("*").send().await.step("write a new object with If-None-Match: *")?;
    match put(b"second").if_none_match("*").send().await.told() {
        Ok(_) => {
            // A header that nobody confirms was not promised: the server does not know it.
            let overwritten = a.read(&a.main, key).await.is_ok_and(|got| got == b"second");
            return Err(if overwritten {
                Finding::absent("If-None-Match: * is ignored: an existing object is overwritten")
            } else {
                Finding::broken(
                    "If-None-Match: * on an existing object is answered with success, without effect",
                )
            });
        }
        Err(trouble) if trouble.is_status(412) => {}
        Err(trouble) => {
            let detail = format!("If-None-Match: * on an existing object should give 412: {trouble}");
            let state = match trouble.state() {
                S3FeatureState::NotTried => S3FeatureState::Broken,
                state => state,
            };
            return Err(Finding::settled(state, detail, &trouble));
        }
    }
    a.expect(&a.main, key, b"first", "read what must not be overwritten").await?;
    let remark = match put(b"third").if_match("\"00000000000000000000000000000000\"").send().await.told() {
        Ok(_) => "; If-Match is ignored",
        Err(trouble) if trouble.is_status(412) => {
            let head = a.s3.head_object().bucket(&a.main).key(key).send().await.step("ask for the ETag")?;
            let tag = head.e_tag().unwrap_or_default();
            if put(b"fourth").if_match(tag).send().await.is_ok() {
                a.expect(&a.main, key, b"fourth", "read what If-Match wrote").await?;
                "; If-Match works too"
            } else if put(b"fifth").if_match(tag.trim_matches('"')).send().await.is_ok() {
                "; If-Match takes the right ETag without its quotes only, which clients do not send"
            } else {
                "; If-Match refuses even the right ETag"
            }
        }
        Err(_) => "; If-Match is refused",
    };
    Ok(format!("If-None-Match: * gives 412 on an existing object{remark}"))
}
