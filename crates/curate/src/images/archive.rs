//! The one image in a tar archive, as Garden Linux publishes it, while the archive comes in.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, Take, copy, sink};

const BLOCK: usize = 512;
/// The longest name that is read; longer ones are no names.
const LONGEST_NAME: u64 = 4096;
/// The longest record of an entry that is read.
const LONGEST_RECORD: u64 = 64 << 10;

/// Whether a file is called like an image of a disk format.
fn is_image(name: &str, format: &str) -> bool {
    let name = name.to_lowercase();
    let Some((_, end)) = name.rsplit_once('.') else { return false };
    end == format || (end == "img" && ["raw", "qcow2"].contains(&format))
}

/// The first image of a disk format in an archive, and its size in bytes.
///
/// # Errors
/// It cannot be read, is no tar archive, or holds no image.
pub(super) async fn image_in<R: AsyncRead + Unpin>(
    mut archive: R,
    format: &str,
) -> io::Result<(u64, Take<R>)> {
    // What records say of the entry behind them.
    let (mut long_name, mut long_size) = (None, None);
    loop {
        let mut header = [0; BLOCK];
        if let Err(why) = archive.read_exact(&mut header).await {
            return Err(match why.kind() {
                io::ErrorKind::UnexpectedEof => missing(format, "the archive ends"),
                _ => why,
            });
        }
        if header.iter().all(|byte| *byte == 0) {
            return Err(missing(format, "the archive is read"));
        }
        if number(&header[148..156]) != Some(sum(&header)) {
            return Err(invalid("this is no tar archive"));
        }
        let size = number(&header[124..136]).ok_or_else(|| invalid("an entry of the archive has no size"))?;
        match header[156] {
            b'x' if size <= LONGEST_RECORD => {
                for (key, value) in records(&content(&mut archive, size).await?) {
                    match key.as_str() {
                        "path" => long_name = Some(value),
                        "size" => {
                            long_size = Some(value.parse().map_err(|_| invalid("a size is no number"))?);
                        }
                        key if key.starts_with("GNU.sparse.") => return Err(in_pieces()),
                        _ => {}
                    }
                }
                continue;
            }
            b'L' if size <= LONGEST_NAME => {
                long_name = Some(text(&content(&mut archive, size).await?));
                continue;
            }
            b'x' | b'L' => return Err(invalid("an entry of the archive says too much about itself")),
            _ => {}
        }
        let name = long_name.take().unwrap_or_else(|| text(&header[..100]));
        let size = long_size.take().unwrap_or(size);
        match header[156] {
            b'0' | b'7' | 0 if is_image(&name, format) => match size {
                0 => return Err(invalid("the image in the archive is empty")),
                _ => return Ok((size, archive.take(size))),
            },
            b'S' if is_image(&name, format) => return Err(in_pieces()),
            _ => skip(&mut archive, padded(size)).await?,
        }
    }
}

fn missing(format: &str, when: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{when}, and no {format} image was in it"))
}

fn in_pieces() -> io::Error {
    invalid("the image is stored in pieces, which is not understood")
}

/// What an entry holds, to the end of its last block.
async fn content(archive: &mut (impl AsyncRead + Unpin), size: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    (&mut *archive).take(size).read_to_end(&mut bytes).await?;
    skip(archive, padded(size) - size).await?;
    Ok(bytes)
}

/// Records as `25 path=a/long/name`, each of the length that it begins with and ended by a line feed.
fn records(mut bytes: &[u8]) -> Vec<(String, String)> {
    let mut records = Vec::new();
    while let Some(blank) = bytes.iter().position(|byte| *byte == b' ') {
        let length =
            std::str::from_utf8(&bytes[..blank]).ok().and_then(|digits| digits.parse::<usize>().ok());
        let Some(record) = length.and_then(|length| bytes.get(blank + 1..length)) else { break };
        let record = String::from_utf8_lossy(record);
        if let Some((key, value)) = record.trim_end_matches('\n').split_once('=') {
            records.push((key.to_owned(), value.to_owned()));
        }
        bytes = &bytes[length.unwrap_or(bytes.len())..];
    }
    records
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn padded(size: u64) -> u64 {
    size.saturating_add(BLOCK as u64 - 1) / BLOCK as u64 * BLOCK as u64
}

async fn skip(archive: &mut (impl AsyncRead + Unpin), size: u64) -> io::Result<()> {
    let skipped = copy(&mut archive.take(size), &mut sink()).await?;
    if skipped == size { Ok(()) } else { Err(invalid("the archive ends too early")) }
}

/// The text before the first zero.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// A number in octal digits, or in bytes where these are too few.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let (first, rest) = field.split_first()?;
        let start = u64::from(first & 0x7f);
        return rest.iter().try_fold(start, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(*byte)));
    }
    let digits = text(field);
    u64::from_str_radix(digits.trim(), 8).ok()
}

