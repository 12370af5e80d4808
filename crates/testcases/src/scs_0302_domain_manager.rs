//! scs-0302: domain managers run users, projects and groups of their own domain, and of no other.

use std::borrow::Cow;

use assay_inventory::{
    DomainManagerBasis as Basis, DomainManagerOutcome as Outcome, DomainManagerRow, DomainManagers, Fact,
    FactId,
};

use crate::finding::{Readings, Resource};
use crate::registry::Registry;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging};

/// How many attempts that could not be made are told one by one; mostly one cause is behind all of them.
const TOLD: usize = 5;

pub(crate) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("domain-manager-check"),
        standard: "scs-0302-v1",
        clause: "conformance tests",
        demand: Demand::Must,
        title: Cow::Borrowed("A domain manager can do what its domain needs, and nothing beyond it"),
        explanation: "With the role manager in a domain, customers help themselves instead of asking the provider. The role is safe only if \
             it ends at the border of the domain and cannot be turned into admin. The managers of two domains try it: each thing \
             that must work, each that must not, and what came of it. The reference suite does the same with a script that stands \
             alone; it ends at the first surprise and looks at two things that it has deleted before, both of which is not so here.",
        remedy: Cow::Borrowed(
            "From OpenStack 2024.2 on keep enforce_scope and enforce_new_defaults on and remove older policies for the role; \
             before that, install the policy of the standard.",
        ),
        // The managers have logins of their own, so this does not depend on the token of the check.
        official_facts: &[],
        text_facts: &[FactId::DomainManagers],
        own: false,
        judge: Box::new(domain_managers),
    });
}

fn domain_managers(evidence: &Evidence<'_>) -> Judgement {
    match &evidence.inventory.domain_managers {
        Fact::NotAsked => Judgement::missed(
            "managers of two domains have to try it: name them in a file and give it as --domain-managers FILE; or a person shows \
             that a manager runs users, projects, groups and role assignments of its own domain, reaches nothing in another \
             one, and can assign no administrative role",
        ),
        Fact::Unavailable(why) => Judgement::aborted(FactId::DomainManagers, why),
        Fact::Known(seen) => judge(seen),
    }
}

fn judge(seen: &DomainManagers) -> Judgement {
    let mut judging = Judging::default();
    let with = |outcome| seen.rows.iter().filter(move |row| row.outcome == outcome);
    for row in with(Outcome::Deviates) {
        explain(&mut judging, row);
        let found = match &row.request_id {
            Some(id) => format!("{} (request id {id})", row.seen),
            None => row.seen.clone(),
        };
        judging.fail(readings(row), attempt(row), row.expected.label(), found);
    }
    not_tried(&mut judging, seen);
    if seen.rows.is_empty() {
        judging.abort(Readings::Both, None, "attempts of domain managers", "nothing was tried");
    }
    let conforming = with(Outcome::Conforms).count();
    let domains = seen.domains.join(", ");
    judging.note(
        Readings::Both,
        None,
        format!("{conforming} of {} attempts in the domains {domains} went as they should", seen.rows.len()),
    );
    for leftover in &seen.leftovers {
        judging.note(Readings::Both, None, format!("could not be removed: {leftover}"));
    }
    judging.finish()
}

/// What could not be tried leaves the verdict open, unless a failure has decided it: the script of the
/// reference suite ends with a failure too, whatever it has not come to.
fn not_tried(judging: &mut Judging, seen: &DomainManagers) {
    let has_failed =
        seen.rows.iter().any(|row| row.outcome == Outcome::Deviates && readings(row) != Readings::Text);
    let rows: Vec<&DomainManagerRow> =
        seen.rows.iter().filter(|row| row.outcome == Outcome::NotTried).collect();
    for row in &rows {
        explain(judging, row);
    }
    // Each reading must come to its verdict even if the first few rows are all of another one.
    for which in [Readings::Both, Readings::Official, Readings::Text] {
        let of_it: Vec<_> = rows.iter().filter(|row| readings(row) == which).collect();
        for row in of_it.iter().take(TOLD) {
            let (attempt, expected, found) = (attempt(row), row.expected.label(), row.seen.clone());
            match (which, has_failed) {
                (Readings::Official, true) => judging.note(which, attempt, found),
                (Readings::Both, true) => judging.abort(Readings::Text, attempt, expected, found),
                (which, _) => judging.abort(which, attempt, expected, found),
            }
        }
        if let Some(more) = of_it.len().checked_sub(TOLD).filter(|more| *more > 0) {
            judging.note(which, None, format!("{more} more attempts could not be made"));
        }
    }
}

/// Why the readings may part over a row.
fn explain(judging: &mut Judging, row: &DomainManagerRow) {
    match row.basis {
        Basis::Both => {}
        Basis::Reference => judging.differ(
            "the reference suite wants a refusal where no domain is named; the text allows to create in the own domain",
        ),
        Basis::Text => judging.differ(
            "the text forbids all reach beyond the domain and all gain of rights; the reference suite tries only some ways to it",
        ),
    }
}

fn readings(row: &DomainManagerRow) -> Readings {
    match row.basis {
        Basis::Both => Readings::Both,
        Basis::Reference => Readings::Official,
        Basis::Text => Readings::Text,
    }
}

fn attempt(row: &DomainManagerRow) -> Resource {
    Resource::new("attempt", &row.id, &row.what)
}

#[cfg(test)]
mod tests {
    use assay_inventory::{DomainManagerBatch, DomainManagerExpectation, Leftover, Reason, Unavailable};
    use assay_standards::Verdict::{self, Abort, Fail, Miss, Pass};

