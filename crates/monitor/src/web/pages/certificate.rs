use askama::Template;
use assay_standards::history::State;
use assay_standards::scope::{Spec, Version};
use jiff::ToSpan;
use jiff::civil::{Date, DateTime};

use super::Shown;
use crate::certificates::{Badge, Certificate, Standing};
use crate::past::{class, states_at};
use crate::scopes::Scopes;
use crate::store::PastSpell;

/// How often what no program can decide has to be looked at again, in months (scs-0004-v1, rule 3).
const QUARTER: i32 = 3;

/// All certificates that were granted.
#[derive(Template)]
#[template(path = "certificates.html")]
pub(super) struct CertificatesPage<'p> {
    base: &'p str,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "certificates.md", escape = "none")]
struct CertificatesMarkdown<'p>(&'p CertificatesPage<'p>);

struct Row {
    uuid: String,
    number: i64,
    subject: String,
    organisation: String,
    what: String,
    from: Date,
    until: Date,
    standing: Standing,
    class: &'static str,
    /// Why it was revoked, and when.
    revoked: Option<(String, Date)>,
}

fn row(certificate: &Certificate, scopes: &Scopes, day: Date) -> Row {
    let name = scopes.by_uuid(&certificate.scope).map_or("a scope that is not known here", |spec| &spec.name);
    let standing = certificate.standing(day);
    let revoked = certificate.revocation.as_ref();
    Row {
        uuid: certificate.uuid.clone(),
        number: certificate.number,
        subject: certificate.subject.clone(),
        organisation: certificate.organisation.clone(),
        what: format!("{name} {}", certificate.version),
        from: certificate.valid_from,
        until: certificate.valid_until,
        standing,
        class: match standing {
            Standing::Valid => "pass",
            Standing::Ending | Standing::Future => "tentative",
            Standing::Expired => "miss",
            Standing::Revoked => "fail",
        },
        revoked: revoked
            .map(|revocation| (revocation.reason.clone(), crate::store::civil(revocation.at).date())),
    }
}

impl<'p> CertificatesPage<'p> {
    pub(super) fn new(base: &'p str, all: &[Certificate], scopes: &Scopes, day: Date) -> Self {
        Self { base, rows: all.iter().map(|certificate| row(certificate, scopes, day)).collect() }
    }
}

impl Shown for CertificatesPage<'_> {
    fn title(&self) -> String {
        "Certificates".to_owned()
    }

    fn html(&self) -> Result<String, askama::Error> {
        self.render()
    }

    fn markdown(&self) -> Result<String, askama::Error> {
        CertificatesMarkdown(self).render()
    }
}

/// The status page of a certificate (scs-0004-v1, rule 4).
#[derive(Template)]
#[template(path = "certificate.html")]
pub(super) struct CertificatePage<'p> {
    base: &'p str,
    issuer: &'p str,
    row: Row,
    covers: String,
    slug: String,
    badge: Badge,
    /// How what is certified fares now.
    now: &'static str,
    /// The testcases of it that do not pass.
    troubles: Vec<Trouble>,
    checks: Vec<Check>,
}

#[derive(Template)]
#[template(path = "certificate.md", escape = "none")]
struct CertificateMarkdown<'p>(&'p CertificatePage<'p>);

struct Trouble {
    testcase: String,
    state: State,
    class: &'static str,
}

/// Something that no program can decide, and when it has to be looked at again.
struct Check {
    testcase: String,
    state: State,
    class: &'static str,
    last: Option<Date>,
    due: Option<Date>,
    is_late: bool,
}

impl<'p> CertificatePage<'p> {
    pub(super) fn new(
        (base, issuer): (&'p str, &'p str),
        certificate: &Certificate,
        (scopes, spec): (&Scopes, &Spec),
        (spells, badge): (&[PastSpell], Badge),
        now: DateTime,
    ) -> Self {
        let states = states_at(spec, spells, now);
        let state = |id: &str| states.get(id).copied().unwrap_or(State::Miss);
        let version = spec.version(&certificate.version);
        let main = version.map(|version| version.target(Version::MAIN)).unwrap_or_default();
        let all = State::of_set(main.iter().map(|id| state(id)));
        let troubles = main.iter().filter(|id| state(id) != State::Pass).map(|id| Trouble {
            testcase: id.clone(),
            state: state(id),
            class: class(state(id)),
        });
        let manual = version.into_iter().flat_map(Version::testcases).map(|(id, _)| id);
        let manual = manual.filter(|id| spec.testcase(id).is_some_and(|testcase| testcase.manual));
        let checks = manual.map(|id| {
            let newest = spells.iter().filter(|past| past.testcase == id && past.ended.is_none());
            let last = newest.map(|past| past.spell.last.date()).max();
            let due = last.and_then(|last| last.checked_add(QUARTER.months()).ok());
            let is_late = due.is_none_or(|due| due < now.date());
            Check { testcase: id.to_owned(), state: state(id), class: class(state(id)), last, due, is_late }
        });
        Self {
            base,
            issuer,
            row: row(certificate, scopes, now.date()),
            covers: certificate.covers.clone(),
            slug: Scopes::slug(spec),
            badge,
            now: all.as_str(),
            troubles: troubles.collect(),
            checks: checks.collect(),
        }
    }
}

impl Shown for CertificatePage<'_> {
    fn title(&self) -> String {
        format!("{}: {}", self.row.what, self.row.subject)
    }

    fn html(&self) -> Result<String, askama::Error> {
        self.render()
    }

    fn markdown(&self) -> Result<String, askama::Error> {
        CertificateMarkdown(self).render()
    }
}

/// A badge as a picture.
#[derive(Template)]
#[template(path = "badge.svg", escape = "html")]
pub(super) struct BadgePicture<'p> {
    name: &'p str,
    badge: Badge,
}

impl<'p> BadgePicture<'p> {
    pub(super) fn new(name: &'p str, badge: Badge) -> Self {
        Self { name, badge }
    }

    /// About as wide as so many letters are, and a margin.
    fn width(text: &str) -> usize {
        text.chars().count() * 7 + 12
    }

    fn left(&self) -> usize {
        Self::width(self.name)
    }

    fn right(&self) -> usize {
        Self::width(self.badge.as_str())
    }

    /// White on it can be read by whoever sees little (WCAG 2.2 AA).
    fn colour(&self) -> &'static str {
        match self.badge {
            Badge::Certified => "#1a7f37",
            Badge::Valid => "#0b5cad",
            Badge::Warning => "#8a5a00",
            Badge::Failing | Badge::Revoked => "#b3261e",
            Badge::Expired | Badge::Unknown => "#57606a",
        }
    }
}
