use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Call, Fact, FactId, Flavor, Image, Network, S3Presence, SecurityGroupRule, SubnetPool, Token,
    Unavailable, VolumeType,
};

/// Everything that a subject showed in one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    /// Who was asked.
    pub subject: Subject,
    /// When the run began; this is "now" for every rule that compares with the present.
    pub recorded_at: Timestamp,
    /// See [`FactId::Token`].
    #[serde(default, skip_serializing_if = "Fact::is_not_asked")]
    pub token: Fact<Token>,
    /// See [`FactId::Flavors`].
    #[serde(default, skip_serializing_if = "Fact::is_not_asked")]
    pub flavors: Fact<Vec<Flavor>>,
    /// See [`FactId::Images`].
    #[serde(default, skip_serializing_if = "Fact::is_not_asked")]
    pub images: Fact<Vec<Image>>,
    /// See [`FactId::HiddenImages`].
    #[serde(default, skip_serializing_if = "Fact::is_not_asked")]
    pub hidden_images: Fact<Vec<Image>>,
    /// See [`FactId::VolumeTypes`].
    #[serde(default, skip_serializing_if = "Fact::is_not_asked")]
    pub volume_types: Fact<Vec<VolumeType>>,
    /// See [`FactId::DefaultSecurityGroupRules`].
    #[serde(default, skip_serializing_if = "Fact::is_not_asked")]
    pub default_security_group_rules: Fact<Vec<SecurityGroupRule>>,
    /// See [`FactId::ExternalNetworks`].
    #[serde(default, skip_serializing_if = "Fact::is_not_asked")]
    pub external_networks: Fact<Vec<Network>>,
    /// See [`FactId::SubnetPools`].
    #[serde(default, skip_serializing_if = "Fact::is_not_asked")]
    pub subnet_pools: Fact<Vec<SubnetPool>>,
    /// See [`FactId::FloatingIpQuota`]; -1 means unlimited.
    #[serde(default, skip_serializing_if = "Fact::is_not_asked")]
    pub floating_ip_quota: Fact<i64>,
    /// See [`FactId::S3Presence`].
    #[serde(default, skip_serializing_if = "Fact::is_not_asked")]
    pub s3_presence: Fact<S3Presence>,
    /// The HTTP calls that were made, in the order of their start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
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

impl Inventory {
    /// An inventory in which nothing has been asked yet.
    pub fn new(subject: Subject, recorded_at: Timestamp) -> Self {
        Inventory {
            subject,
            recorded_at,
            token: Fact::NotAsked,
            flavors: Fact::NotAsked,
            images: Fact::NotAsked,
            hidden_images: Fact::NotAsked,
            volume_types: Fact::NotAsked,
            default_security_group_rules: Fact::NotAsked,
            external_networks: Fact::NotAsked,
            subnet_pools: Fact::NotAsked,
            floating_ip_quota: Fact::NotAsked,
            s3_presence: Fact::NotAsked,
            calls: Vec::new(),
        }
    }

    /// Marks a fact as not to be had.
    pub fn set_unavailable(&mut self, fact: FactId, why: Unavailable) {
        match fact {
            FactId::Token => self.token = Fact::Unavailable(why),
            FactId::Flavors => self.flavors = Fact::Unavailable(why),
            FactId::Images => self.images = Fact::Unavailable(why),
            FactId::HiddenImages => self.hidden_images = Fact::Unavailable(why),
            FactId::VolumeTypes => self.volume_types = Fact::Unavailable(why),
            FactId::DefaultSecurityGroupRules => self.default_security_group_rules = Fact::Unavailable(why),
            FactId::ExternalNetworks => self.external_networks = Fact::Unavailable(why),
            FactId::SubnetPools => self.subnet_pools = Fact::Unavailable(why),
            FactId::FloatingIpQuota => self.floating_ip_quota = Fact::Unavailable(why),
            FactId::S3Presence => self.s3_presence = Fact::Unavailable(why),
        }
    }

    /// Why a fact is not to be had; none if it is known or was not asked for.
    pub fn unavailable(&self, fact: FactId) -> Option<&Unavailable> {
        fn why<T>(fact: &Fact<T>) -> Option<&Unavailable> {
            match fact {
                Fact::Unavailable(why) => Some(why),
                Fact::NotAsked | Fact::Known(_) => None,
            }
        }
        match fact {
            FactId::Token => why(&self.token),
            FactId::Flavors => why(&self.flavors),
            FactId::Images => why(&self.images),
            FactId::HiddenImages => why(&self.hidden_images),
            FactId::VolumeTypes => why(&self.volume_types),
            FactId::DefaultSecurityGroupRules => why(&self.default_security_group_rules),
            FactId::ExternalNetworks => why(&self.external_networks),
            FactId::SubnetPools => why(&self.subnet_pools),
            FactId::FloatingIpQuota => why(&self.floating_ip_quota),
            FactId::S3Presence => why(&self.s3_presence),
        }
    }
}
