use askama::Template;
use assay_standards::history::State;
use assay_standards::scope::Spec;
use jiff::civil::{Date, DateTime};

use super::Shown;
use super::paging::{Pager, Turn};
use crate::certificates::{Badge, Certificate, Quarterly, Standing, needed, state_of};
use crate::past::{class, states_at};
use crate::scopes::Scopes;
use crate::store::PastSpell;

/// How many certificates are on a page.
const LISTED: usize = 100;

/// All certificates that were granted.
#[derive(Template)]
#[template(path = "certificates.html")]
pub(super) struct CertificatesPage<'p> {
    base: &'p str,
    rows: Vec<Row>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "certificates.md", escape = "none")]
struct CertificatesMarkdown<'p>(&'p CertificatesPage<'p>);

/// What lists say of a certificate.
pub(super) struct Row {
    pub(super) uuid: String,
    /// The first word of the address of its status page.
    pub(super) page: &'static str,
    pub(super) number: i64,
    pub(super) subject: String,
    pub(super) organisation: String,
    pub(super) what: String,
    pub(super) from: Date,
    pub(super) until: Date,
    pub(super) standing: Standing,
    pub(super) class: &'static str,
    /// Why it was revoked, and when.
    pub(super) revoked: Option<(String, Date)>,
}

pub(super) fn row(certificate: &Certificate, scopes: &Scopes, day: Date) -> Row {
    let standing = certificate.standing(day);
    let revoked = certificate.revocation.as_ref();
    Row {
        uuid: certificate.uuid.clone(),
        page: certificate.page(),
        number: certificate.number,
        subject: certificate.subject.clone(),
        organisation: certificate.organisation.clone(),
        what: certificate.what(scopes),
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
    pub(super) fn new(
        base: &'p str,
        (all, turn): (&[Certificate], &Turn),
        scopes: &Scopes,
        day: Date,
    ) -> Self {
        let (some, pager) = Pager::cut(all, LISTED, turn.page, "");
        Self { base, rows: some.iter().map(|certificate| row(certificate, scopes, day)).collect(), pager }
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
    /// How what is certified fares; none if the scope is not known here.
    certified: Option<Fares>,
}

struct Fares {
    slug: String,
    badge: Badge,
    /// All of it now; none if the scope has no such version any more.
    now: Option<State>,
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
    is_overdue: bool,
}

impl<'p> CertificatePage<'p> {
    /// `spec` is the scope, if it is known here, with what its badge says.
    pub(super) fn new(
        (base, issuer): (&'p str, &'p str),
        certificate: &Certificate,
        (scopes, spec): (&Scopes, Option<(&Spec, Badge)>),
        spells: &[PastSpell],
        now: DateTime,
    ) -> Self {
        let row = row(certificate, scopes, now.date());
        let mut page = Self { base, issuer, row, covers: certificate.covers.clone(), certified: None };
        let Some((spec, badge)) = spec else { return page };
        let states = states_at(spec, spells, now);
        let state = |id: &str| states.get(id).copied().unwrap_or(State::Miss);
        let version = spec.version(&certificate.version);
        let needed: Vec<&str> = version.into_iter().flat_map(|version| needed(spec, version)).collect();
        let troubles = needed.iter().filter(|id| state(id) != State::Pass).map(|id| Trouble {
            testcase: (*id).to_owned(),
            state: state(id),
            class: class(state(id)),
        });
        let is_manual = |id: &&&str| spec.testcase(id).is_some_and(|testcase| testcase.manual);
        let checks = needed.iter().filter(is_manual).map(|&id| {
            // What gave up decided nothing.
            let newest = spells.iter().filter(|past| past.testcase == id && past.ended.is_none());
            let last = newest.filter_map(|past| past.certain.map(|(_, at)| at)).max();
            let is_certified = certificate.standing(now.date()).is_in_force();
            let Quarterly { decided, due, is_overdue } = Quarterly::new(last, is_certified, now);
            let (last, due) = (decided.map(DateTime::date), due.map(DateTime::date));
            Check {
                testcase: id.to_owned(),
                state: state(id),
                class: class(state(id)),
                last,
                due,
                is_overdue,
            }
        });
        page.certified = Some(Fares {
            slug: Scopes::slug(spec),
            badge,
            now: state_of(spec, &certificate.version, &states),
            troubles: troubles.collect(),
            checks: checks.collect(),
        });
        page
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
