//! Checksums of content other than MD5.

use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode};

use crate::answer::{Finding, Outcome, Step as _, Trouble};
use crate::attempt::{Attempt, content, same};

/// The content, and its checksums in Base64.
const CONTENT: &[u8] = b"123456789";
const CRC32C: &str = "4waSgw==";
const SHA256: &str = "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=";
/// The checksums of nothing: right in form, wrong for the content.
const WRONG_CRC32C: &str = "AAAAAA==";
const WRONG_SHA256: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

/// What a server does with a checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Handling {
    /// It is given back on reading.
    kept: bool,
    /// A wrong one is refused.
    checked: bool,
}

pub(super) async fn checksums(a: &Attempt) -> Outcome {
    let crc = handling(a, ChecksumAlgorithm::Crc32C).await?;
    let sha = handling(a, ChecksumAlgorithm::Sha256).await?;
    let all = [("CRC32C", crc), ("SHA-256", sha)];
    if all.iter().all(|(_, handling)| handling.kept && handling.checked) {
        return Ok("CRC32C and SHA-256 are kept and given back; wrong ones are refused".to_owned());
    }
    if all.iter().all(|(_, handling)| !handling.kept && !handling.checked) {
        return Err(Finding::absent("x-amz-checksum headers are ignored: a wrong checksum is accepted"));
    }
    let words = all.map(|(name, handling)| {
        let kept = if handling.kept { "kept" } else { "not given back" };
        let checked = if handling.checked { "checked on writing" } else { "not checked on writing" };
        format!("{name} is {checked}, {kept}")
    });
    Err(Finding::broken(words.join("; ")))
}

async fn handling(a: &Attempt, algorithm: ChecksumAlgorithm) -> Result<Handling, Finding> {
    let key = &format!("checksums/{}", algorithm.as_str());
    let is_crc = algorithm == ChecksumAlgorithm::Crc32C;
    let put = |crc: &str, sha: &str| {
        let request = a.s3.put_object().bucket(&a.main).key(key).body(CONTENT.to_vec().into());
        if is_crc { request.checksum_crc32_c(crc) } else { request.checksum_sha256(sha) }
    };
    put(CRC32C, SHA256).send().await.step("write an object with its checksum")?;
    let got =
        a.s3.get_object()
            .bucket(&a.main)
            .key(key)
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await
            .step("read an object with its checksum")?;
    let (given, right) =
        if is_crc { (got.checksum_crc32_c(), CRC32C) } else { (got.checksum_sha256(), SHA256) };
    let kept = match given {
        None => false,
        Some(given) if given == right => true,
        Some(_) => return Err(Finding::broken("another checksum is given back than was sent")),
    };
    same(&content(got.body).await.step("read the object")?, CONTENT, "read the object")?;
    let checked = match put(WRONG_CRC32C, WRONG_SHA256).send().await.told() {
        Ok(_) => false,
        Err(Trouble::Answer(answer)) if answer.is_refusal() => true,
        Err(trouble) => return Err(Finding::failed("write an object with a wrong checksum", &trouble)),
    };
    if checked {
        a.expect(&a.main, key, CONTENT, "read the object after a refused write").await?;
    }
    Ok(Handling { kept, checked })
}
