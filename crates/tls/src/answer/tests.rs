use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut record = vec![kind, 3, 3];
    record.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    record.extend(body);
    record
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![kind];
    message.extend(&u32::try_from(body.len()).unwrap().to_be_bytes()[1..]);
    message.extend(body);
    message
}

fn hello(version: u16, suite: u16, compression: u8, extensions: &[u8]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend([5; 32]);
    body.push(0);
    body.extend(suite.to_be_bytes());
    body.push(compression);
    if !extensions.is_empty() {
        body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
        body.extend(extensions);
    }
    message(2, &body)
}

fn read(bytes: &[u8]) -> (Result<Progress, Unreadable>, Answer) {
    let mut reading = Reading::default();
    let progress = reading.feed(bytes);
    (progress, reading.into_answer())
}

const ECDHE: u16 = 0xc02f;
const DHE: u16 = 0x009e;

#[test]
fn a_whole_flight_in_one_record() {
    let mut flight = hello(0x0303, ECDHE, 0, &[0xff, 0x01, 0, 1, 0, 0, 23, 0, 0]);
    flight.extend(message(11, &[0, 0, 9, 0, 0, 2, 1, 2, 0, 0, 1, 3]));
    flight.extend(message(12, &[3, 0, 29, 1, 9, 4, 1, 0, 0]));
    flight.extend(message(14, &[]));
    let (progress, answer) = read(&record(22, &flight));
    assert_eq!(progress, Ok(Progress::Done));
    let hello = answer.hello.unwrap();
    assert_eq!((hello.version, hello.suite), (Some(Version::Tls12), ECDHE));
    assert!(hello.secure_renegotiation && hello.extended_master_secret && !hello.is_compressed);
    assert_eq!(answer.group, Some(29));
    assert_eq!(answer.certificates, [vec![1, 2], vec![3]]);
}

#[test]
fn messages_may_be_spread_over_records_and_bytes_may_trickle() {
    let mut flight = hello(0x0301, DHE, 1, &[]);
    let mut parameters = vec![0, 129, 0];
    parameters.extend([0x80; 128]);
    parameters.extend([0, 1, 2, 0, 1, 3]);
    flight.extend(message(12, &parameters));
    flight.extend(message(14, &[]));
    let bytes: Vec<u8> = flight.chunks(10).flat_map(|chunk| record(22, chunk)).collect();
    let mut reading = Reading::default();
    let (last, before) = bytes.split_last().unwrap();
    for byte in before {
        assert_eq!(reading.feed(&[*byte]), Ok(Progress::More));
    }
    assert_eq!(reading.feed(&[*last]), Ok(Progress::Done));
    let answer = reading.into_answer();
    let hello = answer.hello.unwrap();
    assert_eq!(hello.version, Some(Version::Tls10));
    assert!(hello.is_compressed && !hello.secure_renegotiation && !hello.extended_master_secret);
    assert_eq!(answer.dh_bits, Some(1024));
}

#[test]
fn the_version_and_group_of_tls_13_are_in_extensions() {
    let (progress, answer) =
        read(&record(22, &hello(0x0303, 0x1301, 0, &[0, 43, 0, 2, 3, 4, 0, 51, 0, 2, 0, 24])));
    assert_eq!(progress, Ok(Progress::Done));
    assert_eq!(answer.hello.unwrap().version, Some(Version::Tls13));
    assert_eq!(answer.group, Some(24));
}

#[test]
fn alerts_end_a_handshake_unless_they_warn() {
    let (progress, answer) = read(&record(21, &[2, 70]));
    assert_eq!((progress, answer.alert), (Ok(Progress::Done), Some(PROTOCOL_VERSION)));
    // unrecognized_name as a warning goes before the ServerHello of some servers.
    let mut bytes = record(21, &[1, 112]);
    assert_eq!(read(&bytes), (Ok(Progress::More), Answer::default()));
    bytes.extend(record(22, &hello(0x0303, ECDHE, 0, &[])));
    bytes.extend(record(21, &[1, 0]));
    let (progress, answer) = read(&bytes);
    assert_eq!((progress, answer.alert), (Ok(Progress::Done), Some(0)));
    assert!(answer.hello.is_some());
}

