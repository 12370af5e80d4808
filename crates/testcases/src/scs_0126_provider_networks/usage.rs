//! What a project can really do with the provider network: draw IPv6 addresses, get a gateway and a floating IP.
//! And what it should not be able to do: share networks.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use assay_inventory::{FactId, ProviderNetworkUse, Step, StepId, Unavailable};

use super::{EXTERNAL_NETWORKS, NETWORK_PREFIX, STANDARD};
use crate::evidence::{Needed, probed};
use crate::finding::Readings;
use crate::registry::Registry;
use crate::rule::rule;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging, steps};

const NETWORK_USE: &[FactId] = &[FactId::ProviderNetworkUse];
/// What neutron says of an external network without IPv4 addresses.
const NO_IPV4: &str = "does not contain any IPv4 subnet";
/// What neutron says, with status 500, when a subnet pool is used up.
const POOL_USED_UP: &str = "Failed to allocate subnet";

pub(super) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0126-ipv6-subnet"),
        standard: STANDARD,
        clause: "subnet pools, IPv6",
        demand: Demand::Must,
        title: Cow::Borrowed("A subnet with a /64 can be drawn from the default IPv6 pool"),
        explanation: "A pool that is marked as default helps only if it still has addresses and lets projects have them. A network is \
             created, a subnet with a /64 of the default IPv6 pool is drawn on it, and both are deleted.",
        remedy: Cow::Borrowed(
            "Create or extend the pool: `openstack subnet pool create --share --default --pool-prefix PREFIX/48 \
             --default-prefix-length 64 NAME`, and see that neutron does not have ipv6_pd_enabled, which takes its place.",
        ),
        official_facts: NETWORK_USE,
        text_facts: EXTERNAL_NETWORKS,
        own: true,
        judge: rule(ipv6_subnet),
    });
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0126-gateway-and-floating-ip"),
        standard: STANDARD,
        clause: "standard provider network",
        demand: Demand::Must,
        title: Cow::Borrowed("The provider network gives a gateway and, if IPv4 is offered, a floating IP"),
        explanation: "External addresses come from the provider network: a router has it as its gateway, and a floating IP is taken from \
             it. Both are created on the default external network, or on the first if none is the default, and deleted. Without \
             IPv4 on that network nobody asks for a floating IP.",
        remedy: Cow::Borrowed(
            "See that the external network has a subnet with free addresses: `openstack network show NETWORK` and \
             `openstack ip availability show NETWORK`.",
        ),
        official_facts: NETWORK_USE,
        text_facts: EXTERNAL_NETWORKS,
        own: true,
        judge: rule(gateway_and_floating_ip),
    });
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0126-rbac-refused"),
        standard: STANDARD,
        clause: "network RBAC",
        demand: Demand::Should,
        title: Cow::Borrowed("A plain user cannot share networks"),
        explanation: "By network RBAC rules a user can push networks into other projects, where they get in the way of the provider network. \
             A rule is asked for on a network of our own, for our own project, so that nobody else ever sees it; it should be \
             refused.",
        remedy: Cow::Borrowed(
            "Let administrators alone create rules: in neutron's policy.yaml, \"create_rbac_policy\": \"rule:admin_only\".",
        ),
        official_facts: NETWORK_USE,
        text_facts: EXTERNAL_NETWORKS,
        own: true,
        judge: rule(rbac_refused),
    });
}

fn used<'e>(evidence: &'e Evidence<'_>) -> Needed<&'e ProviderNetworkUse> {
    probed(FactId::ProviderNetworkUse, &evidence.inventory.provider_network_use)
}

/// How a step went: done, failed, or none because what comes before it failed or the run was cut off.
fn outcome(seen: &ProviderNetworkUse, step: StepId) -> Option<(&Step, Option<&Unavailable>)> {
    let step = seen.transcript.step(step)?;
    Some((step, step.trouble.as_ref()))
}

