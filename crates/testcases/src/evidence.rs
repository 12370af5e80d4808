use std::collections::HashMap;
use std::sync::OnceLock;

use assay_inventory::{
    Fact, FactId, Flavor, Image, Inventory, Network, NewSecurityGroup, S3Presence, SecretLifecycle,
    SecurityGroupRule, SubnetPool, Token, Unavailable, VolumeBackup, VolumeType,
};
use assay_standards::flavor_name::is_name_key;
use jiff::Timestamp;

use crate::Judgement;

/// What the judges see: the facts, and the instant that counts as now.
pub struct Evidence<'a> {
    /// The facts.
    pub inventory: &'a Inventory,
    /// The instant that counts as now.
    pub now: Timestamp,
    /// Public and community images, kept aside because a testcase per property goes through all of them.
    offered_images: Option<Vec<&'a Image>>,
    /// Their positions by name, ascending.
    images_by_name: OnceLock<HashMap<Option<&'a str>, Vec<usize>>>,
    flavor_names: OnceLock<FlavorNames<'a>>,
}

/// Which flavors bear which names, be it as their own or in an extra spec `scs:name-vN`; by position.
#[derive(Default)]
pub(crate) struct FlavorNames<'a> {
    bearers: HashMap<&'a str, Vec<usize>>,
    /// A flavor whose name is missing.
    pub(crate) nameless: Option<usize>,
}

impl<'a> FlavorNames<'a> {
    fn of(flavors: &'a [Flavor]) -> Self {
        let mut names = FlavorNames::default();
        for (position, flavor) in flavors.iter().enumerate() {
            if flavor.name().is_none() {
                names.nameless.get_or_insert(position);
            }
            let in_specs = flavor.extra_specs().filter(|(key, _)| is_name_key(key)).map(|(_, value)| value);
            for name in flavor.name().into_iter().chain(in_specs) {
                names.bearers.entry(name).or_default().push(position);
            }
        }
        names
    }

    /// The positions of the flavors that bear one of these names, ascending.
    pub(crate) fn bearers(&self, names: &[&str]) -> Vec<usize> {
        let mut positions: Vec<usize> =
            names.iter().filter_map(|name| self.bearers.get(name)).flatten().copied().collect();
        positions.sort_unstable();
        positions.dedup();
        positions
    }
}

/// A fact, or the judgement that its absence leads to.
pub(crate) type Needed<T> = Result<T, Box<Judgement>>;

impl<'a> Evidence<'a> {
    /// The evidence that an inventory gives at an instant.
    pub fn new(inventory: &'a Inventory, now: Timestamp) -> Self {
        let offered_images =
            inventory.images.value().map(|images| images.iter().filter(|image| image.is_offered()).collect());
        Evidence {
            inventory,
            now,
            offered_images,
            images_by_name: OnceLock::new(),
            flavor_names: OnceLock::new(),
        }
    }

    pub(crate) fn token(&self) -> Needed<&'a Token> {
        needed(FactId::Token, self.inventory.token.get(FactId::Token))
    }

    pub(crate) fn flavors(&self) -> Needed<&'a [Flavor]> {
        needed(FactId::Flavors, self.inventory.flavors.get(FactId::Flavors)).map(Vec::as_slice)
    }

    pub(crate) fn flavor_names(&self) -> Needed<&FlavorNames<'a>> {
        let flavors = self.flavors()?;
        Ok(self.flavor_names.get_or_init(|| FlavorNames::of(flavors)))
    }

    /// Images that everybody may use: public and community ones.
    pub(crate) fn offered_images(&self) -> Needed<&[&'a Image]> {
        needed(FactId::Images, self.inventory.images.get(FactId::Images))?;
        Ok(self.offered_images.as_deref().unwrap_or_default())
    }

    /// Positions in [`Evidence::offered_images`] by name, ascending.
    pub(crate) fn images_by_name(&self) -> Needed<&HashMap<Option<&'a str>, Vec<usize>>> {
        let images = self.offered_images()?;
        Ok(self.images_by_name.get_or_init(|| {
            let mut positions: HashMap<Option<&'a str>, Vec<usize>> = HashMap::with_capacity(images.len());
            for (position, image) in images.iter().enumerate() {
                positions.entry(image.name()).or_default().push(position);
            }
            positions
        }))
    }

    pub(crate) fn hidden_images(&self) -> Result<&'a [Image], Unavailable> {
        self.inventory.hidden_images.get(FactId::HiddenImages).map(Vec::as_slice)
    }

    pub(crate) fn volume_types(&self) -> Needed<&'a [VolumeType]> {
        needed(FactId::VolumeTypes, self.inventory.volume_types.get(FactId::VolumeTypes)).map(Vec::as_slice)
    }

    pub(crate) fn default_security_group_rules(&self) -> Result<&'a [SecurityGroupRule], Unavailable> {
        self.inventory.default_security_group_rules.get(FactId::DefaultSecurityGroupRules).map(Vec::as_slice)
    }

    pub(crate) fn external_networks(&self) -> Needed<&'a [Network]> {
        needed(FactId::ExternalNetworks, self.inventory.external_networks.get(FactId::ExternalNetworks))
            .map(Vec::as_slice)
    }

    pub(crate) fn subnet_pools(&self) -> Needed<&'a [SubnetPool]> {
        needed(FactId::SubnetPools, self.inventory.subnet_pools.get(FactId::SubnetPools)).map(Vec::as_slice)
    }

    pub(crate) fn floating_ip_quota(&self) -> Needed<i64> {
        needed(FactId::FloatingIpQuota, self.inventory.floating_ip_quota.get(FactId::FloatingIpQuota))
            .copied()
    }

    pub(crate) fn new_security_group(&self) -> Needed<&'a NewSecurityGroup> {
        probed(FactId::NewSecurityGroup, &self.inventory.new_security_group)
    }

    pub(crate) fn secret_lifecycle(&self) -> Needed<&'a SecretLifecycle> {
        probed(FactId::SecretLifecycle, &self.inventory.secret_lifecycle)
    }

    pub(crate) fn volume_backup(&self) -> Needed<&'a VolumeBackup> {
        probed(FactId::VolumeBackup, &self.inventory.volume_backup)
    }

    pub(crate) fn s3_presence(&self) -> Needed<&'a S3Presence> {
        needed(FactId::S3Presence, self.inventory.s3_presence.get(FactId::S3Presence))
    }
}

/// What a probe saw. Without the probe nothing was tried, which is a MISS.
pub(crate) fn probed<T>(id: FactId, fact: &Fact<T>) -> Needed<&T> {
    match fact {
        Fact::NotAsked => Err(Box::new(Judgement::missed(format!(
            "this run left out the probe that can tell ({id}): it takes section {}",
            id.section()
        )))),
        other => needed(id, other.get(id)),
    }
}

fn needed<T>(id: FactId, fact: Result<T, Unavailable>) -> Needed<T> {
    fact.map_err(|why| Box::new(Judgement::aborted(id, &why)))
}
