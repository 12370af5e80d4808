//! scs-0104: users bring images of their own.

use std::borrow::Cow;

use assay_inventory::{FactId, ImageUpload, StepId};

use crate::evidence::{Needed, probed};
use crate::finding::Readings;
use crate::registry::Registry;
use crate::rule::rule;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging, steps};

/// What it takes to have an image of one's own.
const STEPS: [StepId; 3] = [StepId::CreateImage, StepId::UploadImage, StepId::AwaitImage];

pub(super) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0104-image-upload"),
        standard: "scs-0104-v1",
        clause: "uploading custom images",
        demand: Demand::Must,
        title: Cow::Borrowed("A user can upload an image"),
        explanation: "Users bring systems of their own, so a plain member must be able to register an image for the project alone and \
             to upload its data. A small image is registered, filled, waited for and deleted; nothing boots from it.",
        remedy: Cow::Borrowed(
            "Let the role member add images and upload data in the policies of glance (add_image, upload_image), and look at \
             glance's store if the upload itself fails.",
        ),
        official_facts: &[FactId::ImageUpload],
        text_facts: &[],
        own: true,
        judge: rule(image_upload),
    });
}

fn image_upload(evidence: &Evidence<'_>) -> Needed<Judgement> {
    let seen: &ImageUpload = probed(FactId::ImageUpload, &evidence.inventory.image_upload)?;
    let mut judging = Judging::default();
    if let Some((step, _)) = seen.transcript.first_trouble(&STEPS) {
        steps::settle(&mut judging, Readings::Text, step);
        return Ok(judging.finish_own());
    }
    if !STEPS.iter().all(|step| seen.transcript.is_done(*step)) {
        judging.abort(
            Readings::Text,
            None,
            "an image that was uploaded",
            "the upload was not tried to its end",
        );
        return Ok(judging.finish_own());
    }
    match seen.visibility.as_deref() {
        Some("private") => {}
        // Asked for as private, but seen by others: users would give away what they upload.
        Some(other @ ("public" | "community")) => {
            judging.fail(
                Readings::Text,
                None,
                "an image that the project alone sees",
                format!("visibility={other}"),
            );
        }
        other => {
            let found = format!(
                "the image was asked for as private and has visibility={}",
                other.unwrap_or("(none)")
            );
            judging.note(Readings::Text, None, found);
        }
    }
    match seen.intact {
        Some(true) => {}
        Some(false) => {
            judging.fail(
                Readings::Text,
                None,
                "an image of the size that was uploaded",
                "it has another size",
            );
        }
        None => judging.note(Readings::Text, None, "glance does not say how large the image is"),
    }
    Ok(judging.finish_own())
}

#[cfg(test)]
mod tests {
    use assay_inventory::{Fact, Reason, Unavailable};
    use assay_standards::Verdict::{self, Abort, Fail, Miss, Pass};

    use super::*;
    use crate::testing;

    fn verdict(seen: Fact<ImageUpload>) -> Verdict {
        testing::judge("scs-0104-image-upload", |inventory| inventory.image_upload = seen).text
    }

    fn uploaded(visibility: Option<&str>, intact: Option<bool>) -> Fact<ImageUpload> {
        Fact::Known(ImageUpload {
            transcript: testing::transcript(&STEPS.map(|step| (step, None))),
            visibility: visibility.map(Into::into),
            intact,
        })
    }

    fn ended(steps: &[(StepId, Option<Unavailable>)]) -> Fact<ImageUpload> {
        Fact::Known(ImageUpload { transcript: testing::transcript(steps), ..ImageUpload::default() })
    }

    #[test]
    fn an_image_that_is_there_as_it_was_sent() {
        for (visibility, intact, expected) in [
            (Some("private"), Some(true), Pass),
            (Some("private"), None, Pass),
            (Some("shared"), Some(true), Pass),
            (None, Some(true), Pass),
            (Some("public"), Some(true), Fail),
            (Some("community"), Some(true), Fail),
            (Some("private"), Some(false), Fail),
        ] {
            assert_eq!(verdict(uploaded(visibility, intact)), expected, "{visibility:?} {intact:?}");
        }
    }

    #[test]
    fn trouble_on_the_way() {
        let over_quota = Unavailable { message: "Quota exceeded".into(), ..testing::answered(413) };
        let killed = || Unavailable::new(Reason::Failed, "it went to killed");
        for (step, trouble, expected) in [
            (StepId::CreateImage, testing::answered(403), Fail),
            (StepId::CreateImage, testing::answered(500), Abort),
            (StepId::UploadImage, testing::answered(403), Fail),
            (StepId::UploadImage, over_quota, Abort),
            (StepId::AwaitImage, killed(), Fail),
            (StepId::AwaitImage, Unavailable::new(Reason::Interrupted, "the run was interrupted"), Abort),
        ] {
            let position = STEPS.iter().position(|known| *known == step).unwrap();
            let mut steps: Vec<_> = STEPS[..position].iter().map(|step| (*step, None)).collect();
            steps.push((step, Some(trouble.clone())));
            assert_eq!(verdict(ended(&steps)), expected, "{step}: {trouble}");
        }
        assert_eq!(verdict(ended(&[(StepId::CreateImage, None)])), Abort, "cut off between two steps");
    }

    #[test]
    fn what_cannot_be_deleted_again_says_nothing_about_uploads() {
        let mut steps = STEPS.map(|step| (step, None)).to_vec();
        steps.push((StepId::TakeDown, Some(testing::answered(403))));
        assert_eq!(verdict(ended(&steps)), Pass);
    }

    #[test]
    fn without_the_probe() {
        assert_eq!(verdict(Fact::NotAsked), Miss);
        assert_eq!(verdict(Fact::Unavailable(Unavailable::new(Reason::Journal, "the disk is full"))), Abort);
    }
}
