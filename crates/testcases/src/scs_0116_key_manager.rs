//! scs-0116: the key manager. Where there is one, every member may use it, and keys are kept safe.

use std::borrow::Cow;

use assay_inventory::FactId;

use crate::evidence::Needed;
use crate::finding::Readings;
use crate::registry::Registry;
use crate::rule::rule;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging, catalog};

const STANDARD: &str = "scs-0116-v1";
const TOKEN: &[FactId] = &[FactId::Token];
const KEY_MANAGER: &str = "key-manager";

pub(crate) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0116-presence"),
        standard: STANDARD,
        clause: "key manager, presence",
        demand: Demand::Should,
        title: Cow::Borrowed("The catalog lists a key manager"),
        explanation: "Encrypted volumes and certificates of load balancers need a place for their keys. \
             A key manager is recommended; it shows in the service catalog as key-manager.",
        remedy: Cow::Borrowed("Deploy barbican and register it in the catalog with the type key-manager."),
        official_facts: TOKEN,
        text_facts: &[],
        own: false,
        judge: rule(presence),
    });
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0116-permissions"),
        standard: STANDARD,
        clause: "key manager, policies",
        demand: Demand::Must,
        title: Cow::Borrowed("A member can store, list and delete secrets, if there is a key manager"),
        explanation: "Barbican as it comes gives the right to store secrets to a role of its own, creator. Users with the role member, \
             which is what everybody has, must be able to do the same. A cloud without a key manager passes.",
        remedy: Cow::Borrowed(
            "Turn on the secure defaults of barbican, or let its policy define creator as role:member.",
        ),
        official_facts: TOKEN,
        text_facts: &[],
        own: false,
        judge: rule(permissions),
    });
    registry.add(Testcase {
        id: Cow::Borrowed("key-manager-docs-check"),
        standard: STANDARD,
        clause: "key manager, master key encryption key",
        demand: Demand::Must,
        title: Cow::Borrowed("The documentation shows how keys are protected"),
        explanation: "Managed keys must be stored encrypted, and the master key that encrypts them must be stored elsewhere. \
             Neither can be seen from outside, so a person reads the documentation.",
        remedy: Cow::Borrowed(
            "Document the secret store of the key manager: how keys are encrypted, and where the master key is kept.",
        ),
        official_facts: &[],
        text_facts: &[],
        own: false,
        judge: Box::new(|_| {
            Judgement::missed(
                "a person must look: the documentation must prove that keys are stored encrypted and that the master \
                 key is kept apart from them, and should show that it does not lie in plain text on the host of the key manager",
            )
        }),
    });
}

fn presence(evidence: &Evidence<'_>) -> Needed<Judgement> {
    let mut judging = Judging::default();
    if !catalog::has(evidence.token()?, KEY_MANAGER) {
        judging.fail(Readings::Both, None, "a service of type key-manager in the catalog", "no such service");
    }
    Ok(judging.finish())
}

fn permissions(evidence: &Evidence<'_>) -> Needed<Judgement> {
    if catalog::has(evidence.token()?, KEY_MANAGER) {
        return Ok(Judgement::missed(
            "to see whether a member may store secrets, the check must create a secret in the cloud, which this run does not do",
        ));
    }
    let mut judging = Judging::default();
    judging.note(
        Readings::Both,
        None,
        "there is no key manager in the catalog, so there are no permissions to check",
    );
    Ok(judging.finish())
}

#[cfg(test)]
mod tests {
    use assay_inventory::Fact;
    use assay_standards::Verdict::{self, Fail, Miss, Pass};

    use crate::testing;

    fn verdicts(id: &str, service_types: &[&str]) -> (Verdict, Verdict) {
        testing::verdicts(id, |inventory| inventory.token = Fact::Known(testing::token(service_types)))
    }

    #[test]
    fn without_a_key_manager_permissions_pass_and_presence_fails() {
        assert_eq!(verdicts("scs-0116-permissions", &["compute"]), (Pass, Pass));
        assert_eq!(verdicts("scs-0116-presence", &["compute"]), (Fail, Fail));
    }

    #[test]
    fn with_a_key_manager_permissions_cannot_be_read() {
        assert_eq!(verdicts("scs-0116-permissions", &["key-manager"]), (Miss, Miss));
        assert_eq!(verdicts("scs-0116-presence", &["key-manager"]), (Pass, Pass));
        assert_eq!(verdicts("key-manager-docs-check", &["key-manager"]), (Miss, Miss));
    }
}
