//! What a virtual machine gets of a network behind the provider network: its addresses, and ways out.

use std::borrow::Cow;
use std::net::IpAddr;

use assay_inventory::{FactId, StepId, VirtualMachine};

use super::STANDARD;
use crate::evidence::{Needed, probed};
use crate::finding::Readings;
use crate::registry::Registry;
use crate::rule::rule;
use crate::scs_0101_entropy::{Guest, server};
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging};

pub(super) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0126-guest-network"),
        standard: STANDARD,
        clause: "standard provider network",
        demand: Demand::Must,
        title: Cow::Borrowed("A virtual machine has the addresses that its network gives it, and a default route for each"),
        explanation: "All external addresses of a project are routed through the provider network. The virtual machine of the check lies \
             behind a router to it, with IPv4 and, where the default pool has a subnet, with IPv6; it says which addresses \
             and default routes it has.",
        remedy: Cow::Borrowed(
            "See that DHCP and router advertisements reach guests: `openstack network agent list`, the logs of the DHCP \
             agent or of ovn-controller, and that the image asks for IPv4 and IPv6.",
        ),
        official_facts: &[FactId::VirtualMachine],
        text_facts: &[],
        own: true,
        judge: rule(guest_network),
    });
}

fn guest_network(evidence: &Evidence<'_>) -> Needed<Judgement> {
    const EXPECTED: &str = "an address and a default route";
    let machine = probed(FactId::VirtualMachine, &evidence.inventory.virtual_machine)?;
    let guest = Guest::of(machine);
    let mut judging = Judging::default();
    let given: Vec<IpAddr> = machine.addresses.iter().filter_map(|address| address.parse().ok()).collect();
    let mut said = false;
    for version in [4, 6] {
        let Some(routes) = guest.default_routes(version).filter(|_| offers(machine, version)) else {
            continue;
        };
        said = true;
        let has: Vec<IpAddr> = guest.addresses().collect();
        for address in given.iter().filter(|address| address.is_ipv4() == (version == 4)) {
            match (has.iter().find(|own| is_same(own, address)), routes.first()) {
                (Some(own), Some(route)) => {
                    let found = format!("it has the address {own} and the route {route:?}");
                    judging.note(Readings::Text, server(machine), found);
                }
                (Some(own), None) => {
                    let found = format!("it has the address {own}, but no default route for IPv{version}");
                    judging.fail(Readings::Text, server(machine), EXPECTED, found);
                }
                (None, _) => {
                    let found = format!("nova gave it the address {address}, but it does not have it");
                    judging.fail(Readings::Text, server(machine), EXPECTED, found);
                }
            }
        }
    }
    if !said || given.is_empty() {
        let trouble = machine.transcript.steps.iter().find_map(|step| step.trouble.as_ref());
        let found = trouble.map_or_else(|| "the virtual machine did not say".to_owned(), ToString::to_string);
        judging.abort(Readings::Text, server(machine), EXPECTED, found);
    }
    Ok(judging.finish_own())
}

/// Whether the network has a router for a version of IP. For IPv6 that depends on the cloud.
fn offers(machine: &VirtualMachine, version: u8) -> bool {
    version == 4 || machine.transcript.is_done(StepId::AddIpv6RouterInterface)
}

/// Whether a guest's own address is the one it was given. With IPv6 it may choose the second half itself.
fn is_same(own: &IpAddr, given: &IpAddr) -> bool {
    match (own, given) {
        (IpAddr::V6(own), IpAddr::V6(given)) => own.segments()[..4] == given.segments()[..4],
        (own, given) => own == given,
    }
}

#[cfg(test)]
mod tests {
    use assay_inventory::{Fact, Reason, Unavailable};
    use assay_standards::Verdict::{Abort, Fail, Miss, Pass};

    use super::*;
    use crate::testing;

    const ROUTE4: &str = "own-route4: default via 10.1.0.1 dev eth0";
    const ROUTE6: &str = "own-route6: default via fe80::1 dev eth0";

    /// A machine with IPv4, and with IPv6 if the router has it.
    fn judged(given: &[&str], is_v6_routed: bool, console: &[&str]) -> Judgement {
        let v6 = (!is_v6_routed).then(|| testing::answered(404));
        let machine = VirtualMachine {
            transcript: testing::transcript(&[
                (StepId::AddIpv6RouterInterface, v6),
                (StepId::ReadConsole, None),
            ]),
            image: Some("Debian 12".into()),
            addresses: given.iter().map(|address| (*address).to_owned()).collect(),
            console: console.iter().map(|line| format!("_scs-test-{line}")).collect(),
            ..VirtualMachine::default()
        };
        testing::judge("scs-0126-guest-network", |inventory| inventory.virtual_machine = Fact::Known(machine))
    }

    fn finds(judgement: &Judgement, text: &str) -> bool {
        judgement.findings.iter().any(|finding| finding.found.contains(text))
    }

    #[test]
    fn addresses_and_routes_are_those_that_the_network_gives() {
        const V4: &str = "own-address4: eth0 10.1.0.105/24";
        const V6: &str = "own-address6: eth0 2001:db8::aa/64";
        const NO4: &str = "own-address4: none";
        let both: &[&str] = &["10.1.0.105", "2001:db8::5"];
        for (given, console, expected, words) in [
            (&["10.1.0.105"][..], &[V4, ROUTE4][..], Pass, "it has the address 10.1.0.105 and the route"),
            (&["10.1.0.105"], &[NO4, ROUTE4], Fail, "nova gave it the address 10.1.0.105, but it does not"),
            (&["10.1.0.105"], &[V4, "own-route4: none"], Fail, "but no default route for IPv4"),
            (both, &[V4, V6, ROUTE4, ROUTE6], Pass, "it has the address 2001:db8::aa and the route"),
            (both, &[V4, V6, ROUTE4, "own-route6: none"], Fail, "but no default route for IPv6"),
            (both, &[V4, ROUTE4, ROUTE6], Fail, "nova gave it the address 2001:db8::5"),
            (&["10.1.0.105"], &["own-kernel: 6.1"], Abort, "the virtual machine did not say"),
            (&[], &[V4, ROUTE4], Abort, "the virtual machine did not say"),
        ] {
            let judgement = judged(given, true, console);
            assert_eq!(judgement.text, expected, "{given:?} {console:?}");
            assert!(finds(&judgement, words), "{words}: {judgement:?}");
        }
        // Without a router for it, IPv6 has no way out that could be missing.
        assert_eq!(judged(both, false, &[V4, ROUTE4, "own-route6: none"]).text, Pass);
    }

    #[test]
    fn without_a_virtual_machine_nothing_is_judged() {
        assert_eq!(testing::judge("scs-0126-guest-network", |_| {}).text, Miss);
        let why = Unavailable::new(Reason::Failed, "no host was found");
        let judgement = testing::judge("scs-0126-guest-network", |inventory| {
            let step = [(StepId::AwaitServer, Some(why))];
            let transcript = testing::transcript(&step);
            inventory.virtual_machine =
                Fact::Known(VirtualMachine { transcript, ..VirtualMachine::default() });
        });
        assert_eq!(judgement.text, Abort);
        assert!(finds(&judgement, "no host was found"));
    }
}
