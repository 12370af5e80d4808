//! What the tests of whole clouds have in common: scripts, subjects, names.

use std::sync::Arc;

use assay_inventory::FactId;
use serde_json::Value;

use super::PLAIN;
use super::ground::Ground;
use super::proxy::{Answer, Call, Outcome, Script};
use super::run::{Ran, Subject, old_neutron, troubles};

/// Most probes at the same time.
pub(super) const ALL: Subject = Subject {
    fact: FactId::VolumeBackup,
    reads: &[
        FactId::SecretLifecycle,
        FactId::ImageUpload,
        FactId::ExternalNetworks,
        FactId::ProviderNetworkUse,
        FactId::DefaultSecurityGroupRules,
        FactId::NewSecurityGroup,
    ],
    is_old: true,
    ..PLAIN
};

pub(super) const SECRETS: &str = "scs-0116-permissions";
pub(super) const BACKUPS: &str = "scs-0117-test-backup";
pub(super) const GROUPS: &str = "scs-0115-default-rules";

pub(super) async fn ground() -> Ground {
    Ground::prepare("assay-faults").await
}

pub(super) fn nothing() -> Vec<String> {
    Vec::new()
}

pub(super) fn has(ran: &Ran, words: &[&str]) -> bool {
    troubles(&ran.inventory).iter().any(|why| words.iter().all(|word| why.contains(word)))
}

/// A script made of two functions.
pub(super) struct Scripted<B, A> {
    before: B,
    after: A,
}

impl<B, A> Script for Scripted<B, A>
where
    B: Fn(&Call) -> Option<Outcome> + Send + Sync,
    A: Fn(&Call, &mut Answer) + Send + Sync,
{
    fn before(&self, call: &Call) -> Option<Outcome> {
        (self.before)(call).or_else(|| old_neutron(call))
    }

    fn after(&self, call: &Call, mut answer: Answer) -> Outcome {
        (self.after)(call, &mut answer);
        Outcome::Answer(answer)
    }
}

/// Answers for the cloud.
pub(super) fn instead<B: Fn(&Call) -> Option<Outcome> + Send + Sync + 'static>(before: B) -> Arc<dyn Script> {
    Arc::new(Scripted { before, after: |_: &Call, _: &mut Answer| () })
}

/// Changes the answers of the cloud.
pub(super) fn changing<A: Fn(&Call, &mut Answer) + Send + Sync + 'static>(after: A) -> Arc<dyn Script> {
    Arc::new(Scripted { before: |_: &Call| None, after })
}

/// Changes the JSON of answers that are fine.
pub(super) fn rewriting<F: Fn(&Call, &mut Value) + Send + Sync + 'static>(rewrite: F) -> Arc<dyn Script> {
    changing(move |call, answer| {
        if let Some(mut value) = answer.value().filter(|_| answer.status < 300) {
            rewrite(call, &mut value);
            answer.body = value.to_string().into_bytes();
        }
    })
}
