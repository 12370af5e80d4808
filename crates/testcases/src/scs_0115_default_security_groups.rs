//! scs-0115: what a new security group lets through. Nothing comes in that its owner has not allowed.

use std::borrow::Cow;

use assay_inventory::{FactId, SecurityGroupRule};
use serde_json::Value;

use crate::evidence::Needed;
use crate::finding::{Readings, Resource};
use crate::registry::Registry;
use crate::rule::rule;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging, steps};

/// How neutron names the group itself in a template of its rules.
const SAME_GROUP: &str = "PARENT";
const EVERYWHERE: [&str; 2] = ["0.0.0.0/0", "::/0"];

const EGRESS: &str =
    "the reference suite fails without rules for outgoing traffic; the text only recommends them";
const ANY_PREFIX: &str =
    "the reference suite takes 0.0.0.0/0 and ::/0 for less than everywhere; by the text they are everywhere";
const RESTRICTED: &str =
    "the reference suite does not see that a rule for outgoing traffic holds for some ports or groups only";
const UNUSED: &str = "the reference suite fails on a rule for incoming traffic even if no group gets it";

pub(crate) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0115-default-rules"),
        standard: "scs-0115-v1",
        clause: "default rules",
        demand: Demand::Must,
        title: Cow::Borrowed("New security groups let traffic out, and in only from the same group"),
        explanation: "Users rely on a new group being closed. A default rule may let in what comes from the default group itself, \
             and nothing else. Outgoing traffic over IPv4 and IPv6 should be open, so that a new VM can fetch updates.",
        remedy: Cow::Borrowed(
            "Delete the rule: `openstack default security group rule delete ID`. The rule for the default group alone is \
             `openstack default security group rule create --ingress --remote-group PARENT --for-default-sg`. With the \
             credentials of an admin, `assay plan CLOUD` adds what is missing, and asks before it removes a rule.",
        ),
        official_facts: &[FactId::DefaultSecurityGroupRules, FactId::NewSecurityGroup],
        text_facts: &[],
        own: false,
        judge: rule(default_rules),
    });
}

fn default_rules(evidence: &Evidence<'_>) -> Needed<Judgement> {
    let rules = match evidence.default_security_group_rules() {
        Ok(rules) => rules,
        Err(why) if why.is_not_offered("default-security-group-rules") => return new_group(evidence),
        Err(why) => return Err(Box::new(Judgement::aborted(FactId::DefaultSecurityGroupRules, &why))),
    };
    let mut judging = Judging::default();
    for rule in rules.iter().filter(|rule| rule.text("direction").value() == Some("ingress")) {
        ingress(&mut judging, rule);
    }
    egress(&mut judging, rules);
    Ok(judging.finish())
}

/// For clouds that do not list their default rules (OpenStack before 2023.2): the rules of a new group.
fn new_group(evidence: &Evidence<'_>) -> Needed<Judgement> {
    let seen = evidence.new_security_group()?;
    let mut judging = Judging::default();
    judging.note(
        Readings::Both,
        None,
        "this cloud does not list its default rules (OpenStack before 2023.2), so those of a new security group were looked at",
    );
    if let Some(step) = seen.transcript.steps.iter().find(|step| step.trouble.is_some()) {
        steps::abort(&mut judging, Readings::Both, step);
    }
    let Some(rules) = &seen.rules else {
        return Ok(judging.finish());
    };
    for rule in rules.iter().filter(|rule| rule.text("direction").value() == Some("ingress")) {
        let from_itself = rule.text("remote_group_id").value().is_some_and(|id| !id.is_empty());
        judging.fail(
            Readings::Both,
            resource(rule),
            "no incoming traffic in a group that its owner has not opened",
            match from_itself {
                true => "a rule lets traffic from a group in".to_owned(),
                false => shown(rule),
            },
        );
    }
    for ethertype in ["IPv4", "IPv6"] {
        let lets_out = |rule: &&SecurityGroupRule| {
            rule.text("direction").value() == Some("egress")
                && rule.text("ethertype").value() == Some(ethertype)
        };
        match rules.iter().filter(lets_out).map(opens).reduce(|a, b| (a.0 || b.0, a.1 || b.1)) {
            None => {
                let expected = format!("a rule that lets {ethertype} traffic out of a new group");
                judging.fail(Readings::Official, None, expected, "no such rule");
                judging.differ(EGRESS);
                judging.note(Readings::Text, None, none_out(ethertype, "a new group"));
            }
            Some((_, false)) => judging.note(Readings::Text, None, none_out(ethertype, "a new group")),
            Some(_) => {}
        }
    }
    Ok(judging.finish())
}

fn none_out(ethertype: &str, group: &str) -> String {
    format!("no rule lets all {ethertype} traffic out of {group}, which is recommended")
}

