//! What a URL leads to, as a stream: resumed where it breaks off, hashed as it comes, unpacked on its way.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_compression::tokio::bufread::{BzDecoder, GzipDecoder, XzDecoder, ZstdDecoder};
use aws_lc_rs::digest;
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use http::{StatusCode, header};
use jiff::civil::Date;
use jiff::fmt::rfc2822::DateTimeParser;
use thiserror::Error;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::sync::{mpsc, oneshot};
use tokio_util::io::{ReaderStream, StreamReader};
use url::Url;

use super::archive::image_in;
use super::definition::{Algorithm, Digest};
use crate::source::{plain, public};

/// How long a server may stay silent.
const SILENCE: Duration = Duration::from_secs(30);
/// How often in a row a download is taken up again without a byte of progress.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(500);
/// Bytes that unpacking may take; xz at its strongest needs 65 MiB.
const MOST_MEMORY: u64 = 128 << 20;
const MOST_REDIRECTS: usize = 5;
/// Bytes that are read from a file or unpacked at a time.
const PORTION: usize = 256 << 10;
/// How many portions may wait to be sent.
const WAITING: usize = 8;

/// Why there is no image at a URL.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{url}: {message}")]
pub struct FetchError {
    /// The URL, without what could be secret.
    pub url: String,
    /// What happened.
    pub message: String,
    /// Whether the server says that there is nothing.
    pub is_missing: bool,
}

impl FetchError {
    pub(super) fn new(url: &Url, message: impl Into<String>) -> Self {
        FetchError { url: public(url), message: message.into(), is_missing: false }
    }
}

/// How what is fetched is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packing {
    coding: Coding,
    /// Whether it is an archive with the image in it.
    is_archive: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    None,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
}

impl Packing {
    /// It is not packed.
    pub(super) const NONE: Packing = Packing { coding: Coding::None, is_archive: false };

    /// What the name of a file says.
    pub(super) fn of(url: &Url) -> Result<Self, FetchError> {
        let name = file_name(url);
        let (rest, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
        let coding = match extension {
            "zip" => {
                let what = "this is an archive that must be there as a whole; let url or mirror_url lead to the image itself";
                return Err(FetchError::new(url, what));
            }
            "gz" | "tgz" => Coding::Gzip,
            "bz2" => Coding::Bzip2,
            "xz" => Coding::Xz,
            "zst" => Coding::Zstd,
            _ => Coding::None,
        };
        let is_archive = matches!(extension, "tar" | "tgz")
            || (coding != Coding::None && rest.rsplit('.').next() == Some("tar"));
        Ok(Packing { coding, is_archive })
    }
}

/// The last part of the path of a URL.
pub(super) fn file_name(url: &Url) -> String {
    url.path_segments().and_then(|mut parts| parts.next_back().map(str::to_owned)).unwrap_or_default()
}

/// A download that was begun.
pub(super) struct Download {
    /// How many bytes an upload of it takes, if that is known.
    pub(super) length: Option<u64>,
    /// How many bytes come in, if that is known.
    pub(super) total: Option<u64>,
    /// How many bytes came in so far.
    pub(super) received: Arc<AtomicU64>,
    /// The image.
    pub(super) data: stream::BoxStream<'static, io::Result<Bytes>>,
    /// What became of it, once all of it came in.
    pub(super) end: oneshot::Receiver<Result<Digest, FetchError>>,
}

/// Gets what URLs lead to.
#[derive(Debug)]
pub(super) struct Fetcher {
    client: reqwest::Client,
}

impl Fetcher {
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        let follow = reqwest::redirect::Policy::custom(|attempt| {
            let was_safe = attempt.previous().last().is_some_and(|url| url.scheme() == "https");
            if was_safe && attempt.url().scheme() != "https" {
                attempt.error("a redirect from https to http is not followed")
            } else if attempt.previous().len() > MOST_REDIRECTS {
                attempt.error("the server redirects again and again")
            } else {
                attempt.follow()
            }
        });
        let client = reqwest::Client::builder()
            .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
            .redirect(follow)
            .connect_timeout(SILENCE)
            .read_timeout(SILENCE)
            // What is packed is unpacked here, after it was hashed.
            .no_gzip()
            .build()?;
        Ok(Fetcher { client })
    }

