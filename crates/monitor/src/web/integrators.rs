//! Certificates of integrators for programs: what they name, what was said of it, and what it comes to. What is done with
//! an application as a whole is the same for all, and in [`super::certificates`].

use std::collections::{BTreeMap, BTreeSet};

use assay_standards::integrators::{Counted, Reference, Score, Share};
use assay_standards::requirements::{Integrators, Layer};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::access::Caller;
use super::api::json_of;
use super::certificates::{
    ApplicationView, CertificateView, Kind, all_checked, application_for, checked, decides_about, find,
    is_applicant, sent, take, taken_in,
};
use super::error::Refusal;
use super::{Path, Shared};
use crate::certificates::{
    Certificate, FoundReport, Judged, Linked, Move, Statement, Word, layer_of, reckon,
};
use crate::past::achieved;
use crate::serve::Monitor;
use crate::store::{Application, MOST_REFERENCES, Made, NewApplication, Wish, civil};

/// So many reports, and so many other proofs, are named for an environment at most.
const MOST_PROOFS: usize = 20;

/// What somebody applies for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewIntegratorApplication")]
pub(super) struct Asked {
    /// The account of whoever applies.
    pub(super) applicant: String,
    pub(super) layer: String,
    pub(super) tier: String,
    pub(super) organisation: String,
    pub(super) covers: String,
    pub(super) contact: String,
    pub(super) evidence: String,
    #[serde(default)]
    pub(super) references: Vec<Reference>,
}

/// What somebody makes of a reference.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewWord")]
pub(super) struct Said {
    #[schemars(extend("enum" = ["accepted", "refused", "withdrawn"]))]
    pub(super) word: String,
    pub(super) text: String,
}

/// Makes sure that a reference is one that people can read.
fn readable(reference: &Reference) -> Result<(), Refusal> {
    let Reference { kind, environment, share, reports, evidence, .. } = reference;
    let kinds = &Integrators::get().evidence;
    if !kinds.iter().any(|known| known.name == *kind) {
        let names: Vec<&str> = kinds.iter().map(|known| known.name.as_str()).collect();
        return Err(Refusal::of_field("kind", &format!(": one of {}", names.join(", "))));
    }
    checked("environment", environment, Kind::Name)?;
    if let Some(Share { part, proof }) = share {
        checked("share.part", part, Kind::Line)?;
        checked("share.proof", proof, Kind::Line)?;
    }
    if reports.len() > MOST_PROOFS || evidence.len() > MOST_PROOFS {
        return Err(Refusal::unreadable(format!("reports, evidence: {MOST_PROOFS} of each at most")));
    }
    if let Some(report) = reports.iter().find(|report| report.parse::<Uuid>().is_err()) {
        return Err(Refusal::of_field("reports", &format!(": {report:?} is no UUID")));
    }
    evidence.iter().try_for_each(|one| checked("evidence", one, Kind::Line))
}

/// Applies for a certificate.
pub(super) async fn apply(State(monitor): Shared, request: Request) -> Result<Response, Refusal> {
    let (caller, asked): (_, Asked) = sent(&monitor, request).await?;
    taken_in(&monitor, "integrators/applications", &apply_for(&monitor, caller, asked).await?)
}

/// Takes an application down, and says its UUID.
pub(super) async fn apply_for(monitor: &Monitor, caller: Caller, asked: Asked) -> Result<String, Refusal> {
    let Asked { applicant, layer, tier, organisation, covers, contact, evidence, references } = asked;
    if !is_applicant(&caller, &applicant) {
        return Err(Refusal::forbidden("only the applicant itself may apply"));
    }
    all_checked(&[
        ("applicant", &applicant, Kind::Name),
        ("organisation", &organisation, Kind::Name),
        ("covers", &covers, Kind::Line),
        ("contact", &contact, Kind::Line),
        ("evidence", &evidence, Kind::Text),
    ])?;
    let table = Integrators::get();
    let one_of = |what: &str, names: Vec<&str>| Refusal::of_field(what, &format!(": {}", names.join(" or ")));
    let layers = || table.layers.iter().map(|layer| layer.name.as_str()).collect();
    let layer = table.layer(&layer).ok_or_else(|| one_of("layer", layers()))?;
    let tiers = || table.tiers.iter().map(|tier| tier.name.as_str()).collect();
    let tier = table.tier(&tier).ok_or_else(|| one_of("tier", tiers()))?;
    if references.len() > MOST_REFERENCES {
        return Err(Refusal::unreadable(format!("references: {MOST_REFERENCES} at most")));
    }
    references.iter().try_for_each(readable)?;
    let new = NewApplication {
        uuid: Uuid::new_v4().to_string(),
        subject: applicant,
        scope: layer.uuid.clone(),
        version: tier.name.clone(),
        organisation,
        covers,
        contact,
    };
    let made = Made { at: monitor.clock.now(), account: caller.name, what: Move::Apply, text: evidence };
    take(monitor, (&new, &references), &made).await
}