    use super::*;
    use crate::{Weight, testing};

    const ID: &str = "domain-manager-check";

    fn row(id: &str, basis: Basis, outcome: Outcome) -> DomainManagerRow {
        DomainManagerRow {
            id: id.into(),
            batch: DomainManagerBatch::Users,
            what: format!("the manager tries {id}"),
            expected: DomainManagerExpectation::Forbidden,
            basis,
            outcome,
            seen: "HTTP 201 instead of a refusal".into(),
            request_id: Some("req-1".into()),
        }
    }

    fn judged(rows: Vec<DomainManagerRow>) -> Judgement {
        let seen = DomainManagers { domains: vec!["a".into(), "b".into()], rows, leftovers: Vec::new() };
        testing::judge(ID, |inventory| inventory.domain_managers = Fact::Known(seen))
    }

    fn verdicts(rows: &[(Basis, Outcome)]) -> (Verdict, Verdict) {
        let rows = rows
            .iter()
            .enumerate()
            .map(|(index, (basis, outcome))| row(&format!("r{index}"), *basis, *outcome));
        let judgement = judged(rows.collect());
        (judgement.official.unwrap(), judgement.text)
    }

    #[test]
    fn without_managers_nobody_has_tried() {
        let judgement = testing::judge(ID, |_| {});
        assert_eq!((judgement.official, judgement.text), (Some(Miss), Miss));
        assert!(judgement.findings[0].found.contains("--domain-managers FILE"));
    }

    #[test]
    fn a_matrix_that_could_not_be_begun_decides_nothing() {
        let why = Unavailable::new(Reason::Journal, "the journal cannot be written");
        let unavailable =
            testing::verdicts(ID, |inventory| inventory.domain_managers = Fact::Unavailable(why));
        assert_eq!(unavailable, (Abort, Abort));
        assert_eq!(verdicts(&[]), (Abort, Abort));
    }

    #[test]
    fn each_reading_counts_the_attempts_that_it_knows() {
        use Basis::{Both, Reference, Text};
        use Outcome::{Conforms, Deviates, NotTried};
        for (rows, expected) in [
            (vec![(Both, Conforms), (Reference, Conforms), (Text, Conforms)], (Pass, Pass)),
            (vec![(Both, Conforms), (Both, Deviates)], (Fail, Fail)),
            (vec![(Both, Conforms), (Reference, Deviates)], (Fail, Pass)),
            (vec![(Both, Conforms), (Text, Deviates)], (Pass, Fail)),
            (vec![(Both, Conforms), (Both, NotTried)], (Abort, Abort)),
            (vec![(Both, Conforms), (Reference, NotTried)], (Abort, Pass)),
            (vec![(Both, Conforms), (Text, NotTried)], (Pass, Abort)),
            // A failure decides, whatever else could not be tried.
            (vec![(Both, NotTried), (Both, Deviates)], (Fail, Fail)),
            (vec![(Reference, NotTried), (Both, Deviates)], (Fail, Fail)),
            (vec![(Both, NotTried), (Reference, Deviates)], (Fail, Abort)),
            (vec![(Both, NotTried), (Text, Deviates)], (Abort, Fail)),
        ] {
            assert_eq!(verdicts(&rows), expected, "{rows:?}");
        }
    }

    #[test]
    fn each_attempt_that_went_wrong_is_told() {
        let rows = vec![
            row("user-create", Basis::Both, Outcome::Conforms),
            row("user-create-foreign", Basis::Both, Outcome::Deviates),
            row("role-create", Basis::Text, Outcome::Deviates),
        ];
        let judgement = judged(rows);
        let failures: Vec<_> = judgement
            .findings
            .iter()
            .filter(|finding| finding.weight == Weight::Failure)
            .map(|finding| {
                let resource = finding.resource.as_ref().unwrap();
                (resource.id.as_str(), finding.expected.as_ref(), finding.found.as_ref())
            })
            .collect();
        let (expected, found) =
            ("the server forbids it (HTTP 403)", "HTTP 201 instead of a refusal (request id req-1)");
        assert_eq!(failures, [("user-create-foreign", expected, found), ("role-create", expected, found)]);
        let last = judgement.findings.last().unwrap();
        assert_eq!(last.found, "1 of 3 attempts in the domains a, b went as they should");
    }

    #[test]
    fn many_attempts_that_could_not_be_made_are_counted() {
        let not_tried = |index| row(&format!("r{index}"), Basis::Both, Outcome::NotTried);
        let judgement = judged((0..TOLD + 3).map(not_tried).collect());
        let of = |weight| judgement.findings.iter().filter(|finding| finding.weight == weight).count();
        assert_eq!((of(Weight::Abort), judgement.text), (TOLD, Abort));
        assert!(
            judgement.findings.iter().any(|finding| finding.found == "3 more attempts could not be made")
        );
    }

    #[test]
    fn what_was_left_behind_is_told_and_changes_no_verdict() {
        let leftover =
            Leftover { kind: "user".into(), name: "assay-x".into(), id: None, why: "HTTP 500".into() };
        let seen = DomainManagers {
            domains: vec!["a".into(), "b".into()],
            rows: vec![row("user-create", Basis::Both, Outcome::Conforms)],
            leftovers: vec![leftover],
        };
        let judgement = testing::judge(ID, |inventory| inventory.domain_managers = Fact::Known(seen));
        assert_eq!((judgement.official, judgement.text), (Some(Pass), Pass));
        assert!(judgement.findings.iter().any(|finding| finding.found.contains("user assay-x: HTTP 500")));
    }
}
