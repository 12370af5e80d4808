//! Encryption by the server, with its own keys or with those of the customer.

use assay_inventory::S3FeatureState;
use aws_sdk_s3::types::ServerSideEncryption;

use crate::answer::{Finding, Outcome, Step as _, ensure};
use crate::attempt::{Attempt, content, same};
use crate::digest::{base64, md5};

const TEXT: &[u8] = b"to be encrypted";

pub(super) async fn customer_key(a: &Attempt) -> Outcome {
    let name = "sse-c/object";
    // These protect nothing but a test object.
    let (key, wrong) = ([0x2a_u8; 32], [0x17_u8; 32]);
    let put =
        a.s3.put_object()
            .bucket(&a.main)
            .key(name)
            .sse_customer_algorithm("AES256")
            .sse_customer_key(base64(&key))
            .sse_customer_key_md5(md5(&key))
            .body(TEXT.to_vec().into())
            .send()
            .await
            .told();
    let is_plain_http = a.target.access.endpoint.scheme() == "http";
    let put = match put {
        Ok(put) => put,
        Err(trouble) if is_plain_http && trouble.is_code("InvalidRequest") => {
            let detail = format!("the server may want TLS for keys, and the endpoint has none: {trouble}");
            return Err(Finding::settled(S3FeatureState::NotTried, detail, &trouble));
        }
        Err(trouble) => return Err(Finding::failed("write an object with a key", &trouble)),
    };
    let confirmed = put.sse_customer_algorithm() == Some("AES256");
    if let Ok(open) = a.read(&a.main, name).await {
        let detail = "the object can be read without its key";
        return Err(if confirmed || open != TEXT {
            Finding::broken(format!("{detail}, although the server confirmed its encryption"))
        } else {
            Finding::absent(format!("the headers of SSE-C are ignored: {detail}"))
        });
    }
    let read = async |key: &[u8; 32]| {
        a.s3.get_object()
            .bucket(&a.main)
            .key(name)
            .sse_customer_algorithm("AES256")
            .sse_customer_key(base64(key))
            .sse_customer_key_md5(md5(key))
            .send()
            .await
    };
    a.read(&a.main, name).await.refused("read it without its key")?;
    read(&wrong).await.refused("read it with a wrong key")?;
    let got = read(&key).await.step("read it with its key")?;
    same(&content(got.body).await.step("read it with its key")?, TEXT, "read it with its key")?;
    ensure(confirmed, || Finding::broken("the server encrypts, but does not confirm it"))?;
    Ok("read with its key; refused without one and with a wrong one".to_owned())
}

pub(super) async fn server_key(a: &Attempt) -> Outcome {
    let name = "sse-s3/object";
    let put =
        a.s3.put_object()
            .bucket(&a.main)
            .key(name)
            .server_side_encryption(ServerSideEncryption::Aes256)
            .body(TEXT.to_vec().into())
            .send()
            .await
            .step("write an object to be encrypted")?;
    let said = put.server_side_encryption().cloned();
    let head = a.s3.head_object().bucket(&a.main).key(name).send().await.step("ask for the object")?;
    let says = head.server_side_encryption().cloned();
    a.expect(&a.main, name, TEXT, "read the encrypted object").await?;
    let aes = Some(ServerSideEncryption::Aes256);
    match (said == aes, says == aes) {
        (_, true) => Ok("the server says that the object is encrypted with AES256".to_owned()),
        (true, false) => {
            Err(Finding::broken("the server confirms the encryption, and later knows nothing of it"))
        }
        (false, false) => Err(Finding::absent(
            "the header for SSE-S3 is ignored: nothing says that the object is encrypted",
        )),
    }
}
