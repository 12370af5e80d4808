//! A report with everything in it that a format has to cope with.

use std::collections::BTreeMap;

use assay_inventory::{Call, FactId, Reason, Subject, Unavailable};
use assay_standards::Verdict;
use assay_standards::declaration::Signer;
use assay_standards::scope::Validity;
use assay_testcases::{Demand, Finding, Readings, Resource, Weight};
use jiff::civil::date;
use uuid::Uuid;

use crate::{
    Chosen, Declared, DeclaredAnswer, FactTiming, Gate, Membership, Report, Scope, Tally, TargetSummary,
    TestcaseReport, Timings, UnavailableFact, VersionSummary,
};

pub(crate) const PASSES: &str = "scs-0100-syntax-check";
pub(crate) const FAILS: &str = "scs-0103-flavor-4v-16";
pub(crate) const FAILS_BY_TEXT: &str = "scs-0102-prop-min_disk";
pub(crate) const ABORTS: &str = "scs-0114-syntax-check";
pub(crate) const MISSES: &str = "scs-0117-test-backup";
pub(crate) const MANUAL: &str = "scs-0123-availability-zones";
/// A person declared that it conforms, but one recommendation is not followed.
pub(crate) const DECLARED: &str = "key-manager-docs-check";
/// A person declared that it does not conform; officially that is too old to count.
pub(crate) const DECLARED_FAIL: &str = "availability-zones-check";
pub(crate) const OWN: &str = "scs-0102-license-flags";
pub(crate) const UNKNOWN: &str = "x-<b>&\"check\"";

/// A name that tries markup, quotes, a line break, a direction mark, control characters and an escape sequence.
pub(crate) const HOSTILE: &str =
    "<script>alert('x')</script> ]]> & \"q\"\n\u{202e}gnp.\u{0}\u{8}\u{1b}[31m 👩‍🚀\u{ffff}";

fn finding(
    weight: Weight,
    readings: Readings,
    resource: Option<Resource>,
    expected: &'static str,
    found: &'static str,
) -> Finding {
    Finding { weight, readings, resource, expected: expected.into(), found: found.into() }
}

fn testcase(id: &str, official: Option<Verdict>, text: Verdict) -> TestcaseReport {
    let standard = id.get(..8).filter(|id| id.starts_with("scs-")).unwrap_or_default();
    let is_known = !standard.is_empty();
    TestcaseReport {
        id: id.to_owned(),
        title: format!("Title of {id}"),
        standard: if is_known { format!("{standard}-v3") } else { String::new() },
        clause: if is_known { "Decision".to_owned() } else { String::new() },
        demand: is_known.then_some(Demand::Must),
        explanation: if is_known { "What users rely on.".to_owned() } else { String::new() },
        remedy: if is_known { "Set the property.".to_owned() } else { String::new() },
        url: Some(format!("https://docs.scs.community/standards/{standard}")),
        places: vec![
            Membership { version: "v5.1".to_owned(), target: "main".to_owned() },
            Membership { version: "next".to_owned(), target: "main".to_owned() },
        ],
        own: official.is_none(),
        manual: false,
        declared: None,
        official,
        text,
        findings: Vec::new(),
        differences: Vec::new(),
    }
}

