//! Version 1 of the document. Readers hang on it: fields may be added, never renamed, removed or given
//! another meaning; that takes a version 2.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an assay run came to, for one or several subjects.
///
/// Readers shall ignore fields that they do not know. All instants are UTC, all durations are whole microseconds.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(title = "assay report, version 1")]
pub(super) struct Document {
    /// Tells this kind of document from others.
    #[schemars(extend("const" = "assay-report"))]
    pub(super) format: String,
    /// Version of the shape. It changes only when a field changes its meaning, its name or goes away.
    #[schemars(extend("const" = 1))]
    pub(super) version: u32,
    /// Program and version that wrote the document; null if there is no report.
    pub(super) tool: Option<String>,
    /// How the run ended: 0 conforms, 1 a testcase failed, 3 something could not be determined. Failures that are waived or known do not count.
    pub(super) exit_code: u8,
    /// One report per subject.
    pub(super) reports: Vec<Report>,
}

/// What one subject came to.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Report")]
pub(super) struct Report {
    /// Identifies the report; each run gives a new one.
    #[schemars(extend("format" = "uuid"))]
    pub(super) run_id: String,
    /// Who was checked.
    pub(super) subject: Subject,
    /// Against what.
    pub(super) scope: Scope,
    /// Day for which the validity of versions counts.
    #[schemars(extend("format" = "date"))]
    pub(super) reference_date: String,
    /// When the facts were collected.
    #[schemars(extend("format" = "date-time"))]
    pub(super) recorded_at: String,
    /// Instant that counted as the present in rules that look at the calendar.
    #[schemars(extend("format" = "date-time"))]
    pub(super) judged_at: String,
    /// When the report was made.
    #[schemars(extend("format" = "date-time"))]
    pub(super) checked_at: String,
    /// Arguments of the program.
    pub(super) arguments: Vec<String>,
    /// Address of the monitor that alone may take the report; absent if any may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) audience: Option<String>,
    /// Scope version that was forced by the user, whatever its validity.
    pub(super) forced_version: Option<String>,
    /// Pattern of testcases that the user asked for; the others are absent.
    pub(super) forced_testcases: Option<String>,
    /// Variables of the scope as assigned by the user.
    pub(super) assignment: BTreeMap<String, String>,
    /// Readings that were asked for.
    pub(super) readings: Vec<Reading>,
    /// Reading that decides verdict and exit code.
    pub(super) deciding: Reading,
    /// Verdict over all testcases that the run was asked for, in the deciding reading.
    pub(super) verdict: Verdict,
    /// Versions of the scope in question.
    pub(super) versions: Vec<Version>,
    /// Testcases, in the order of the scope.
    pub(super) testcases: Vec<Testcase>,
    /// Facts that could not be had.
    pub(super) unavailable: Vec<UnavailableFact>,
    /// What was created in the cloud, in this run or before, and could not be taken down.
    pub(super) leftovers: Vec<Leftover>,
    /// How long the facts took.
    pub(super) timings: Timings,
    /// Waivers that matter here: those that cover findings, and those that cover nothing although their testcase was judged.
    #[serde(skip_deserializing)]
    pub(super) waivers: Vec<WaiverEffect>,
    /// The earlier report that the run was compared with; null if there was none.
    #[serde(skip_deserializing)]
    pub(super) baseline: Option<Comparison>,
}

/// A failure that somebody answers for until a day.
#[derive(Serialize, JsonSchema)]
pub(super) struct Waiver {
    /// Kind and name of what may fail, with `*` for any text and `?` for a character; null for all of the testcase.
    pub(super) resource: Option<String>,
    /// Why that is put up with.
    pub(super) reason: String,
    /// Who answers for it.
    pub(super) owner: String,
    /// Last day on which it is in force, in UTC.
    #[schemars(extend("format" = "date"))]
    pub(super) expires: String,
}

/// A waiver and what it does.
#[derive(Serialize, JsonSchema)]
pub(super) struct WaiverEffect {
    /// The testcase that may fail.
    pub(super) testcase: String,
    #[serde(flatten)]
    pub(super) waiver: Waiver,
    /// What it does.
    pub(super) effect: Effect,
    /// How many findings it covers.
    pub(super) findings: usize,
}

/// What a waiver does: `in_force` covers something, `expired` covered something on an earlier day, `idle` covers nothing in any subject of the run.
#[derive(Serialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum Effect {
    InForce,
    Expired,
    Idle,
}

/// How the run compares with an earlier report, in the deciding reading.
#[derive(Serialize, JsonSchema)]
pub(super) struct Comparison {
    /// Identifies the earlier report.
    pub(super) run_id: String,
    /// When it was made.
    pub(super) checked_at: String,
    /// How many failures are new.
    pub(super) new: usize,
    /// How many were there before.
    pub(super) known: usize,
    /// Failures that are no more.
    pub(super) mended: Vec<Mended>,
}

