//! The scope data this program carries.

use std::sync::LazyLock;

use super::spec::Spec;

const IAAS: (&str, &str) =
    ("scs-compatible-iaas.yaml", include_str!("../../data/scopes/scs-compatible-iaas.yaml"));
const OWN_IAAS: (&str, &str) = ("own-iaas.yaml", include_str!("../../data/scopes/own-iaas.yaml"));
const KAAS: (&str, &str) =
    ("scs-compatible-kaas.yaml", include_str!("../../data/scopes/scs-compatible-kaas.yaml"));

#[expect(clippy::expect_used, reason = "the texts are part of the program, and a test reads them")]
static EMBEDDED_IAAS: LazyLock<Spec> =
    LazyLock::new(|| Spec::parse_extended(IAAS, OWN_IAAS).expect("the embedded scope data are valid"));

#[expect(clippy::expect_used, reason = "the text is part of the program, and a test reads it")]
static EMBEDDED_KAAS: LazyLock<Spec> =
    LazyLock::new(|| Spec::parse(KAAS.0, KAAS.1).expect("the embedded scope data are valid"));

#[expect(clippy::expect_used, reason = "the text is part of the program, and a test reads it")]
static EMBEDDED_OFFICIAL_IAAS: LazyLock<Spec> =
    LazyLock::new(|| Spec::parse(IAAS.0, IAAS.1).expect("the embedded scope data are valid"));

impl Spec {
    /// The scopes that certificates are granted for, without testcases of our own.
    pub fn embedded_certifiable() -> [&'static Self; 2] {
        [&EMBEDDED_OFFICIAL_IAAS, &EMBEDDED_KAAS]
    }

    /// The scope `SCS-compatible IaaS` as this program knows it: the official testcases and versions, the
    /// recommended and manual modules included, and the testcases of our own in the target `text`.
    pub fn embedded_iaas() -> &'static Self {
        &EMBEDDED_IAAS
    }

    /// The scope `SCS-compatible KaaS` as this program knows it: the official testcases and versions, the manual
    /// modules included.
    pub fn embedded_kaas() -> &'static Self {
        &EMBEDDED_KAAS
    }
}
