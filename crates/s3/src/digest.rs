//! Hashes that S3 asks for where no other will do.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use sha1::Sha1;

/// Base64.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The MD5 in Base64, for `Content-MD5` and the keys of SSE-C.
pub(crate) fn md5(bytes: &[u8]) -> String {
    base64(&Md5::digest(bytes))
}

/// The HMAC of signatures of version 2, in Base64.
pub(crate) fn hmac_sha1(key: &[u8], text: &str) -> String {
    // HMAC takes keys of any length, so there is no other case.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key) else { return String::new() };
    mac.update(text.as_bytes());
    base64(&mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_vectors() {
        assert_eq!(md5(b""), "1B2M2Y8AsgTpgAmY7PhCfg==");
        // RFC 2202, test case 2.
        assert_eq!(hmac_sha1(b"Jefe", "what do ya want for nothing?"), "7/zfauXrL6LSdBbV8YTfnCWafHk=");
    }
}
