//! scs-0117: volumes can be backed up and restored by their users.

use std::borrow::Cow;

use assay_inventory::{FactId, StepId, Transcript};
use assay_standards::requirements::Services;

use crate::evidence::Needed;
use crate::finding::Readings;
use crate::registry::Registry;
use crate::rule::rule;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging, catalog, steps};

const BLOCK_STORAGE: &str = "block-storage";
/// What it takes to see the content of a volume.
const CONTENT_STEPS: [StepId; 5] = [
    StepId::CreateImage,
    StepId::UploadPattern,
    StepId::AwaitImage,
    StepId::ExportRestored,
    StepId::ReadPattern,
];

const ANY_TROUBLE: &str = "the reference suite fails on any trouble, also on what says nothing of backups; by the text it is undetermined";
const NAMELESS: &str = "the reference suite stumbles over volumes and backups without a name, whoever made them; the text demands no names";
const CONTENT: &str = "the reference suite does not look at what is in the restored volume";

pub(crate) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0117-test-backup"),
        standard: "scs-0117-v1",
        clause: "decision, backup functionality",
        demand: Demand::Must,
        title: Cow::Borrowed("A volume can be backed up and restored"),
        explanation: "Users save their data with `openstack volume backup`. The API answers even where no backup service runs behind it, \
             so only a backup that was made and restored proves that it works. By the text the restored volume must hold what \
             was saved, which is looked at where the project can make volumes from images and images from volumes.",
        remedy: Cow::Borrowed("Configure a backup driver of cinder, start cinder-backup, and try a backup by hand."),
        official_facts: &[FactId::Token, FactId::VolumeBackup],
        text_facts: &[],
        own: false,
        judge: rule(backup),
    });
}

fn backup(evidence: &Evidence<'_>) -> Needed<Judgement> {
    let token = evidence.token()?;
    let aliases = Services::get().aliases(BLOCK_STORAGE);
    let mut judging = Judging::default();
    if !catalog::has(token, BLOCK_STORAGE) && !aliases.iter().any(|alias| catalog::has(token, alias)) {
        judging.fail(
            Readings::Both,
            None,
            "a block storage service that makes backups",
            "no block storage in the catalog",
        );
        return Ok(judging.finish());
    }
    let seen = evidence.volume_backup()?;
    let transcript = &seen.transcript;
    if let Some((step, trouble)) = transcript.first_trouble(&needed_steps(transcript)) {
        // To the reference every trouble is a failure. By the text it is one if the cloud says so: refuses, has
        // no such API, makes a backup that ends in error, or never gets done.
        steps::fail(&mut judging, Readings::Official, step);
        if steps::is_the_clouds_doing(trouble) {
            steps::fail(&mut judging, Readings::Text, step);
        } else {
            steps::abort(&mut judging, Readings::Text, step);
            judging.differ(ANY_TROUBLE);
        }
    }
    for nameless in &seen.nameless {
        let expected = "names for all volumes and backups of the project";
        judging.fail(Readings::Official, None, expected, format!("{nameless} has none"));
        judging.differ(NAMELESS);
    }
    match seen.intact {
        Some(false) => {
            judging.fail(
                Readings::Text,
                None,
                "the restored volume holds what was backed up",
                "it begins with something else",
            );
            judging.differ(CONTENT);
        }
        Some(true) => judging.note(Readings::Text, None, "the restored volume holds what was backed up"),
        None if transcript.is_done(StepId::AwaitRestored) => {
            judging.note(
                Readings::Text,
                None,
                "whether the restored volume holds what was backed up is not known",
            );
            for step in transcript.steps.iter().filter(|step| CONTENT_STEPS.contains(&step.id)) {
                steps::note(&mut judging, Readings::Text, step);
            }
        }
        None => {}
    }
    match seen.incremental {
        Some(true) => judging.note(Readings::Text, None, "incremental backups work"),
        Some(false) => {
            judging.note(Readings::Text, None, "a backup that was to be incremental became a full one");
        }
        None => {
            let steps = [StepId::CreateIncremental, StepId::AwaitIncremental];
            for step in transcript.steps.iter().filter(|step| steps.contains(&step.id)) {
                steps::note(&mut judging, Readings::Text, step);
            }
        }
    }
    Ok(judging.finish())
}

