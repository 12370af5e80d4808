//! Documents that carry their own signature: W3C Data Integrity with the cryptosuite `eddsa-jcs-2022`, as Verifiable
//! Credentials use it. Whoever signs is named by the key itself (`did:key`).

use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use serde_json::{Map, Value, json};

use crate::checkpoint::{LogKey, Signer};

const SUITE: &str = "eddsa-jcs-2022";
const PURPOSE: &str = "assertionMethod";
/// What stands before an Ed25519 key in a Multikey.
const ED25519_MULTIKEY: [u8; 2] = [0xed, 0x01];
/// Base58 with the alphabet of Bitcoin, in Multibase.
const BASE58: char = 'z';
const DID_KEY: &str = "did:key:";
/// Keys and signatures are shorter; what is longer takes long to decode.
const LONGEST: usize = 128;

/// Who signs documents: a public key, written `did:key:z6Mk…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    multikey: String,
    public: Vec<u8>,
}

/// Why a document is not vouched for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// It is no object, or has no proof that we know.
    #[error("this is no document with a proof of the suite eddsa-jcs-2022")]
    NoProof,
    /// The key is none that we know.
    #[error("{0:?} is no key such as did:key:z6Mk…, for Ed25519")]
    NoKey(String),
    /// The document names another issuer than the one that signed it.
    #[error("it is said to be issued by {said}, but {signed} signed it")]
    OtherIssuer {
        /// Whom it names.
        said: String,
        /// Whose key it is.
        signed: String,
    },
    /// It was changed after it was signed, or never signed by this key.
    #[error("the signature is not that of {0} over this document")]
    Unsigned(String),
    /// It cannot be written in the one form that is signed.
    #[error("it has no canonical form: {0}")]
    NotCanonical(String),
}

impl Issuer {
    fn of(public: &[u8]) -> Self {
        let encoded = bs58::encode([&ED25519_MULTIKEY, public].concat()).into_string();
        Self { multikey: format!("{BASE58}{encoded}"), public: public.to_vec() }
    }

    /// Where the key is found: within itself.
    fn method(&self) -> String {
        format!("{self}#{}", self.multikey)
    }
}

impl std::fmt::Display for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{DID_KEY}{}", self.multikey)
    }
}

impl FromStr for Issuer {
    type Err = CredentialError;

    fn from_str(text: &str) -> Result<Self, CredentialError> {
        let no_key = || CredentialError::NoKey(text.chars().take(LONGEST).collect());
        let encoded =
            text.strip_prefix(DID_KEY).and_then(|key| key.strip_prefix(BASE58)).ok_or_else(no_key)?;
        let decoded = decoded(encoded).ok_or_else(no_key)?;
        match decoded.strip_prefix(&ED25519_MULTIKEY) {
            Some(public) if public.len() == 32 => Ok(Self::of(public)),
            _ => Err(no_key()),
        }
    }
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    (text.len() <= LONGEST).then(|| bs58::decode(text).into_vec().ok()).flatten()
}

/// What is signed of a document with these options of the proof.
fn message(document: &Map<String, Value>, options: &Map<String, Value>) -> Result<Vec<u8>, CredentialError> {
    let hash = |object: &Map<String, Value>| {
        let canonical = serde_json_canonicalizer::to_vec(object)
            .map_err(|error| CredentialError::NotCanonical(error.to_string()))?;
        Ok(digest(&SHA256, &canonical))
    };
    Ok([hash(options)?.as_ref(), hash(document)?.as_ref()].concat())
}

impl LogKey {
    /// Who signs documents with this key.
    pub fn issuer(&self) -> Issuer {
        Issuer::of(self.public())
    }
}

impl Signer {
    /// Who signs documents.
    pub fn issuer(&self) -> Issuer {
        self.key().issuer()
    }

    /// Puts a proof into a document. `created` is when, as RFC 3339 has it.
    ///
    /// # Errors
    /// It is no object, or has a proof already, or no canonical form.
    pub fn seal(&self, document: Value, created: &str) -> Result<Value, CredentialError> {
        let Value::Object(mut document) = document else { return Err(CredentialError::NoProof) };
        if document.contains_key("proof") {
            return Err(CredentialError::NoProof);
        }
        let options = json!({
            "type": "DataIntegrityProof",
            "cryptosuite": SUITE,
            "created": created,
            "verificationMethod": self.issuer().method(),
            "proofPurpose": PURPOSE,
        });
        let Value::Object(mut options) = options else { return Err(CredentialError::NoProof) };
        if let Some(context) = document.get("@context") {
            options.insert("@context".into(), context.clone());
        }
        let signature = bs58::encode(self.sign(&message(&document, &options)?)).into_string();
        options.insert("proofValue".into(), format!("{BASE58}{signature}").into());
        document.insert("proof".into(), options.into());
        Ok(Value::Object(document))
    }
}