fn testcases() -> Vec<TestcaseReport> {
    let flavor = || Some(Resource::new("flavor", "f-1", "SCS-4V-16"));
    let image = || Some(Resource::new("image", "i-1", HOSTILE));
    vec![
        TestcaseReport {
            findings: vec![finding(
                Weight::Note,
                Readings::Both,
                Some(Resource::new("flavor", "f-2", "SCS-1L:1")),
                "",
                "the name has the old form",
            )],
            ..testcase(PASSES, Some(Verdict::Pass), Verdict::Pass)
        },
        TestcaseReport {
            findings: vec![
                finding(Weight::Failure, Readings::Both, flavor(), "16384 MiB of RAM", "15872 MiB"),
                finding(Weight::Failure, Readings::Both, flavor(), "4 vCPUs", "3 vCPUs"),
            ],
            ..testcase(FAILS, Some(Verdict::Fail), Verdict::Fail)
        },
        TestcaseReport {
            demand: Some(Demand::Should),
            findings: vec![finding(
                Weight::Failure,
                Readings::Text,
                image(),
                "min_disk in GiB, large enough for the image",
                "0",
            )],
            differences: vec![
                "The reference suite accepts 0; the text wants a value that can boot.".to_owned(),
            ],
            ..testcase(FAILS_BY_TEXT, Some(Verdict::Pass), Verdict::Fail)
        },
        TestcaseReport {
            findings: vec![finding(
                Weight::Failure,
                Readings::Text,
                image(),
                "either license_included or license_required",
                "both are true",
            )],
            url: None,
            ..testcase(OWN, None, Verdict::Fail)
        },
        TestcaseReport {
            findings: vec![finding(
                Weight::Abort,
                Readings::Both,
                None,
                "the volume types of the cloud",
                "GET https://volume.example.org/v3/types: HTTP 503: <h1>Down</h1> (request id req-7)",
            )],
            ..testcase(ABORTS, Some(Verdict::Abort), Verdict::Abort)
        },
        TestcaseReport {
            findings: vec![finding(
                Weight::Note,
                Readings::Both,
                None,
                "",
                "this testcase must create volumes, and this program only reads",
            )],
            ..testcase(MISSES, Some(Verdict::Miss), Verdict::Miss)
        },
        TestcaseReport { manual: true, ..testcase(MANUAL, Some(Verdict::Miss), Verdict::Miss) },
        TestcaseReport {
            title: UNKNOWN.to_owned(),
            url: Some("javascript:alert(1)".to_owned()),
            places: vec![Membership { version: "next".to_owned(), target: "preview".to_owned() }],
            findings: vec![finding(
                Weight::Note,
                Readings::Both,
                None,
                "",
                "this program does not know the testcase",
            )],
            ..testcase(UNKNOWN, Some(Verdict::Miss), Verdict::Miss)
        },
    ]
}

/// What people declared; the fixture of the place where judgements come from.
fn declared_testcases() -> Vec<TestcaseReport> {
    let answer = |question: &str, answer: &str, evidence: &[&str], remark: Option<&str>| DeclaredAnswer {
        question: question.to_owned(),
        text: format!("What about {question}?"),
        answer: answer.to_owned(),
        means: format!("it is {answer}"),
        evidence: evidence.iter().map(|&address| address.to_owned()).collect(),
        remark: remark.map(str::to_owned),
    };
    let question = |id| Some(Resource::new("question", "", id));
    let preview = || vec![Membership { version: "next".to_owned(), target: "preview".to_owned() }];
    let conforms = Declared {
        verdict: Verdict::Pass,
        signer: Signer {
            name: "Jane Doe".to_owned(),
            role: "Head of Operations".to_owned(),
            contact: "jane@example.org".to_owned(),
        },
        date: date(2026, 11, 20),
        official_through: date(2026, 11, 29),
        text_through: date(2027, 3, 31),
        answers: vec![
            answer("offered", "yes", &[], None),
            answer(
                "master-key-apart",
                "yes",
                &["https://docs.example.org/kms#hsm", "https://docs.example.org/a?b=%22&c=<d>"],
                Some("an HSM"),
            ),
            answer("master-key-not-plain", "no", &[], None),
        ],
    };
    let fails = Declared {
        verdict: Verdict::Fail,
        signer: Signer { name: HOSTILE.to_owned(), ..conforms.signer.clone() },
        date: date(2026, 10, 1),
        official_through: date(2026, 10, 11),
        text_through: date(2027, 3, 31),
        answers: vec![answer("power", "no", &["https://docs.example.org/a|b"], Some(HOSTILE))],
    };
    vec![
        TestcaseReport {
            manual: true,
            places: preview(),
            declared: Some(conforms),
            findings: vec![finding(
                Weight::Note,
                Readings::Both,
                question("master-key-not-plain"),
                "",
                "declared \"no\": it is no, against a recommendation",
            )],
            ..testcase(DECLARED, Some(Verdict::Pass), Verdict::Pass)
        },
        TestcaseReport {
            manual: true,
            places: preview(),
            declared: Some(fails),
            findings: vec![
                finding(
                    Weight::Failure,
                    Readings::Text,
                    question("power"),
                    "the answer yes",
                    "declared \"no\": it is no",
                ),
                finding(
                    Weight::Note,
                    Readings::Official,
                    None,
                    "",
                    "the declaration, made on 2026-10-01, counted through 2026-10-11: a new one is due",
                ),
            ],
            differences: vec!["Officially a declaration counts for a week.".to_owned()],
            ..testcase(DECLARED_FAIL, Some(Verdict::Miss), Verdict::Fail)
        },
    ]
}