/// The steps that must go well. A volume with content is tried first; if it cannot be had, an empty one is.
fn needed_steps(transcript: &Transcript) -> Vec<StepId> {
    use StepId::{
        AwaitBackup, AwaitRestored, AwaitVolume, CreateBackup, CreateVolume, ListBackups, RestoreBackup,
    };
    let has_volume = transcript.step(CreateBackup).is_some();
    let volume: &[StepId] = if has_volume { &[] } else { &[CreateVolume, AwaitVolume] };
    [&[ListBackups], volume, &[CreateBackup, AwaitBackup, RestoreBackup, AwaitRestored]].concat()
}

#[cfg(test)]
mod tests {
    use assay_inventory::{Fact, Reason, Unavailable, VolumeBackup};
    use assay_standards::Verdict::{self, Abort, Fail, Miss, Pass};

    use super::*;
    use crate::testing;

    const ID: &str = "scs-0117-test-backup";
    const WHOLE: [StepId; 7] = [
        StepId::ListBackups,
        StepId::CreateVolume,
        StepId::AwaitVolume,
        StepId::CreateBackup,
        StepId::AwaitBackup,
        StepId::RestoreBackup,
        StepId::AwaitRestored,
    ];

    #[test]
    fn without_the_probe_only_its_impossibility_is_seen() {
        for (types, expected) in [
            (&["compute"][..], (Fail, Fail)),
            (&["volumev3"], (Miss, Miss)),
            (&["block-storage"], (Miss, Miss)),
        ] {
            let verdicts = testing::verdicts(ID, |inventory| {
                inventory.token = Fact::Known(testing::token(types));
            });
            assert_eq!(verdicts, expected, "{types:?}");
        }
    }

    fn verdicts(seen: VolumeBackup) -> (Verdict, Verdict) {
        testing::verdicts(ID, |inventory| {
            inventory.token = Fact::Known(testing::token(&["volumev3"]));
            inventory.volume_backup = Fact::Known(seen);
        })
    }

    fn ended(at: StepId, trouble: Option<Unavailable>) -> VolumeBackup {
        let position = WHOLE.iter().position(|step| *step == at).unwrap();
        let mut steps: Vec<_> = WHOLE[..position].iter().map(|step| (*step, None)).collect();
        steps.push((at, trouble));
        VolumeBackup { transcript: testing::transcript(&steps), ..VolumeBackup::default() }
    }

    #[test]
    fn a_backup_that_was_restored_passes() {
        assert_eq!(verdicts(ended(StepId::AwaitRestored, None)), (Pass, Pass));
        let spoilt = VolumeBackup { intact: Some(false), ..ended(StepId::AwaitRestored, None) };
        assert_eq!(verdicts(spoilt), (Pass, Fail));
        let nameless =
            VolumeBackup { nameless: vec!["volume 1".into()], ..ended(StepId::AwaitRestored, None) };
        assert_eq!(verdicts(nameless), (Fail, Pass));
    }

    #[test]
    fn officially_all_trouble_is_failure() {
        let late = || Unavailable::new(Reason::Budget, "it should be available, but is creating");
        let failed = || Unavailable::new(Reason::Failed, "it went to error");
        for (step, trouble, text) in [
            (StepId::ListBackups, testing::answered(404), Fail),
            (StepId::CreateVolume, testing::answered(403), Fail),
            (StepId::CreateVolume, testing::answered(413), Abort),
            (StepId::CreateBackup, testing::answered(500), Abort),
            (StepId::AwaitBackup, late(), Fail),
            (StepId::AwaitBackup, failed(), Fail),
            (StepId::AwaitRestored, late(), Fail),
            (StepId::RestoreBackup, Unavailable::new(Reason::Timeout, "no answer in time"), Abort),
        ] {
            assert_eq!(verdicts(ended(step, Some(trouble))), (Fail, text), "{step}");
        }
    }

    #[test]
    fn an_empty_volume_does_where_none_with_content_can_be_had() {
        let refused = Some(testing::answered(403));
        let steps = [
            (StepId::ListBackups, None),
            (StepId::CreateImage, refused.clone()),
            (StepId::CreateVolume, None),
            (StepId::AwaitVolume, None),
            (StepId::CreateBackup, None),
            (StepId::AwaitBackup, None),
            (StepId::RestoreBackup, None),
            (StepId::AwaitRestored, None),
            (StepId::CreateIncremental, refused),
        ];
        let seen = VolumeBackup { transcript: testing::transcript(&steps), ..VolumeBackup::default() };
        assert_eq!(verdicts(seen), (Pass, Pass));
    }
}