/// Whether the network refused something for a reason of its own, although the request was fine.
fn has_none_left(trouble: &Unavailable) -> bool {
    trouble.status == Some(409) && !trouble.is_over_quota()
}

fn not_tried(judging: &mut Judging, expected: &'static str) {
    judging.abort(Readings::Text, None, expected, "it was not tried");
}

fn ipv6_subnet(evidence: &Evidence<'_>) -> Needed<Judgement> {
    const EXPECTED: &str = "a /64 of the default IPv6 pool";
    let seen = used(evidence)?;
    let mut judging = Judging::default();
    match (outcome(seen, StepId::DrawSubnet), outcome(seen, StepId::CreateNetwork)) {
        (Some((_, None)), _) => {
            let drawn = seen.drawn_subnet.as_deref().unwrap_or_default();
            match ipv6_network(drawn) {
                Some((address, length)) if length == NETWORK_PREFIX => {
                    note_address(&mut judging, IpAddr::V6(address), drawn);
                }
                _ => judging.fail(
                    Readings::Text,
                    None,
                    EXPECTED,
                    format!("a subnet with the prefix {drawn:?}"),
                ),
            }
        }
        (Some((step, Some(trouble))), _) => {
            // What was asked for is the usual: a pool that does not have it is no use.
            let is_of_no_use = trouble.status == Some(400) || trouble.message.contains(POOL_USED_UP);
            if is_of_no_use || has_none_left(trouble) {
                steps::fail(&mut judging, Readings::Text, step);
            } else {
                steps::settle(&mut judging, Readings::Text, step);
            }
        }
        (None, Some((step, Some(_)))) => steps::settle(&mut judging, Readings::Text, step),
        (None, _) => not_tried(&mut judging, EXPECTED),
    }
    Ok(judging.finish_own())
}

fn gateway_and_floating_ip(evidence: &Evidence<'_>) -> Needed<Judgement> {
    let seen = used(evidence)?;
    let mut judging = Judging::default();
    if evidence.external_networks()?.is_empty() {
        judging.fail(
            Readings::Text,
            None,
            "an external network that a router can have as its gateway",
            "none is seen",
        );
        return Ok(judging.finish_own());
    }
    match outcome(seen, StepId::CreateRouter) {
        Some((_, None)) if seen.gateway_addresses.is_empty() => {
            judging.note(Readings::Text, None, "a router got its gateway, without an address");
        }
        Some((_, None)) => {
            for text in &seen.gateway_addresses {
                match text.parse() {
                    Ok(address) => note_address(&mut judging, address, text),
                    Err(_) => judging.fail(
                        Readings::Text,
                        None,
                        "an IP address of the gateway",
                        format!("{text:?}"),
                    ),
                }
            }
        }
        Some((step, Some(trouble))) if has_none_left(trouble) => {
            steps::fail(&mut judging, Readings::Text, step);
        }
        Some((step, Some(_))) => steps::settle(&mut judging, Readings::Text, step),
        None => not_tried(&mut judging, "a router with a gateway to the external network"),
    }
    match outcome(seen, StepId::CreateFloatingIp) {
        Some((_, None)) => {
            let text = seen.floating_ip.as_deref().unwrap_or_default();
            match text.parse() {
                Ok(address) => note_address(&mut judging, address, text),
                Err(_) => judging.fail(
                    Readings::Text,
                    None,
                    "an IP address as the floating IP",
                    format!("{text:?}"),
                ),
            }
        }
        Some((_, Some(trouble))) if trouble.message.contains(NO_IPV4) || is_without_ipv4(seen) => {
            judging.note(
                Readings::Text,
                None,
                "the external network has no IPv4 addresses, so no floating IPs are offered",
            );
        }
        Some((step, Some(trouble))) if has_none_left(trouble) => {
            steps::fail(&mut judging, Readings::Text, step);
        }
        Some((step, Some(_))) => steps::settle(&mut judging, Readings::Text, step),
        None => not_tried(&mut judging, "a floating IP, where IPv4 is offered"),
    }
    Ok(judging.finish_own())
}