/// An application of an integrator, for somebody whom it concerns.
async fn of_integrator(
    monitor: &Monitor,
    caller: &Caller,
    uuid: &str,
) -> Result<(Application, &'static Layer), Refusal> {
    let application = application_for(monitor, caller, uuid).await?;
    let layer = layer_of(&application.asked.scope).ok_or_else(|| Refusal::not_found("application"))?;
    Ok((application, layer))
}

/// An application with what its references come to now.
pub(super) async fn application(
    State(monitor): Shared,
    Path(uuid): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let caller = Caller::of(&monitor, &headers).await?;
    shown(&monitor, &caller, &uuid).await
}

async fn shown(monitor: &Monitor, caller: &Caller, uuid: &str) -> Result<Response, Refusal> {
    let (application, layer) = of_integrator(monitor, caller, uuid).await?;
    let judgement = Judgement::of(monitor, layer, &application.references).await?;
    json_of(&judgement.view(&application, monitor.clock.now()))
}

/// Adds a reference.
pub(super) async fn add(
    State(monitor): Shared,
    Path(uuid): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (caller, reference): (_, Reference) = sent(&monitor, request).await?;
    may_name(&monitor, &caller, &uuid).await?;
    name(&monitor, &caller, &uuid, &reference).await?;
    Ok((StatusCode::CREATED, shown(&monitor, &caller, &uuid).await?).into_response())
}

/// Makes sure that somebody may add references to an application.
pub(super) async fn may_name(monitor: &Monitor, caller: &Caller, uuid: &str) -> Result<(), Refusal> {
    let (application, _) = of_integrator(monitor, caller, uuid).await?;
    match is_applicant(caller, &application.asked.subject) {
        true => Ok(()),
        false => Err(Refusal::forbidden("only the applicant itself names references")),
    }
}

/// Adds a reference to an application, for somebody who may.
pub(super) async fn name(
    monitor: &Monitor,
    caller: &Caller,
    uuid: &str,
    reference: &Reference,
) -> Result<(), Refusal> {
    readable(reference)?;
    let text = format!("{}, {}", reference.kind, reference.environment);
    let made = Made { at: monitor.clock.now(), account: caller.name.clone(), what: Move::Evidence, text };
    let added = monitor.store.add_reference(uuid, &made, reference).await?;
    added.map(drop).map_err(|not_now| Refusal::conflict(not_now.to_string()))
}

/// Says what to make of a reference: an assessor, or the applicant who takes it back.
pub(super) async fn say(
    State(monitor): Shared,
    Path((uuid, number)): Path<(String, i64)>,
    request: Request,
) -> Result<Response, Refusal> {
    let (caller, said): (_, Said) = sent(&monitor, request).await?;
    let word = may_say(&monitor, &caller, (&uuid, number), &said).await?;
    say_of(&monitor, &caller, (&uuid, number), (word, said.text)).await?;
    shown(&monitor, &caller, &uuid).await
}

/// The word that somebody wants to say of a reference, if it is theirs to say.
pub(super) async fn may_say(
    monitor: &Monitor,
    caller: &Caller,
    (uuid, number): (&str, i64),
    Said { word, text }: &Said,
) -> Result<Word, Refusal> {
    let (application, _) = of_integrator(monitor, caller, uuid).await?;
    let word: Word =
        word.parse().map_err(|()| Refusal::unreadable("word: accepted, refused or withdrawn"))?;
    checked("text", text, Kind::Text)?;
    let may = match word.is_applicants() {
        true => is_applicant(caller, &application.asked.subject),
        false => decides_about(caller, &application),
    };
    if !may {
        return Err(Refusal::forbidden("that word is for somebody else to say"));
    }
    if application.references.iter().all(|judged| judged.number != number) {
        return Err(Refusal::not_found("reference"));
    }
    Ok(word)
}