/// The sum of a header, in which that of the sum itself counts as blanks.
fn sum(header: &[u8; BLOCK]) -> u64 {
    let bytes = header.iter().enumerate();
    bytes.map(|(at, byte)| u64::from(if (148..156).contains(&at) { b' ' } else { *byte })).sum()
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An entry of an archive.
    pub(in crate::images) fn entry(name: &str, kind: u8, data: &[u8]) -> Vec<u8> {
        let mut header = [0; BLOCK];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", data.len()).as_bytes());
        header[156] = kind;
        let sum = sum(&header);
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        let mut entry = header.to_vec();
        entry.extend(data);
        entry.resize(entry.len().next_multiple_of(BLOCK), 0);
        entry
    }

    /// A record of pax, in an entry of its own.
    fn pax(key: &str, value: &str) -> Vec<u8> {
        let rest = format!(" {key}={value}\n");
        let length = (1..4)
            .map(|digits| digits + rest.len())
            .find(|length| length.to_string().len() + rest.len() == *length);
        entry("PaxHeaders/x", b'x', format!("{}{rest}", length.unwrap()).as_bytes())
    }

    async fn image(archive: &[u8]) -> Result<(u64, Vec<u8>), String> {
        let (size, mut data) = image_in(archive, "raw").await.map_err(|why| why.to_string())?;
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes).await.unwrap();
        Ok((size, bytes))
    }

    #[tokio::test]
    async fn the_first_image_is_found_among_other_files() {
        let disk = vec![7; 1300];
        let long = format!("{}/disk.raw", "a".repeat(200));
        // From eight GiB on, the size stands in a record alone.
        let mut unsized_entry = entry("disk.raw", b'0', &disk);
        unsized_entry[124..135].copy_from_slice(b"00000000000");
        let sum = sum(&unsized_entry[..BLOCK].try_into().unwrap());
        unsized_entry[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        for archive in [
            [entry("README", b'0', b"read me"), entry("out/", b'5', b""), entry("out/disk.RAW", b'0', &disk)]
                .concat(),
            [entry("disk.qcow2", b'0', b"another format"), entry("disk.img", 0, &disk)].concat(),
            [entry("././@LongLink", b'L', long.as_bytes()), entry("aaa", b'0', &disk)].concat(),
            [pax("path", &long), entry("aaa", b'0', &disk)].concat(),
            [pax("mtime", "1.5"), pax("size", "1300"), unsized_entry].concat(),
        ] {
            assert_eq!(image(&archive).await, Ok((1300, disk.clone())));
        }
        // More than eight GiB do not fit into octal digits.
        assert_eq!(number(&[0x80, 0, 0, 0, 0, 0, 0, 0x05, 0, 0, 0, 1]), Some(5 << 32 | 1));
    }

    #[tokio::test]
    async fn what_is_no_archive_or_holds_no_image_is_refused() {
        let none = [entry("README", b'0', b"read me"), vec![0; 1024]].concat();
        for (archive, why) in [
            (none, "the archive is read, and no raw image was in it"),
            (entry("README", b'0', b"read me"), "the archive ends, and no raw image was in it"),
            (entry("disk.qcow2", b'0', b"another"), "the archive ends, and no raw image was in it"),
            (entry("disk.raw", b'0', b""), "the image in the archive is empty"),
            (
                [pax("GNU.sparse.major", "1"), entry("disk.raw", b'0', b"map")].concat(),
                "the image is stored in pieces, which is not understood",
            ),
            (pax("size", "many"), "a size is no number"),
            (vec![b'x'; 2048], "this is no tar archive"),
            (entry("a", b'0', &[1; 2000])[..1000].to_vec(), "the archive ends too early"),
            (entry("a.raw", b'S', b""), "the image is stored in pieces, which is not understood"),
            (Vec::new(), "the archive ends, and no raw image was in it"),
        ] {
            assert_eq!(image(&archive).await, Err(why.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..1600), size in any::<[u8; 12]>()) {
            let mut header = entry("disk.raw", b'0', &bytes);
            header[124..136].copy_from_slice(&size);
            let sum = sum(&header[..BLOCK].try_into().unwrap());
            header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _ = runtime.block_on(image(&header));
            let _ = runtime.block_on(image(&entry("x", b'x', &bytes)));
            bytes.resize(bytes.len().max(BLOCK), 0);
            let _ = runtime.block_on(image(&bytes));
        }
    }
}
