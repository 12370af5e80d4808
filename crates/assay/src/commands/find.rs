//! `assay find`: flavors and images by what they are, on one cloud or several.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use assay_inventory::{FactId, Flavor, Image, Inventory};
use assay_standards::flavor_name::{CpuType, DiskType, FlavorName};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::args::{FindFlavor, FindImage, Found, Global, Listing};
use crate::commands::check::{self, Gathering};
use crate::failure::Failure;
use crate::human::{Table, bold, painted, plain};
use crate::output::{note, print};

/// Comes first where nobody asks for another.
const COMMON_ARCHITECTURE: &str = "x86_64";

/// A match. With `--first --format json` it is printed as it is, all values as strings.
#[derive(Debug, Serialize)]
struct Match {
    cloud: String,
    id: String,
    name: String,
    #[serde(flatten)]
    details: BTreeMap<&'static str, String>,
}

pub(crate) async fn flavor(arguments: &FindFlavor, global: &Global) -> Result<u8, Failure> {
    let wanted = WantedFlavor::new(arguments)?;
    let inventories = inventories(&arguments.found, global, FactId::Flavors).await?;
    let mut matches = Vec::new();
    for inventory in &inventories {
        let flavors = known(inventory.flavors.value(), inventory, FactId::Flavors)?;
        let mut fitting: Vec<&Flavor> = flavors.iter().filter(|flavor| wanted.fits(flavor)).collect();
        fitting.sort_by_key(|flavor| {
            let figure = |seen: assay_inventory::Seen<'_, i64>| seen.value().unwrap_or(0);
            // An SCS name comes first among equals: it says what users get.
            let is_named = flavor.name().is_some_and(|name| name.starts_with("SCS-"));
            let size = (figure(flavor.vcpus()), figure(flavor.ram()), figure(flavor.disk()));
            (size, Claims::of(flavor).cpu_type, !is_named, flavor.name().map(str::len))
        });
        matches.extend(fitting.into_iter().map(|flavor| flavor_match(inventory, flavor)));
    }
    show(&matches, &arguments.found, &["vcpus", "ram_mib", "disk_gb"])
}

pub(crate) async fn image(arguments: &FindImage, global: &Global) -> Result<u8, Failure> {
    let inventories = inventories(&arguments.found, global, FactId::Images).await?;
    let mut matches = Vec::new();
    for inventory in &inventories {
        let images = known(inventory.images.value(), inventory, FactId::Images)?;
        let mut fitting: Vec<&Image> = images.iter().filter(|image| image_fits(arguments, image)).collect();
        let text = |image: &Image, field: &str| image.text(field).value().unwrap_or_default().to_owned();
        fitting.sort_by_key(|image| {
            let is_common =
                arguments.architecture.is_some() || text(image, "architecture") == COMMON_ARCHITECTURE;
            let age = (Reverse(text(image, "image_build_date")), Reverse(text(image, "created_at")));
            let is_generic = arguments.purpose.is_some() || text(image, "os_purpose") == "generic";
            (!is_generic, !is_common, age, text(image, "name"))
        });
        matches.extend(fitting.into_iter().map(|image| image_match(inventory, image)));
    }
    show(
        &matches,
        &arguments.found,
        &["os_distro", "os_version", "architecture", "os_purpose", "image_build_date"],
    )
}

async fn inventories(found: &Found, global: &Global, fact: FactId) -> Result<Vec<Inventory>, Failure> {
    if let Some(path) = &found.snapshot {
        return Ok(vec![check::read(path)?]);
    }
    let clouds = check::clouds(&found.clouds, &found.asking)?;
    let facts = BTreeSet::from([FactId::Token, fact]);
    // Whoever searches is welcome with any role: no verdict hangs on it.
    let gathering = Gathering {
        asking: &found.asking,
        global,
        facts: &facts,
        started_at: Timestamp::now(),
        preflight: &|_| Ok(()),
        probes: None,
        managers: &[],
        tempest_alt: None,
        cancel: &CancellationToken::new(),
    };
    Ok(check::gather(&clouds, &gathering).await)
}