fn ingress(judging: &mut Judging, rule: &SecurityGroupRule) {
    let is_from_same_group = rule.text("remote_group_id").value() == Some(SAME_GROUP);
    if is_from_same_group && !is_set(rule, "used_in_non_default_sg") {
        return;
    }
    let is_unused = ["used_in_default_sg", "used_in_non_default_sg"]
        .into_iter()
        .all(|field| rule.flag(field).value() == Some(false));
    let readings = if is_unused { Readings::Official } else { Readings::Both };
    if is_unused {
        judging.note(Readings::Text, resource(rule), "a rule for incoming traffic that no group gets");
        judging.differ(UNUSED);
    }
    judging.fail(
        readings,
        resource(rule),
        "incoming traffic from the same group only, in the default group only",
        shown(rule),
    );
}

/// What a rule lets out: everything officially, everything by the text.
fn opens(rule: &SecurityGroupRule) -> (bool, bool) {
    let prefix = rule.text("remote_ip_prefix").value().unwrap_or_default();
    let is_narrow =
        ["protocol", "port_range_min", "port_range_max", "remote_group_id", "remote_address_group_id"]
            .into_iter()
            .any(|field| rule.get(field).is_some_and(|value| value.as_str() != Some("")));
    (prefix.is_empty(), (prefix.is_empty() || EVERYWHERE.contains(&prefix)) && !is_narrow)
}

fn egress(judging: &mut Judging, rules: &[SecurityGroupRule]) {
    for ethertype in ["IPv4", "IPv6"] {
        for (group, field) in
            [("the default group", "used_in_default_sg"), ("other groups", "used_in_non_default_sg")]
        {
            let mut candidates = rules
                .iter()
                .filter(|rule| rule.text("direction").value() == Some("egress"))
                .filter(|rule| rule.text("ethertype").value() == Some(ethertype) && is_set(rule, field))
                .map(opens);
            let (official, text) = candidates
                .by_ref()
                .fold((false, false), |sum, (official, text)| (sum.0 || official, sum.1 || text));
            if !official {
                judging.fail(
                    Readings::Official,
                    None,
                    format!("a rule that lets all {ethertype} traffic out of {group}"),
                    "no such rule",
                );
                judging.differ(if text { ANY_PREFIX } else { EGRESS });
            }
            if !text {
                judging.note(Readings::Text, None, none_out(ethertype, group));
            }
            if official && !text {
                judging.differ(RESTRICTED);
            }
        }
    }
}

/// A flag as the SDK reads it: whatever is not empty and not 0 counts as true.
fn is_set(rule: &SecurityGroupRule, field: &str) -> bool {
    match rule.get(field) {
        None => false,
        Some(Value::Bool(flag)) => *flag,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(text)) => !text.is_empty(),
        Some(_) => true,
    }
}

fn resource(rule: &SecurityGroupRule) -> Resource {
    let ethertype = rule.text("ethertype").value().unwrap_or("any ethertype");
    Resource::new("default security group rule", rule.id(), format!("ingress {ethertype}"))
}

fn shown(rule: &SecurityGroupRule) -> String {
    let source = ["remote_group_id", "remote_address_group_id", "remote_ip_prefix"]
        .into_iter()
        .find_map(|field| rule.text(field).value().filter(|value| !value.is_empty()))
        .unwrap_or("anywhere");
    let groups = match (is_set(rule, "used_in_default_sg"), is_set(rule, "used_in_non_default_sg")) {
        (true, true) => "all groups",
        (true, false) => "the default group",
        (false, true) => "all but the default group",
        (false, false) => "no group",
    };
    format!("incoming traffic from {source} in {groups}")
}

#[cfg(test)]
mod tests {
    use assay_inventory::{Fact, NewSecurityGroup, Reason, StepId, Unavailable};
    use assay_standards::Verdict::{self, Abort, Fail, Miss, Pass};
    use serde_json::json;

    use super::*;
    use crate::testing;

    const ID: &str = "scs-0115-default-rules";

    fn rule(direction: &str, ethertype: &str, changes: &Value) -> Value {
        let mut rule = json!({
            "id": "1", "direction": direction, "ethertype": ethertype, "protocol": null, "port_range_min": null,
            "port_range_max": null, "remote_ip_prefix": null, "remote_group_id": null,
            "remote_address_group_id": null, "used_in_default_sg": true, "used_in_non_default_sg": true,
        });
        for (field, value) in changes.as_object().unwrap() {
            rule[field] = value.clone();
        }
        rule
    }

    fn egress_rules() -> Vec<Value> {
        vec![rule("egress", "IPv4", &json!({})), rule("egress", "IPv6", &json!({}))]
    }

    fn verdicts(rules: &[Value]) -> (Verdict, Verdict) {
        testing::verdicts(ID, |inventory| {
            inventory.default_security_group_rules = testing::known(json!(rules));
        })
    }

    fn with_ingress(changes: &Value) -> (Verdict, Verdict) {
        let mut rules = egress_rules();
        rules.push(rule("ingress", "IPv4", changes));
        verdicts(&rules)
    }