/// Says it, for somebody who may.
pub(super) async fn say_of(
    monitor: &Monitor,
    caller: &Caller,
    (uuid, number): (&str, i64),
    (word, text): (Word, String),
) -> Result<(), Refusal> {
    let what = if word.is_applicants() { Move::Evidence } else { Move::Judge };
    let made = Made { at: monitor.clock.now(), account: caller.name.clone(), what, text };
    let outcome = monitor.store.say_of_reference(uuid, (number, word), &made).await?;
    match outcome.map_err(|not_now| Refusal::conflict(not_now.to_string()))? {
        true => Ok(()),
        false => Err(Refusal::conflict("the reference was withdrawn")),
    }
}

/// All certificates of integrators that were ever granted.
pub(super) async fn integrators(State(monitor): Shared) -> Result<Response, Refusal> {
    let all = granted(&monitor).await?;
    let (scopes, day) = (monitor.scopes(), civil(monitor.clock.now()).date());
    json_of(&all.iter().map(|one| CertificateView::of(one, &scopes, day)).collect::<Vec<_>>())
}

/// The same, as they are kept.
pub(super) async fn granted(monitor: &Monitor) -> Result<Vec<Certificate>, Refusal> {
    let mut all = monitor.store.certificates(Wish::All).await?;
    all.retain(|certificate| certificate.layer().is_some());
    Ok(all)
}

/// A certificate of an integrator, with what was signed about it.
pub(super) async fn certified(monitor: &Monitor, uuid: &str) -> Result<(Certificate, Value), Refusal> {
    let found = find(monitor, uuid).await?;
    if found.layer().is_none() {
        return Err(Refusal::not_found("certificate"));
    }
    let document = monitor.store.document(uuid).await?.unwrap_or_default();
    Ok((found, serde_json::from_str(&document).unwrap_or_default()))
}

/// A certificate of an integrator, and how it was reckoned.
pub(super) async fn integrator(
    State(monitor): Shared,
    Path(uuid): Path<String>,
) -> Result<Response, Refusal> {
    let (found, document) = certified(&monitor, &uuid).await?;
    let (scopes, day) = (monitor.scopes(), civil(monitor.clock.now()).date());
    let said = &document["credentialSubject"];
    json_of(&CertifiedView {
        certificate: CertificateView::of(&found, &scopes, day),
        standard: &said["standard"],
        layer: &said["layer"],
        tier: &said["tier"],
        needed: &said["needed"],
        points: &said["points"],
        references: &said["references"],
    })
}

/// References, and what their reports prove.
pub(super) struct Judgement {
    layer: &'static Layer,
    /// By the numbers of references.
    linked: BTreeMap<i64, Vec<Linked>>,
}

impl Judgement {
    /// Looks up what the reports of references prove.
    pub(super) async fn of(
        monitor: &Monitor,
        layer: &'static Layer,
        references: &[Judged],
    ) -> Result<Self, Refusal> {
        let scopes = monitor.scopes();
        // The same report may be written in two ways.
        let canonical =
            |report: &str| report.parse::<Uuid>().map_or_else(|_| report.to_owned(), |uuid| uuid.to_string());
        let mut named: BTreeMap<String, Vec<&Judged>> = BTreeMap::new();
        for judged in references {
            let reports: BTreeSet<String> =
                judged.reference.reports.iter().map(|report| canonical(report)).collect();
            for report in reports {
                named.entry(report).or_default().push(judged);
            }
        }
        let uuids: Vec<&str> = named.keys().map(String::as_str).collect();
        let places = monitor.store.places_of_reports(&uuids).await?;
        let mut found: BTreeMap<String, FoundReport> = BTreeMap::new();
        for (uuid, (subject, scope, at)) in places {
            let by = named.get(&uuid).into_iter().flatten();
            let is_asked =
                scope == layer.scope && by.into_iter().any(|judged| judged.reference.is_subject(&subject));
            let achieved = match scopes.by_uuid(&scope).filter(|_| is_asked) {
                Some(spec) => {
                    // Whoever asks for another history takes a turn between these.
                    let _turn = monitor.histories.acquire().await;
                    let history = monitor.store.history(&subject, &scope, (at, at)).await?;
                    achieved(spec, &history.spells, at)
                }
                None => None,
            };
            let achieved = achieved.map(|found| (found.state().passes(), found.to_string()));
            found.insert(uuid, FoundReport { subject, scope, day: at.date(), achieved });
        }
        let mut linked: BTreeMap<i64, Vec<Linked>> = BTreeMap::new();
        for judged in references {
            let all = linked.entry(judged.number).or_default();
            for report in &judged.reference.reports {
                let uuid = canonical(report);
                let others = named.get(&uuid).into_iter().flatten();
                let others = others
                    .filter(|other| other.number != judged.number && other.word != Some(Word::Withdrawn));
                let also = others.map(|other| other.number).collect();
                all.push(Linked::new(report, found.get(&uuid), (layer, &judged.reference), also));
            }
        }
        Ok(Self { layer, linked })
    }

