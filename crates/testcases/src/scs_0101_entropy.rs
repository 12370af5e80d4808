//! scs-0101: entropy. Virtual machines must have good randomness from the first moment on. Here is what was
//! demanded before v1.1; what a virtual machine shows is in `virtual_machine`.

mod guest;
mod virtual_machine;

use std::borrow::Cow;

use assay_inventory::{FactId, Flavor, Image};

use crate::registry::Registry;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging, Readings};
pub(crate) use guest::Guest;
pub(crate) use virtual_machine::resource as server;

const STANDARD: &str = "scs-0101-v1";
const TOKEN: &[FactId] = &[FactId::Token];

const NO_LONGER_DEMANDED: &str = "the reference suite lists the testcase without having it, so it always aborts; since v1.1 of the text nothing is demanded here";

pub(crate) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0101-flavor-property"),
        standard: STANDARD,
        clause: "flavors (dropped with v1.1)",
        demand: Demand::May,
        title: Cow::Borrowed("Which flavors offer a hardware random number generator"),
        explanation: "Before v1.1 every flavor needed the extra spec hw_rng:allowed=True. Since then the CPU's own instructions count, \
             and the extra spec is a matter of taste.",
        remedy: Cow::Borrowed("Nothing to do."),
        official_facts: TOKEN,
        text_facts: &[FactId::Flavors],
        own: false,
        judge: Box::new(flavor_property),
    });
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0101-image-property"),
        standard: STANDARD,
        clause: "images (dropped with v1.1)",
        demand: Demand::May,
        title: Cow::Borrowed("Which images ask for a virtio random number generator"),
        explanation: "Before v1.1 every image needed hw_rng_model=virtio. Since then the CPU's own instructions count, and the \
             property is a matter of taste.",
        remedy: Cow::Borrowed("Nothing to do."),
        official_facts: TOKEN,
        text_facts: &[FactId::Images],
        own: false,
        judge: Box::new(image_property),
    });
    virtual_machine::register(registry);
}

/// Official: always ABORT. Text: PASS, with what was found.
fn informational(found: String) -> Judgement {
    let mut judging = Judging::default();
    judging.abort(
        Readings::Official,
        None,
        "a testcase that the reference suite has",
        "it has none of this id",
    );
    judging.note(Readings::Text, None, found);
    judging.differ(NO_LONGER_DEMANDED);
    judging.finish()
}

fn flavor_property(evidence: &Evidence<'_>) -> Judgement {
    let flavors = match evidence.flavors() {
        Ok(flavors) => flavors,
        Err(judgement) => return *judgement,
    };
    let allows = |flavor: &&Flavor| {
        flavor.extra_spec("hw_rng:allowed").is_some_and(|value| value.eq_ignore_ascii_case("true"))
    };
    let count = flavors.iter().filter(allows).count();
    informational(format!("{count} of {} flavors have hw_rng:allowed=True", flavors.len()))
}

fn image_property(evidence: &Evidence<'_>) -> Judgement {
    let images = match evidence.offered_images() {
        Ok(images) => images,
        Err(judgement) => return *judgement,
    };
    let asks = |image: &&&Image| image.text("hw_rng_model").value() == Some("virtio");
    let count = images.iter().filter(asks).count();
    informational(format!("{count} of {} images have hw_rng_model=virtio", images.len()))
}
