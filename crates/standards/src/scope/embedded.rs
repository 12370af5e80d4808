//! The scope data this program carries.

use std::sync::LazyLock;

use super::spec::Spec;

const IAAS: (&str, &str) =
    ("scs-compatible-iaas.yaml", include_str!("../../data/scopes/scs-compatible-iaas.yaml"));
const OWN_IAAS: (&str, &str) = ("own-iaas.yaml", include_str!("../../data/scopes/own-iaas.yaml"));

#[expect(clippy::expect_used, reason = "the texts are part of the program, and a test reads them")]
static EMBEDDED_IAAS: LazyLock<Spec> =
    LazyLock::new(|| Spec::parse_extended(IAAS, OWN_IAAS).expect("the embedded scope data are valid"));

impl Spec {
    /// The scope `SCS-compatible IaaS` as this program knows it: the official testcases and versions, the
    /// recommended and manual modules included, and the testcases of our own in the target `text`.
    pub fn embedded_iaas() -> &'static Self {
        &EMBEDDED_IAAS
    }
}