/// Whether the gateway got IPv6 addresses alone, as it does on a network that has no others.
fn is_without_ipv4(seen: &ProviderNetworkUse) -> bool {
    let addresses = &seen.gateway_addresses;
    !addresses.is_empty() && addresses.iter().all(|address| address.parse::<Ipv6Addr>().is_ok())
}

fn rbac_refused(evidence: &Evidence<'_>) -> Needed<Judgement> {
    const EXPECTED: &str = "a network RBAC rule is refused";
    let seen = used(evidence)?;
    let mut judging = Judging::default();
    match (outcome(seen, StepId::CreateRbacPolicy), outcome(seen, StepId::CreateNetwork)) {
        (Some((_, None)), _) => {
            judging.fail(
                Readings::Text,
                None,
                EXPECTED,
                "a plain member could share a network of the project",
            );
        }
        (Some((_, Some(trouble))), _) if steps::is_the_clouds_doing(trouble) => {
            judging.note(Readings::Text, None, format!("it was refused: {trouble}"));
        }
        (Some((_, Some(trouble))), _) => judging.abort(Readings::Text, None, EXPECTED, trouble.to_string()),
        (None, Some((step, Some(_)))) => steps::abort(&mut judging, Readings::Text, step),
        (None, _) => not_tried(&mut judging, EXPECTED),
    }
    Ok(judging.finish_own())
}

fn ipv6_network(text: &str) -> Option<(Ipv6Addr, i64)> {
    let (address, length) = text.split_once('/')?;
    Some((address.parse().ok()?, length.parse().ok()?))
}

/// Names an address, and says so if the internet does not route to it; only public clouds must have others.
fn note_address(judging: &mut Judging, address: IpAddr, shown: &str) {
    let kind = if is_public(address) {
        "a public address"
    } else {
        "not a public address, which a public cloud must give"
    };
    judging.note(Readings::Text, None, format!("{shown} was given, {kind}"));
}

/// Whether an address can be a public one: an IPv6 global unicast address, or IPv4 outside of what is private,
/// shared by providers (RFC 6598) or bound to a link.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V6(address) => address.segments()[0] & 0xe000 == 0x2000,
        IpAddr::V4(address) => {
            let is_shared =
                Ipv4Addr::from_bits(address.to_bits() & 0xffc0_0000) == Ipv4Addr::new(100, 64, 0, 0);
            !(is_shared || address.is_private() || address.is_loopback() || address.is_link_local())
        }
    }
}

#[cfg(test)]
mod tests {
    use assay_inventory::{Fact, Network, Reason};
    use assay_standards::Verdict::{self, Abort, Fail, Miss, Pass};
    use serde_json::json;

    use super::*;
    use crate::testing;

    const SUBNET: &str = "scs-0126-ipv6-subnet";
    const GATEWAY: &str = "scs-0126-gateway-and-floating-ip";
    const RBAC: &str = "scs-0126-rbac-refused";

    type Steps<'a> = &'a [(StepId, Option<Unavailable>)];

    fn external() -> Fact<Vec<Network>> {
        testing::known(json!([{"id": "1", "name": "public", "router:external": true}]))
    }

    fn seen(steps: Steps<'_>) -> ProviderNetworkUse {
        ProviderNetworkUse {
            transcript: testing::transcript(steps),
            drawn_subnet: Some("2001:db8:7::/64".into()),
            gateway_addresses: vec!["203.0.113.4".into(), "2001:db8::4".into()],
            floating_ip: Some("203.0.113.5".into()),
            ..ProviderNetworkUse::default()
        }
    }

    fn judged(id: &str, seen: ProviderNetworkUse) -> Judgement {
        testing::judge(id, |inventory| {
            inventory.external_networks = external();
            inventory.provider_network_use = Fact::Known(seen);
        })
    }

    fn said(status: u16, message: &str) -> Unavailable {
        Unavailable { message: message.into(), ..testing::answered(status) }
    }