    /// The text at a URL.
    pub(super) async fn text(&self, url: &Url) -> Result<String, FetchError> {
        /// The largest list of digests in use has some hundred lines.
        const MOST_BYTES: usize = 4 << 20;
        let mut bytes = Vec::new();
        let (_, mut stream) = self.open(url).await?;
        while let Some(part) = stream.next().await {
            bytes.extend_from_slice(&part?);
            if bytes.len() > MOST_BYTES {
                return Err(FetchError::new(url, "it is larger than any list of checksums"));
            }
        }
        String::from_utf8(bytes).map_err(|_| FetchError::new(url, "it is no text"))
    }

    /// The day since which a file is as it is, if its server says so.
    pub(super) async fn changed(&self, url: &Url) -> Result<Option<Date>, FetchError> {
        let wrong = |error: reqwest::Error| FetchError::new(url, plain(&error));
        let response = self.client.head(url.clone()).send().await.map_err(wrong)?;
        let said = response.headers().get(header::LAST_MODIFIED).and_then(|value| value.to_str().ok());
        let moment = said.and_then(|text| DateTimeParser::new().relaxed_weekday(true).parse_zoned(text).ok());
        Ok(moment.map(|moment| moment.date()))
    }

    /// Begins to fetch an image of a disk format. It is hashed as it comes, packed as it may be, and unpacked after that.
    pub(super) async fn begin(
        &self,
        url: &Url,
        algorithm: Algorithm,
        format: &str,
    ) -> Result<Download, FetchError> {
        self.begin_as(url, algorithm, Packing::of(url)?, format).await
    }

    /// Begins to fetch a file, and leaves it packed as it may be.
    pub(super) async fn begin_packed(&self, url: &Url, algorithm: Algorithm) -> Result<Download, FetchError> {
        self.begin_as(url, algorithm, Packing::NONE, "").await
    }

    async fn begin_as(
        &self,
        url: &Url,
        algorithm: Algorithm,
        packing: Packing,
        format: &str,
    ) -> Result<Download, FetchError> {
        let (total, mut stream) = self.open(url).await?;
        let received = Arc::new(AtomicU64::new(0));
        let (sender, parts) = mpsc::channel::<io::Result<Bytes>>(WAITING);
        let (tell, end) = oneshot::channel();
        let counter = Arc::clone(&received);
        let mut context = digest::Context::new(match algorithm {
            Algorithm::Sha256 => &digest::SHA256,
            Algorithm::Sha512 => &digest::SHA512,
        });
        tokio::spawn(async move {
            while let Some(part) = stream.next().await {
                match part {
                    Ok(bytes) => {
                        context.update(&bytes);
                        counter.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                        // Who unpacks may have seen the end already; the digest is that of all of it.
                        let is_wanted = sender.send(Ok(bytes)).await.is_ok();
                        if !is_wanted && (packing == Packing::NONE || tell.is_closed()) {
                            return;
                        }
                    }
                    Err(error) => {
                        let _ = sender.send(Err(io::Error::other(error.to_string()))).await;
                        let _ = tell.send(Err(error));
                        return;
                    }
                }
            }
            let hex = context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            let _ = tell.send(Ok(Digest { algorithm, hex }));
        });
        let parts = stream::unfold(parts, |mut parts| async { parts.recv().await.map(|part| (part, parts)) });
        if packing == Packing::NONE {
            return Ok(Download { length: total, total, received, data: parts.boxed(), end });
        }
        let packed = BufReader::with_capacity(PORTION, StreamReader::new(parts.boxed()));
        let plain = decoded(packed, packing.coding);
        if !packing.is_archive {
            let data = ReaderStream::with_capacity(plain, PORTION).boxed();
            return Ok(Download { length: None, total, received, data, end });
        }
        let (size, image) = match image_in(plain, format).await {
            Ok(found) => found,
            // Where the archive does not come in, that is what is worth knowing.
            Err(why) => {
                return Err(match tokio::time::timeout(PAUSE, end).await {
                    Ok(Ok(Err(of_source))) => of_source,
                    _ => FetchError::new(url, why.to_string()),
                });
            }
        };
        let data = until_the_end(ReaderStream::with_capacity(image, PORTION)).boxed();
        Ok(Download { length: Some(size), total, received, data, end })
    }

