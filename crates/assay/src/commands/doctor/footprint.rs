//! What a check creates at most, and whether the quota of the project has room for it.

use assay_inventory::Record;
use assay_openstack::Checkup;

use super::{Point, State, number};

/// Something that probes create.
struct Need {
    /// How many exist at the same time, at most.
    count: i64,
    /// What it is, one and several.
    what: [&'static str; 2],
    /// The fields of the quota; a service that does not tell what is used has none for it.
    used: &'static str,
    max: &'static str,
}

const fn need(count: i64, what: [&'static str; 2], used: &'static str, max: &'static str) -> Need {
    Need { count, what, used, max }
}

const COMPUTE: [Need; 2] = [
    need(1, ["server", "servers"], "totalInstancesUsed", "maxTotalInstances"),
    need(1, ["vCPU", "vCPUs"], "totalCoresUsed", "maxTotalCores"),
];
/// Two volumes and a restored one, one of a type that promises encryption, and the one that the server boots from.
const VOLUMES: [Need; 4] = [
    need(5, ["volume", "volumes"], "totalVolumesUsed", "maxTotalVolumes"),
    need(12, ["GiB of volumes", "GiB of volumes"], "totalGigabytesUsed", "maxTotalVolumeGigabytes"),
    need(2, ["backup", "backups"], "totalBackupsUsed", "maxTotalBackups"),
    need(2, ["GiB of backups", "GiB of backups"], "totalBackupGigabytesUsed", "maxTotalBackupGigabytes"),
];
const NETWORKS: [Need; 4] = [
    need(2, ["network", "networks"], "", "network"),
    need(3, ["subnet", "subnets"], "", "subnet"),
    need(2, ["router", "routers"], "", "router"),
    need(1, ["floating IP", "floating IPs"], "", "floatingip"),
];
/// All of it, also what has no quota that is looked at here.
const CREATES: &str = "1 server, 5 volumes (12 GiB), 2 backups, 2 networks, 3 subnets, 2 routers, 1 floating IP, \
                       3 images, 1 secret, 1 key and 7 buckets for S3";

/// The point about what a check creates.
pub(super) fn footprint(checkup: &Checkup) -> Point {
    let quotas = [
        (checkup.compute_limits.as_ref().ok(), &COMPUTE[..]),
        (checkup.volume_limits.as_ref().ok(), &VOLUMES),
        (checkup.network_quotas.as_ref().ok(), &NETWORKS),
    ];
    let short: Vec<String> = quotas
        .into_iter()
        .filter_map(|(quota, needs)| Some((quota?, needs)))
        .flat_map(|(quota, needs)| needs.iter().filter_map(|need| shortage(quota, need)))
        .collect();
    let creates = format!("creates at most {CREATES}; all are removed, and --read-only creates nothing");
    if short.is_empty() {
        return Point { about: "a check", state: State::Good, finding: creates };
    }
    let finding = format!(
        "{creates}. The quota has no room for {}: what needs that may end in ABORT",
        short.join(", ")
    );
    Point { about: "a check", state: State::Warning, finding }
}

fn counted(count: i64, [one, several]: [&str; 2]) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// What the quota lacks for a need; a negative quota is none.
fn shortage(quota: &Record, need: &Need) -> Option<String> {
    let max = number(quota, need.max).filter(|max| *max >= 0)?;
    let left = (max - number(quota, need.used).unwrap_or(0)).max(0);
    (left < need.count).then(|| format!("{} ({left} of {max} left)", counted(need.count, need.what)))
}

#[cfg(test)]
mod tests {
    use assay_inventory::{Reason, Unavailable};
    use jiff::SignedDuration;
    use serde_json::{Value, json};

    use super::*;

    fn checkup(compute: Value, volumes: Value, networks: Value) -> Checkup {
        let record = |fields: Value| Ok(serde_json::from_value(fields).unwrap());
        Checkup {
            clock_skew: Ok(SignedDuration::ZERO),
            token_lifetime: None,
            credential_end: None,
            regions: Vec::new(),
            compute_limits: record(compute),
            volume_limits: record(volumes),
            network_quotas: record(networks),
        }
    }

    fn roomy() -> Checkup {
        checkup(
            json!({"totalInstancesUsed": 9, "maxTotalInstances": 10, "totalCoresUsed": 900, "maxTotalCores": -1}),
            json!({
                "totalVolumesUsed": 5, "maxTotalVolumes": 10, "totalGigabytesUsed": 0, "maxTotalVolumeGigabytes": 12,
                "totalBackupsUsed": 0, "maxTotalBackups": 2,
            }),
            json!({"network": 2, "subnet": 3, "router": -1, "floatingip": 1}),
        )
    }

    #[test]
    fn what_is_created_is_told_and_just_enough_room_is_enough() {
        let point = footprint(&roomy());
        assert_eq!(point.state, State::Good);
        let with_words = VOLUMES.iter().filter(|need| !need.what[0].starts_with("GiB"));
        for need in with_words.chain(&COMPUTE[..1]).chain(&NETWORKS) {
            let part = counted(need.count, need.what);
            assert!(point.finding.contains(&part), "{part}: {}", point.finding);
        }
    }

    #[test]
    fn what_the_quota_lacks_is_named_with_what_is_left() {
        let mut short = roomy();
        short.volume_limits = Ok(serde_json::from_value(json!({
            "totalVolumesUsed": 6, "maxTotalVolumes": 10, "totalGigabytesUsed": 30, "maxTotalVolumeGigabytes": 20,
        }))
        .unwrap());
        short.network_quotas = Ok(serde_json::from_value(json!({"router": 1, "floatingip": 0})).unwrap());
        let point = footprint(&short);
        assert_eq!(point.state, State::Warning);
        let lacking = "no room for 5 volumes (4 of 10 left), 12 GiB of volumes (0 of 20 left), \
                       2 routers (1 of 1 left), 1 floating IP (0 of 0 left):";
        assert!(point.finding.contains(lacking), "{}", point.finding);
    }

    #[test]
    fn a_quota_that_is_not_known_is_not_missed() {
        let mut unknown = roomy();
        unknown.volume_limits = Err(Unavailable::new(Reason::NotInCatalog, "no block storage"));
        assert_eq!(footprint(&unknown).state, State::Good);
    }
}