    fn proves(&self, judged: &Judged) -> bool {
        let linked = self.linked.get(&judged.number).map(Vec::as_slice).unwrap_or_default();
        !linked.is_empty() && linked.iter().all(|linked| linked.trouble.is_none())
    }

    /// What is granted to who applied for a tier.
    pub(super) fn decide(
        &self,
        asked: &str,
        references: &[Judged],
        day: Date,
    ) -> Result<(String, Statement), Refusal> {
        let reckoned = reckon(self.layer, references, day);
        let Some(tier) = reckoned.granted(asked) else {
            let (points, tiers) = (reckoned.accepted.points, &Integrators::get().tiers);
            let needed = tiers.iter().map(|tier| tier.points).min().unwrap_or_default();
            let told = format!("the accepted references come to {points} points, of {needed} that it takes");
            return Err(Refusal::obstacles(vec![told]));
        };
        let statement =
            Statement::integrator((self.layer, tier), (references, &reckoned), |judged| self.proves(judged));
        Ok((tier.name.clone(), statement))
    }

    /// What it comes to now; what is decided was reckoned on the day of the decision.
    pub(super) fn view<'v>(&'v self, application: &'v Application, now: Timestamp) -> IntegratorView<'v> {
        let decision = application.moves.last().filter(|_| application.certificate.is_some());
        let day = civil(decision.map_or(now, |made| made.at)).date();
        let references = &application.references;
        let reckoned = reckon(self.layer, references, day);
        let points = |counted: &Option<Counted<'_>>| counted.as_ref().map(|counted| counted.points);
        let each = references.iter().zip(&reckoned.each).map(|(judged, twice)| {
            let claimed = twice.claimed.as_ref();
            let linked = self.linked.get(&judged.number).into_iter().flatten().map(|linked| LinkedView {
                report: &linked.report,
                subject: linked.subject.as_deref(),
                also_named_by: &linked.also,
                trouble: linked.trouble.as_ref().map(ToString::to_string),
            });
            let rule = claimed.and_then(|counted| counted.rule);
            ReferenceView {
                number: judged.number,
                reference: &judged.reference,
                whose: rule.map(|rule| json!(rule.environment)),
                word: judged.word.map(Word::as_str),
                said: &judged.said,
                claimed: points(&twice.claimed),
                accepted: points(&twice.accepted),
                arithmetic: claimed.map(|counted| counted.arithmetic.clone()),
                missing: claimed
                    .map(|counted| counted.missing.iter().map(ToString::to_string).collect())
                    .unwrap_or_default(),
                linked: linked.collect(),
            }
        });
        IntegratorView {
            references: each.collect(),
            score: ScoreView {
                standard: Integrators::get().document(),
                on: day,
                claimed: SumView::of(&reckoned.claimed),
                accepted: SumView::of(&reckoned.accepted),
                would_be_granted: reckoned.granted(&application.asked.version).map(|tier| tier.name.as_str()),
            },
            layer: &self.layer.name,
            tier: &application.asked.version,
            application: ApplicationView::of(application),
        }
    }
}

/// The certificate of an integrator, and how it was reckoned, as it was signed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "IntegratorCertificate")]
pub(super) struct CertifiedView<'v> {
    certificate: CertificateView<'v>,
    /// The standard and its version.
    #[schemars(with = "String")]
    standard: &'v Value,
    #[schemars(with = "String")]
    layer: &'v Value,
    #[schemars(with = "String")]
    tier: &'v Value,
    /// How many points the tier takes.
    #[schemars(with = "u32")]
    needed: &'v Value,
    #[schemars(with = "u32")]
    points: &'v Value,
    /// What counted, each with its points.
    #[schemars(with = "Vec<Value>")]
    references: &'v Value,
}