/// A failure that is no more.
#[derive(Serialize, JsonSchema)]
pub(super) struct Mended {
    /// The testcase.
    pub(super) testcase: String,
    /// Kind of what it failed for; null where that was the cloud as a whole.
    pub(super) kind: Option<String>,
    /// Its name.
    pub(super) name: Option<String>,
    /// What the rule wants.
    pub(super) expected: String,
}

/// Who was checked.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Subject {
    /// Name of the cloud in clouds.yaml.
    pub(super) cloud: String,
    /// Where keystone answers.
    pub(super) auth_url: Option<String>,
    /// Region, if one was chosen.
    pub(super) region: Option<String>,
}

/// A certificate scope.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Scope {
    /// Identifies it.
    pub(super) uuid: String,
    /// Name for people.
    pub(super) name: String,
    /// Where its spec is published.
    pub(super) url: String,
}

/// One of the two ways to judge: `official` gives the verdict of the reference suite, `text` what the standard's text demands.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Reading {
    Official,
    Text,
}

/// Outcome. PASS: the demand is met. FAIL: it is not. ABORT: it could not be judged. MISS: there is no result.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Verdict {
    Pass,
    Fail,
    Abort,
    Miss,
}

/// A version of the scope.
#[derive(Serialize, Deserialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "readers know the fields by these names")]
pub(super) struct Version {
    /// Its name, such as `v5.1`.
    pub(super) version: String,
    /// What the timeline says on the reference date; null if it does not list the version.
    pub(super) validity: Option<Validity>,
    /// Since when the version is frozen.
    #[schemars(extend("format" = "date"))]
    pub(super) stabilized_at: Option<String>,
    /// Its targets; `main` is the one that a certificate needs.
    pub(super) targets: Vec<Target>,
}

/// What a version is good for: certificates are granted for `effective` and `warn` (about to expire), not for `draft` and `deprecated`.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(super) enum Validity {
    Effective,
    Warn,
    Draft,
    Deprecated,
}

/// A named set of testcases within a version.
#[derive(Serialize, Deserialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "readers know the fields by these names")]
pub(super) struct Target {
    /// Its name, such as `main`.
    pub(super) target: String,
    /// Counts of the official reading; null if it was not asked for. Testcases of our own do not count.
    pub(super) official: Option<Tally>,
    /// Counts of the text reading; null if it was not asked for.
    pub(super) text: Option<Tally>,
}

/// How many testcases came to which verdict, and the verdict of the set: FAIL before MISS before ABORT before PASS.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Tally {
    pub(super) pass: usize,
    pub(super) fail: usize,
    pub(super) abort: usize,
    pub(super) miss: usize,
    /// As many of the passes and failures are what people declared, not measured.
    pub(super) declared: usize,
    pub(super) verdict: Verdict,
}

/// What one testcase came to.
#[derive(Serialize, Deserialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "readers know the fields by these names")]
pub(super) struct Testcase {
    /// Its id.
    pub(super) id: String,
    /// What it checks, in one line.
    pub(super) title: String,
    /// Document that demands it, such as `scs-0100-v3`; empty if this program does not know the testcase.
    pub(super) standard: String,
    /// Place in the document.
    pub(super) clause: String,
    /// How binding it is; null if this program does not know the testcase.
    pub(super) demand: Option<Demand>,
    /// Why it matters and what is looked at.
    pub(super) explanation: String,
    /// What to do when it fails.
    pub(super) remedy: String,
    /// Where it is explained.
    pub(super) url: Option<String>,
    /// Versions and targets that include it.
    pub(super) places: Vec<Place>,
    /// Whether the reference suite lacks it. Such a testcase has no official verdict.
    pub(super) own: bool,
    /// Whether people decide it; then no verdict is asked of a run.
    pub(super) manual: bool,
    /// What a person stated about it; null if nobody did. A verdict PASS or FAIL is then declared, not measured; with MISS the declaration does not count on the reference date.
    pub(super) declared: Option<Declared>,
    /// Verdict of the reference suite; null if there is none or it was not asked for.
    pub(super) official: Option<Verdict>,
    /// Verdict that the standard's text asks for; null if it was not asked for.
    pub(super) text: Option<Verdict>,
    /// Whether it makes the run end as failed: it failed in the deciding reading, people do not decide it, and not all of its failures are waived or known.
    pub(super) fails_run: bool,
    /// Whether both readings were asked for and come to different verdicts.
    pub(super) differs: bool,
    /// Why the readings differ, or could; one sentence each.
    pub(super) differences: Vec<String>,
    /// What was seen.
    pub(super) findings: Vec<Finding>,
}

/// What a person stated about a testcase that no program can decide.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Declared {
    /// What the answers come to, whether or not they count: PASS or FAIL.
    pub(super) verdict: Verdict,
    /// Who stands for it.
    pub(super) signer: Signer,
    /// Day of the declaration.
    #[schemars(extend("format" = "date"))]
    pub(super) date: String,
    /// Last day on which it counts in the official reading; null if that was not asked for.
    #[schemars(extend("format" = "date"))]
    pub(super) official_valid_until: Option<String>,
    /// Last day on which it counts in the text reading; null if that was not asked for.
    #[schemars(extend("format" = "date"))]
    pub(super) text_valid_until: Option<String>,
    /// Answers, in the order of the questions.
    pub(super) answers: Vec<DeclaredAnswer>,
}

