//! scs-0116: the key manager. Where there is one, every member may use it, and keys are kept safe.

use std::borrow::Cow;

use assay_inventory::{FactId, StepId};

use crate::evidence::Needed;
use crate::finding::Readings;
use crate::registry::Registry;
use crate::rule::rule;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging, catalog, steps};

const STANDARD: &str = "scs-0116-v1";
const TOKEN: &[FactId] = &[FactId::Token];
const KEY_MANAGER: &str = "key-manager";

const NOT_FOUND: &str = "the reference suite stumbles over its own cleaning up when the secret is not listed, and aborts; by the text it fails";
const SECOND_LIST: &str = "the reference suite stumbles when the list is forbidden after the secret was stored, and aborts; by the text it fails";
const NOT_READ: &str = "the reference suite does not read the secret back";

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
             which is what everybody has, must be able to do the same. The check stores a secret that is worth nothing, finds it, \
             reads it and deletes it. A cloud without a key manager passes.",
        remedy: Cow::Borrowed(
            "Turn on the secure defaults of barbican, or let its policy define creator as role:member.",
        ),
        official_facts: &[FactId::Token, FactId::SecretLifecycle],
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
    let mut judging = Judging::default();
    if !catalog::has(evidence.token()?, KEY_MANAGER) {
        judging.note(
            Readings::Both,
            None,
            "there is no key manager in the catalog, so there are no permissions to check",
        );
        return Ok(judging.finish());
    }
    let seen = evidence.secret_lifecycle()?;
    for step in &seen.transcript.steps {
        let is_forbidden = step.trouble.as_ref().is_some_and(|trouble| trouble.status == Some(403));
        match (step.id, is_forbidden) {
            (StepId::TakeDown, _) => {}
            // The reference reads no payload; for a user it is what a key manager is for.
            (StepId::ReadSecret, true) => {
                steps::fail(&mut judging, Readings::Text, step);
                judging.differ(NOT_READ);
            }
            (StepId::ReadSecret, false) => steps::note(&mut judging, Readings::Text, step),
            (StepId::FindSecret, true) => {
                steps::abort(&mut judging, Readings::Official, step);
                steps::fail(&mut judging, Readings::Text, step);
                judging.differ(SECOND_LIST);
            }
            (_, true) => steps::fail(&mut judging, Readings::Both, step),
            (_, false) => steps::abort(&mut judging, Readings::Both, step),
        }
    }
    if seen.found == Some(false) {
        const EXPECTED: &str = "the secret that was stored in the list of secrets";
        const FOUND: &str = "it is not there";
        judging.abort(Readings::Official, None, EXPECTED, FOUND);
        judging.fail(Readings::Text, None, EXPECTED, FOUND);
        judging.differ(NOT_FOUND);
    }
    if seen.intact == Some(false) {
        judging.fail(Readings::Text, None, "the payload that was stored", "another payload came back");
        judging.differ(NOT_READ);
    }
    Ok(judging.finish())
}

#[cfg(test)]
mod tests {
    use assay_inventory::{Fact, SecretLifecycle, StepId, Unavailable};
    use assay_standards::Verdict::{self, Abort, Fail, Miss, Pass};

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
    fn with_a_key_manager_permissions_take_a_probe() {
        assert_eq!(verdicts("scs-0116-permissions", &["key-manager"]), (Miss, Miss));
        assert_eq!(verdicts("scs-0116-presence", &["key-manager"]), (Pass, Pass));
        assert_eq!(verdicts("key-manager-docs-check", &["key-manager"]), (Miss, Miss));
    }

    /// A probe whose step `at` ended so; all before it went well, and none follows, save the taking down.
    fn probed(at: StepId, trouble: Option<Unavailable>) -> SecretLifecycle {
        const ALL: [StepId; 5] = [
            StepId::ListSecrets,
            StepId::CreateSecret,
            StepId::FindSecret,
            StepId::ReadSecret,
            StepId::DeleteSecret,
        ];
        let position = ALL.iter().position(|step| *step == at).unwrap();
        let mut steps: Vec<_> = ALL[..position].iter().map(|step| (*step, None)).collect();
        steps.push((at, trouble));
        SecretLifecycle {
            transcript: testing::transcript(&steps),
            before: Some(0),
            found: (position > 2).then_some(true),
            intact: (position > 3).then_some(true),
        }
    }

    fn permissions(seen: SecretLifecycle) -> (Verdict, Verdict) {
        testing::verdicts("scs-0116-permissions", |inventory| {
            inventory.token = Fact::Known(testing::token(&["key-manager"]));
            inventory.secret_lifecycle = Fact::Known(seen);
        })
    }

    #[test]
    fn the_right_to_store_list_and_delete() {
        use StepId::{CreateSecret, DeleteSecret, FindSecret, ListSecrets, ReadSecret};
        assert_eq!(permissions(probed(DeleteSecret, None)), (Pass, Pass));
        for (step, status, expected) in [
            (ListSecrets, 403, (Fail, Fail)),
            (CreateSecret, 403, (Fail, Fail)),
            (DeleteSecret, 403, (Fail, Fail)),
            (FindSecret, 403, (Abort, Fail)),
            (ReadSecret, 403, (Pass, Fail)),
            (CreateSecret, 500, (Abort, Abort)),
            (ListSecrets, 404, (Abort, Abort)),
            (DeleteSecret, 500, (Abort, Abort)),
            (ReadSecret, 500, (Pass, Pass)),
        ] {
            assert_eq!(
                permissions(probed(step, Some(testing::answered(status)))),
                expected,
                "{step} {status}"
            );
        }
        let lost = SecretLifecycle { found: Some(false), ..probed(DeleteSecret, None) };
        assert_eq!(permissions(lost), (Abort, Fail));
        let spoilt = SecretLifecycle { intact: Some(false), ..probed(DeleteSecret, None) };
        assert_eq!(permissions(spoilt), (Pass, Fail));
    }
}
