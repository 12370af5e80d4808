//! A security group is created to see which rules it gets (scs-0115, for clouds before 2023.2).

use assay_inventory::{FactId, NewSecurityGroup, SecurityGroupRule, StepId};
use assay_journal::Kind;
use serde_json::{Value, json};

use super::workshop::{Bench, New, Stop, Workshop};

const FACT: FactId = FactId::NewSecurityGroup;

/// Creates a security group, reads its rules and deletes it.
pub(crate) async fn new_security_group(bench: Bench<'_>) -> NewSecurityGroup {
    let workshop = Workshop::new(bench, FACT);
    let rules = read_rules(&workshop).await.ok();
    NewSecurityGroup { rules, transcript: workshop.finish().await }
}

async fn read_rules(workshop: &Workshop<'_>) -> Result<Vec<SecurityGroupRule>, Stop> {
    let new = New {
        kind: Kind::SecurityGroup,
        what: "security-group",
        path: &["security-groups"],
        wrapper: "security_group",
        fields: json!({}),
    };
    let group = workshop.make(StepId::CreateSecurityGroup, new).await?;
    workshop
        .step(StepId::ReadSecurityGroup, Some(&group.name), async {
            let endpoint = workshop.session().endpoint("network")?;
            let reply = workshop.get(&endpoint, &["security-groups", &group.id]).await?;
            let record = super::workshop::unwrapped(&reply, "security_group")?;
            let rules = record.get("security_group_rules").and_then(Value::as_array);
            let rules =
                rules.ok_or_else(|| reply.malformed("the answer holds no \"security_group_rules\""))?;
            let rules = rules.iter().map(|rule| {
                let fields = rule.as_object()?;
                // Without these two nothing can be said of a rule.
                let is_told = ["direction", "ethertype"]
                    .iter()
                    .all(|field| fields.get(*field).is_some_and(Value::is_string));
                is_told.then(|| SecurityGroupRule(fields.clone().into_iter().collect()))
            });
            let rules: Option<Vec<_>> = rules.collect();
            rules.ok_or_else(|| reply.malformed("a rule has no direction or no ethertype"))
        })
        .await
}
