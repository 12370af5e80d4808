use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA512, RsaKeyPair,
};
use num_bigint::BigUint;
use secrecy::zeroize::Zeroizing;
use ssh_encoding::Encode as _;
use ssh_key::public::{EcdsaPublicKey, Ed25519PublicKey, KeyData, RsaPublicKey};
use ssh_key::{EcdsaCurve, Mpint};

use crate::PublicKey;
use crate::arithmetic::{any_width, width};

/// A private key in the memory of this program.
pub struct PrivateKey {
    public: PublicKey,
    pair: Pair,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

/// The numbers of a private key of RSA, as its file has them.
pub(crate) struct RsaSecrets {
    pub(crate) d: Zeroizing<Mpint>,
    pub(crate) iqmp: Zeroizing<Mpint>,
    pub(crate) p: Zeroizing<Mpint>,
    pub(crate) q: Zeroizing<Mpint>,
}

impl PrivateKey {
    /// A new one.
    pub(crate) fn generate() -> Result<Self, String> {
        let pair = Ed25519KeyPair::generate().map_err(|error| error.to_string())?;
        let mut bytes = [0; Ed25519PublicKey::BYTE_SIZE];
        bytes.copy_from_slice(pair.public_key().as_ref());
        let public = PublicKey::of(KeyData::Ed25519(Ed25519PublicKey(bytes)));
        Ok(Self { public, pair: Pair::Ed25519(pair) })
    }

    /// Makes sure that both halves belong together, as each of these does.
    pub(crate) fn ed25519(public: &Ed25519PublicKey, seed: &[u8]) -> Result<Self, String> {
        let pair =
            Ed25519KeyPair::from_seed_and_public_key(seed, &public.0).map_err(|error| error.to_string())?;
        Ok(Self { public: PublicKey::of(KeyData::Ed25519(*public)), pair: Pair::Ed25519(pair) })
    }

    pub(crate) fn ecdsa(public: &EcdsaPublicKey, secret: &Mpint) -> Result<Self, String> {
        let curve = public.curve();
        let algorithm: &EcdsaSigningAlgorithm = match curve {
            EcdsaCurve::NistP256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
            EcdsaCurve::NistP384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
            EcdsaCurve::NistP521 => &ECDSA_P521_SHA512_FIXED_SIGNING,
        };
        // Files leave zeros away, the arithmetic wants them.
        let number = secret.as_positive_bytes().ok_or("a number is negative")?;
        let zeros = width(curve).checked_sub(number.len()).ok_or("a number is too large")?;
        let mut fixed = Zeroizing::new(vec![0; zeros]);
        fixed.reserve_exact(number.len());
        fixed.extend_from_slice(number);
        let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &fixed, public.as_sec1_bytes())
            .map_err(|error| error.to_string())?;
        Ok(Self { public: PublicKey::of(KeyData::Ecdsa(*public)), pair: Pair::Ecdsa(pair) })
    }

    pub(crate) fn rsa(public: &RsaPublicKey, secrets: &RsaSecrets) -> Result<Self, String> {
        let RsaSecrets { d, iqmp, p, q } = secrets;
        // What d is in each of both worlds, which files of OpenSSH leave away.
        let (in_p, in_q) = (reduced(d, p)?, reduced(d, q)?);
        let whole = [&public.n, &public.e, &**d, &**p, &**q];
        let mut numbers = Zeroizing::new(Vec::new());
        integer(&mut numbers, &[0]);
        for number in whole {
            integer(&mut numbers, number.as_bytes());
        }
        integer(&mut numbers, in_p.as_bytes());
        integer(&mut numbers, in_q.as_bytes());
        integer(&mut numbers, iqmp.as_bytes());
        let mut der = Zeroizing::new(Vec::new());
        element(&mut der, SEQUENCE, &numbers);
        let pair = RsaKeyPair::from_der(&der).map_err(|error| error.to_string())?;
        Ok(Self { public: PublicKey::of(KeyData::Rsa(public.clone())), pair: Pair::Rsa(pair) })
    }

