use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Leftover;

/// What a run of Tempest came to.
///
/// Every test of the list is in exactly one of `passed`, `failed`, `skipped` and `not_run`; `failed` may hold
/// more, since what a whole class of tests needs can fail too.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TempestRun {
    /// Version of Tempest; none if it did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it had ended.
    pub finished_at: Timestamp,
    /// The list of tests.
    pub list: TempestList,
    /// Tests that passed, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<String>,
    /// Tests that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<TempestFailure>,
    /// Tests that were skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<TempestSkip>,
    /// Tests that came to nothing: not chosen, not reached, or what their class needs had failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_run: Vec<String>,
    /// Why the run ended before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_short: Option<String>,
    /// What Tempest left behind and could not be taken down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leftovers: Vec<Leftover>,
    /// The `tempest.conf` that it ran with. It holds no secrets.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub conf: String,
}

/// A list of Tempest tests.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TempestList {
    /// The document that it belongs to, such as `scs-0128-v1`.
    pub name: String,
    /// How many tests are on it.
    pub count: usize,
}

/// A test that failed, or what a class of tests needs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TempestFailure {
    /// Dotted name of the test; `setUpClass (CLASS)` for what the tests of a class need.
    pub name: String,
    /// Its idempotent id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What went wrong, in one line.
    pub reason: String,
    /// The end of the traceback.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub details: String,
}

/// A test that was skipped.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TempestSkip {
    /// Dotted name of the test.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// What Tempest must be told about a cloud. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TempestCloud {
    /// Base URL of keystone, with its version.
    pub identity_url: String,
    /// Region; none where the cloud does without.
    pub region: Option<String>,
    /// Interface: `public`, `internal` or `admin`.
    pub interface: String,
    /// Whether certificates are verified.
    pub verify: bool,
    /// File with further certificates to trust.
    pub ca_file: Option<String>,
    /// Names of the service types in the catalog, where they are not what Tempest expects.
    pub catalog_types: TempestCatalogTypes,
    /// Id of the image that servers boot from; none if there is none.
    pub image: Option<String>,
    /// Id of another image; none if there is only one.
    pub other_image: Option<String>,
    /// Id of the flavor that servers get.
    pub flavor: Option<String>,
    /// Id of the flavor that servers are resized to.
    pub other_flavor: Option<String>,
    /// Id of the network that floating IPs come from.
    pub external_network: Option<String>,
    /// Name of the network that servers are attached to, where nova cannot choose one by itself.
    pub fixed_network: Option<String>,
    /// Aliases of neutron's extensions.
    pub network_extensions: Vec<String>,
    /// Lowest and highest microversion of nova.
    pub compute_microversions: Option<(String, String)>,
    /// Lowest and highest microversion of cinder.
    pub volume_microversions: Option<(String, String)>,
}

/// The types under which the catalog has what Tempest looks for; none if it is not there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TempestCatalogTypes {
    /// Nova.
    pub compute: Option<String>,
    /// Glance.
    pub image: Option<String>,
    /// Neutron.
    pub network: Option<String>,
    /// Cinder, v3.
    pub volume: Option<String>,
}
