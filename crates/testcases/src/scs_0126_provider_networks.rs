//! scs-0126: every project reaches the world through one network that is there by default. Here is what reading
//! shows of it; what using it shows is in `usage`, and what a virtual machine gets of it in `guest`.

mod guest;
mod usage;

use std::borrow::Cow;

use assay_inventory::{FactId, Network, SubnetPool};
use serde_json::Value;

use crate::evidence::Needed;
use crate::finding::{Readings, Resource};
use crate::registry::Registry;
use crate::rule::rule;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging};

const STANDARD: &str = "scs-0126-v1";
const EXTERNAL_NETWORKS: &[FactId] = &[FactId::ExternalNetworks];
const NETWORK_PREFIX: i64 = 64;

pub(crate) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0126-default-external-network"),
        standard: STANDARD,
        clause: "standard provider network",
        demand: Demand::Must,
        title: Cow::Borrowed("There is exactly one default network, and it is external"),
        explanation: "A script that builds a router must know which network leads outside. That network carries the mark is_default, and it \
             is the only one that does. If users may attach VMs to it, port security must be on.",
        remedy: Cow::Borrowed("Mark one external network: `openstack network set --default NETWORK`, and unmark the others with --no-default."),
        official_facts: EXTERNAL_NETWORKS,
        text_facts: &[],
        own: true,
        judge: rule(default_network),
    });
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0126-default-ipv6-pool"),
        standard: STANDARD,
        clause: "subnet pools, IPv6",
        demand: Demand::Must,
        title: Cow::Borrowed("One shared default subnet pool hands out a /64 for IPv6"),
        explanation: "IPv6 addresses are routed as they are, so a project cannot make up its own. It draws them from a pool that is shared, \
             is the default, and is large enough for a network of the usual size, a /64.",
        remedy: Cow::Borrowed(
            "Create it: `openstack subnet pool create --share --default --pool-prefix PREFIX/48 --default-prefix-length 64 NAME`.",
        ),
        official_facts: &[FactId::SubnetPools],
        text_facts: &[],
        own: true,
        judge: rule(ipv6_pool),
    });
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0126-floating-ip-quota"),
        standard: STANDARD,
        clause: "external IPv4 addresses",
        demand: Demand::Must,
        title: Cow::Borrowed("A project may have at least one floating IP, if IPv4 is offered"),
        explanation: "Where IPv4 is offered, each project gets one floating IP at least; more may cost extra. The quota of the project \
             that the check runs in stands for all.",
        remedy: Cow::Borrowed("Raise the quota: `openstack quota set --floating-ips 1 PROJECT`."),
        official_facts: &[FactId::FloatingIpQuota],
        text_facts: EXTERNAL_NETWORKS,
        own: true,
        judge: rule(floating_ip_quota),
    });
    usage::register(registry);
    guest::register(registry);
}

fn network_resource(network: &Network) -> Resource {
    Resource::new("network", network.id(), network.name().unwrap_or("(no name)"))
}

fn is_external(network: &Network) -> bool {
    network.flag("router:external").value() == Some(true)
}

fn default_network(evidence: &Evidence<'_>) -> Needed<Judgement> {
    let networks = evidence.external_networks()?;
    let mut judging = Judging::default();
    let defaults: Vec<&Network> =
        networks.iter().filter(|network| network.flag("is_default").value() == Some(true)).collect();
    if defaults.is_empty() {
        let names: Vec<&str> = networks.iter().filter_map(|network| network.name()).collect();
        let found = if names.is_empty() {
            "no external network".to_owned()
        } else {
            format!("none of {} is the default", names.join(", "))
        };
        judging.fail(Readings::Text, None, "one external network with is_default=true", found);
    }
    for network in &defaults {
        if defaults.len() > 1 {
            let found = format!("{} networks are the default", defaults.len());
            judging.fail(Readings::Text, network_resource(network), "one default network", found);
        }
        if !is_external(network) {
            judging.fail(Readings::Text, network_resource(network), "router:external=true", "not external");
        }
        let is_open = network.flag("port_security_enabled").value() == Some(false);
        if network.flag("shared").value() == Some(true) && is_open {
            let found = "shared, with port security off";
            judging.fail(
                Readings::Text,
                network_resource(network),
                "port security on a shared network",
                found,
            );
        }
    }
    let others =
        networks.iter().filter(|network| is_external(network)).count().saturating_sub(defaults.len());
    if !defaults.is_empty() && others > 0 {
        judging.note(
            Readings::Text,
            None,
            format!("{others} more external networks; one alone is recommended"),
        );
    }
    Ok(judging.finish_own())
}