/// An application of an integrator as it is handed out.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "IntegratorApplication")]
pub(super) struct IntegratorView<'v> {
    layer: &'v str,
    tier: &'v str,
    #[serde(flatten)]
    application: ApplicationView<'v>,
    pub(super) score: ScoreView,
    pub(super) references: Vec<ReferenceView<'v>>,
}

/// What references come to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "IntegratorScore")]
pub(super) struct ScoreView {
    pub(super) standard: String,
    /// The day for which it is reckoned.
    pub(super) on: Date,
    pub(super) claimed: SumView,
    pub(super) accepted: SumView,
    /// The tier that a grant would give now.
    pub(super) would_be_granted: Option<&'static str>,
}

/// How points come together.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "IntegratorSum")]
pub(super) struct SumView {
    points: u32,
    pub(super) tier: Option<&'static str>,
    /// How the points come together, such as `2 + 1 = 3`.
    pub(super) sum: String,
}

impl SumView {
    fn of(score: &Score<'static>) -> Self {
        let parts = score.counted.iter().map(|counted| counted.points).filter(|points| *points > 0);
        let parts: Vec<String> = parts.map(|points| points.to_string()).collect();
        let sum = match parts.is_empty() {
            true => "0".to_owned(),
            false => format!("{} = {}", parts.join(" + "), score.points),
        };
        Self { points: score.points, tier: score.tier.map(|tier| tier.name.as_str()), sum }
    }
}

/// A reference, and what it counts.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "JudgedReference")]
pub(super) struct ReferenceView<'v> {
    pub(super) number: i64,
    #[serde(flatten)]
    pub(super) reference: &'v Reference,
    #[schemars(with = "Option<String>")]
    whose: Option<Value>,
    /// What was said about it last.
    pub(super) word: Option<&'static str>,
    pub(super) said: &'v str,
    /// What it counts by what the applicant says; none if it was withdrawn.
    pub(super) claimed: Option<u32>,
    /// What it counts by what was accepted; none if it was not.
    pub(super) accepted: Option<u32>,
    /// How that is reckoned.
    pub(super) arithmetic: Option<String>,
    /// What keeps it from counting.
    pub(super) missing: Vec<String>,
    /// What its reports prove.
    pub(super) linked: Vec<LinkedView<'v>>,
}

/// A report that a reference names.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LinkedReport")]
pub(super) struct LinkedView<'v> {
    pub(super) report: &'v str,
    pub(super) subject: Option<&'v str>,
    /// The numbers of the other references that name it, which an assessor should know.
    #[serde(skip_serializing_if = "<[i64]>::is_empty")]
    pub(super) also_named_by: &'v [i64],
    /// Why it proves nothing by itself.
    pub(super) trouble: Option<String>,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use assay_transparency::Signer;
    use jiff::civil::date;

    use super::*;
    use crate::clock::Clock;
    use crate::scopes::Scopes;
    use crate::serve::Settings;
    use crate::store::Store;

    #[tokio::test]
    async fn histories_are_left_to_others_while_reports_are_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::in_folder(folder.path()).await.unwrap();
        let key = Signer::generate().unwrap();
        let monitor = Monitor::open(store, Scopes::embedded(), Clock::system(), Settings::default(), &key)
            .await
            .unwrap();
        let reference = Reference {
            kind: "managed".into(),
            environment: "a".into(),
            named: false,
            from: date(2025, 1, 1),
            until: None,
            regions: None,
            zones: None,
            share: None,
            reports: vec!["0B5E0B5E-0B5E-4B5E-8B5E-0B5E0B5E0B5E".into()],
            evidence: Vec::new(),
        };
        let judged =
            |number| Judged { number, reference: reference.clone(), word: None, said: String::new() };
        let all = u32::try_from(monitor.histories.available_permits()).unwrap();
        let _others = monitor.histories.acquire_many(all).await.unwrap();
        let references = [judged(1), judged(2)];
        let judgement = Judgement::of(&monitor, &Integrators::get().layers[0], &references);
        let judgement = tokio::time::timeout(Duration::from_secs(20), judgement).await.unwrap().unwrap();
        assert_eq!((&judgement.linked[&1][0].also, &judgement.linked[&2][0].also), (&vec![2], &vec![1]));
    }
}
