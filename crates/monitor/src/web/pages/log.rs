use askama::Template;

use super::Shown;
use super::paging::Pager;
use super::text::segment;
use crate::log::Entry;
use crate::store::ListedEntry;

/// How many entries are on a page.
pub(super) const LISTED: u64 = 100;

/// Entries of the log, the newest first.
#[derive(Template)]
#[template(path = "log.html")]
pub(super) struct LogPage<'l> {
    base: &'l str,
    size: u64,
    key: String,
    rows: Vec<Row>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "log.md", escape = "none")]
struct LogMarkdown<'l>(&'l LogPage<'l>);

struct Row {
    place: u64,
    at: String,
    what: String,
    /// The page about it.
    page: String,
    about: String,
}

impl<'l> LogPage<'l> {
    /// Of the entries from `begin` to before `end` of all.
    pub(super) fn new(
        base: &'l str,
        (begin, end, size): (u64, u64, u64),
        key: String,
        entries: &[ListedEntry],
    ) -> Self {
        let mut rows: Vec<Row> = entries.iter().filter_map(row).collect();
        rows.reverse();
        let pager = Pager {
            before: (end < size).then(|| match end + LISTED {
                newer if newer < size => format!("?before={newer}"),
                _ => "?".to_owned(),
            }),
            after: (begin > 0).then(|| format!("?before={begin}")),
            told: format!("{} to {begin} of {size}", end.saturating_sub(1)),
        };
        Self { base, size, key, rows, pager }
    }
}

fn row(listed: &ListedEntry) -> Option<Row> {
    let row = |at: jiff::Timestamp, what: &str, page: String, about| Row {
        place: listed.place,
        at: at.strftime("%F %T UTC").to_string(),
        what: what.to_owned(),
        page,
        about,
    };
    let report = |uuid: String| format!("report/{}", segment(&uuid));
    let certificate = |uuid: String| format!("certificate/{}", segment(&uuid));
    Some(match serde_json::from_slice(&listed.bytes).ok()? {
        Entry::Report { report: uuid, subject, received_at, .. } => {
            row(received_at, "report", report(uuid), subject)
        }
        Entry::Import { report: uuid, subject, imported_at, .. } => {
            row(imported_at, "imported report", report(uuid), subject)
        }
        Entry::LetGo { report: uuid, at, .. } => row(at, "text let go", report(uuid.clone()), uuid),
        Entry::Approval { report: uuid, testcase, approved: true, at, .. } => {
            row(at, "approval", report(uuid), testcase)
        }
        Entry::Approval { report: uuid, testcase, approved: false, at, .. } => {
            row(at, "approval withdrawn", report(uuid), testcase)
        }
        Entry::Certificate { certificate: uuid, number, subject, version, despite, at, .. } => {
            let despite = despite.map_or(String::new(), |why| format!("; despite its tests: {why}"));
            row(
                at,
                &format!("certificate {number}"),
                certificate(uuid),
                format!("{subject}, {version}{despite}"),
            )
        }
        Entry::Revocation { certificate: uuid, reason, at } => {
            row(at, "revocation", certificate(uuid), reason)
        }
        Entry::Finding { subject, testcase, at, .. } => {
            row(at, "finding", format!("subject/{}", segment(&subject)), format!("{subject}, {testcase}"))
        }
    })
}

impl Shown for LogPage<'_> {
    fn title(&self) -> String {
        "Log".to_owned()
    }

    fn html(&self) -> Result<String, askama::Error> {
        self.render()
    }

    fn markdown(&self) -> Result<String, askama::Error> {
        LogMarkdown(self).render()
    }
}
