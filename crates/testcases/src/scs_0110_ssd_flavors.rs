//! scs-0110: flavors with solid state disks, for databases and control planes that wait for every write.

use std::borrow::Cow;

use assay_inventory::FactId;
use assay_standards::requirements::{DiskDemand, StandardFlavors};

use crate::evidence::Needed;
use crate::finding::Readings;
use crate::registry::Registry;
use crate::rule::rule;
use crate::scs_0103_standard_flavors::judge_text;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging};

pub(crate) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0110-ssd-flavors"),
        standard: "scs-0110-v1",
        clause: "decision, two mandatory flavors with local SSD",
        demand: Demand::Must,
        title: Cow::Borrowed("Both mandatory flavors with SSD disks are offered"),
        explanation: "A database such as etcd needs a disk that answers each write within a millisecond. Two flavors promise one: \
             more than 1000 sequential writes per second in each VM, safe against power loss. Whether the disks keep the \
             promise cannot be seen from the list of flavors.",
        remedy: Cow::Borrowed(
            "Create SCS-2V-4-20s and SCS-4V-16-100s with scs:disk0-type=ssd on hosts with SSDs, or from a volume type that is fast enough.",
        ),
        official_facts: &[FactId::Flavors],
        text_facts: &[],
        own: true,
        judge: rule(ssd_flavors),
    });
}

fn ssd_flavors(evidence: &Evidence<'_>) -> Needed<Judgement> {
    let flavors = evidence.flavors()?;
    let mut judging = Judging::default();
    for wanted in StandardFlavors::get().flavors.iter().filter(|wanted| wanted.disk == Some(DiskDemand::Ssd))
    {
        judge_text(&mut judging, flavors, evidence.flavor_names()?, wanted);
    }
    judging.note(
        Readings::Text,
        None,
        "speed, power-loss protection and erasure of the disks were not looked at",
    );
    Ok(judging.finish_own())
}

#[cfg(test)]
mod tests {
    use assay_standards::Verdict::{Fail, Pass};
    use serde_json::{Value, json};

    use crate::testing;

    fn flavor(name: &str, vcpus: i64, gib: i64, disk: i64, disk_type: &str) -> Value {
        json!({
            "id": name, "name": name, "vcpus": vcpus, "ram": gib * 1024, "disk": disk,
            "extra_specs": {
                "scs:cpu-type": "shared-core", "scs:disk0-type": disk_type, "scs:name-v2": name,
                "scs:name-v1": format!("SCS-{vcpus}V:{gib}:{disk}s"),
            },
        })
    }

    #[test]
    fn both_flavors_are_needed_and_their_disks_are_ssds() {
        let verdict = |flavors: Vec<Value>| {
            testing::judge("scs-0110-ssd-flavors", |inventory| {
                inventory.flavors = testing::known(json!(flavors));
            })
            .text
        };
        let small = || flavor("SCS-2V-4-20s", 2, 4, 20, "ssd");
        let large = || flavor("SCS-4V-16-100s", 4, 16, 100, "ssd");
        assert_eq!(verdict(vec![small(), large()]), Pass);
        assert_eq!(verdict(vec![small()]), Fail);
        assert_eq!(verdict(vec![small(), flavor("SCS-4V-16-100s", 4, 16, 100, "network")]), Fail);
        assert_eq!(verdict(vec![]), Fail);
    }
}
