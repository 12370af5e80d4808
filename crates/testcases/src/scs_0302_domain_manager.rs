//! scs-0302: domain managers run users, projects and groups of their own domain, and of no other.

use std::borrow::Cow;

use crate::Judgement;
use crate::registry::Registry;
use crate::testcase::{Demand, Testcase};

pub(crate) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("domain-manager-check"),
        standard: "scs-0302-v1",
        clause: "conformance tests",
        demand: Demand::Must,
        title: Cow::Borrowed("A domain manager can do what its domain needs, and nothing beyond it"),
        explanation: "With the role manager in a domain, customers help themselves instead of asking the provider. The role is safe only if \
             it ends at the border of the domain and cannot be turned into admin. Two domains with a manager each are needed to see that.",
        remedy: Cow::Borrowed(
            "From OpenStack 2024.2 on keep enforce_scope and enforce_new_defaults on and remove older policies for the role; \
             before that, install the policy of the standard.",
        ),
        official_facts: &[],
        text_facts: &[],
        own: false,
        judge: Box::new(|_| {
            Judgement::missed(
                "a person must look: with a manager in each of two domains, prove that a manager runs users, projects, groups and \
                 role assignments of its own domain, reaches nothing in the other one, and can assign no administrative role",
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
        assert_eq!(testing::verdicts("domain-manager-check", |_| {}), (Miss, Miss));
    }
}
