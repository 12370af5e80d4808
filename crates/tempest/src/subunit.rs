//! The stream in which a test run tells what happens: version 2 of the subunit protocol.
//!
//! A packet begins with the byte B3, then come flags, its length, the fields that the flags announce, and a
//! checksum. What is not a packet is passed over, so that stray output in the stream does no harm.

/// First byte of a packet.
const SIGNATURE: u8 = 0xB3;
/// The version, in the uppermost bits of the flags.
const VERSION: u16 = 0x2000;
const VERSION_MASK: u16 = 0xF000;
const HAS_TEST: u16 = 0x0800;
const HAS_ROUTE: u16 = 0x0400;
const HAS_TIME: u16 = 0x0200;
const HAS_TAGS: u16 = 0x0080;
const HAS_FILE: u16 = 0x0040;
const HAS_MIME: u16 = 0x0020;
const STATUS_MASK: u16 = 0x0007;
/// Signature, flags, one byte of length, checksum.
const SHORTEST: usize = 8;
const CHECKSUM: usize = 4;

/// What a packet says about its test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// The test is on the list of what will run.
    Exists,
    /// It has begun.
    InProgress,
    /// It passed.
    Success,
    /// It passed although it should not.
    UnexpectedSuccess,
    /// It was skipped.
    Skip,
    /// It failed.
    Fail,
    /// It failed as it should.
    ExpectedFailure,
}

/// One packet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Packet {
    /// Id of the test.
    pub(crate) test: Option<String>,
    /// What happened to it.
    pub(crate) status: Option<Status>,
    /// A piece of a file that belongs to the test: its name and the bytes.
    pub(crate) file: Option<(String, Vec<u8>)>,
}

/// Takes packets out of a stream, however it is cut into pieces.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    bytes: Vec<u8>,
    at: usize,
    /// Nothing more will come.
    ended: bool,
}

/// What stands at a place of the stream.
enum Found {
    Packet(Packet, usize),
    Garbage,
    NeedMore,
}

impl Decoder {
    /// Adds what came.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.at);
        self.at = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Says that nothing more will come: what looked like the beginning of a packet was none.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// The next whole packet; none until more has come.
    pub(crate) fn next(&mut self) -> Option<Packet> {
        loop {
            let rest = self.bytes.get(self.at..)?;
            let Some(start) = rest.iter().position(|byte| *byte == SIGNATURE) else {
                self.at = self.bytes.len();
                return None;
            };
            self.at += start;
            match packet(self.bytes.get(self.at..)?) {
                Found::Packet(packet, length) => {
                    self.at += length;
                    return Some(packet);
                }
                Found::NeedMore if !self.ended => return None,
                Found::NeedMore | Found::Garbage => self.at += 1,
            }
        }
    }
}

fn packet(bytes: &[u8]) -> Found {
    let (Some(head), Some(mut fields)) = (bytes.get(1..3), bytes.get(3..)) else {
        return Found::NeedMore;
    };
    let flags = u16::from_be_bytes([head[0], head[1]]);
    if flags & VERSION_MASK != VERSION {
        return Found::Garbage;
    }
    let Some(first) = fields.first() else {
        return Found::NeedMore;
    };
    if first >> 6 == 3 {
        // Lengths have three bytes at most.
        return Found::Garbage;
    }
    let Some(length) = number(&mut fields) else {
        return Found::NeedMore;
    };
    if length < SHORTEST {
        return Found::Garbage;
    }
    let Some(whole) = bytes.get(..length) else {
        return Found::NeedMore;
    };
    let (content, checksum) = whole.split_at(length - CHECKSUM);
    if crc32(content).to_be_bytes() != *checksum {
        return Found::Garbage;
    }
    let Some(mut fields) = content.get(bytes.len() - fields.len()..) else {
        return Found::Garbage;
    };
    match read(flags, &mut fields) {
        Some(packet) => Found::Packet(packet, length),
        None => Found::Garbage,
    }
}