    /// Opens a URL; tells how many bytes there are, if that is known.
    async fn open(
        &self,
        url: &Url,
    ) -> Result<(Option<u64>, stream::BoxStream<'static, Result<Bytes, FetchError>>), FetchError> {
        if url.scheme() == "file" {
            return open_file(url).await;
        }
        let source = Resumed::open(self.client.clone(), url.clone()).await?;
        let total = source.total;
        Ok((total, source.into_stream().boxed()))
    }
}

/// What is packed, unpacked.
fn decoded(
    packed: impl AsyncBufRead + Send + Unpin + 'static,
    coding: Coding,
) -> Box<dyn AsyncRead + Send + Unpin> {
    macro_rules! by {
        ($decoder:expr) => {{
            let mut decoder = $decoder;
            decoder.multiple_members(true);
            Box::new(decoder)
        }};
    }
    match coding {
        Coding::None => Box::new(packed),
        Coding::Gzip => by!(GzipDecoder::new(packed)),
        Coding::Bzip2 => by!(BzDecoder::new(packed)),
        Coding::Zstd => by!(ZstdDecoder::new(packed)),
        Coding::Xz => by!(XzDecoder::with_mem_limit(packed, MOST_MEMORY)),
    }
}

/// A stream that lets go of its source at the end: what follows there is still hashed.
fn until_the_end<S: Stream + Unpin>(source: S) -> impl Stream<Item = S::Item> {
    stream::unfold(Some(source), |source| async {
        let mut source = source?;
        let item = source.next().await?;
        Some((item, Some(source)))
    })
}

async fn open_file(
    url: &Url,
) -> Result<(Option<u64>, stream::BoxStream<'static, Result<Bytes, FetchError>>), FetchError> {
    let path: PathBuf = url.to_file_path().map_err(|()| FetchError::new(url, "this is no path of a file"))?;
    let wrong = |error: io::Error| FetchError {
        is_missing: error.kind() == io::ErrorKind::NotFound,
        ..FetchError::new(url, error.to_string())
    };
    let file = tokio::fs::File::open(&path).await.map_err(wrong)?;
    let about = file.metadata().await.map_err(wrong)?;
    if !about.is_file() {
        return Err(FetchError::new(url, "this is no file"));
    }
    let url = url.clone();
    let limited = file.take(about.len());
    let parts = ReaderStream::with_capacity(limited, PORTION)
        .map(move |part| part.map_err(|error| FetchError::new(&url, error.to_string())));
    Ok((Some(about.len()), parts.boxed()))
}

/// A download over HTTP that is taken up again where it broke off.
struct Resumed {
    client: reqwest::Client,
    url: Url,
    response: reqwest::Response,
    /// What makes sure that the rest is of the same file.
    validator: Option<header::HeaderValue>,
    total: Option<u64>,
    offset: u64,
    failures: u32,
}

