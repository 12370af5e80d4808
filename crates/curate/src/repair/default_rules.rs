//! The rules that neutron gives to new security groups (scs-0115).

use assay_inventory::{Fact, Inventory, SecurityGroupRule, Subject};
use assay_testcases::{Evidence, Registry, Weight};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Work;
use super::answers::Rules;
use super::step::Step;
use crate::plan::{self, Action, Change, Plan, Question, Resource, Verb};

const TESTCASE: &str = "scs-0115-default-rules";
const CLAUSE: &str = "scs-0115-v1, default rules";
/// Which new groups get a rule.
const USES: [(&str, &str); 2] =
    [("used_in_default_sg", "the default group"), ("used_in_non_default_sg", "other groups")];

/// Lets traffic out; what lets traffic in goes only if the operator says so.
pub(super) fn repair(rules: &[SecurityGroupRule], work: &Work<'_>, plan: &mut Plan) {
    if !work.is_wanted(TESTCASE) {
        return;
    }
    for ethertype in ["IPv4", "IPv6"] {
        let lacking: Vec<(&str, &str)> = USES
            .into_iter()
            .filter(|(field, _)| !rules.iter().any(|rule| lets_all_out(rule, ethertype, field)))
            .collect();
        if !lacking.is_empty() {
            let gets = |field: &str| lacking.iter().any(|(lacks, _)| *lacks == field);
            let rule = json!({
                "direction": "egress",
                "ethertype": ethertype,
                "used_in_default_sg": gets(USES[0].0),
                "used_in_non_default_sg": gets(USES[1].0),
            });
            let groups: Vec<&str> = lacking.iter().map(|(_, groups)| *groups).collect();
            plan.push(Action {
                verb: Verb::Create,
                resource: Resource::DefaultRule,
                name: format!("egress {ethertype}"),
                id: None,
                changes: vec![Change::to("in", None, groups.join(" and "))],
                reason: format!("no rule lets all {ethertype} traffic out of {}", groups.join(" and ")),
                clause: Some(CLAUSE.to_owned()),
                after: Vec::new(),
                step: Some(plan::Step::Repair(Step::AddDefaultRule { rule })),
            });
        }
    }
    for (id, name, found) in open_doors(rules, work.now) {
        match work.answers.default_rules() {
            Some(Rules::Keep) => {}
            Some(Rules::Standard) => {
                plan.push(Action {
                    verb: Verb::Delete,
                    resource: Resource::DefaultRule,
                    name,
                    id: Some(id.clone()),
                    changes: Vec::new(),
                    reason: format!("{found}; groups that exist keep their rules"),
                    clause: Some(CLAUSE.to_owned()),
                    after: Vec::new(),
                    step: Some(plan::Step::Repair(Step::RemoveDefaultRule { rule: id })),
                });
            }
            None => plan.questions.push(Question {
                resource: Resource::DefaultRule,
                name,
                id: Some(id),
                field: "default_security_group_rules".to_owned(),
                expected: "standard, which removes such rules for new groups, or keep".to_owned(),
                found,
                suggestion: Some("standard".to_owned()),
                clause: CLAUSE.to_owned(),
            }),
        }
    }
}

fn lets_all_out(rule: &SecurityGroupRule, ethertype: &str, field: &str) -> bool {
    let is_open = |narrowing: &str| rule.get(narrowing).is_none_or(|value| value.as_str() == Some(""));
    rule.text("direction").value() == Some("egress")
        && rule.text("ethertype").value() == Some(ethertype)
        && rule.get(field).and_then(Value::as_bool) == Some(true)
        && [
            "remote_ip_prefix",
            "protocol",
            "port_range_min",
            "port_range_max",
            "remote_group_id",
            "remote_address_group_id",
        ]
        .into_iter()
        .all(is_open)
}

/// The rules that the testcase finds fault with: id, name, and what they do.
fn open_doors(rules: &[SecurityGroupRule], now: Timestamp) -> Vec<(String, String, String)> {
    let mut inventory = Inventory::new(Subject::default(), now);
    inventory.default_security_group_rules = Fact::Known(rules.to_vec());
    let Some(testcase) = Registry::get().find(TESTCASE) else { return Vec::new() };
    let findings = testcase.judge(&Evidence::new(&inventory, now)).findings.into_iter();
    let about_rules = findings.filter(|finding| finding.weight != Weight::Note).filter_map(|finding| {
        let resource = finding.resource?;
        Some((resource.id, resource.name, finding.found.into_owned()))
    });
    about_rules.filter(|(id, ..)| crate::plan::is_addressable(id)).collect()
}