    #[test]
    fn outgoing_traffic() {
        assert_eq!(verdicts(&egress_rules()), (Pass, Pass));
        assert_eq!(verdicts(&[]), (Fail, Pass), "egress is only recommended");
        assert_eq!(verdicts(&egress_rules()[..1]), (Fail, Pass));
        let everywhere = [
            rule("egress", "IPv4", &json!({"remote_ip_prefix": "0.0.0.0/0"})),
            rule("egress", "IPv6", &json!({"remote_ip_prefix": "::/0"})),
        ];
        assert_eq!(verdicts(&everywhere), (Fail, Pass));
        let web_only = [
            rule("egress", "IPv4", &json!({"protocol": "tcp", "port_range_min": 80, "port_range_max": 80})),
            rule("egress", "IPv6", &json!({})),
        ];
        assert_eq!(verdicts(&web_only), (Pass, Pass));
        let default_only = ["IPv4", "IPv6"]
            .map(|ethertype| rule("egress", ethertype, &json!({"used_in_non_default_sg": false})));
        assert_eq!(verdicts(&default_only), (Fail, Pass));
    }

    #[test]
    fn explicit_prefixes_and_narrow_rules_are_explained() {
        let differences = |rules: Value| {
            testing::judge(ID, |inventory| inventory.default_security_group_rules = testing::known(rules))
                .differences
        };
        let everywhere = json!([
            rule("egress", "IPv4", &json!({"remote_ip_prefix": "0.0.0.0/0"})),
            rule("egress", "IPv6", &json!({"remote_ip_prefix": "::/0"})),
        ]);
        assert_eq!(differences(everywhere), [ANY_PREFIX]);
        let narrow =
            json!([rule("egress", "IPv4", &json!({"protocol": "tcp"})), rule("egress", "IPv6", &json!({}))]);
        assert_eq!(differences(narrow), [RESTRICTED]);
        assert_eq!(differences(json!([])), [EGRESS]);
    }

    #[test]
    fn incoming_traffic() {
        for (changes, expected) in [
            (json!({"remote_group_id": "PARENT", "used_in_non_default_sg": false}), (Pass, Pass)),
            (json!({"remote_group_id": "PARENT", "used_in_non_default_sg": null}), (Pass, Pass)),
            (json!({"remote_group_id": "PARENT"}), (Fail, Fail)),
            (json!({"used_in_non_default_sg": false}), (Fail, Fail)),
            (json!({"remote_group_id": "f00", "used_in_non_default_sg": false}), (Fail, Fail)),
            (json!({"remote_address_group_id": "f00", "used_in_non_default_sg": false}), (Fail, Fail)),
            (json!({"remote_ip_prefix": "10.0.0.0/8"}), (Fail, Fail)),
            (json!({"used_in_default_sg": false, "used_in_non_default_sg": false}), (Fail, Pass)),
        ] {
            assert_eq!(with_ingress(&changes), expected, "{changes}");
        }
    }

    fn without_list(seen: NewSecurityGroup) -> (Verdict, Verdict) {
        testing::verdicts(ID, |inventory| {
            inventory.default_security_group_rules = Fact::Unavailable(Unavailable {
                status: Some(404),
                ..Unavailable::new(Reason::Refused, "No resource default-security-group-rules")
            });
            inventory.new_security_group = Fact::Known(seen);
        })
    }

    fn new_group_with(rules: &Value) -> (Verdict, Verdict) {
        let rules = serde_json::from_value(rules.clone()).unwrap();
        without_list(NewSecurityGroup { rules: Some(rules), ..NewSecurityGroup::default() })
    }

    #[test]
    fn a_new_group_stands_in_where_default_rules_are_not_listed() {
        let out = |ethertype| json!({"direction": "egress", "ethertype": ethertype});
        let incoming = json!({"direction": "ingress", "ethertype": "IPv4"});
        assert_eq!(new_group_with(&json!([out("IPv4"), out("IPv6")])), (Pass, Pass));
        assert_eq!(new_group_with(&json!([out("IPv4"), out("IPv6"), incoming])), (Fail, Fail));
        assert_eq!(new_group_with(&json!([out("IPv4")])), (Fail, Pass), "egress is only recommended");
        let trouble = Unavailable { status: Some(409), ..Unavailable::new(Reason::Refused, "quota") };
        let transcript = testing::transcript(&[(StepId::CreateSecurityGroup, Some(trouble))]);
        assert_eq!(without_list(NewSecurityGroup { transcript, rules: None }), (Abort, Abort));
    }

    #[test]
    fn errors_of_the_endpoint() {
        for (reason, status, message, expected) in [
            (Reason::Refused, 404, "No extension default-security-group-rules", (Miss, Miss)),
            (Reason::Refused, 404, "The resource could not be found.", (Abort, Abort)),
            (Reason::Refused, 403, "default-security-group-rules: forbidden", (Abort, Abort)),
            (Reason::ServerError, 500, "default-security-group-rules", (Abort, Abort)),
        ] {
            let why = Unavailable { status: Some(status), ..Unavailable::new(reason, message) };
            let verdicts = testing::verdicts(ID, |inventory| {
                inventory.default_security_group_rules = Fact::Unavailable(why);
            });
            assert_eq!(verdicts, expected, "{status} {message}");
        }
    }
}