/// Makes sure that a document is what its issuer signed, and says who that is. Whether it is one to be trusted is for
/// others to know.
///
/// # Errors
/// It is not.
pub fn verify_document(document: &Value) -> Result<Issuer, CredentialError> {
    let Value::Object(document) = document else { return Err(CredentialError::NoProof) };
    let mut document = document.clone();
    let Some(Value::Object(mut options)) = document.remove("proof") else {
        return Err(CredentialError::NoProof);
    };
    let is = |key: &str, wanted: &str| options.get(key).and_then(Value::as_str) == Some(wanted);
    if !is("type", "DataIntegrityProof") || !is("cryptosuite", SUITE) || !is("proofPurpose", PURPOSE) {
        return Err(CredentialError::NoProof);
    }
    // What the words mean is signed, too.
    if options.get("@context").is_some_and(|context| Some(context) != document.get("@context")) {
        return Err(CredentialError::NoProof);
    }
    let method = options.get("verificationMethod").and_then(Value::as_str).unwrap_or_default().to_owned();
    let issuer: Issuer = method.split('#').next().unwrap_or_default().parse()?;
    if method != issuer.method() {
        return Err(CredentialError::NoKey(method));
    }
    let said = document.get("issuer").map(|issuer| issuer.get("id").unwrap_or(issuer));
    if let Some(said) = said.and_then(Value::as_str)
        && said != issuer.to_string()
    {
        return Err(CredentialError::OtherIssuer { said: said.to_owned(), signed: issuer.to_string() });
    }
    let value = options.remove("proofValue");
    let value = value.as_ref().and_then(Value::as_str).and_then(|value| value.strip_prefix(BASE58));
    let signature = value.and_then(decoded).unwrap_or_default();
    let message = message(&document, &options)?;
    let public = UnparsedPublicKey::new(&ED25519, &issuer.public);
    match public.verify(&message, &signature) {
        Ok(()) => Ok(issuer),
        Err(_) => Err(CredentialError::Unsigned(issuer.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// The key of the published example: <https://www.w3.org/TR/vc-di-eddsa/>, appendix B.
    fn published() -> Signer {
        const SEED: &str = "c96ef9ea10c5e414c471723aff9de72c35fa5b70fae97e8832ecac7d2e2b8ed6";
        let seed: Vec<u8> = SEED
            .as_bytes()
            .chunks(2)
            .map(|digits| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap())
            .collect();
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        assert_eq!(pair.public_key().as_ref().len(), 32);
        let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let encoded = STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{encoded}\n-----END PRIVATE KEY-----\n");
        Signer::read("example", &pem).unwrap()
    }

    fn document() -> Value {
        json!({
            "@context": ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"],
            "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
            "type": ["VerifiableCredential", "AlumniCredential"],
            "name": "Alumni Credential",
            "description": "A minimum viable example of an Alumni Credential.",
            "issuer": "https://vc.example/issuers/5678",
            "validFrom": "2023-01-01T00:00:00Z",
            "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School of Examples"},
        })
    }

    #[test]
    fn the_published_example_gets_the_published_signature() {
        let signer = published();
        assert_eq!(signer.issuer().to_string(), "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2");
        let sealed = signer.seal(document(), "2023-02-24T23:36:38Z").unwrap();
        assert_eq!(
            sealed["proof"]["proofValue"],
            "z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJdcnTMuVor51aX"
        );
        // It names somebody whose key is not known from the name.
        assert!(matches!(verify_document(&sealed), Err(CredentialError::OtherIssuer { .. })));
    }

    #[test]
    fn what_was_signed_is_told_from_what_was_not() {
        let signer = published();
        let mut document = document();
        document["issuer"] = json!({"id": signer.issuer().to_string(), "name": "a \u{1f600} \u{7} name"});
        let sealed = signer.seal(document, "2026-11-23T10:00:00Z").unwrap();
        assert_eq!(verify_document(&sealed), Ok(signer.issuer()));
        let again: Value = serde_json::from_str(&serde_json::to_string_pretty(&sealed).unwrap()).unwrap();
        assert_eq!(verify_document(&again), Ok(signer.issuer()));
        assert_eq!(signer.issuer().to_string().parse(), Ok(signer.issuer()));
        let unsigned = Err(CredentialError::Unsigned(signer.issuer().to_string()));
        for (pointer, value) in [
            ("/name", json!("another")),
            ("/issuer/name", json!("another")),
            ("/proof/created", json!("2026-11-24T10:00:00Z")),
            ("/proof/proofValue", json!("z")),
            ("/proof/proofValue", json!("0")),
            ("/proof/proofValue", json!(null)),
        ] {
            let mut changed = sealed.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            assert_eq!(verify_document(&changed), unsigned, "{pointer}");
        }
        for (pointer, value) in [
            ("/@context", json!([])),
            ("/proof", json!("x")),
            ("/proof/cryptosuite", json!("eddsa-rdfc-2022")),
            ("/proof/proofPurpose", json!("authentication")),
        ] {
            let mut changed = sealed.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            assert_eq!(verify_document(&changed), Err(CredentialError::NoProof), "{pointer}");
        }
        let other = Signer::read("other", &Signer::generate().unwrap()).unwrap().issuer();
        let mut changed = sealed.clone();
        changed["proof"]["verificationMethod"] = json!(other.method());
        assert!(matches!(verify_document(&changed), Err(CredentialError::OtherIssuer { .. })));
        for bad in ["", "did:web:example.com", "did:key:z6Mk", "did:key:zzz#zzz"] {
            changed["proof"]["verificationMethod"] = json!(bad);
            assert!(matches!(verify_document(&changed), Err(CredentialError::NoKey(_))), "{bad}");
        }
        assert_eq!(signer.seal(sealed, "x"), Err(CredentialError::NoProof));
        assert_eq!(verify_document(&json!([])), Err(CredentialError::NoProof));
    }
}