/// The fields, in their order; none if they do not fit into the packet.
fn read(flags: u16, fields: &mut &[u8]) -> Option<Packet> {
    let has = |flag: u16| flags & flag != 0;
    if has(HAS_TIME) {
        take(fields, 4)?;
        number(fields)?;
    }
    let test = if has(HAS_TEST) { Some(text(fields)?) } else { None };
    if has(HAS_TAGS) {
        for _ in 0..number(fields)? {
            text(fields)?;
        }
    }
    if has(HAS_MIME) {
        text(fields)?;
    }
    let file = if has(HAS_FILE) {
        let name = text(fields)?;
        let length = number(fields)?;
        Some((name, take(fields, length)?.to_vec()))
    } else {
        None
    };
    if has(HAS_ROUTE) {
        text(fields)?;
    }
    let status = match flags & STATUS_MASK {
        1 => Some(Status::Exists),
        2 => Some(Status::InProgress),
        3 => Some(Status::Success),
        4 => Some(Status::UnexpectedSuccess),
        5 => Some(Status::Skip),
        6 => Some(Status::Fail),
        7 => Some(Status::ExpectedFailure),
        _ => None,
    };
    Some(Packet { test, status, file })
}

fn take<'a>(fields: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = fields.split_at_checked(length)?;
    *fields = rest;
    Some(taken)
}

/// A number of one to four bytes; the two uppermost bits of the first say how many.
fn number(fields: &mut &[u8]) -> Option<usize> {
    let further = usize::from(fields.first()? >> 6);
    let bytes = take(fields, 1 + further)?;
    let (first, rest) = bytes.split_first()?;
    Some(rest.iter().fold(usize::from(first & 0x3F), |value, byte| value << 8 | usize::from(*byte)))
}

fn text(fields: &mut &[u8]) -> Option<String> {
    let length = number(fields)?;
    Some(String::from_utf8_lossy(take(fields, length)?).into_owned())
}

