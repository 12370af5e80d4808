//! Groups for the key exchange, by their numbers at IANA and the names that OpenSSL and Mozilla's guidelines use.

pub(crate) const X25519: u16 = 29;
pub(crate) const P256: u16 = 23;

/// What can be negotiated with TLS 1.2 and earlier, unusual ones first: a server that goes by the order of the
/// client then shows those first.
const CURVES: &[(u16, &str)] = &[
    (15, "secp160k1"),
    (16, "secp160r1"),
    (17, "secp160r2"),
    (18, "secp192k1"),
    (19, "prime192v1"),
    (20, "secp224k1"),
    (21, "secp224r1"),
    (22, "secp256k1"),
    (1, "sect163k1"),
    (2, "sect163r1"),
    (3, "sect163r2"),
    (4, "sect193r1"),
    (5, "sect193r2"),
    (6, "sect233k1"),
    (7, "sect233r1"),
    (8, "sect239k1"),
    (9, "sect283k1"),
    (10, "sect283r1"),
    (11, "sect409k1"),
    (12, "sect409r1"),
    (13, "sect571k1"),
    (14, "sect571r1"),
    (26, "brainpoolP256r1"),
    (27, "brainpoolP384r1"),
    (28, "brainpoolP512r1"),
    (30, "X448"),
    (25, "secp521r1"),
    (24, "secp384r1"),
    (P256, "prime256v1"),
    (X25519, "X25519"),
];

/// What can be negotiated with TLS 1.3, without finite fields: those have 2048 bits or more there.
const GROUPS_13: &[(u16, &str)] = &[
    (41, "curveSM2"),
    (31, "brainpoolP256r1tls13"),
    (32, "brainpoolP384r1tls13"),
    (33, "brainpoolP512r1tls13"),
    (0x6399, "X25519Kyber768Draft00"),
    (0x639a, "SecP256r1Kyber768Draft00"),
    (0x0200, "MLKEM512"),
    (0x0201, "MLKEM768"),
    (0x0202, "MLKEM1024"),
    (0x11eb, "SecP256r1MLKEM768"),
    (0x11ec, "X25519MLKEM768"),
    (0x11ed, "SecP384r1MLKEM1024"),
    (30, "X448"),
    (25, "secp521r1"),
    (24, "secp384r1"),
    (P256, "prime256v1"),
    (X25519, "X25519"),
];

/// Finite fields of TLS 1.3.
pub(crate) const FINITE_FIELDS: [u16; 5] = [0x0100, 0x0101, 0x0102, 0x0103, 0x0104];

pub(crate) fn curves() -> Vec<u16> {
    CURVES.iter().map(|(number, _)| *number).collect()
}

pub(crate) fn groups_13() -> Vec<u16> {
    GROUPS_13.iter().map(|(number, _)| *number).collect()
}

pub(crate) fn name(number: u16) -> String {
    match CURVES.iter().chain(GROUPS_13).find(|(known, _)| *known == number) {
        Some((_, name)) => (*name).to_owned(),
        None => format!("group {number:#06x}"),
    }
}

/// The number of a curve by its name.
pub(crate) fn curve(name: &str) -> Option<u16> {
    CURVES.iter().find(|(_, known)| *known == name).map(|(number, _)| *number)
}
