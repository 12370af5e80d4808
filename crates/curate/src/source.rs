//! Where files of definitions come from.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use std::{fs, io};

use sha2::{Digest as _, Sha256};
use thiserror::Error;
use url::Url;

/// No file of definitions is larger.
const MOST_BYTES: usize = 4 << 20;
const TIMEOUT: Duration = Duration::from_secs(30);

/// A file, or a URL whose fragment may tell the digest of what is there: `https://…#sha256=…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// A URL, and the digest (SHA-256, lower case) of what it leads to.
    Url(Url, Option<String>),
}

/// Why there are no definitions.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The text names no source.
    #[error("{0:?} is neither a file nor a URL with the fragment #sha256=DIGEST or none")]
    Unclear(String),
    /// The file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The URL leads to nothing.
    #[error("{url} cannot be fetched: {message}")]
    Unreachable {
        /// The URL, without what could be secret.
        url: String,
        /// What happened.
        message: String,
    },
    /// Something else is there than the digest says.
    #[error("{url} is not what its digest says: expected sha256 {expected}, found {found}")]
    OtherDigest {
        /// The URL, without what could be secret.
        url: String,
        /// The digest that was given.
        expected: String,
        /// That of what came.
        found: String,
    },
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        if !text.starts_with("http://") && !text.starts_with("https://") {
            return Ok(Source::File(text.into()));
        }
        let unclear = || SourceError::Unclear(text.to_owned());
        let mut url = Url::parse(text).map_err(|_| unclear())?;
        let digest = match url.fragment() {
            None => None,
            Some(fragment) => {
                let digest = fragment.strip_prefix("sha256=").ok_or_else(unclear)?;
                let is_hex = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
                Some(is_hex.then(|| digest.to_ascii_lowercase()).ok_or_else(unclear)?)
            }
        };
        url.set_fragment(None);
        Ok(Source::Url(url, digest))
    }
}

impl Source {
    /// What messages call it; of a URL, what cannot be secret.
    pub fn name(&self) -> String {
        match self {
            Source::File(path) => path.display().to_string(),
            Source::Url(url, _) => public(url),
        }
    }

    /// Its text.
    ///
    /// # Errors
    /// It cannot be read or fetched, or is not what its digest says.
    pub async fn read(&self) -> Result<String, SourceError> {
        match self {
            Source::File(path) => fs::read_to_string(path)
                .map_err(|source| SourceError::Unreadable { path: path.clone(), source }),
            Source::Url(url, digest) => {
                let body = fetch(url)
                    .await
                    .map_err(|message| SourceError::Unreachable { url: public(url), message })?;
                let found = sha256(&body);
                match digest {
                    Some(expected) if *expected != found => {
                        Err(SourceError::OtherDigest { url: public(url), expected: expected.clone(), found })
                    }
                    _ => String::from_utf8(body).map_err(|_| SourceError::Unreachable {
                        url: public(url),
                        message: "what is there is no text".to_owned(),
                    }),
                }
            }
        }
    }
}

/// A URL without user, password and query, which may hold a signature.
pub(crate) fn public(url: &Url) -> String {
    let mut url = url.clone();
    // A URL that cannot have them has none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.to_string()
}

async fn fetch(url: &Url) -> Result<Vec<u8>, String> {
    let client = reqwest::Client::builder().timeout(TIMEOUT).build().map_err(|error| plain(&error))?;
    let mut reply = client.get(url.clone()).send().await.map_err(|error| plain(&error))?;
    if !reply.status().is_success() {
        return Err(format!("HTTP {}", reply.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(part) = reply.chunk().await.map_err(|error| plain(&error))? {
        body.extend_from_slice(&part);
        if body.len() > MOST_BYTES {
            return Err(format!("it has more than {MOST_BYTES} bytes"));
        }
    }
    Ok(body)
}

/// The innermost cause says most, and does not repeat the URL.
pub(crate) fn plain(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_urls_are_told_apart() {
        assert_eq!("flavors.yaml".parse::<Source>().unwrap(), Source::File("flavors.yaml".into()));
        let url = Url::parse("https://example.org/f.yaml").unwrap();
        assert_eq!("https://example.org/f.yaml".parse::<Source>().unwrap(), Source::Url(url.clone(), None));
        let digest = "AB".repeat(32);
        let with = format!("https://example.org/f.yaml#sha256={digest}").parse::<Source>().unwrap();
        assert_eq!(with, Source::Url(url, Some("ab".repeat(32))));
        for wrong in ["https://example.org/#md5=1", "https://example.org/#sha256=12", "https://"] {
            assert!(wrong.parse::<Source>().is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn messages_hold_no_secret_of_a_url() {
        let source: Source = "http://me:secret@127.0.0.1:1/f.yaml?sig=secret".parse().unwrap();
        let error = source.read().await.unwrap_err();
        assert_eq!(source.name(), "http://127.0.0.1:1/f.yaml");
        assert!(error.to_string().starts_with("http://127.0.0.1:1/f.yaml cannot be fetched: "), "{error}");
    }

    #[tokio::test]
    async fn what_its_digest_does_not_fit_is_not_used() {
        let server = wiremock::MockServer::start().await;
        let answer = wiremock::ResponseTemplate::new(200).set_body_string("mandatory: []\n");
        wiremock::Mock::given(wiremock::matchers::any()).respond_with(answer).mount(&server).await;
        let right = sha256(b"mandatory: []\n");
        let at = |digest: &str| format!("{}/f.yaml#sha256={digest}", server.uri()).parse::<Source>().unwrap();
        assert_eq!(at(&right).read().await.unwrap(), "mandatory: []\n");
        let error = at(&"0".repeat(64)).read().await.unwrap_err();
        assert!(matches!(&error, SourceError::OtherDigest { found, .. } if *found == right), "{error}");
    }
}
