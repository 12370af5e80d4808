use askama::Template;
use assay_report::{SubmittedInvocation, SubmittedReport, visible};
use assay_signature::PublicKey;
use assay_standards::Verdict;

use super::Shown;
use super::text::class;
use crate::intake::MediaType;
use crate::scopes::Scopes;
use crate::serve::Monitor;
use crate::store::{Packed, StoredReport};
use crate::uncounted::Uncounted;

/// A report: what was run, what came out, what was logged.
#[derive(Template)]
#[template(path = "report.html")]
pub(super) struct ReportPage<'r> {
    base: &'r str,
    uuid: String,
    subject: String,
    scope: String,
    /// The scope as addresses have it, if it is known.
    slug: Option<String>,
    checked_at: String,
    received_at: String,
    /// Whose account handed it in.
    uploader: String,
    /// What identifies the key that signed it.
    fingerprint: Option<String>,
    /// The checker and its revision, where the report says it.
    creator: Option<String>,
    /// Whether it was taken over, without anybody's signature.
    is_imported: bool,
    /// When its text was let go.
    let_go: Option<String>,
    assignment: Vec<(String, String)>,
    is_full: bool,
    uncounted: Vec<Uncounted>,
    invocations: Vec<Invocation>,
}

#[derive(Template)]
#[template(path = "report.md", escape = "none")]
struct ReportMarkdown<'r>(&'r ReportPage<'r>);

struct Invocation {
    /// Whether people stated its results.
    is_stated: bool,
    command: String,
    return_code: String,
    /// How many lines are of which severity.
    counts: String,
    results: Vec<(String, &'static str, &'static str, &'static str)>,
    logs: [Log; 2],
}

struct Log {
    name: &'static str,
    lines: Vec<Line>,
    /// How many lines were left out.
    left_out: usize,
    is_open: bool,
}

struct Line {
    text: String,
    is_trouble: bool,
}

impl<'r> ReportPage<'r> {
    pub(super) fn new(
        monitor: &'r Monitor,
        stored: &StoredReport,
        (report, uncounted): (SubmittedReport, Vec<Uncounted>),
        is_full: bool,
    ) -> Self {
        let scopes = monitor.scopes();
        let spec = scopes.by_uuid(&report.scope.uuid);
        Self {
            base: &monitor.settings.base_url,
            uuid: stored.uuid.clone(),
            subject: stored.subject.clone(),
            scope: spec.map_or_else(|| report.scope.name.clone(), |spec| spec.name.clone()),
            slug: spec.map(Scopes::slug),
            checked_at: report.checked_at.to_string(),
            received_at: stored.received_at.strftime("%F %T UTC").to_string(),
            uploader: stored.uploader.clone(),
            fingerprint: stored
                .public_key
                .split_once(' ')
                .and_then(|(kind, key)| PublicKey::read(kind, key).ok())
                .map(|key| key.fingerprint()),
            creator: stored.creator.clone(),
            is_imported: stored.media_type == MediaType::Recorded,
            let_go: match stored.text {
                Packed::Kept(_) => None,
                Packed::LetGo(at) => Some(at.strftime("%F").to_string()),
            },
            assignment: report.assignment,
            is_full,
            uncounted,
            invocations: report
                .invocations
                .into_iter()
                .map(|invocation| Invocation::new(invocation, is_full))
                .collect(),
        }
    }
}

impl Invocation {
    fn new(invocation: SubmittedInvocation, is_full: bool) -> Self {
        let count = |severity| (invocation.count(severity), severity);
        let counts = ["critical", "error", "warning"].map(count);
        let counts = counts.map(|(count, severity)| format!("{count} {severity}")).join(", ");
        let results = invocation.results.iter().map(|(id, &verdict)| {
            let symbol = match verdict {
                Verdict::Pass => "✔",
                Verdict::Fail => "✘",
                Verdict::Abort | Verdict::Miss => "⚠",
            };
            (id.clone(), symbol, verdict.as_str(), class(verdict))
        });
        Self {
            is_stated: invocation.is_stated_by_people(),
            results: results.collect(),
            command: invocation.command,
            return_code: invocation.return_code.map_or_else(String::new, |code| code.to_string()),
            counts,
            logs: [
                Log::new("stdout", invocation.stdout, is_full, is_verdict),
                Log::new("stderr", invocation.stderr, is_full, is_told),
            ],
        }
    }
}

impl Log {
    fn new(name: &'static str, lines: Vec<String>, is_full: bool, is_public: fn(&str) -> bool) -> Self {
        let all = lines.len();
        let lines: Vec<Line> = lines
            .into_iter()
            .filter(|line| is_full || is_public(line))
            .map(|text| Line { is_trouble: is_trouble(&text), text: readable(&text) })
            .collect();
        let is_open = lines.iter().any(|line| line.is_trouble);
        Self { name, left_out: all - lines.len(), lines, is_open }
    }
}

/// A line without what turns it around or cannot be seen; tabs stay.
fn readable(line: &str) -> String {
    line.split('\t').map(visible).collect::<Vec<_>>().join("\t")
}

/// What everybody may see of an output: the lines with verdicts.
fn is_verdict(line: &str) -> bool {
    line.rsplit_once(": ").is_some_and(|(_, word)| matches!(word, "PASS" | "ABORT" | "FAIL"))
}

/// What everybody may see of a log: warnings and errors, and why a check gave up.
fn is_told(line: &str) -> bool {
    ["WARNIN", "ERROR:", "CRITIC"].iter().any(|begin| line.starts_with(begin))
}

fn is_trouble(line: &str) -> bool {
    ["warning", "error", "critical"]
        .iter()
        .any(|severity| line.get(..severity.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(severity)))
}

impl Shown for ReportPage<'_> {
    fn title(&self) -> String {
        let kind = if self.is_full { "full" } else { "redacted" };
        format!("Report {} ({kind})", self.uuid)
    }

    fn html(&self) -> Result<String, askama::Error> {
        self.render()
    }

    fn markdown(&self) -> Result<String, askama::Error> {
        ReportMarkdown(self).render()
    }
}
