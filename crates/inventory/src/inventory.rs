use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Call, DomainManagers, EncryptedVolumes, Fact, FactId, Flavor, Image, ImageUpload, Leftover, Network,
    NewSecurityGroup, ProviderNetworkUse, S3Features, S3Presence, SecretLifecycle, SecurityGroupRule,
    SubnetPool, TempestRun, TlsEndpoint, Token, Unavailable, VirtualMachine, VolumeBackup, VolumeType,
};

macro_rules! inventory {
    ($($(#[$doc:meta])* $field:ident: $value:ty = $fact:ident,)+) => {
        /// Everything that a subject showed in one run.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub struct Inventory {
            /// Who was asked.
            pub subject: Subject,
            /// When the run began; this is "now" for every rule that compares with the present.
            pub recorded_at: Timestamp,
            $(
                $(#[$doc])*
                #[serde(default, skip_serializing_if = "Fact::is_not_asked")]
                pub $field: Fact<$value>,
            )+
            /// What was created, in this run or an earlier one, and could not be taken down.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub leftovers: Vec<Leftover>,
            /// The HTTP calls that were made, in the order of their start.
            #[serde(default, skip_serializing_if = "Vec::is_empty")]
            pub calls: Vec<Call>,
        }

        impl Inventory {
            /// An inventory in which nothing has been asked yet.
            pub fn new(subject: Subject, recorded_at: Timestamp) -> Self {
                Inventory { subject, recorded_at, $($field: Fact::NotAsked,)+ leftovers: Vec::new(), calls: Vec::new() }
            }

            /// Marks a fact as not to be had.
            pub fn set_unavailable(&mut self, fact: FactId, why: Unavailable) {
                match fact {
                    $(FactId::$fact => self.$field = Fact::Unavailable(why),)+
                }
            }

            /// The facts as JSON, in their order.
            pub(crate) fn values(&self) -> serde_json::Result<Vec<(FactId, Fact<serde_json::Value>)>> {
                Ok(vec![$((FactId::$fact, self.$field.to_json()?),)+])
            }

            /// Whether a fact has a value.
            pub fn is_known(&self, fact: FactId) -> bool {
                match fact {
                    $(FactId::$fact => self.$field.value().is_some(),)+
                }
            }

            /// Why a fact is not to be had; none if it is known or was not asked for.
            pub fn unavailable(&self, fact: FactId) -> Option<&Unavailable> {
                match fact {
                    $(FactId::$fact => match &self.$field {
                        Fact::Unavailable(why) => Some(why),
                        Fact::NotAsked | Fact::Known(_) => None,
                    },)+
                }
            }
        }
    };
}

inventory! {
    /// See [`FactId::Token`].
    token: Token = Token,
    /// See [`FactId::Flavors`].
    flavors: Vec<Flavor> = Flavors,
    /// See [`FactId::Images`].
    images: Vec<Image> = Images,
    /// See [`FactId::HiddenImages`].
    hidden_images: Vec<Image> = HiddenImages,
    /// See [`FactId::VolumeTypes`].
    volume_types: Vec<VolumeType> = VolumeTypes,
    /// See [`FactId::DefaultSecurityGroupRules`].
    default_security_group_rules: Vec<SecurityGroupRule> = DefaultSecurityGroupRules,
    /// See [`FactId::ExternalNetworks`].
    external_networks: Vec<Network> = ExternalNetworks,
    /// See [`FactId::SubnetPools`].
    subnet_pools: Vec<SubnetPool> = SubnetPools,
    /// See [`FactId::FloatingIpQuota`]; -1 means unlimited.
    floating_ip_quota: i64 = FloatingIpQuota,
    /// See [`FactId::S3Presence`].
    s3_presence: S3Presence = S3Presence,
    /// See [`FactId::TlsEndpoints`].
    tls_endpoints: Vec<TlsEndpoint> = TlsEndpoints,
    /// See [`FactId::NewSecurityGroup`].
    new_security_group: NewSecurityGroup = NewSecurityGroup,
    /// See [`FactId::SecretLifecycle`].
    secret_lifecycle: SecretLifecycle = SecretLifecycle,
    /// See [`FactId::VolumeBackup`].
    volume_backup: VolumeBackup = VolumeBackup,
    /// See [`FactId::EncryptedVolumes`].
    encrypted_volumes: EncryptedVolumes = EncryptedVolumes,
    /// See [`FactId::ImageUpload`].
    image_upload: ImageUpload = ImageUpload,
    /// See [`FactId::ProviderNetworkUse`].
    provider_network_use: ProviderNetworkUse = ProviderNetworkUse,
    /// See [`FactId::S3Features`].
    s3_features: S3Features = S3Features,
    /// See [`FactId::DomainManagers`].
    domain_managers: DomainManagers = DomainManagers,
    /// See [`FactId::VirtualMachine`].
    virtual_machine: VirtualMachine = VirtualMachine,
    /// See [`FactId::Tempest`].
    tempest: TempestRun = Tempest,
}

/// The cloud that was asked, as its user knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Subject {
    /// Name of the cloud in `clouds.yaml`.
    pub cloud: String,
    /// Where keystone answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_url: Option<String>,
    /// Region, if one was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}
