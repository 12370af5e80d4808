//! Extra specs of flavors that say by their names what they are (scs-0100, scs-0103).

use assay_inventory::Flavor;

use crate::flavors::{Proposal, Step, told};
use crate::plan::{self, Action, Change, Plan, Resource, Verb};

/// Whether an extra spec holds a shorter form of a name, which nobody has to offer.
fn is_short_form(key: &str) -> bool {
    key.starts_with("scs:name-") && !["scs:name-v1", "scs:name-v2"].contains(&key)
}

/// Adds what the names of flavors say and their extra specs do not.
pub(super) fn repair(flavors: &[&Flavor], plan: &mut Plan) {
    for flavor in flavors {
        match told(flavor) {
            None => {}
            Some(Proposal::NoName { flavor, why }) => plan.notes.push(format!(
                "flavor {flavor}: {why}; figures and names of flavors cannot be changed, so replace it"
            )),
            Some(Proposal::Definition(definition)) => {
                let specs: Vec<(String, String)> = definition
                    .extra_specs
                    .into_iter()
                    .filter(|(key, _)| flavor.extra_spec(key).is_none() && !is_short_form(key))
                    .collect();
                if specs.is_empty() {
                    continue;
                }
                let changes = specs.iter().map(|(key, value)| Change::to(key, None, value)).collect();
                let step = Step::SetExtraSpecs {
                    flavor: flavor.id().to_owned(),
                    specs: specs.into_iter().collect(),
                };
                plan.push(Action {
                    verb: Verb::Set,
                    resource: Resource::Flavor,
                    name: definition.name,
                    id: Some(flavor.id().to_owned()),
                    changes,
                    reason: "its name says what its extra specs do not".to_owned(),
                    clause: Some("scs-0103, extra specs".to_owned()),
                    after: Vec::new(),
                    step: Some(plan::Step::Flavor(step)),
                });
            }
        }
    }
}