    #[test]
    fn a_rule_for_networks_should_be_refused() {
        let over_quota = said(409, "Quota exceeded for resources: ['rbac_policy'].");
        for (steps, expected) in [
            (&[(StepId::CreateNetwork, None), (StepId::CreateRbacPolicy, None)][..], Fail),
            (&[(StepId::CreateRbacPolicy, Some(testing::answered(403)))], Pass),
            (&[(StepId::CreateRbacPolicy, Some(testing::answered(404)))], Pass),
            (&[(StepId::CreateRbacPolicy, Some(over_quota))], Abort),
            (&[(StepId::CreateRbacPolicy, Some(testing::answered(500)))], Abort),
            (&[(StepId::CreateRbacPolicy, Some(testing::answered(400)))], Abort),
            (&[(StepId::CreateNetwork, Some(testing::answered(403)))], Abort),
            (&[(StepId::CreateNetwork, None)], Abort),
            (&[], Abort),
        ] {
            assert_eq!(judged(RBAC, seen(steps)).text, expected, "{steps:?}");
        }
    }

    #[test]
    fn a_subnet_is_drawn_or_not() {
        let no_pool = said(400, "Bad subnets request: No default subnetpool found for IPv6.");
        let used_up =
            said(500, "Failed to allocate subnet: Insufficient prefix space to allocate subnet size /64.");
        let over_quota = said(409, "Quota exceeded for resources: ['subnet'].");
        for (steps, expected) in [
            (&[(StepId::CreateNetwork, None), (StepId::DrawSubnet, None)][..], Pass),
            (&[(StepId::DrawSubnet, Some(no_pool))], Fail),
            (&[(StepId::DrawSubnet, Some(used_up))], Fail),
            (&[(StepId::DrawSubnet, Some(testing::answered(403)))], Fail),
            (&[(StepId::DrawSubnet, Some(over_quota))], Abort),
            (&[(StepId::DrawSubnet, Some(testing::answered(500)))], Abort),
            (&[(StepId::CreateNetwork, Some(testing::answered(403)))], Fail),
            (&[(StepId::CreateNetwork, Some(testing::answered(503)))], Abort),
            (&[(StepId::CreateNetwork, None)], Abort),
        ] {
            assert_eq!(judged(SUBNET, seen(steps)).text, expected, "{steps:?}");
        }
    }

    #[test]
    fn the_subnet_must_be_a_64() {
        for (prefix, expected) in [
            ("2001:db8::/64", Pass),
            ("fd00:1::/64", Pass),
            ("2001:db8::/80", Fail),
            ("10.0.0.0/64", Fail),
            ("", Fail),
        ] {
            let drawn = ProviderNetworkUse {
                drawn_subnet: Some(prefix.into()),
                ..seen(&[(StepId::DrawSubnet, None)])
            };
            assert_eq!(judged(SUBNET, drawn).text, expected, "{prefix:?}");
        }
    }

    fn gateway(router: Option<Unavailable>, floating: Option<Unavailable>) -> Verdict {
        judged(GATEWAY, seen(&[(StepId::CreateRouter, router), (StepId::CreateFloatingIp, floating)])).text
    }

    #[test]
    fn gateway_and_floating_ip_are_both_needed() {
        let exhausted = || Some(said(409, "No more IP addresses available on network x."));
        let over_quota = || Some(said(409, "Quota exceeded for resources: ['floatingip']."));
        assert_eq!(gateway(None, None), Pass);
        for (trouble, expected) in [
            (Some(testing::answered(403)), Fail),
            (exhausted(), Fail),
            (over_quota(), Abort),
            (Some(testing::answered(400)), Abort),
            (Some(testing::answered(503)), Abort),
            (Some(Unavailable::new(Reason::Interrupted, "the run was interrupted")), Abort),
        ] {
            assert_eq!(gateway(trouble.clone(), None), expected, "gateway: {trouble:?}");
            assert_eq!(gateway(None, trouble.clone()), expected, "floating IP: {trouble:?}");
        }
        assert_eq!(gateway(over_quota(), exhausted()), Fail, "a failure that was seen stays one");
        assert_eq!(
            judged(GATEWAY, seen(&[(StepId::CreateFloatingIp, None)])).text,
            Abort,
            "no router was tried"
        );
        assert_eq!(
            judged(GATEWAY, seen(&[(StepId::CreateRouter, None)])).text,
            Abort,
            "no floating IP was tried"
        );
    }

