use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! facts {
    ($($(#[$doc:meta])* $id:ident = $label:literal in $section:ident,)+) => {
        /// One thing that can be asked of a subject. A testcase names the facts it needs, the collector gathers the union.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum FactId {
            $($(#[$doc])* $id,)+
        }

        impl FactId {
            /// Every fact there is, in the order in which they are shown.
            pub const ALL: &[FactId] = &[$(FactId::$id,)+];

            /// The fact in plain words, as progress lines and messages show it.
            pub fn label(self) -> &'static str {
                match self {
                    $(FactId::$id => $label,)+
                }
            }

            /// What it takes to get it.
            pub fn section(self) -> Section {
                match self {
                    $(FactId::$id => Section::$section,)+
                }
            }
        }
    };
}

facts! {
    /// The token: user, project, roles, expiry and the service catalog.
    Token = "token" in Light,
    /// All flavors visible to the project, private ones included, with extra specs.
    Flavors = "flavors" in Light,
    /// All images visible to the project, except hidden ones.
    Images = "images" in Light,
    /// Images with `os_hidden=true`, which the plain list leaves out.
    HiddenImages = "hidden images" in Light,
    /// Volume types with their descriptions.
    VolumeTypes = "volume types" in Light,
    /// The rules that every new security group gets.
    DefaultSecurityGroupRules = "default security group rules" in Light,
    /// Networks that can be the gateway of a router.
    ExternalNetworks = "external networks" in Light,
    /// Subnet pools, from which projects draw address ranges.
    SubnetPools = "subnet pools" in Light,
    /// How many floating IPs the project may have.
    FloatingIpQuota = "floating IP quota" in Light,
    /// What the object store says to an S3 request with an unknown access key.
    S3Presence = "S3 presence" in Light,
    /// What TLS each endpoint of the catalog offers.
    TlsEndpoints = "TLS of the endpoints" in Light,
    /// The rules of a security group that was created for the purpose; asked for only where the cloud does
    /// not list [`FactId::DefaultSecurityGroupRules`].
    NewSecurityGroup = "new security group" in Medium,
    /// A secret that was stored, found and deleted.
    SecretLifecycle = "secret" in Medium,
    /// A volume that was backed up and restored.
    VolumeBackup = "volume backup" in Medium,
    /// Volumes of the types that promise encryption.
    EncryptedVolumes = "encrypted volumes" in Medium,
    /// An image that was uploaded by a plain user.
    ImageUpload = "image upload" in Medium,
    /// What the project can do with the provider network.
    ProviderNetworkUse = "use of the provider network" in Medium,
    /// Which features the S3 side of the object store has.
    S3Features = "S3 features" in Medium,
    /// What domain managers may and may not do.
    DomainManagers = "domain managers" in Medium,
    /// A virtual machine that was started and told about itself.
    VirtualMachine = "virtual machine" in Heavy,
    /// A run of Tempest.
    Tempest = "Tempest" in Heavy,
}

/// What it takes to get a fact, and so to judge the testcases that need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// Reading alone: nothing is created.
    Light,
    /// Things are created and taken down again, but no virtual machine is started.
    Medium,
    /// A virtual machine is started, or Tempest runs.
    Heavy,
}

impl Section {
    /// All sections, from the cheapest on.
    pub const ALL: [Section; 3] = [Section::Light, Section::Medium, Section::Heavy];

    /// The name, as the command line has it.
    pub fn name(self) -> &'static str {
        match self {
            Section::Light => "light",
            Section::Medium => "medium",
            Section::Heavy => "heavy",
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for FactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// A fact: its value, or why it could not be had.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact<T> {
    /// Nobody asked for it in this run.
    #[default]
    NotAsked,
    /// The subject answered.
    Known(T),
    /// The subject was asked, and there is no usable answer.
    Unavailable(Unavailable),
}

impl<T> Fact<T> {
    /// Whether nobody asked.
    pub fn is_not_asked(&self) -> bool {
        matches!(self, Fact::NotAsked)
    }

    /// The fact with its value as JSON.
    pub(crate) fn to_json(&self) -> serde_json::Result<Fact<serde_json::Value>>
    where
        T: Serialize,
    {
        Ok(match self {
            Fact::NotAsked => Fact::NotAsked,
            Fact::Known(value) => Fact::Known(serde_json::to_value(value)?),
            Fact::Unavailable(why) => Fact::Unavailable(why.clone()),
        })
    }

    /// The value, if there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Fact::Known(value) => Some(value),
            Fact::NotAsked | Fact::Unavailable(_) => None,
        }
    }

    /// The value, or why there is none; a fact that nobody asked for says so.
    pub fn get(&self, id: FactId) -> Result<&T, Unavailable> {
        match self {
            Fact::Known(value) => Ok(value),
            Fact::Unavailable(why) => Err(why.clone()),
            Fact::NotAsked => Err(Unavailable::new(Reason::NotAsked, format!("nobody asked for this: {id}"))),
        }
    }
}

impl<T> From<Result<T, Unavailable>> for Fact<T> {
    fn from(result: Result<T, Unavailable>) -> Self {
        match result {
            Ok(value) => Fact::Known(value),
            Err(why) => Fact::Unavailable(why),
        }
    }
}

/// Why a fact could not be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unavailable {
    /// The kind of trouble.
    pub reason: Reason,
    /// Method and URL of the request that failed, without query secrets; none if nothing was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The HTTP status, if the server answered at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What the server said, or what went wrong before it could.
    pub message: String,
    /// The request id of the server, for its operator's logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Unavailable {
    /// A reason with a message and nothing sent.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Unavailable { reason, request: None, status: None, message: message.into(), request_id: None }
    }

    /// Whether the server says that it has no such API: a 404 that names it.
    pub fn is_not_offered(&self, api: &str) -> bool {
        self.reason == Reason::Refused && self.status == Some(404) && self.message.contains(api)
    }

    /// Whether a limit of the project is used up. Services answer so with 403, 409 or 413, and only their words
    /// tell.
    pub fn is_over_quota(&self) -> bool {
        let message = self.message.to_lowercase();
        self.reason == Reason::Refused && (message.contains("quota") || message.contains("over a limit"))
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(request) = &self.request {
            write!(f, "{request}: ")?;
        }
        if let Some(status) = self.status {
            write!(f, "HTTP {status}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(id) = &self.request_id {
            write!(f, " (request id {id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Unavailable {}

/// The kinds of trouble in getting a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// Nobody asked for the fact in this run.
    NotAsked,
    /// The configuration of the cloud is missing or unusable.
    Configuration,
    /// The cloud did not accept the credentials.
    Authentication,
    /// The token must not be used for a check (roles too high or too low).
    Preflight,
    /// The service is not in the catalog.
    NotInCatalog,
    /// The service is in the catalog, but not for this region and interface.
    NoEndpoint,
    /// The server refused (HTTP 4xx).
    Refused,
    /// The server failed (HTTP 5xx).
    ServerError,
    /// No connection.
    Unreachable,
    /// TLS could not be established or the certificate is not trusted.
    Tls,
    /// No answer in time.
    Timeout,
    /// The answer is not what the API promises (HTML, truncated JSON, wrong shape).
    Malformed,
    /// The answer points to a host outside the service's endpoint.
    ForeignLink,
    /// The answer is larger than is reasonable.
    TooLarge,
    /// What was to be reached was not within the time that was set for it.
    Budget,
    /// What was created went to a state of error.
    Failed,
    /// Nothing may be created, because the journal cannot be written.
    Journal,
    /// The user ended the run.
    Interrupted,
}