impl Resumed {
    async fn open(client: reqwest::Client, url: Url) -> Result<Self, FetchError> {
        let mut failures = 0;
        let response = loop {
            let answer = client.get(url.clone()).send().await;
            let busy = match &answer {
                Ok(response) => matches!(response.status().as_u16(), 429 | 500 | 502 | 503 | 504),
                Err(error) => !error.is_redirect() && !error.is_builder(),
            };
            failures += 1;
            if busy && failures < ATTEMPTS {
                tokio::time::sleep(PAUSE * failures).await;
                continue;
            }
            break answer.map_err(|error| FetchError::new(&url, plain(&error)))?;
        };
        let status = response.status();
        if status != StatusCode::OK {
            let is_missing = matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE);
            return Err(FetchError {
                is_missing,
                ..FetchError::new(&url, format!("HTTP {}", status.as_u16()))
            });
        }
        // A weak tag says no more than that two files look alike.
        let is_strong = |tag: &&header::HeaderValue| !tag.as_bytes().starts_with(b"W/");
        let headers = response.headers();
        let tag = headers.get(header::ETAG).filter(is_strong);
        let validator = tag.or_else(|| headers.get(header::LAST_MODIFIED)).cloned();
        let total = response.content_length();
        Ok(Resumed { client, url, response, validator, total, offset: 0, failures: 0 })
    }

    fn into_stream(self) -> impl Stream<Item = Result<Bytes, FetchError>> {
        stream::unfold(Some(self), |state| async {
            let mut source = state?;
            match source.next().await {
                Ok(Some(bytes)) => Some((Ok(bytes), Some(source))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            let trouble = match self.response.chunk().await {
                Ok(Some(bytes)) => {
                    self.offset += bytes.len() as u64;
                    self.failures = 0;
                    return Ok(Some(bytes));
                }
                Ok(None) if self.total.is_none_or(|total| self.offset == total) => return Ok(None),
                Ok(None) => "it ended too early".to_owned(),
                Err(error) => plain(&error),
            };
            self.failures += 1;
            let Some(validator) = self.validator.clone().filter(|_| self.failures < ATTEMPTS) else {
                return Err(FetchError::new(&self.url, format!("after {} bytes: {trouble}", self.offset)));
            };
            tracing::debug!(url = %public(&self.url), self.offset, trouble, "will take it up again");
            tokio::time::sleep(PAUSE * self.failures).await;
            let range = format!("bytes={}-", self.offset);
            let request = self.client.get(self.url.clone());
            let request = request.header(header::RANGE, range).header(header::IF_RANGE, validator);
            let Ok(response) = request.send().await else { continue };
            match response.status() {
                StatusCode::PARTIAL_CONTENT if begins_at(&response, self.offset) => self.response = response,
                status if status.is_server_error() => {}
                _ => {
                    let what =
                        format!("after {} bytes: {trouble}, and it cannot be taken up again", self.offset);
                    return Err(FetchError::new(&self.url, what));
                }
            }
        }
    }
}

/// Whether an answer continues where we are.
fn begins_at(response: &reqwest::Response, offset: u64) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    range
        .and_then(|range| range.strip_prefix("bytes "))
        .is_some_and(|range| range.starts_with(&format!("{offset}-")))
}

/// The digests in a list of them, each with the name of its file: `DIGEST  NAME`, `DIGEST *NAME` or `SHA256 (NAME) =
/// DIGEST`.
pub(super) fn entries(text: &str) -> impl Iterator<Item = (Digest, &str)> {
    text.lines().filter_map(|line| {
        let line = line.trim();
        let (hex, name) = if let Some((head, hex)) = line.rsplit_once(" = ") {
            (hex.trim(), head.split_once('(')?.1.trim_end_matches(')'))
        } else {
            let (hex, name) = line.split_once(char::is_whitespace)?;
            (hex, name.trim().trim_start_matches('*'))
        };
        Some((Digest::of_hex(hex)?, name.rsplit('/').next().unwrap_or(name)))
    })
}

/// The digest of a file by a list of them, or by a text with nothing but a digest. Of several, the strongest.
pub(super) fn listed(text: &str, name: &str) -> Option<Digest> {
    let mut words = text.split_whitespace();
    let only = words.next().filter(|_| words.next().is_none()).and_then(Digest::of_hex);
    let named = entries(text).filter(|(_, listed)| *listed == name).map(|(digest, _)| digest);
    named.chain(only).max_by_key(|digest| digest.hex.len())
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::path;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::super::archive::tests::entry;
    use super::*;

    #[test]
    fn digests_are_found_in_every_style() {
        let (one, two) = ("1".repeat(64), "2".repeat(128));
        let plain = format!("{one}  other.img\n{one} *disk.img\n");
        assert_eq!(listed(&plain, "disk.img").unwrap().hex, one);
        assert_eq!(listed(&plain, "sk.img"), None);
        let tagged =
            format!("# comment\nSHA256 (disk.img) = {one}\nSHA512 (disk.img) = {two}\nMD5 (disk.img) = 0\n");
        assert_eq!(listed(&tagged, "disk.img").unwrap().hex, two);
        assert_eq!(listed(&format!("{one}  ./images/disk.img"), "disk.img").unwrap().hex, one);
        assert_eq!(listed(&format!("{two}\n"), "disk.img").unwrap().algorithm, Algorithm::Sha512);
        assert_eq!(listed("", "disk.img"), None);
        assert_eq!(listed("not found", "disk.img"), None);
    }

    /// What comes of fetching an image from a server.
    async fn fetched(server: &MockServer, name: &str) -> (Vec<u8>, Result<Digest, FetchError>) {
        let url = Url::parse(&format!("{}/{name}", server.uri())).unwrap();
        let download = Fetcher::new().unwrap().begin(&url, Algorithm::Sha256, "raw").await.unwrap();
        let parts: Vec<io::Result<Bytes>> = download.data.collect().await;
        let data = parts.into_iter().map_while(Result::ok).flatten().collect();
        (data, download.end.await.unwrap())
    }

    async fn serve(server: &MockServer, name: &str, answer: ResponseTemplate) {
        Mock::given(path(format!("/{name}"))).respond_with(answer).mount(server).await;
    }

    #[tokio::test]
    async fn what_is_packed_is_hashed_as_it_comes_and_unpacked() {
        use async_compression::tokio::write::{BzEncoder, GzipEncoder, XzEncoder, ZstdEncoder};
        use tokio::io::AsyncWriteExt as _;

        macro_rules! packed {
            ($encoder:ident, $data:expr) => {{
                let mut encoder = $encoder::new(Vec::new());
                encoder.write_all($data).await.unwrap();
                encoder.shutdown().await.unwrap();
                encoder.into_inner()
            }};
        }
        let image: Vec<u8> = (0..70_000_u32).flat_map(u32::to_le_bytes).collect();
        // What follows the image is hashed as well.
        let archive = [("README", &b"read me"[..]), ("disk.raw", &image), ("more", &vec![9; 3 << 20])]
            .map(|(name, data)| entry(name, b'0', data))
            .concat();
        let server = MockServer::start().await;
        for (name, body) in [
            ("plain.img", image.clone()),
            ("a.gz", packed!(GzipEncoder, &image)),
            ("a.bz2", packed!(BzEncoder, &image)),
            ("a.xz", packed!(XzEncoder, &image)),
            ("a.zst", packed!(ZstdEncoder, &image)),
            ("a.tar.xz", packed!(XzEncoder, &archive)),
            ("a.tar", archive.clone()),
            // Two packed one behind the other are the two of them, unpacked.
            ("two.gz", [packed!(GzipEncoder, &image[..99]), packed!(GzipEncoder, &image[99..])].concat()),
        ] {
            serve(&server, name, ResponseTemplate::new(200).set_body_bytes(body.clone())).await;
            let (data, digest) = fetched(&server, name).await;
            assert!(data == image, "{name}");
            let expected = digest::digest(&digest::SHA256, &body);
            let hex: String = expected.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(digest.unwrap().hex, hex, "{name}");
        }
    }

    #[tokio::test]
    async fn what_is_not_there_is_said_to_be_missing() {
        let server = MockServer::start().await;
        serve(&server, "gone", ResponseTemplate::new(404)).await;
        serve(&server, "forbidden", ResponseTemplate::new(403)).await;
        let fetcher = Fetcher::new().unwrap();
        for (name, is_missing) in [("gone", true), ("forbidden", false)] {
            let url = Url::parse(&format!("{}/{name}?secret=1", server.uri())).unwrap();
            let why = fetcher.text(&url).await.unwrap_err();
            assert_eq!((why.is_missing, why.to_string().contains("secret")), (is_missing, false), "{why}");
        }
    }

    #[test]
    fn the_name_of_a_file_tells_how_it_is_packed() {
        let of = |name: &str| Packing::of(&Url::parse(&format!("https://example.org/a.b/{name}")).unwrap());
        let packed = |coding, is_archive| Packing { coding, is_archive };
        assert_eq!(of("disk.qcow2").unwrap(), Packing::NONE);
        assert_eq!(of("disk").unwrap(), Packing::NONE);
        assert_eq!(of("disk.raw.xz?x=.gz").unwrap(), packed(Coding::Xz, false));
        assert_eq!(of("disk.tar.xz").unwrap(), packed(Coding::Xz, true));
        assert_eq!(of("disk.tgz").unwrap(), packed(Coding::Gzip, true));
        assert_eq!(of("disk.tar").unwrap(), packed(Coding::None, true));
        assert!(of("disk.zip").unwrap_err().message.contains("archive"));
    }
}
