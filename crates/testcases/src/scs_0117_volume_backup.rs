//! scs-0117: volumes can be backed up and restored by their users.

use std::borrow::Cow;

use assay_inventory::FactId;
use assay_standards::requirements::Services;

use crate::evidence::Needed;
use crate::finding::Readings;
use crate::registry::Registry;
use crate::rule::rule;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging, catalog};

const BLOCK_STORAGE: &str = "block-storage";

pub(crate) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0117-test-backup"),
        standard: "scs-0117-v1",
        clause: "decision, backup functionality",
        demand: Demand::Must,
        title: Cow::Borrowed("A volume can be backed up and restored"),
        explanation: "Users save their data with `openstack volume backup`. The API answers even where no backup service runs behind it, \
             so only a backup that was made and restored proves that it works.",
        remedy: Cow::Borrowed("Configure a backup driver of cinder, start cinder-backup, and try a backup by hand."),
        official_facts: &[FactId::Token],
        text_facts: &[],
        own: false,
        judge: rule(backup),
    });
}

fn backup(evidence: &Evidence<'_>) -> Needed<Judgement> {
    let token = evidence.token()?;
    let aliases = Services::get().aliases(BLOCK_STORAGE);
    if catalog::has(token, BLOCK_STORAGE) || aliases.iter().any(|alias| catalog::has(token, alias)) {
        return Ok(Judgement::missed(
            "to see whether backups work, the check must create a volume in the cloud, back it up and restore it, \
             which this run does not do",
        ));
    }
    let mut judging = Judging::default();
    judging.fail(
        Readings::Both,
        None,
        "a block storage service that makes backups",
        "no block storage in the catalog",
    );
    Ok(judging.finish())
}

#[cfg(test)]
mod tests {
    use assay_inventory::Fact;
    use assay_standards::Verdict::{Fail, Miss};

    use crate::testing;

    #[test]
    fn reading_shows_only_that_there_can_be_no_backup() {
        for (types, expected) in [
            (&["compute"][..], (Fail, Fail)),
            (&["volumev3"], (Miss, Miss)),
            (&["block-storage"], (Miss, Miss)),
        ] {
            let verdicts = testing::verdicts("scs-0117-test-backup", |inventory| {
                inventory.token = Fact::Known(testing::token(types));
            });
            assert_eq!(verdicts, expected, "{types:?}");
        }
    }
}
