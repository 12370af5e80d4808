//! `ClientHello` messages, put together by hand: TLS libraries refuse to offer what must be found out here.

use crate::groups;
use crate::protocol::Version;
use crate::suites;

const HANDSHAKE_RECORD: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// Signature algorithms, weak ones included: what the server signs with is not judged here.
const SIGNATURES: [u16; 20] = [
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x0401, 0x0501,
    0x0601, 0x0303, 0x0301, 0x0203, 0x0201, 0x0402, 0x0202,
];

/// What a client offers.
#[derive(Debug, Clone)]
pub(crate) struct ClientHello {
    pub(crate) version: Version,
    /// Host name for SNI; none for addresses.
    pub(crate) server_name: Option<String>,
    pub(crate) suites: Vec<u16>,
    /// Groups, in the order of preference.
    pub(crate) groups: Vec<u16>,
    /// Whether to send key shares for the common groups. Without any, a TLS 1.3 server asks for a group with a
    /// `HelloRetryRequest`, which is enough to learn what it chose.
    pub(crate) with_shares: bool,
    /// Whether to say that a later version was tried before.
    pub(crate) is_fallback: bool,
}

impl ClientHello {
    /// The record to send. `random` is the client's random value and makes the session id, too.
    pub(crate) fn bytes(&self, random: [u8; 32]) -> Vec<u8> {
        let is_13 = self.version == Version::Tls13;
        let mut record = vec![HANDSHAKE_RECORD];
        put(&mut record, self.version.number().min(Version::Tls10.number()));
        counted(&mut record, 2, |record| {
            record.push(CLIENT_HELLO);
            counted(record, 3, |hello| {
                put(hello, self.version.number().min(Version::Tls12.number()));
                hello.extend(random);
                counted(hello, 1, |id| {
                    // Middleboxes want TLS 1.3 to look like a session of TLS 1.2 that is resumed.
                    if is_13 {
                        id.extend(random.map(|byte| !byte));
                    }
                });
                counted(hello, 2, |list| {
                    self.suites.iter().for_each(|suite| put(list, *suite));
                    if !is_13 {
                        put(list, suites::RENEGOTIATION);
                    }
                    if self.is_fallback {
                        put(list, suites::FALLBACK);
                    }
                });
                // DEFLATE, where it can be, and none.
                let compression: &[u8] = if is_13 { &[0] } else { &[1, 0] };
                counted(hello, 1, |list| list.extend(compression));
                if self.version > Version::Ssl3 {
                    counted(hello, 2, |extensions| self.extensions(extensions));
                }
            });
        });
        record
    }

    fn extensions(&self, out: &mut Vec<u8>) {
        if let Some(name) = &self.server_name {
            extension(out, 0, |out| {
                counted(out, 2, |list| {
                    list.push(0);
                    counted(list, 2, |host| host.extend(name.as_bytes()));
                });
            });
        }
        if !self.groups.is_empty() {
            extension(out, 10, |out| {
                put_list(out, &self.groups);
            });
            extension(out, 11, |out| counted(out, 1, |list| list.push(0)));
        }
        if self.version >= Version::Tls12 {
            extension(out, 13, |out| {
                put_list(out, &SIGNATURES);
            });
        }
        if self.version < Version::Tls13 {
            extension(out, 23, |_| ());
            return;
        }
        extension(out, 43, |out| counted(out, 1, |list| put(list, Version::Tls13.number())));
        extension(out, 45, |out| counted(out, 1, |list| list.push(1)));
        extension(out, 51, |out| {
            counted(out, 2, |list| {
                for group in self.groups.iter().filter(|_| self.with_shares) {
                    if let Some(share) = share(*group) {
                        put(list, *group);
                        counted(list, 2, |key| key.extend(share));
                    }
                }
            });
        });
    }
}

/// A valid public key: the generator of the group. No secret hangs on it, for no handshake is finished.
fn share(group: u16) -> Option<Vec<u8>> {
    const P256_GENERATOR: [u8; 65] = [
        0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
        0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f,
        0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce,
        0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
    ];
    match group {
        groups::X25519 => {
            let mut generator = vec![0; 32];
            generator[0] = 9;
            Some(generator)
        }
        groups::P256 => Some(P256_GENERATOR.to_vec()),
        _ => None,
    }
}