fn known<'i, T>(value: Option<&'i Vec<T>>, inventory: &Inventory, fact: FactId) -> Result<&'i [T], Failure> {
    value.map(Vec::as_slice).ok_or_else(|| {
        let why = inventory.unavailable(fact).map_or("not in the recording".into(), ToString::to_string);
        Failure::undetermined(format!("{}: the {fact} could not be had: {why}", inventory.subject.cloud), "")
    })
}

/// What a flavor must have.
struct WantedFlavor {
    vcpus: Option<i64>,
    ram_mib: Option<f64>,
    disk: Option<i64>,
    cpu_type: Option<CpuType>,
    disk_type: Option<DiskType>,
    at_least: bool,
}

impl WantedFlavor {
    fn new(arguments: &FindFlavor) -> Result<Self, Failure> {
        let cpu_type = arguments.cpu_type.as_deref().map(cpu_type).transpose()?;
        let disk_type = arguments.disk_type.as_deref().map(disk_type).transpose()?;
        let mut wanted = WantedFlavor {
            vcpus: arguments.vcpus,
            ram_mib: arguments.ram.map(|gib| gib * 1024.0),
            disk: arguments.disk,
            cpu_type,
            disk_type,
            at_least: arguments.at_least,
        };
        if let Some(name) = &arguments.name {
            let promise = FlavorName::parse_tolerant(name)
                .map_err(|error| Failure { code: 2, report: miette::Report::new(error) })?
                .map(|(promise, _)| promise)
                .ok_or_else(|| {
                    Failure::usage(
                        format!("{name} is no SCS name"),
                        "give one such as SCS-2V-8, or say what the flavor must have with --vcpus, --ram, …",
                    )
                })?;
            wanted.vcpus = wanted.vcpus.or(i64::try_from(promise.cpus).ok());
            wanted.ram_mib = wanted.ram_mib.or(Some(promise.ram_gib() * 1024.0));
            wanted.cpu_type = wanted.cpu_type.or(Some(promise.cpu_type));
            let size =
                promise.disk.map_or(Some(0), |disk| disk.size.and_then(|size| i64::try_from(size).ok()));
            wanted.disk = wanted.disk.or(size);
            wanted.disk_type = wanted.disk_type.or(promise.disk.and_then(|disk| disk.disk_type));
        }
        Ok(wanted)
    }

    #[expect(clippy::cast_precision_loss, reason = "RAM in MiB is far below 2^52")]
    fn fits(&self, flavor: &Flavor) -> bool {
        let (vcpus, ram, disk) = (flavor.vcpus().value(), flavor.ram().value(), flavor.disk().value());
        let claims = Claims::of(flavor);
        let vcpus_fit = self.vcpus.is_none_or(|wanted| {
            vcpus.is_some_and(|real| if self.at_least { real >= wanted } else { real == wanted })
        });
        let ram_fits = self.ram_mib.is_none_or(|wanted| {
            ram.is_some_and(|real| {
                let real = real as f64;
                if self.at_least { real >= wanted } else { (real - wanted).abs() < 1.0 }
            })
        });
        let disk_fits = self.disk.is_none_or(|wanted| {
            disk.is_some_and(|real| if wanted == 0 && !self.at_least { real == 0 } else { real >= wanted })
        });
        vcpus_fit
            && ram_fits
            && disk_fits
            && self.cpu_type.is_none_or(|wanted| claims.cpu_type.is_some_and(|real| real >= wanted))
            && self.disk_type.is_none_or(|wanted| claims.disk_type.is_some_and(|real| real >= wanted))
    }
}

/// What a flavor says of itself, in its extra specs or else in its name.
struct Claims {
    cpu_type: Option<CpuType>,
    disk_type: Option<DiskType>,
}

impl Claims {
    fn of(flavor: &Flavor) -> Self {
        let name = flavor
            .name()
            .and_then(|name| FlavorName::parse_tolerant(name).ok().flatten())
            .map(|(name, _)| name);
        let cpu_type = flavor.extra_spec("scs:cpu-type").and_then(CpuType::from_extra_spec);
        let disk_type = flavor.extra_spec("scs:disk0-type").and_then(DiskType::from_extra_spec);
        Claims {
            cpu_type: cpu_type.or(name.map(|name| name.cpu_type)),
            disk_type: disk_type.or(name.and_then(|name| name.disk).and_then(|disk| disk.disk_type)),
        }
    }
}