/// The checksum of zlib and Ethernet.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(value: usize, into: &mut Vec<u8>) {
        let value = u32::try_from(value).unwrap();
        match value {
            0..64 => into.push(value.to_be_bytes()[3]),
            64..16_384 => into.extend_from_slice(&(value | 0x4000).to_be_bytes()[2..]),
            16_384..4_194_304 => into.extend_from_slice(&(value | 0x80_0000).to_be_bytes()[1..]),
            _ => into.extend_from_slice(&(value | 0xC000_0000).to_be_bytes()),
        }
    }

    /// A packet as a test run writes it, with time and tags.
    pub(crate) fn written(packet: &Packet) -> Vec<u8> {
        let mut flags = VERSION | HAS_TIME | HAS_TAGS;
        let mut fields = vec![1, 2, 3, 4];
        encoded(123_456_789, &mut fields);
        let put = |text: &str, fields: &mut Vec<u8>| {
            encoded(text.len(), fields);
            fields.extend_from_slice(text.as_bytes());
        };
        if let Some(test) = &packet.test {
            flags |= HAS_TEST;
            put(test, &mut fields);
        }
        encoded(1, &mut fields);
        put("worker-0", &mut fields);
        if let Some((name, bytes)) = &packet.file {
            flags |= HAS_FILE;
            put(name, &mut fields);
            encoded(bytes.len(), &mut fields);
            fields.extend_from_slice(bytes);
        }
        flags |= packet.status.map_or(0, |status| status as u16 + 1);
        let base = 3 + fields.len() + CHECKSUM;
        let length = base
            + match base {
                0..=62 => 1,
                63..=16_381 => 2,
                _ => 3,
            };
        let mut all = vec![SIGNATURE];
        all.extend_from_slice(&flags.to_be_bytes());
        encoded(length, &mut all);
        all.extend_from_slice(&fields);
        all.extend_from_slice(&crc32(&all).to_be_bytes());
        assert_eq!(all.len(), length);
        all
    }

    /// What a real run wrote for one test: it began, and it passed.
    const REAL: [&str; 2] = [
        "b32f82409a6b028a13fa5afed0407b74656d706573742e6170692e636f6d707574652e666c61766f72732e746573745f666c61766f72732e\
         466c61766f72735632546573744a534f4e2e746573745f6c6973745f666c61766f72735b69642d65333663306561612d646666352d343038\
         322d616431662d3366396138306161336635392c736d6f6b655d0108776f726b65722d3001308dd2c065",
        "b32f83409a6b028a14c1b531e0407b74656d706573742e6170692e636f6d707574652e666c61766f72732e746573745f666c61766f72732e\
         466c61766f72735632546573744a534f4e2e746573745f6c6973745f666c61766f72735b69642d65333663306561612d646666352d343038\
         322d616431662d3366396138306161336635392c736d6f6b655d0108776f726b65722d300130f704c4a1",
    ];

    fn all(stream: &[u8]) -> Vec<Packet> {
        let mut decoder = Decoder::default();
        decoder.push(stream);
        decoder.end();
        std::iter::from_fn(|| decoder.next()).collect()
    }

    fn packets() -> impl Strategy<Value = Vec<Packet>> {
        let status = prop_oneof![
            Just(None),
            Just(Some(Status::Exists)),
            Just(Some(Status::InProgress)),
            Just(Some(Status::Success)),
            Just(Some(Status::UnexpectedSuccess)),
            Just(Some(Status::Skip)),
            Just(Some(Status::Fail)),
            Just(Some(Status::ExpectedFailure)),
        ];
        let file = (".{0,9}", proptest::collection::vec(any::<u8>(), 0..300));
        let packet = (proptest::option::of(".{0,99}"), status, proptest::option::of(file))
            .prop_map(|(test, status, file)| Packet { test, status, file });
        proptest::collection::vec(packet, 0..5)
    }

    #[test]
    fn checksums_are_those_of_zlib() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn a_real_stream_is_read() {
        let hex: String = REAL.concat();
        let stream: Vec<u8> =
            (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect();
        let test = "tempest.api.compute.flavors.test_flavors.FlavorsV2TestJSON.test_list_flavors\
                    [id-e36c0eaa-dff5-4082-ad1f-3f9a80aa3f59,smoke]";
        let packet = |status| Packet { test: Some(test.into()), status: Some(status), file: None };
        assert_eq!(all(&stream), [packet(Status::InProgress), packet(Status::Success)]);
    }

    #[test]
    fn large_files_fit() {
        for length in [0, 40, 63, 16_300, 16_500, 70_000] {
            let packet = Packet { file: Some(("traceback".into(), vec![b'x'; length])), ..Packet::default() };
            assert_eq!(all(&written(&packet)), [packet]);
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_however_it_is_cut_and_whatever_stands_between(
            packets in packets(),
            cuts in proptest::collection::vec(0.0..1.0_f64, 0..5),
            // Any byte but the one that begins a packet: after that one, more may have to come.
            between in proptest::collection::vec(0..SIGNATURE, 0..20),
        ) {
            let mut stream = between.clone();
            for packet in &packets {
                stream.extend(written(packet));
                stream.extend(&between);
            }
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place in a short stream")]
            let mut places: Vec<usize> = cuts.iter().map(|cut| (cut * stream.len() as f64) as usize).collect();
            places.push(stream.len());
            places.sort_unstable();
            let mut decoder = Decoder::default();
            let mut found = Vec::new();
            let mut from = 0;
            for place in places {
                decoder.push(&stream[from..place]);
                found.extend(std::iter::from_fn(|| decoder.next()));
                from = place;
            }
            prop_assert_eq!(found, packets);
        }

        #[test]
        fn a_broken_packet_is_left_out_and_the_next_one_found(packets in packets(), broken in any::<prop::sample::Index>()) {
            prop_assume!(!packets.is_empty());
            let mut first = written(&packets[0]);
            // Not where it says what it is: that may make a longer packet of it.
            let place = 6 + broken.index(first.len() - 6);
            first[place] ^= 0x10;
            let last = written(&Packet { test: Some("last".into()), ..Packet::default() });
            let found = all(&[first, last].concat());
            prop_assert_eq!(found.last().and_then(|packet| packet.test.as_deref()), Some("last"));
        }

        #[test]
        fn bytes_of_any_kind_do_no_harm(stream in proptest::collection::vec(prop_oneof![any::<u8>(), Just(SIGNATURE), Just(0x2F)], 0..400)) {
            for packet in all(&stream) {
                prop_assert!(packet.test.is_none_or(|test| test.len() <= stream.len() * 3));
            }
        }
    }
}
