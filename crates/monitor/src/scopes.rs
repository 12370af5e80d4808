use std::sync::Arc;

use assay_standards::scope::Spec;

/// The scopes that the monitor knows.
#[derive(Clone, Debug)]
pub struct Scopes(Vec<Arc<Spec>>);

impl Scopes {
    /// The scopes that certificates are granted for, as this program carries them.
    pub fn embedded() -> Self {
        Self(Spec::embedded_certifiable().into_iter().map(|spec| Arc::new(spec.clone())).collect())
    }

    /// Scopes of somebody's own.
    pub fn new(specs: impl IntoIterator<Item = Spec>) -> Self {
        Self(specs.into_iter().map(Arc::new).collect())
    }

    /// A scope by its UUID.
    pub fn by_uuid(&self, uuid: &str) -> Option<&Spec> {
        self.0.iter().find(|spec| spec.uuid == uuid).map(AsRef::as_ref)
    }

    /// A scope by its UUID or by its name as addresses have it: `SCS-compatible IaaS` is `scs-compatible-iaas`.
    pub fn find(&self, word: &str) -> Option<&Spec> {
        self.by_uuid(word).or_else(|| self.iter().find(|spec| Self::slug(spec) == word))
    }

    /// The name of a scope as addresses have it.
    pub fn slug(spec: &Spec) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        spec.name.chars().map(plain).collect()
    }

    /// All, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Spec> {
        self.0.iter().map(AsRef::as_ref)
    }
}