fn cpu_type(word: &str) -> Result<CpuType, Failure> {
    CpuType::from_extra_spec(word).or_else(|| CpuType::from_code(word)).ok_or_else(|| {
        Failure::usage(
            format!("there is no CPU type {word}"),
            "take crowded-core, shared-core, dedicated-thread or dedicated-core",
        )
    })
}

fn disk_type(word: &str) -> Result<DiskType, Failure> {
    DiskType::from_extra_spec(word).or_else(|| DiskType::from_code(word)).ok_or_else(|| {
        Failure::usage(format!("there is no disk type {word}"), "take network, hdd, ssd or nvme")
    })
}

fn image_fits(arguments: &FindImage, image: &Image) -> bool {
    let wanted = [
        ("os_distro", &arguments.distro),
        ("os_version", &arguments.os_version),
        ("os_purpose", &arguments.purpose),
        ("architecture", &arguments.architecture),
    ];
    let listed = wanted.iter().filter_map(|(field, value)| Some((*field, value.as_deref()?)));
    let others = arguments.properties.iter().map(|(field, value)| (field.as_str(), value.as_str()));
    let is_usable = matches!(image.text("status").value(), None | Some("active"));
    is_usable
        && listed
            .chain(others)
            .all(|(field, value)| image.get(field).is_some_and(|real| shown(real) == value))
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn flavor_match(inventory: &Inventory, flavor: &Flavor) -> Match {
    let figure = |field: &str| flavor.get(field).map_or_else(String::new, shown);
    Match {
        cloud: inventory.subject.cloud.clone(),
        id: flavor.id().into(),
        name: flavor.name().unwrap_or_default().into(),
        details: BTreeMap::from([
            ("vcpus", figure("vcpus")),
            ("ram_mib", figure("ram")),
            ("disk_gb", figure("disk")),
        ]),
    }
}

fn image_match(inventory: &Inventory, image: &Image) -> Match {
    const SHOWN: [&str; 5] = ["os_distro", "os_version", "os_purpose", "architecture", "image_build_date"];
    Match {
        cloud: inventory.subject.cloud.clone(),
        id: image.id().into(),
        name: image.name().unwrap_or_default().into(),
        details: SHOWN
            .iter()
            .map(|field| (*field, image.get(field).map_or_else(String::new, shown)))
            .collect(),
    }
}

/// Prints the matches; none is exit code 1, so that scripts and Terraform stop.
fn show(matches: &[Match], found: &Found, details: &[&str]) -> Result<u8, Failure> {
    let matches = if found.first { &matches[..matches.len().min(1)] } else { matches };
    let defect = |error| Failure::usage(error, "this is a defect of assay; please report it");
    match (found.format, found.first) {
        (Listing::Json, true) => {
            if let Some(first) = matches.first() {
                print(&format!("{}\n", serde_json::to_string(first).map_err(defect)?))?;
            }
        }
        (Listing::Json, false) => {
            print(&format!(
                "{}
",
                serde_json::to_string_pretty(matches).map_err(defect)?
            ))?;
        }
        (Listing::Human, _) => {
            let mut table = Table::default();
            let several = matches.iter().map(|found| found.cloud.as_str()).collect::<BTreeSet<_>>().len() > 1;
            for found in matches {
                let words: Vec<String> = details
                    .iter()
                    .filter_map(|field| found.details.get(field).filter(|value| !value.is_empty()))
                    .zip(details)
                    .map(|(value, field)| match field.split_once('_') {
                        Some((what, unit @ ("mib" | "gb"))) => {
                            format!("{value} {} {what}", if unit == "mib" { "MiB" } else { "GB" })
                                .replace("ram", "RAM")
                        }
                        _ if *field == "vcpus" => format!("{value} vCPUs"),
                        _ => value.clone(),
                    })
                    .collect();
                let cloud = if several { found.cloud.clone() } else { String::new() };
                table.row([
                    painted(found.name.clone(), |text| bold(text)),
                    plain(found.id.clone()),
                    plain(words.join(", ")),
                    plain(cloud),
                ]);
            }
            print(&table.render(""))?;
        }
    }
    if matches.is_empty() {
        note("nothing matches");
    }
    Ok(u8::from(matches.is_empty()))
}
