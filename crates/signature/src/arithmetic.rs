//! Whether a signature fits a message and a key.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    EcdsaVerificationAlgorithm, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use ssh_encoding::Encode as _;
use ssh_key::public::{EcdsaPublicKey, KeyData};
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, Mpint, Signature};

/// Flags and counter of a security key, at the end of what it signs with.
const SK_TRAILER: usize = 5;
/// The flag that a security key sets if somebody touched it.
const SK_USER_PRESENT: u8 = 1;

/// Whether `signature` was made over `message` with the private half of `key`.
pub(crate) fn is_valid(key: &KeyData, signature: &Signature, message: &[u8]) -> bool {
    let bytes = signature.as_bytes();
    match (key, signature.algorithm()) {
        (KeyData::Ed25519(key), Algorithm::Ed25519) => is_of_ed25519(&key.0, message, bytes),
        (KeyData::Ecdsa(key), Algorithm::Ecdsa { curve }) if key.curve() == curve => {
            is_of_ecdsa(curve, key.as_sec1_bytes(), message, bytes)
        }
        (KeyData::Rsa(key), Algorithm::Rsa { hash: Some(hash) }) => {
            let (Some(n), Some(e)) = (key.n.as_positive_bytes(), key.e.as_positive_bytes()) else {
                return false;
            };
            let algorithm = match hash {
                HashAlg::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
                HashAlg::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
                _ => return false,
            };
            RsaPublicKeyComponents { n, e }.verify(algorithm, message, bytes).is_ok()
        }
        (KeyData::SkEd25519(key), Algorithm::SkEd25519) => with_trailer(key.application(), message, bytes)
            .is_some_and(|(message, bytes)| is_of_ed25519(&key.public_key().0, &message, bytes)),
        (KeyData::SkEcdsaSha2NistP256(key), Algorithm::SkEcdsaSha2NistP256) => {
            let point = EcdsaPublicKey::NistP256(*key.ec_point());
            with_trailer(key.application(), message, bytes).is_some_and(|(message, bytes)| {
                is_of_ecdsa(EcdsaCurve::NistP256, point.as_sec1_bytes(), &message, bytes)
            })
        }
        _ => false,
    }
}

fn is_of_ed25519(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
}

fn is_of_ecdsa(curve: EcdsaCurve, point: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let algorithm: &EcdsaVerificationAlgorithm = match curve {
        EcdsaCurve::NistP256 => &ECDSA_P256_SHA256_FIXED,
        EcdsaCurve::NistP384 => &ECDSA_P384_SHA384_FIXED,
        EcdsaCurve::NistP521 => &ECDSA_P521_SHA512_FIXED,
    };
    fixed_width(signature, width(curve))
        .is_some_and(|signature| UnparsedPublicKey::new(algorithm, point).verify(message, &signature).is_ok())
}

/// How many bytes a number of a curve takes.
pub(crate) fn width(curve: EcdsaCurve) -> usize {
    match curve {
        EcdsaCurve::NistP256 => 32,
        EcdsaCurve::NistP384 => 48,
        EcdsaCurve::NistP521 => 66,
    }
}

/// SSH has two numbers of any length (RFC 5656, 3.1.2), the arithmetic wants both of one width.
fn fixed_width(signature: &[u8], width: usize) -> Option<Vec<u8>> {
    let mut rest = signature;
    let mut fixed = Vec::with_capacity(2 * width);
    for _ in 0..2 {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (number, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        rest = after;
        let number = Mpint::from_bytes(number).ok()?;
        let number = number.as_positive_bytes()?;
        fixed.resize(fixed.len() + width.checked_sub(number.len())?, 0);
        fixed.extend_from_slice(number);
    }
    rest.is_empty().then_some(fixed)
}

/// The other way round: two numbers of one width as SSH writes them.
pub(crate) fn any_width(fixed: &[u8]) -> ssh_key::Result<Vec<u8>> {
    let mut numbers = Vec::new();
    let (r, s) = fixed.split_at(fixed.len() / 2);
    for number in [r, s] {
        Mpint::from_positive_bytes(number)?.encode(&mut numbers)?;
    }
    Ok(numbers)
}

/// What a security key signs: digests of application and message around its flags and counter (OpenSSH's
/// PROTOCOL.u2f). None if nobody touched the key, which `ssh-keygen` refuses, too.
fn with_trailer<'s>(application: &str, message: &[u8], signature: &'s [u8]) -> Option<(Vec<u8>, &'s [u8])> {
    let (signature, trailer) = signature.split_at_checked(signature.len().checked_sub(SK_TRAILER)?)?;
    if trailer.first()? & SK_USER_PRESENT == 0 {
        return None;
    }
    let application = digest(&SHA256, application.as_bytes());
    let message = digest(&SHA256, message);
    Some(([application.as_ref(), trailer, message.as_ref()].concat(), signature))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    use ssh_key::public::{Ed25519PublicKey, SkEd25519};

    use super::*;

    /// What a security key does: it signs digests, its flags and its counter.
    fn touched(flags: u8, message: &[u8]) -> (KeyData, Signature) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let public: [u8; 32] = pair.public_key().as_ref().try_into().unwrap();
        let key = KeyData::SkEd25519(SkEd25519::new(Ed25519PublicKey(public), "ssh:"));
        let trailer = [flags, 0, 0, 0, 9];
        let digests = [digest(&SHA256, b"ssh:"), digest(&SHA256, message)];
        let signed = [digests[0].as_ref(), &trailer, digests[1].as_ref()].concat();
        let bytes = [pair.sign(&signed).as_ref(), &trailer].concat();
        (key, Signature::new(Algorithm::SkEd25519, bytes).unwrap())
    }

    #[test]
    fn security_keys_count_if_somebody_touched_them() {
        let (key, signature) = touched(SK_USER_PRESENT, b"message");
        assert!(is_valid(&key, &signature, b"message"));
        assert!(!is_valid(&key, &signature, b"another"));
        let (key, signature) = touched(0, b"message");
        assert!(!is_valid(&key, &signature, b"message"));
    }

    #[test]
    fn numbers_of_any_length_are_brought_to_one_width() {
        let mpint = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat();
        let both = |r: &[u8], s: &[u8]| [mpint(r), mpint(s)].concat();
        assert_eq!(fixed_width(&both(&[1], &[0, 0x80]), 2), Some(vec![0, 1, 0, 0x80]));
        assert_eq!(fixed_width(&both(&[1, 2, 3], &[1]), 2), None);
        assert_eq!(fixed_width(&[both(&[1], &[1]), vec![0]].concat(), 2), None);
        assert_eq!(fixed_width(&both(&[0x80], &[1]), 2), None, "a negative one");
        assert_eq!(fixed_width(&[0, 0, 0, 9, 1], 2), None);
        assert_eq!(fixed_width(&[], 2), None);
        for fixed in [[0, 1, 0, 0x80], [0xff, 0, 0, 1], [1, 2, 3, 4]] {
            assert_eq!(fixed_width(&any_width(&fixed).unwrap(), 2), Some(fixed.to_vec()));
        }
    }
}
