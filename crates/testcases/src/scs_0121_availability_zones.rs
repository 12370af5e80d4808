//! scs-0121: availability zones. Who spreads work over two of them survives a fire in one.

use std::borrow::Cow;

use crate::Judgement;
use crate::registry::Registry;
use crate::testcase::{Demand, Testcase};

pub(crate) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("availability-zones-check"),
        standard: "scs-0121-v1",
        clause: "required documentation",
        demand: Demand::Must,
        title: Cow::Borrowed("The documentation shows that availability zones fail independently"),
        explanation: "Fire zones, power lines and routers cannot be seen through an API. Only clouds with more than one availability \
             zone have something to prove; the proof is due at first and again when the building changes.",
        remedy: Cow::Borrowed(
            "Document the fire zones, power lines, external connections and core routers of each availability zone; \
             certificates such as ISO 27001 can stand in for the last three.",
        ),
        official_facts: &[],
        text_facts: &[],
        own: false,
        judge: Box::new(|_| {
            Judgement::missed(
                "a person must look: if there is more than one availability zone, the documentation must prove that there are \
                 fire zones, that each availability zone lies in one of its own, and that in each of them power lines, \
                 external connections and core routers are redundant",
            )
        }),
    });
}

#[cfg(test)]
mod tests {
    use assay_standards::Verdict::Miss;

    use crate::testing;

    #[test]
    fn a_person_must_look() {
        assert_eq!(testing::verdicts("availability-zones-check", |_| {}), (Miss, Miss));
    }
}