/// A person who stands for a declaration.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Signer {
    /// Name.
    pub(super) name: String,
    /// What entitles the person to say so.
    pub(super) role: String,
    /// How to ask back.
    pub(super) contact: String,
}

/// The answer to one question.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct DeclaredAnswer {
    /// Id of the question.
    pub(super) question: String,
    /// What was asked.
    pub(super) text: String,
    /// Word that was answered.
    pub(super) answer: String,
    /// What the word states.
    pub(super) means: String,
    /// Addresses of what proves it.
    pub(super) evidence: Vec<String>,
    /// What else was said.
    pub(super) remark: Option<String>,
}

/// How binding the standard's text makes a testcase (RFC 2119).
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(super) enum Demand {
    Must,
    Should,
    May,
}

/// A version and a target of it.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Place {
    pub(super) version: String,
    pub(super) target: String,
}

/// One observation.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Finding {
    /// What it does to the verdict.
    pub(super) weight: Weight,
    /// Readings in which it counts.
    pub(super) readings: Vec<Reading>,
    /// What it is about; null where it concerns the cloud as a whole.
    pub(super) resource: Option<Resource>,
    /// What the rule wants; empty for notes.
    pub(super) expected: String,
    /// What was seen.
    pub(super) found: String,
    /// The waiver that covers it, whether or not it is in force; null if none does.
    #[serde(skip_deserializing)]
    pub(super) waiver: Option<Waiver>,
    /// Whether the waiver is in force on the reference date.
    #[serde(skip_deserializing)]
    pub(super) waived: bool,
    /// Whether the earlier report has it as well; null without one, and for what does not decide.
    #[serde(skip_deserializing)]
    pub(super) baseline: Option<News>,
}

/// Whether an earlier report has a failure (`known`) or not (`new`).
#[derive(Serialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(super) enum News {
    New,
    Known,
}

/// What a finding does to the verdict: `failure` makes it FAIL, `abort` makes it ABORT, `note` changes nothing.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(super) enum Weight {
    Failure,
    Abort,
    Note,
}

/// A thing in the cloud.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Resource {
    /// Kind, such as `flavor` or `image`.
    pub(super) kind: String,
    /// Id that the cloud gave it; empty where it has none.
    pub(super) id: String,
    /// Name, exactly as the cloud has it.
    pub(super) name: String,
}

/// Something that could not be taken down.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Leftover {
    /// What it is, such as `volume`.
    pub(super) kind: String,
    /// Its name.
    pub(super) name: String,
    /// Its id; null if it is not known, and then it may not exist.
    pub(super) id: Option<String>,
    /// Why it is still there.
    pub(super) why: String,
}

/// A fact that could not be had.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct UnavailableFact {
    /// Name of the fact, such as `flavors`.
    pub(super) fact: String,
    /// Kind of trouble, such as `timeout` or `refused`.
    pub(super) reason: String,
    /// Method and URL of the request that failed; null if nothing was sent.
    pub(super) request: Option<String>,
    /// HTTP status, if the server answered.
    pub(super) status: Option<u16>,
    /// What the server said, or what went wrong before it could.
    pub(super) message: String,
    /// Request id that the server gave, for its operator's logs.
    pub(super) request_id: Option<String>,
}

/// How long the facts took.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Timings {
    /// From the first call to the end of the last.
    pub(super) wall_us: u64,
    /// Token and then the slowest single fact: no run can be faster.
    pub(super) critical_path_us: u64,
    /// Per fact, in the order of the first call.
    pub(super) facts: Vec<FactTiming>,
    /// Every HTTP call.
    pub(super) calls: Vec<Call>,
}

/// How long one fact took.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct FactTiming {
    /// Name of the fact.
    pub(super) fact: String,
    /// From the start of the run to its first call.
    pub(super) started_us: u64,
    /// From its first call to the end of its last.
    pub(super) duration_us: u64,
    /// Number of calls, retries included.
    pub(super) calls: usize,
}

/// One HTTP call.
#[derive(Serialize, Deserialize, JsonSchema)]
pub(super) struct Call {
    /// Name of the fact it was made for.
    pub(super) fact: String,
    /// HTTP method.
    pub(super) method: String,
    /// URL, never with credentials.
    pub(super) url: String,
    /// HTTP status, if there was an answer.
    pub(super) status: Option<u16>,
    /// Request id that the server gave.
    pub(super) request_id: Option<String>,
    /// From the start of the run to the start of the call.
    pub(super) started_us: u64,
    /// Duration, body included.
    pub(super) duration_us: u64,
    /// 1 for the first attempt, 2 for the first retry, and so on.
    pub(super) attempt: u32,
    /// Size of the body in bytes.
    pub(super) bytes: u64,
}
