//! The rules that neutron gives to new security groups (scs-0115).

use assay_inventory::{Fact, Inventory, SecurityGroupRule, Subject};
use assay_testcases::{Evidence, Registry, Weight};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Work;
use super::answers::Rules;
use super::step::Step;
use crate::plan::{self, Action, Change, Plan, Question, Resource, Verb};

const TESTCASE: &str = "scs-0115-default-rules";
const CLAUSE: &str = "scs-0115-v1, default rules";
/// How neutron names the group itself.
const SAME_GROUP: &str = "PARENT";
/// Which new groups get a rule.
const USES: [(&str, &str); 2] =
    [("used_in_default_sg", "the default group"), ("used_in_non_default_sg", "other groups")];

/// Lets traffic out; what lets traffic in goes only if the operator says so.
pub(super) fn repair(rules: &[SecurityGroupRule], work: &Work<'_>, plan: &mut Plan) {
    if !work.is_wanted(TESTCASE) {
        return;
    }
    for ethertype in ["IPv4", "IPv6"] {
        egress(rules, ethertype, plan);
    }
    for (id, name, found) in open_doors(rules, work.now) {
        match work.answers.default_rules() {
            Some(Rules::Keep) => {}
            Some(Rules::Standard) => close(rules, id, name, &found, plan),
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

/// Lets all traffic out of all new groups.
fn egress(rules: &[SecurityGroupRule], ethertype: &str, plan: &mut Plan) {
    let lacks = |(field, _): &(&str, &str)| {
        !rules.iter().any(|rule| lets_all_out(rule, ethertype) && is_used(rule, field))
    };
    let lacking: Vec<&str> = USES.into_iter().filter(lacks).map(|(_, groups)| groups).collect();
    if lacking.is_empty() {
        return;
    }
    let lacking = lacking.join(" and ");
    let reason = format!("no rule lets all {ethertype} traffic out of {lacking}");
    // Neutron takes one that differs in its uses alone for the same, and can change none.
    let after = rules
        .iter()
        .filter(|rule| lets_all_out(rule, ethertype) && crate::plan::is_addressable(rule.id()))
        .map(|rule| {
            remove(
                rule.id(),
                format!("egress {ethertype}"),
                format!("{reason}; one for all takes its place"),
                plan,
            )
        })
        .collect();
    let rule = json!({
        "direction": "egress",
        "ethertype": ethertype,
        "used_in_default_sg": true,
        "used_in_non_default_sg": true,
    });
    add(rule, format!("egress {ethertype}"), "all groups", reason, after, plan);
}

/// Takes a rule away that lets traffic in. What lets the default group talk to itself stays for the default group.
fn close(rules: &[SecurityGroupRule], id: String, name: String, found: &str, plan: &mut Plan) {
    let rule = rules.iter().find(|rule| rule.id() == id);
    let removed = remove(&id, name.clone(), format!("{found}; groups that exist keep their rules"), plan);
    let from_itself = |rule: &SecurityGroupRule| rule.text("remote_group_id").value() == Some(SAME_GROUP);
    if let Some(rule) = rule.filter(|rule| from_itself(rule) && is_used(rule, USES[0].0)) {
        let kept =
            ["direction", "ethertype", "protocol", "port_range_min", "port_range_max", "remote_group_id"];
        let mut narrower: Map<String, Value> =
            kept.iter().filter_map(|field| Some(((*field).to_owned(), rule.get(field)?.clone()))).collect();
        narrower.insert(USES[0].0.to_owned(), json!(true));
        narrower.insert(USES[1].0.to_owned(), json!(false));
        let reason = "the default group may talk to itself".to_owned();
        add(Value::Object(narrower), name, USES[0].1, reason, vec![removed], plan);
    }
}

fn remove(id: &str, name: String, reason: String, plan: &mut Plan) -> usize {
    plan.push(Action {
        verb: Verb::Delete,
        resource: Resource::DefaultRule,
        name,
        id: Some(id.to_owned()),
        changes: Vec::new(),
        reason,
        clause: Some(CLAUSE.to_owned()),
        after: Vec::new(),
        step: Some(plan::Step::Repair(Step::RemoveDefaultRule { rule: id.to_owned() })),
    })
}

fn add(rule: Value, name: String, groups: &str, reason: String, after: Vec<usize>, plan: &mut Plan) {
    plan.push(Action {
        verb: Verb::Create,
        resource: Resource::DefaultRule,
        name,
        id: None,
        changes: vec![Change::to("in", None, groups)],
        reason,
        clause: Some(CLAUSE.to_owned()),
        after,
        step: Some(plan::Step::Repair(Step::AddDefaultRule { rule })),
    });
}

fn is_used(rule: &SecurityGroupRule, field: &str) -> bool {
    rule.get(field).and_then(Value::as_bool) == Some(true)
}

fn lets_all_out(rule: &SecurityGroupRule, ethertype: &str) -> bool {
    let is_open = |narrowing: &str| rule.get(narrowing).is_none_or(|value| value.as_str() == Some(""));
    rule.text("direction").value() == Some("egress")
        && rule.text("ethertype").value() == Some(ethertype)
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