/// A number that neutron writes as a number or as text.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// Whether a /64 can be drawn from a pool; if not, why.
fn yields_network(pool: &SubnetPool) -> Result<(), String> {
    let prefixes = pool.get("prefixes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let lengths =
        prefixes.iter().filter_map(|prefix| prefix.as_str()?.rsplit_once('/')?.1.parse::<i64>().ok());
    match lengths.min() {
        None => return Err("no prefix".into()),
        Some(length) if length > NETWORK_PREFIX => return Err(format!("no prefix larger than /{length}")),
        Some(_) => {}
    }
    let bound = |field: &str| pool.get(field).and_then(number);
    match (bound("min_prefixlen"), bound("max_prefixlen")) {
        (Some(least), _) if least > NETWORK_PREFIX => Err(format!("subnets of /{least} and smaller only")),
        (_, Some(most)) if most < NETWORK_PREFIX => Err(format!("subnets of /{most} and larger only")),
        _ => Ok(()),
    }
}

fn ipv6_pool(evidence: &Evidence<'_>) -> Needed<Judgement> {
    let pools = evidence.subnet_pools()?;
    let resource =
        |pool: &SubnetPool| Resource::new("subnet pool", pool.id(), pool.name().unwrap_or("(no name)"));
    let is_true = |pool: &SubnetPool, field: &str| pool.flag(field).value() == Some(true);
    let mut judging = Judging::default();
    let defaults: Vec<&SubnetPool> = pools
        .iter()
        .filter(|pool| pool.get("ip_version").and_then(number) == Some(6))
        .filter(|pool| is_true(pool, "shared") && is_true(pool, "is_default"))
        .collect();
    if defaults.is_empty() {
        judging.fail(
            Readings::Text,
            None,
            "a subnet pool for IPv6 with is_default=true that is shared",
            format!("none of {} subnet pools", pools.len()),
        );
    }
    for pool in &defaults {
        if defaults.len() > 1 {
            let found = format!("{} pools are the default", defaults.len());
            judging.fail(Readings::Text, resource(pool), "one default pool for IPv6", found);
        }
        if let Err(found) = yields_network(pool) {
            judging.fail(Readings::Text, resource(pool), "room for a /64", found);
        }
    }
    Ok(judging.finish_own())
}

fn floating_ip_quota(evidence: &Evidence<'_>) -> Needed<Judgement> {
    let quota = evidence.floating_ip_quota()?;
    let mut judging = Judging::default();
    if quota != -1 && quota < 1 {
        let is_offered = evidence.external_networks()?.iter().any(is_external);
        if is_offered {
            let found = format!("a quota of {quota}");
            judging.fail(
                Readings::Text,
                None,
                "a quota of 1 floating IP or more, where IPv4 is offered",
                found,
            );
        } else {
            judging.note(Readings::Text, None, "no external network is seen, so IPv4 is not offered");
        }
    }
    Ok(judging.finish_own())
}

#[cfg(test)]
mod tests {
    use assay_inventory::Fact;
    use assay_standards::Verdict::{self, Abort, Fail, Pass};
    use serde_json::json;

    use super::*;
    use crate::testing;

    fn network(changes: &Value) -> Value {
        let mut network = json!({
            "id": "1", "name": "public", "router:external": true, "is_default": true, "shared": false,
            "port_security_enabled": true, "subnets": ["a", "b"],
        });
        for (field, value) in changes.as_object().unwrap() {
            network[field] = value.clone();
        }
        network
    }

    fn pool(changes: &Value) -> Value {
        let mut pool = json!({
            "id": "1", "name": "v6", "ip_version": 6, "is_default": true, "shared": true,
            "prefixes": ["2001:db8::/48"], "default_prefixlen": 64, "min_prefixlen": 64, "max_prefixlen": 128,
        });
        for (field, value) in changes.as_object().unwrap() {
            pool[field] = value.clone();
        }
        pool
    }

    #[test]
    fn one_default_external_network() {
        let judge = |networks: &[Value]| {
            testing::judge("scs-0126-default-external-network", |inventory| {
                inventory.external_networks = testing::known(json!(networks));
            })
            .text
        };
        let plain = network(&json!({"id": "2", "is_default": false}));
        assert_eq!(judge(&[network(&json!({}))]), Pass);
        assert_eq!(judge(&[network(&json!({})), plain.clone()]), Pass, "one alone is only recommended");
        assert_eq!(judge(&[]), Fail);
        assert_eq!(judge(&[plain]), Fail);
        assert_eq!(judge(&[network(&json!({})), network(&json!({"id": "2"}))]), Fail);
        assert_eq!(judge(&[network(&json!({"router:external": false}))]), Fail);
        assert_eq!(judge(&[network(&json!({"shared": true}))]), Pass);
        assert_eq!(judge(&[network(&json!({"shared": true, "port_security_enabled": false}))]), Fail);
    }

    #[test]
    fn one_default_pool_with_room_for_a_network() {
        for (pools, expected) in [
            (vec![pool(&json!({}))], Pass),
            (vec![pool(&json!({})), pool(&json!({"id": "2", "ip_version": 4}))], Pass),
            (vec![pool(&json!({})), pool(&json!({"id": "2", "is_default": false}))], Pass),
            (vec![pool(&json!({})), pool(&json!({"id": "2"}))], Fail),
            (vec![], Fail),
            (vec![pool(&json!({"shared": false}))], Fail),
            (vec![pool(&json!({"ip_version": 4}))], Fail),
            (vec![pool(&json!({"prefixes": ["2001:db8::/64"]}))], Pass),
            (vec![pool(&json!({"prefixes": ["2001:db8::/80", "2001:db8:1::/96"]}))], Fail),
            (vec![pool(&json!({"prefixes": []}))], Fail),
            (vec![pool(&json!({"min_prefixlen": "80"}))], Fail),
            (vec![pool(&json!({"max_prefixlen": "56", "min_prefixlen": "48"}))], Fail),
        ] {
            let judgement = testing::judge("scs-0126-default-ipv6-pool", |inventory| {
                inventory.subnet_pools = testing::known(json!(pools));
            });
            assert_eq!(judgement.text, expected, "{pools:?}");
        }
    }

    #[test]
    fn floating_ips() {
        let judge = |quota: i64, networks: Fact<Vec<Network>>| -> Verdict {
            testing::judge("scs-0126-floating-ip-quota", |inventory| {
                inventory.floating_ip_quota = Fact::Known(quota);
                inventory.external_networks = networks;
            })
            .text
        };
        for (quota, expected) in [(1, Pass), (50, Pass), (-1, Pass), (0, Fail), (-2, Fail)] {
            assert_eq!(judge(quota, testing::known(json!([network(&json!({}))]))), expected, "{quota}");
        }
        assert_eq!(judge(0, testing::known(json!([]))), Pass);
        assert_eq!(judge(0, Fact::NotAsked), Abort);
        assert_eq!(judge(3, Fact::NotAsked), Pass);
    }
}
