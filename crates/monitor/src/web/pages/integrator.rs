use askama::Template;
use serde_json::Value;

use super::Shown;
use super::certificate::{Row, row};
use crate::certificates::{Certificate, Standing};
use crate::scopes::Scopes;

/// All integrators that were certified.
#[derive(Template)]
#[template(path = "integrators.html")]
pub(super) struct IntegratorsPage<'p> {
    base: &'p str,
    rows: Vec<Granted>,
}

#[derive(Template)]
#[template(path = "integrators.md", escape = "none")]
struct IntegratorsMarkdown<'p>(&'p IntegratorsPage<'p>);

struct Granted {
    layer: &'static str,
    tier: String,
    row: Row,
}

impl<'p> IntegratorsPage<'p> {
    pub(super) fn new(base: &'p str, all: &[Certificate], scopes: &Scopes, day: jiff::civil::Date) -> Self {
        let granted = |certificate: &Certificate| Granted {
            layer: certificate.layer().map_or("", |layer| layer.name.as_str()),
            tier: certificate.version.clone(),
            row: row(certificate, scopes, day),
        };
        Self { base, rows: all.iter().map(granted).collect() }
    }
}

impl Shown for IntegratorsPage<'_> {
    fn title(&self) -> String {
        "Integrators".to_owned()
    }

    fn html(&self) -> Result<String, askama::Error> {
        self.render()
    }

    fn markdown(&self) -> Result<String, askama::Error> {
        IntegratorsMarkdown(self).render()
    }
}

/// The status page of a certificate of an integrator.
#[derive(Template)]
#[template(path = "integrator.html")]
pub(super) struct IntegratorPage<'p> {
    base: &'p str,
    issuer: &'p str,
    row: Row,
    covers: String,
    standard: String,
    needed: u64,
    points: u64,
    references: Vec<Counted>,
}

#[derive(Template)]
#[template(path = "integrator.md", escape = "none")]
struct IntegratorMarkdown<'p>(&'p IntegratorPage<'p>);

/// A reference as it was signed.
struct Counted {
    /// None if the integrator does not want it to be named.
    environment: Option<String>,
    whose: &'static str,
    arithmetic: String,
    proved: String,
    is_joint: bool,
    points: u64,
}

impl<'p> IntegratorPage<'p> {
    /// `document` is what was signed, which says how the points come together.
    pub(super) fn new(
        (base, issuer): (&'p str, &'p str),
        (certificate, document): (&Certificate, &Value),
        scopes: &Scopes,
        day: jiff::civil::Date,
    ) -> Self {
        let said = &document["credentialSubject"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let number = |value: &Value| value.as_u64().unwrap_or_default();
        let counted = |reference: &Value| Counted {
            environment: reference["environment"].as_str().map(str::to_owned),
            whose: if reference["whose"] == "own" { "its own" } else { "of a third party" },
            arithmetic: text(&reference["arithmetic"]),
            proved: text(&reference["provedBy"]),
            is_joint: reference["joint"].as_bool().unwrap_or_default(),
            points: number(&reference["points"]),
        };
        Self {
            base,
            issuer,
            row: row(certificate, scopes, day),
            covers: certificate.covers.clone(),
            standard: text(&said["standard"]),
            needed: number(&said["needed"]),
            points: number(&said["points"]),
            references: said["references"].as_array().into_iter().flatten().map(counted).collect(),
        }
    }

    /// How the points come together, such as `2 + 1`.
    fn sum(&self) -> String {
        let parts: Vec<String> = self.references.iter().map(|counted| counted.points.to_string()).collect();
        parts.join(" + ")
    }

    fn is_in_force(&self) -> bool {
        matches!(self.row.standing, Standing::Valid | Standing::Ending)
    }
}

impl Shown for IntegratorPage<'_> {
    fn title(&self) -> String {
        format!("{}: {}", self.row.what, self.row.organisation)
    }

    fn html(&self) -> Result<String, askama::Error> {
        self.render()
    }

    fn markdown(&self) -> Result<String, askama::Error> {
        IntegratorMarkdown(self).render()
    }
}