fn call(fact: FactId, status: Option<u16>, started_us: u64, duration_us: u64, attempt: u32) -> Call {
    Call {
        fact,
        method: if fact == FactId::Token { "POST" } else { "GET" }.to_owned(),
        url: format!("https://cloud.example.org/{fact}").replace(' ', "-"),
        status,
        request_id: status.map(|_| format!("req-{started_us}")),
        started_us,
        duration_us,
        attempt,
        bytes: 2048,
    }
}

fn timings() -> Timings {
    let calls = vec![
        call(FactId::Token, Some(201), 0, 210_000, 1),
        call(FactId::Flavors, Some(200), 211_000, 180_000, 1),
        call(FactId::Images, Some(200), 211_500, 320_000, 1),
        call(FactId::VolumeTypes, Some(503), 212_000, 40_000, 1),
        call(FactId::VolumeTypes, Some(503), 460_000, 38_000, 2),
    ];
    let fact = |fact, started_us, duration_us, calls| FactTiming { fact, started_us, duration_us, calls };
    Timings {
        facts: vec![
            fact(FactId::Token, 0, 210_000, 1),
            fact(FactId::Flavors, 211_000, 180_000, 1),
            fact(FactId::Images, 211_500, 320_000, 1),
            fact(FactId::VolumeTypes, 212_000, 286_000, 2),
        ],
        critical_path_us: 530_000,
        wall_us: 531_500,
        calls,
    }
}

/// The report. It is the same on every call.
pub(crate) fn report() -> Report {
    let target = |target: &str, official: Tally, text: Tally| TargetSummary {
        target: target.to_owned(),
        official,
        text,
    };
    let main = || {
        target(
            "main",
            Tally { pass: 2, fail: 1, abort: 1, miss: 2, ..Tally::default() },
            Tally { pass: 1, fail: 3, abort: 1, miss: 2, ..Tally::default() },
        )
    };
    let preview = Tally { pass: 1, miss: 2, declared_pass: 1, ..Tally::default() };
    let preview_text =
        Tally { pass: 1, fail: 1, miss: 1, declared_pass: 1, declared_fail: 1, ..Tally::default() };
    Report {
        run_id: Uuid::from_u128(0x545b_0b2b_493e_4b63_99aa_1c02_e05d_33e4),
        tool: "assay 0.1.0".to_owned(),
        arguments: ["check", "--cloud", "demo", "-a", "os_cloud=demo", "--note", HOSTILE]
            .map(str::to_owned)
            .to_vec(),
        audience: None,
        forced_version: None,
        forced_testcases: Some("scs-01.*".to_owned()),
        assignment: BTreeMap::from([("os_cloud".to_owned(), "demo".to_owned())]),
        subject: Subject {
            cloud: "demo".to_owned(),
            auth_url: Some("https://cloud.example.org:5000/v3".to_owned()),
            region: Some("RegionOne".to_owned()),
        },
        scope: Scope {
            uuid: "50393e6f-2ae1-4c5c-a62c-3b75f2abef3f".to_owned(),
            name: "SCS-compatible IaaS".to_owned(),
            url: "https://example.org/scs-compatible-iaas.yaml".to_owned(),
        },
        reference_date: date(2026, 11, 22),
        recorded_at: "2026-11-22T02:17:00.550879Z".parse().unwrap(),
        judged_at: "2026-11-22T02:17:00.550879Z".parse().unwrap(),
        checked_at: "2026-11-22T02:18:01.324258Z".parse().unwrap(),
        chosen: Chosen::Both,
        versions: vec![
            VersionSummary {
                version: "next".to_owned(),
                validity: Some(Validity::Draft),
                stabilized_at: None,
                targets: vec![main(), target("preview", preview, preview_text)],
            },
            VersionSummary {
                version: "v5.1".to_owned(),
                validity: Some(Validity::Effective),
                stabilized_at: Some(date(2024, 12, 19)),
                targets: vec![main()],
            },
        ],
        testcases: [testcases(), declared_testcases()].concat(),
        unavailable: vec![UnavailableFact {
            fact: FactId::VolumeTypes,
            why: Unavailable {
                reason: Reason::ServerError,
                request: Some("GET https://volume.example.org/v3/types".to_owned()),
                status: Some(503),
                message: "<h1>Down</h1>\u{7}".to_owned(),
                request_id: Some("req-7".to_owned()),
            },
        }],
        leftovers: Vec::new(),
        timings: timings(),
        gate: Gate::default(),
    }
}
