//! What the description of a volume type promises about encryption, and what becomes of it in a volume.

use std::borrow::Cow;

use assay_inventory::{EncryptedVolume, FactId};
use assay_standards::requirements::VolumeTypes;

use super::{STANDARD, resource};
use crate::evidence::{Needed, probed};
use crate::finding::{Readings, Resource};
use crate::registry::Registry;
use crate::rule::rule;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging, steps};

const ENCRYPTED: &str = "encrypted";
const EXPECTED: &str = "a volume that cinder calls encrypted";

pub(super) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0114-encrypted-volume"),
        standard: STANDARD,
        clause: "implementation details, encryption",
        demand: Demand::Must,
        title: Cow::Borrowed("Volumes of types that promise encryption are encrypted"),
        explanation: "Whoever chooses a volume type by its aspect `encrypted` relies on it. A volume of each such type is created, \
             looked at and deleted; cinder tells of each volume whether the encryption of its type was set up.",
        remedy: Cow::Borrowed(
            "Set up the encryption of the volume type, `openstack volume type set --encryption-provider luks TYPE`, or take the \
             aspect out of its description.",
        ),
        official_facts: &[FactId::VolumeTypes],
        text_facts: &[FactId::EncryptedVolumes],
        own: true,
        judge: rule(encrypted_volume),
    });
}

fn encrypted_volume(evidence: &Evidence<'_>) -> Needed<Judgement> {
    let seen = probed(FactId::EncryptedVolumes, &evidence.inventory.encrypted_volumes)?;
    let promising = |description: &str| VolumeTypes::advertised(description).contains(&ENCRYPTED);
    let types: Vec<_> = evidence
        .volume_types()?
        .iter()
        .filter(|volume_type| volume_type.text("description").value().is_some_and(promising))
        .collect();
    let mut judging = Judging::default();
    if types.is_empty() {
        judging.note(Readings::Text, None, "no volume type promises encryption, so there is none to try");
    }
    for volume_type in types {
        let about = resource(volume_type);
        match seen.volumes.iter().find(|volume| Some(volume.volume_type.as_str()) == volume_type.name()) {
            Some(volume) => judge(&mut judging, about, volume),
            None => judging.abort(Readings::Text, about, EXPECTED, "none was created of this type"),
        }
    }
    Ok(judging.finish_own())
}

fn judge(judging: &mut Judging, about: Resource, volume: &EncryptedVolume) {
    match (&volume.trouble, volume.encrypted) {
        (Some(trouble), _) if steps::is_the_clouds_doing(trouble) => {
            judging.fail(Readings::Text, about, EXPECTED, trouble.to_string());
        }
        (Some(trouble), _) => judging.abort(Readings::Text, about, EXPECTED, trouble.to_string()),
        (None, Some(true)) => judging.note(Readings::Text, about, "a volume of this type is encrypted"),
        (None, Some(false)) => {
            judging.fail(Readings::Text, about, EXPECTED, "a volume of this type is not encrypted");
        }
        (None, None) => {
            judging.abort(Readings::Text, about, EXPECTED, "cinder does not say whether it is encrypted");
        }
    }
}

#[cfg(test)]
mod tests {
    use assay_inventory::{EncryptedVolumes, Fact, Reason, Unavailable, VolumeType};
    use assay_standards::Verdict::{self, Abort, Fail, Miss, Pass};
    use serde_json::json;

    use super::*;
    use crate::testing;

    fn types() -> Fact<Vec<VolumeType>> {
        testing::known(json!([
            {"id": "1", "name": "plain", "description": "the usual"},
            {"id": "2", "name": "LUKS", "description": "[scs:encrypted] kept safe"},
            {"id": "3", "name": "both", "description": "[scs:encrypted, replicated]"},
            {"id": "4", "name": "broken", "description": null},
        ]))
    }

    fn volume(volume_type: &str, encrypted: Option<bool>, trouble: Option<Unavailable>) -> EncryptedVolume {
        EncryptedVolume { volume_type: volume_type.into(), encrypted, trouble }
    }

    fn judged(types: Fact<Vec<VolumeType>>, volumes: Vec<EncryptedVolume>) -> Judgement {
        testing::judge("scs-0114-encrypted-volume", |inventory| {
            inventory.volume_types = types;
            inventory.encrypted_volumes =
                Fact::Known(EncryptedVolumes { volumes, ..EncryptedVolumes::default() });
        })
    }

    fn verdict(volumes: Vec<EncryptedVolume>) -> Verdict {
        judged(types(), volumes).text
    }

    #[test]
    fn every_type_that_promises_encryption_must_keep_it() {
        let good = |name| volume(name, Some(true), None);
        assert_eq!(verdict(vec![good("LUKS"), good("both")]), Pass);
        assert_eq!(verdict(vec![good("LUKS"), volume("both", Some(false), None)]), Fail);
        assert_eq!(verdict(vec![good("LUKS"), volume("both", None, None)]), Abort);
        assert_eq!(verdict(vec![good("LUKS")]), Abort, "the other type was not tried");
    }

    #[test]
    fn the_finding_names_the_type() {
        let judgement =
            judged(types(), vec![volume("LUKS", Some(true), None), volume("both", Some(false), None)]);
        let broken = judgement.findings.iter().find(|finding| !finding.expected.is_empty()).unwrap();
        assert_eq!(broken.resource.as_ref().unwrap().name, "both");
    }

    #[test]
    fn trouble_with_the_volume() {
        let over_quota =
            Unavailable { message: "exceeded for quota 'volumes'".into(), ..testing::answered(413) };
        for (trouble, expected) in [
            (Unavailable::new(Reason::Failed, "it went to error"), Fail),
            (Unavailable::new(Reason::Budget, "it should be available"), Fail),
            (testing::answered(403), Fail),
            (over_quota, Abort),
            (testing::answered(500), Abort),
            (Unavailable::new(Reason::Malformed, "cinder does not say whether it is encrypted"), Abort),
            (Unavailable::new(Reason::Interrupted, "the run was interrupted"), Abort),
        ] {
            let volumes = vec![volume("LUKS", None, Some(trouble.clone())), volume("both", Some(true), None)];
            assert_eq!(verdict(volumes), expected, "{trouble}");
        }
    }

    #[test]
    fn a_cloud_that_promises_nothing_breaks_no_promise() {
        let plain = testing::known(json!([{"id": "1", "name": "plain", "description": "x [scs:encrypted]"}]));
        assert_eq!(judged(plain, Vec::new()).text, Pass);
    }

    #[test]
    fn without_the_probe_or_the_types() {
        let id = "scs-0114-encrypted-volume";
        assert_eq!(testing::judge(id, |inventory| inventory.volume_types = types()).text, Miss);
        let unseen = Fact::Unavailable(Unavailable::new(Reason::NotInCatalog, "no block storage"));
        assert_eq!(judged(unseen, Vec::new()).text, Abort);
    }
}