    #[test]
    fn no_floating_ip_is_missed_where_ipv4_is_not_offered() {
        let refused = said(400, "Bad floatingip request: Network 1 does not contain any IPv4 subnet.");
        assert_eq!(gateway(None, Some(refused)), Pass);
        let steps = [(StepId::CreateRouter, None), (StepId::CreateFloatingIp, Some(testing::answered(403)))];
        let v6_alone = ProviderNetworkUse {
            gateway_addresses: vec!["2001:db8::4".into()],
            floating_ip: None,
            ..seen(&steps)
        };
        assert_eq!(judged(GATEWAY, v6_alone).text, Pass);
        let unknown = ProviderNetworkUse { gateway_addresses: Vec::new(), floating_ip: None, ..seen(&steps) };
        assert_eq!(judged(GATEWAY, unknown).text, Fail);
    }

    #[test]
    fn answers_without_an_address() {
        let steps = [(StepId::CreateRouter, None), (StepId::CreateFloatingIp, None)];
        let none = ProviderNetworkUse { gateway_addresses: Vec::new(), ..seen(&steps) };
        assert_eq!(judged(GATEWAY, none).text, Pass, "a gateway may go without an address");
        let odd = ProviderNetworkUse { floating_ip: Some(String::new()), ..seen(&steps) };
        assert_eq!(judged(GATEWAY, odd).text, Fail);
        let odd = ProviderNetworkUse { gateway_addresses: vec!["x".into()], ..seen(&steps) };
        assert_eq!(judged(GATEWAY, odd).text, Fail);
    }

    #[test]
    fn without_an_external_network_or_the_probe() {
        let judge = |networks: Fact<Vec<Network>>, seen: Fact<ProviderNetworkUse>| {
            [GATEWAY, SUBNET, RBAC].map(|id| {
                let judgement = testing::judge(id, |inventory| {
                    inventory.external_networks = networks.clone();
                    inventory.provider_network_use = seen.clone();
                });
                judgement.text
            })
        };
        let inside = [(StepId::DrawSubnet, None), (StepId::CreateRbacPolicy, Some(testing::answered(403)))];
        let lacking = Unavailable::new(Reason::NotInCatalog, "no network service");
        assert_eq!(judge(testing::known(json!([])), Fact::Known(seen(&inside))), [Fail, Pass, Pass]);
        assert_eq!(
            judge(Fact::Unavailable(lacking.clone()), Fact::Known(seen(&inside))),
            [Abort, Pass, Pass]
        );
        assert_eq!(judge(external(), Fact::NotAsked), [Miss; 3]);
        assert_eq!(judge(external(), Fact::Unavailable(lacking)), [Abort; 3]);
    }

    #[test]
    fn addresses_are_named_with_what_they_are() {
        for (address, expected) in [
            ("8.8.8.8", true),
            ("10.1.2.3", false),
            ("172.31.0.1", false),
            ("192.168.0.1", false),
            ("100.64.0.1", false),
            ("100.127.255.255", false),
            ("100.128.0.1", true),
            ("169.254.1.1", false),
            ("2a01:4f8::1", true),
            ("fd00::1", false),
            ("fe80::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
        let drawn = ProviderNetworkUse {
            drawn_subnet: Some("fd00::/64".into()),
            ..seen(&[(StepId::DrawSubnet, None)])
        };
        let judgement = judged(SUBNET, drawn);
        assert!(judgement.findings[0].found.contains("fd00::/64 was given, not a public address"));
    }
}