    /// Its public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The name of the algorithm and the signature, as other messages of SSH hold them.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let failed = |_| "the arithmetic failed".to_owned();
        let random = SystemRandom::new();
        let (name, signature) = match &self.pair {
            Pair::Ed25519(pair) => (self.public.key_type(), pair.sign(message).as_ref().to_vec()),
            Pair::Ecdsa(pair) => {
                let signature = pair.sign(&random, message).map_err(failed)?;
                let signature = any_width(signature.as_ref()).map_err(|error| error.to_string())?;
                (self.public.key_type(), signature)
            }
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA512, &random, message, &mut signature).map_err(failed)?;
                ("rsa-sha2-512".to_owned(), signature)
            }
        };
        let mut whole = Vec::new();
        name.encode(&mut whole)
            .and_then(|()| signature.encode(&mut whole))
            .map_err(|error| error.to_string())?;
        Ok(whole)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PrivateKey").field(&self.public.fingerprint()).finish()
    }
}

/// `d` modulo one less than a prime.
fn reduced(d: &Mpint, prime: &Mpint) -> Result<Zeroizing<Mpint>, String> {
    let number = |number: &Mpint| number.as_positive_bytes().map(BigUint::from_bytes_be);
    let (Some(d), Some(prime)) = (number(d), number(prime)) else {
        return Err("a number is negative".into());
    };
    let one = BigUint::from(1_u8);
    if prime <= one {
        return Err("a number is no prime".into());
    }
    let bytes = Zeroizing::new((d % (prime - one)).to_bytes_be());
    Mpint::from_positive_bytes(&bytes).map(Zeroizing::new).map_err(|error| error.to_string())
}

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;

/// A number in DER, which writes them as SSH does, but for zero.
fn integer(into: &mut Vec<u8>, number: &[u8]) {
    element(into, INTEGER, if number.is_empty() { &[0] } else { number });
}

/// A value in DER: what it is, how long, and the value.
fn element(into: &mut Vec<u8>, tag: u8, value: &[u8]) {
    into.push(tag);
    if let Ok(short @ 0..0x80) = u8::try_from(value.len()) {
        into.push(short);
    } else {
        let length = value.len().to_be_bytes();
        let zeros = length.iter().take_while(|byte| **byte == 0).count();
        let significant = length.get(zeros..).unwrap_or_default();
        // At most the eight bytes of a length.
        into.push(0x80 | u8::try_from(significant.len()).unwrap_or_default());
        into.extend_from_slice(significant);
    }
    into.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_in_der_take_as_little_room_as_they_can() {
        for (length, head) in [
            (0_usize, &[4, 0][..]),
            (0x7f, &[4, 0x7f]),
            (0x80, &[4, 0x81, 0x80]),
            (0xff, &[4, 0x81, 0xff]),
            (0x100, &[4, 0x82, 1, 0]),
            (0x1_0000, &[4, 0x83, 1, 0, 0]),
        ] {
            let mut written = Vec::new();
            element(&mut written, 4, &vec![7; length]);
            assert_eq!(&written[..head.len()], head);
            assert_eq!(written.len(), head.len() + length);
        }
    }

    #[test]
    fn numbers_that_are_no_primes_divide_nothing() {
        let number = |bytes: &[u8]| Mpint::from_bytes(bytes).unwrap();
        for prime in [&[][..], &[1], &[0x80]] {
            assert!(reduced(&number(&[5]), &number(prime)).is_err(), "{prime:?}");
        }
        assert_eq!(reduced(&number(&[17]), &number(&[7])).unwrap().as_bytes(), [5]);
        assert_eq!(reduced(&number(&[12]), &number(&[7])).unwrap().as_bytes(), [] as [u8; 0]);
    }
}
