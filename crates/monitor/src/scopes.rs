use std::sync::Arc;

use assay_standards::scope::Spec;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// The scopes that the monitor knows.
#[derive(Clone, Debug)]
pub struct Scopes(Vec<Known>);

#[derive(Clone, Debug)]
struct Known {
    spec: Arc<Spec>,
    fingerprint: String,
}

impl Known {
    fn new(spec: Spec) -> Self {
        // Another program may reckon in another way by the same scope.
        let whole = format!("{} {spec:?}", env!("CARGO_PKG_VERSION"));
        let digest = digest(&SHA256, whole.as_bytes());
        Self { fingerprint: STANDARD_NO_PAD.encode(digest), spec: Arc::new(spec) }
    }
}

impl Scopes {
    /// The scopes that certificates are granted for, as this program carries them.
    pub fn embedded() -> Self {
        Self::new(Spec::embedded_certifiable().into_iter().cloned())
    }

    /// Scopes of somebody's own.
    pub fn new(specs: impl IntoIterator<Item = Spec>) -> Self {
        Self(specs.into_iter().map(Known::new).collect())
    }

    /// A scope by its UUID.
    pub fn by_uuid(&self, uuid: &str) -> Option<&Spec> {
        self.iter().find(|spec| spec.uuid == uuid)
    }

    /// A scope by its UUID or by its name as addresses have it: `SCS-compatible IaaS` is `scs-compatible-iaas`.
    pub fn find(&self, word: &str) -> Option<&Spec> {
        self.by_uuid(word).or_else(|| self.iter().find(|spec| Self::slug(spec) == word))
    }

    /// The name of a scope as addresses have it.
    pub fn slug(spec: &Spec) -> String {
        Self::slug_of(&spec.name)
    }

    /// Any name as addresses have it.
    pub(crate) fn slug_of(name: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        name.chars().map(plain).collect()
    }

    /// What tells this form of a scope, and the way in which it is interpreted, from any other.
    pub(crate) fn fingerprint(&self, spec: &Spec) -> &str {
        self.0.iter().find(|known| known.spec.uuid == spec.uuid).map_or("", |known| &known.fingerprint)
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Spec> {
        self.0.iter().map(|known| known.spec.as_ref())
    }
}