fn put(out: &mut Vec<u8>, number: u16) {
    out.extend(number.to_be_bytes());
}

fn put_list(out: &mut Vec<u8>, numbers: &[u16]) {
    counted(out, 2, |list| numbers.iter().for_each(|number| put(list, *number)));
}

fn extension(out: &mut Vec<u8>, number: u16, body: impl FnOnce(&mut Vec<u8>)) {
    put(out, number);
    counted(out, 2, body);
}

/// Writes a body behind its length, which takes `width` bytes.
fn counted(out: &mut Vec<u8>, width: usize, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len() + width;
    out.resize(start, 0);
    body(out);
    let length = (out.len() - start).to_be_bytes();
    debug_assert!(length[..length.len() - width].iter().all(|byte| *byte == 0), "the body fits its length");
    out[start - width..start].copy_from_slice(&length[length.len() - width..]);
}

#[cfg(test)]
mod tests {
    use tls_parser::{
        TlsExtension, TlsMessage, TlsMessageHandshake, parse_tls_client_hello_extensions, parse_tls_plaintext,
    };

    use super::*;

    fn hello(version: Version) -> ClientHello {
        ClientHello {
            version,
            server_name: Some("cloud.example.com".into()),
            suites: vec![0x000a, 0x1301],
            groups: vec![groups::X25519, groups::P256, 24],
            with_shares: true,
            is_fallback: version == Version::Tls11,
        }
    }

    #[test]
    fn a_parser_reads_what_was_meant() {
        for version in Version::ALL {
            let bytes = hello(version).bytes([7; 32]);
            let (rest, record) = parse_tls_plaintext(&bytes).unwrap();
            assert!(rest.is_empty());
            let [TlsMessage::Handshake(TlsMessageHandshake::ClientHello(read))] = record.msg.as_slice()
            else {
                panic!("{version:?}: {record:?}");
            };
            assert_eq!(read.version.0, version.number().min(0x0303));
            let suites: Vec<u16> = read.ciphers.iter().map(|suite| suite.0).collect();
            let expected: &[u16] = match version {
                Version::Tls13 => &[0x000a, 0x1301],
                Version::Tls11 => &[0x000a, 0x1301, 0x00ff, 0x5600],
                _ => &[0x000a, 0x1301, 0x00ff],
            };
            assert_eq!(suites, expected);
            assert_eq!(read.comp.len(), if version == Version::Tls13 { 1 } else { 2 });
            assert_eq!(read.session_id.is_some(), version == Version::Tls13);
            let Some(extensions) = read.ext else {
                assert_eq!(version, Version::Ssl3);
                continue;
            };
            let (rest, extensions) = parse_tls_client_hello_extensions(extensions).unwrap();
            assert!(rest.is_empty());
            assert!(matches!(&extensions[0], TlsExtension::SNI(names) if names[0].1 == b"cloud.example.com"));
            let has = |wanted: &dyn Fn(&TlsExtension<'_>) -> bool| extensions.iter().any(wanted);
            assert!(has(&|one| matches!(one, TlsExtension::EllipticCurves(groups) if groups.len() == 3)));
            assert_eq!(
                has(&|one| matches!(one, TlsExtension::SignatureAlgorithms(_))),
                version >= Version::Tls12
            );
            assert_eq!(
                has(&|one| matches!(one, TlsExtension::ExtendedMasterSecret)),
                version < Version::Tls13
            );
            // Two shares with 4 bytes in front of each, and 2 for the whole list.
            let shares = 2 + 4 + 32 + 4 + 65;
            assert_eq!(
                has(&|one| matches!(one, TlsExtension::KeyShare(list) if list.len() == shares)),
                version == Version::Tls13
            );
        }
    }

    #[test]
    fn addresses_have_no_server_name() {
        let named = hello(Version::Tls12);
        let unnamed = ClientHello { server_name: None, ..named.clone() };
        assert_eq!(named.bytes([0; 32]).len() - unnamed.bytes([0; 32]).len(), "cloud.example.com".len() + 9);
    }
}