#[test]
fn other_protocols_are_shown_by_their_first_line() {
    let (progress, _) = read(b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n");
    let shown = progress.unwrap_err().to_string();
    assert_eq!(shown, "it answers, but not with TLS: \"HTTP/1.1 400 Bad Request\"");
    let (progress, _) = read(b"\x1b[31m\x00\xff");
    assert!(!progress.unwrap_err().to_string().contains('\x1b'));
    // Too short for a record, and already no TLS.
    assert!(matches!(read(b"HT").0, Err(Unreadable::NotTls(_))));
    assert!(matches!(read(&[22, 9, 0, 0, 1, 0]).0, Err(Unreadable::NotTls(_))));
}

#[test]
fn what_is_too_large_is_not_read() {
    assert!(matches!(read(&[22, 3, 3, 0xff, 0xff]).0, Err(Unreadable::Broken(_))));
    assert!(matches!(read(&record(22, &[11, 0xff, 0xff, 0xff])).0, Err(Unreadable::Broken(_))));
    let mut reading = Reading::default();
    let chatter = record(20, &[1; 1000]);
    let rounds = (0..1000).take_while(|_| reading.feed(&chatter) == Ok(Progress::More)).count();
    assert!((100..1000).contains(&rounds), "{rounds}");
}

#[test]
fn two_hellos_are_one_too_many() {
    let mut bytes = record(22, &hello(0x0303, ECDHE, 0, &[]));
    assert_eq!(read(&bytes).0, Ok(Progress::More));
    bytes.extend(record(22, &hello(0x0302, ECDHE, 0, &[])));
    assert!(matches!(read(&bytes).0, Err(Unreadable::Broken(_))));
}

#[test]
fn leading_zeros_are_no_bits() {
    for (number, expected) in
        [(&[][..], 0), (&[0, 0], 0), (&[1], 1), (&[0, 0x80, 0], 16), (&[0x7f, 0xff], 15)]
    {
        assert_eq!(bits(number), expected, "{number:?}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_no_harm(pieces in vec(vec(any::<u8>(), 0..200), 0..20)) {
        let mut reading = Reading::default();
        for piece in pieces {
            if reading.feed(&piece) != Ok(Progress::More) {
                break;
            }
        }
    }

    #[test]
    fn arbitrary_messages_do_no_harm(
        messages in vec((0u8..25, vec(any::<u8>(), 0..300)), 1..8),
        version in 0x02ffu16..0x0306,
        suite in prop_oneof![any::<u16>(), Just(ECDHE), Just(DHE)],
        extensions in vec(any::<u8>(), 0..100),
    ) {
        let mut flight = hello(version, suite, 0, &extensions);
        flight.extend(messages.iter().flat_map(|(kind, body)| message(*kind, body)));
        let bytes: Vec<u8> = flight.chunks(900).flat_map(|chunk| record(22, chunk)).collect();
        let (_, answer) = read(&bytes);
        prop_assert!(answer.certificates.len() <= MAX_CERTIFICATES);
    }

    #[test]
    fn how_bytes_are_cut_does_not_matter(
        bytes in vec(any::<u8>(), 0..200),
        size in 1usize..50,
    ) {
        let mut whole = record(22, &hello(0x0303, ECDHE, 0, &[0, 23, 0, 0]));
        whole.extend(record(22, &bytes));
        let mut reading = Reading::default();
        let mut last = Ok(Progress::More);
        for piece in whole.chunks(size) {
            last = reading.feed(piece);
            if last != Ok(Progress::More) {
                break;
            }
        }
        prop_assert_eq!((last, reading.into_answer()), read(&whole));
    }
}
