use assay_inventory::Flavor;
use assay_standards::flavor_name::{
    Attributes, CpuType, Disk, DiskType, FlavorName, Ram, Reading, attributes,
};

use super::definition::Definition;

/// What cannot be seen of flavors, and is taken for granted where they do not say it themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assumed {
    /// What a virtual CPU is.
    pub cpu_type: CpuType,
    /// What the disk is; none leaves it out of the name.
    pub disk_type: Option<DiskType>,
}

/// What an existing flavor could say about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proposal {
    /// Its definition, with the extra specs of the standards.
    Definition(Box<Definition>),
    /// No name fits it, and why.
    NoName {
        /// Its own name.
        flavor: String,
        /// Why.
        why: String,
    },
}

/// SCS names and extra specs for the flavors of a cloud (scs-0100, scs-0103-v1). The flavors keep their own names.
pub fn generate(flavors: &[Flavor], assumed: Assumed) -> Vec<Proposal> {
    flavors.iter().filter_map(|flavor| proposal(flavor, assumed)).collect()
}

fn proposal(flavor: &Flavor, assumed: Assumed) -> Option<Proposal> {
    let definition = Definition::of_flavor(flavor, false)?;
    let name = scs_name(&definition, assumed);
    Some(with_specs(definition, name))
}

/// What a flavor could say about itself by an SCS name that it bears; none if it bears none.
pub(crate) fn told(flavor: &Flavor) -> Option<Proposal> {
    let definition = Definition::of_flavor(flavor, false)?;
    let name = own_name(&definition)?;
    let says_disk_type =
        name.as_ref().is_ok_and(|name| name.disk.is_some_and(|disk| disk.disk_type.is_some()));
    let given = definition.extra_specs.clone();
    let mut proposal = with_specs(definition, name);
    if let Proposal::Definition(definition) = &mut proposal
        && !says_disk_type
    {
        // Where standard flavors mean the network, others say nothing.
        definition.extra_specs.retain(|key, _| given.contains_key(key) || !key.starts_with("scs:disk"));
    }
    Some(proposal)
}

fn with_specs(mut definition: Definition, name: Result<FlavorName, String>) -> Proposal {
    match name {
        Ok(name) => {
            let specs = attributes(&[name]).iter().flat_map(Attributes::extra_specs).collect::<Vec<_>>();
            for (key, value) in specs {
                definition.extra_specs.entry(key).or_insert(value);
            }
            Proposal::Definition(Box::new(definition))
        }
        Err(why) => Proposal::NoName { flavor: definition.name, why },
    }
}

/// The SCS name that a flavor bears, if it is true; none if it bears none.
fn own_name(definition: &Definition) -> Option<Result<FlavorName, String>> {
    let mut names = definition.scs_names().map(FlavorName::parse_tolerant);
    let parsed = names.find_map(|parsed| parsed.ok().flatten().map(|(parsed, _)| parsed))?;
    Some(match definition.contradictions().first() {
        None => Ok(parsed),
        Some(why) => Err(why.clone()),
    })
}

/// The name that says what a flavor is.
fn scs_name(definition: &Definition, assumed: Assumed) -> Result<FlavorName, String> {
    // Its own name may say more than the figures.
    if let Some(name) = own_name(definition) {
        return name;
    }
    let spec = |key: &str| definition.extra_specs.get(key).map(String::as_str);
    let cpu_type = spec("scs:cpu-type").and_then(CpuType::from_extra_spec).unwrap_or(assumed.cpu_type);
    if !definition.ram_mib.is_multiple_of(512) || definition.ram_mib == 0 {
        return Err(format!("{} MiB are no multiple of half a GiB", definition.ram_mib));
    }
    let mut name = FlavorName::new(definition.vcpus, cpu_type, Ram::from_half_gib(definition.ram_mib / 512));
    if definition.disk_gb > 0 {
        let disk_type = spec("scs:disk0-type").and_then(DiskType::from_extra_spec).or(assumed.disk_type);
        name.disk = Some(Disk { count: 1, size: Some(definition.disk_gb), disk_type });
    }
    name.compose(Reading::Official).map_err(|error| error.to_string())?;
    Ok(name)
}
