use std::ops::Deref;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Record, Seen};

macro_rules! resource {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Record);

        impl Deref for $name {
            type Target = Record;

            fn deref(&self) -> &Record {
                &self.0
            }
        }
    };
}

resource! {
    /// A flavor of nova, as of compute microversion 2.61 (extra specs inline).
    Flavor
}
resource! {
    /// An image of glance; custom properties stand beside the built-in fields.
    Image
}
resource! {
    /// A volume type of cinder.
    VolumeType
}
resource! {
    /// A rule of neutron's `default-security-group-rules`.
    SecurityGroupRule
}
resource! {
    /// A network of neutron.
    Network
}
resource! {
    /// A subnet pool of neutron.
    SubnetPool
}

impl Flavor {
    /// Number of virtual CPUs.
    pub fn vcpus(&self) -> Seen<'_, i64> {
        self.integer("vcpus")
    }

    /// RAM in MiB.
    pub fn ram(&self) -> Seen<'_, i64> {
        self.integer("ram")
    }

    /// Root disk in GiB; 0 means none.
    pub fn disk(&self) -> Seen<'_, i64> {
        self.integer("disk")
    }

    /// An extra spec by its key.
    pub fn extra_spec(&self, key: &str) -> Option<&str> {
        self.map("extra_specs").value()?.get(key)?.as_str()
    }

    /// All extra specs that are text, in the order of their keys.
    pub fn extra_specs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.map("extra_specs")
            .value()
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    }
}

impl Image {
    /// Whether glance hides the image from plain lists.
    pub fn is_hidden(&self) -> bool {
        self.flag("os_hidden").value().unwrap_or(false)
    }

    /// `public`, `community`, `shared` or `private`.
    pub fn visibility(&self) -> Option<&str> {
        self.text("visibility").value()
    }

    /// Whether the image is offered to everybody: public or community.
    pub fn is_offered(&self) -> bool {
        matches!(self.visibility(), Some("public" | "community"))
    }
}

/// What keystone said about the token that the facts were gathered with. The token itself is never kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Token {
    /// Name of the user.
    pub user: String,
    /// Id of the user; empty in recordings that do not have it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user_id: String,
    /// The project that the token is scoped to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Project>,
    /// Id of the domain that the token is scoped to instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Names of the roles there, implied ones included.
    pub roles: Vec<String>,
    /// When the token ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The application credential behind the token, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_credential: Option<ApplicationCredential>,
    /// The services of the cloud.
    pub catalog: Vec<CatalogService>,
}

/// A project of keystone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Project {
    /// Id of the project.
    pub id: String,
    /// Name of the project.
    pub name: String,
}

/// An application credential of keystone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ApplicationCredential {
    /// Id of the credential.
    pub id: String,
    /// Name of the credential.
    pub name: String,
    /// Whether it may not make other credentials (EC2 among them).
    pub restricted: bool,
}

/// A service in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CatalogService {
    /// Service type, such as `compute`.
    #[serde(rename = "type")]
    pub service_type: String,
    /// Service name, such as `nova`.
    #[serde(default)]
    pub name: String,
    /// Where it answers.
    #[serde(default)]
    pub endpoints: Vec<CatalogEndpoint>,
}

/// An endpoint of a service.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CatalogEndpoint {
    /// `public`, `internal` or `admin`.
    pub interface: String,
    /// Region, if the cloud names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The URL as the catalog has it.
    pub url: String,
}

/// What the S3 side of the object store said to a signed `ListBuckets` with an access key that cannot exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum S3Presence {
    /// The catalog has no service of type `object-store`.
    NoObjectStore,
    /// There is such a service, but no endpoint for this region and interface.
    NoEndpoint,
    /// The endpoint URL has no path. The reference then asks Amazon's S3; nothing was sent.
    NotSent {
        /// The endpoint URL.
        endpoint: String,
    },
    /// The server answered.
    Answered {
        /// Where the request went: scheme and authority.
        endpoint: String,
        /// The answer.
        answer: S3Answer,
    },
    /// No answer at all.
    NoAnswer {
        /// Where the request went: scheme and authority.
        endpoint: String,
        /// What went wrong.
        message: String,
    },
}

/// An answer of an S3 server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct S3Answer {
    /// HTTP status.
    pub status: u16,
    /// The S3 error code, such as `InvalidAccessKeyId`, if the body has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Request id that the server gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}
