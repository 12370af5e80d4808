use std::time::Duration;

use reqwest::{Client, StatusCode};
use url::Url;

use crate::failure::Failure;

const TIMEOUT: Duration = Duration::from_mins(1);

/// Asks monitors.
pub(super) struct Web(Client);

impl Web {
    pub(super) fn new() -> Result<Self, Failure> {
        let client = Client::builder().timeout(TIMEOUT).build();
        client.map(Self).map_err(|error| Failure::undetermined(error, "there is no way to ask anybody"))
    }

    /// What is at an address, if that is no more than so many bytes. `hint` is what it means if there is nothing.
    pub(super) async fn get(&self, url: &Url, most: usize, hint: &str) -> Result<Vec<u8>, Failure> {
        let failed = |what: String| Failure::undetermined(what, hint);
        let unreadable = |error: reqwest::Error| failed(format!("{url}: {error}"));
        let mut response = self.0.get(url.clone()).send().await.map_err(unreadable)?;
        if response.status() != StatusCode::OK {
            return Err(failed(format!("{url}: HTTP {}", response.status())));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreadable)? {
            bytes.extend(chunk);
            if bytes.len() > most {
                return Err(failed(format!("{url}: more than {most} bytes")));
            }
        }
        Ok(bytes)
    }
}
