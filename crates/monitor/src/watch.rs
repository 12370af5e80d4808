//! Looks what is the matter, tells whoever wants to know, and sees to it that it arrives.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use assay_standards::Verdict;
use assay_standards::requirements::Layer;
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::certificates::{Certificate, layer_of};
use crate::notices::{
    About, Condition, Found, Looked, Message, NotSent, NoticeConfig, Rule, Told, Topic, Way, conditions,
    mailboxes,
};
use crate::scopes::Scopes;
use crate::serve::Monitor;
use crate::store::{Difference, Key, Known, NewMessage, StoreError, Waiting, Wish, civil};
use crate::web::segment;

/// How long to wait before trying again, doubled each time, up to the longest.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(2);
/// After so many attempts, a week in all, nobody tries any more.
const ATTEMPTS: i64 = 90;
/// What changes by itself is looked for at least so often.
const LOOKED_AGAIN: SignedDuration = SignedDuration::from_mins(10);
/// So much is told at once; the rest waits for the next look, which finds this told.
const TOLD: usize = 500;

/// What was looked at last.
#[derive(Debug, Default)]
pub(crate) struct Last {
    revision: Option<i64>,
    at: Option<Timestamp>,
}

/// What there is to be known when it is looked.
struct Look<'l> {
    config: &'l NoticeConfig,
    scopes: &'l Scopes,
    now: Timestamp,
}

impl Monitor {
    /// Looks what is to be told, if anything may have changed.
    pub(crate) async fn look(&self, last: &mut Last) -> Result<(), StoreError> {
        let Some(config) = self.notices() else { return Ok(()) };
        let now = self.clock.now();
        let revision = self.store.revision().await?;
        let is_old = last.at.is_none_or(|at| now.duration_since(at).abs() >= LOOKED_AGAIN);
        if last.revision == Some(revision) && !is_old {
            return Ok(());
        }
        let scopes = self.scopes();
        let is_done = self.look_around(&Look { config: &config, scopes: &scopes, now }).await?;
        *last = Last { revision: is_done.then_some(revision), at: Some(now) };
        Ok(())
    }

    /// Compares what is the matter with what was told. False if there is more to be told soon.
    async fn look_around(&self, look: &Look<'_>) -> Result<bool, StoreError> {
        // What was told is read first: what is the matter is then at least as new, and nobody who has told something newer
        // meanwhile is contradicted.
        let mut told = Vec::with_capacity(look.config.rules.len());
        for rule in &look.config.rules {
            told.push(self.store.told(&rule.name).await?);
        }
        let mut all = self.store.all_known().await?;
        let mut certificates: HashMap<(String, String), Vec<Certificate>> = HashMap::new();
        for certificate in self.store.certificates(Wish::All).await? {
            let key = (certificate.subject.clone(), certificate.scope.clone());
            // Of an integrator nothing is known but what was certified.
            if certificate.layer().is_some() && !certificates.contains_key(&key) {
                let (subject, scope) = key.clone();
                all.push(Known { subject, scope, standings: Vec::new() });
            }
            certificates.entry(key).or_default().push(certificate);
        }
        let mut is_done = true;
        for (rule, before) in look.config.rules.iter().zip(&told) {
            let last = self.store.last_told(&rule.name).await?;
            // It is looked at again before long in any case.
            if last.is_some_and(|last| look.now.duration_since(last).unsigned_abs() < rule.every) {
                continue;
            }
            let found = found((look, rule), &all, &certificates);
            let (differences, notices, is_all) = self.differences((look, rule), before, &found).await?;
            is_done &= is_all;
            if differences.is_empty() {
                continue;
            }
            let messages = self.messages(look, rule, notices).await?;
            is_done &= self.store.tell(&rule.name, before, &differences, (&messages, look.now)).await?;
        }
        Ok(is_done)
    }

    /// What is another thing than was told, how it is told of, and whether that is all of it.
    async fn differences(
        &self,
        (look, rule): (&Look<'_>, &Rule),
        before: &BTreeMap<Key, String>,
        found: &[(&Known, Found)],
    ) -> Result<(Vec<Difference>, Vec<Told>, bool), StoreError> {
        let (mut differences, mut notices) = (Vec::new(), Vec::new());
        for (known, found) in found {
            let key = |topic: &Topic| (known.subject.clone(), known.scope.clone(), topic.to_string());
            for (topic, condition) in &found.matter {
                let was = before.get(&key(topic));
                if was == Some(&condition.word) || notices.len() >= TOLD {
                    continue;
                }
                let mut from = was.cloned();
                if let Some((verdict, stated)) = condition.found {
                    let of = (known.subject.as_str(), known.scope.as_str(), topic.of.as_str());
                    let (count, previous) = self.store.course_of(of, (stated, verdict)).await?;
                    let has_expired = is_miss(&condition.word);
                    if count < rule.after && !has_expired {
                        continue;
                    }
                    let previous = if has_expired { Some(verdict) } else { previous };
                    from = from.or_else(|| previous.map(|verdict| verdict.to_string()));
                }
                let by = self.creators(known, topic, (from.as_deref(), Some(condition))).await?;
                differences.push((key(topic), Some(condition.word.clone())));
                notices.push(self.told(look.scopes, known, topic, (from, Some(condition)), by));
            }
            let here = before.range((known.subject.clone(), known.scope.clone(), String::new())..);
            let here = here
                .take_while(|((subject, scope, _), _)| (subject, scope) == (&known.subject, &known.scope));
            for (told, word) in here {
                let Ok(topic) = told.2.parse::<Topic>() else { continue };
                if found.matter.contains_key(&topic) {
                    continue;
                }
                differences.push((told.clone(), None));
                // What is not asked for any more, or is over without being well, goes in silence.
                if found.well.contains(&topic) {
                    let by = self.creators(known, &topic, (Some(word), None)).await?;
                    notices.push(self.told(look.scopes, known, &topic, (Some(word.clone()), None), by));
                }
            }
        }
        let order =
            |told: &Told| (told.subject.clone(), told.scope.clone(), told.about.clone(), told.of.clone());
        notices.sort_by_key(order);
        let is_all = notices.len() < TOLD;
        Ok((differences, notices, is_all))
    }

    /// Which checkers found what was the matter with a testcase, and what is.
    async fn creators(
        &self,
        known: &Known,
        topic: &Topic,
        (from, to): (Option<&str>, Option<&Condition>),
    ) -> Result<[Option<String>; 2], StoreError> {
        if topic.about != About::Result {
            return Ok([None, None]);
        }
        let (to, stated) = match to.map(|condition| (condition, condition.found)) {
            // That something expired was found by nobody.
            Some((condition, Some((_, stated)))) if is_miss(&condition.word) => (None, stated),
            Some((_, Some((verdict, stated)))) => (Some(verdict), stated),
            Some((_, None)) => return Ok([None, None]),
            None => {
                let passed = known.standings.iter().filter(|row| row.name == topic.of);
                let passed = passed.filter(|row| row.spell.verdict == Verdict::Pass);
                let Some(passed) = passed.max_by_key(|row| row.spell.last) else { return Ok([None, None]) };
                (Some(Verdict::Pass), passed.stated)
            }
        };
        let from = from.and_then(found_in);
        let of = (known.subject.as_str(), known.scope.as_str(), topic.of.as_str());
        self.store.creators_of(of, stated, [from, to]).await
    }

    /// What a rule tells, for each who is told: most of them all of it, contacts what is about their subject.
    async fn messages<'r>(
        &self,
        look: &Look<'_>,
        rule: &'r Rule,
        notices: Vec<Told>,
    ) -> Result<Vec<NewMessage<'r>>, StoreError> {
        if notices.is_empty() {
            return Ok(Vec::new());
        }
        let whole = Message {
            kind: Message::KIND.into(),
            rule: rule.name.clone(),
            at: look.now,
            notices,
            asked_at: None,
        };
        let body = written(&whole)?;
        let is_contacts = |channel: &String| {
            look.config.channel(channel).is_some_and(|channel| matches!(channel.way, Way::Contacts))
        };
        let mut messages = Vec::new();
        for channel in &rule.channels {
            match is_contacts(channel) {
                false => messages.extend(to_all_of(look.config, channel, &body)),
                true => messages.extend(self.to_contacts(channel, &whole).await?),
            }
        }
        Ok(messages)
    }

    /// Of a message, for the contacts of each subject that asked for mail, what is about it.
    async fn to_contacts<'c>(
        &self,
        channel: &'c str,
        whole: &Message,
    ) -> Result<Vec<NewMessage<'c>>, StoreError> {
        let mut messages = Vec::new();
        // They are in order of the subjects.
        for notices in whole.notices.chunk_by(|one, next| one.subject == next.subject) {
            let Some(subject) = notices.first().map(|told| &told.subject) else { continue };
            let profile = self.store.profile(subject).await?;
            let Some(contacts) = mailboxes(&profile.contact).filter(|_| profile.is_told) else { continue };
            let page = format!("{}desk/subject/{}", self.settings.base_url, segment(subject));
            let body =
                written(&Message { notices: notices.to_vec(), asked_at: Some(page), ..whole.clone() })?;
            messages.extend(contacts.iter().map(|contact| NewMessage {
                channel,
                recipient: contact.to_string(),
                body: body.clone(),
            }));
        }
        Ok(messages)
    }

    fn told(
        &self,
        scopes: &Scopes,
        known: &Known,
        topic: &Topic,
        (from, to): (Option<String>, Option<&Condition>),
        [from_by, to_by]: [Option<String>; 2],
    ) -> Told {
        let Known { subject, scope, .. } = known;
        let (name, page) = match (layer_of(scope), scopes.by_uuid(scope)) {
            (Some(layer), _) => (layer.title(), "integrators".to_owned()),
            (None, spec) => {
                let name = spec.map_or_else(|| scope.clone(), |spec| spec.name.clone());
                (name, format!("subject/{}", segment(subject)))
            }
        };
        Told {
            subject: subject.clone(),
            scope: name,
            about: topic.about.as_str().to_owned(),
            of: topic.of.clone(),
            from,
            to: to.map(|condition| condition.word.clone()),
            from_by,
            to_by,
            when: to.map(|condition| condition.at),
            page: format!("{}page/{page}", self.settings.base_url),
        }
    }

    /// Sends what waits: to each recipient one after the other, to all of them at once.
    pub(crate) async fn send_waiting(&self) -> Result<(), StoreError> {
        // It may be another one after each round.
        while let Some(config) = self.notices() {
            let channels: Vec<&str> = config.channels.iter().map(|channel| channel.name.as_str()).collect();
            let due = self.store.take_due(&channels, self.clock.now()).await?;
            if due.is_empty() {
                break;
            }
            let sent: Vec<_> = due.iter().map(|waiting| self.send_one(&config, waiting)).collect();
            join_all(sent).await.into_iter().collect::<Result<(), StoreError>>()?;
        }
        Ok(())
    }

    async fn send_one(&self, config: &NoticeConfig, waiting: &Waiting) -> Result<(), StoreError> {
        let sent = self.sender.send(config, waiting, self.clock.now()).await;
        match sent {
            Ok(()) => self.store.was_sent(waiting, self.clock.now()).await,
            Err(trouble) => {
                let again = after(self.clock.now(), waiting.attempt, &trouble);
                let (channel, attempt) = (&waiting.channel, waiting.attempt);
                let trouble = trouble.to_string();
                if again.is_none() {
                    tracing::error!(channel, attempt, trouble, "a notice was given up");
                } else {
                    tracing::warn!(channel, attempt, trouble, "a notice was not sent");
                }
                self.store.was_not_sent(waiting, &trouble, again).await
            }
        }
    }
}

/// A message as it waits.
pub(crate) fn written(message: &Message) -> Result<String, StoreError> {
    serde_json::to_string(message).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn is_miss(word: &str) -> bool {
    word == Verdict::Miss.to_string()
}

/// What a checker found where the matter is called so; none if nobody found it.
fn found_in(word: &str) -> Option<Verdict> {
    // While a PASS still counts, the check gave up all the same.
    let (abort, tentative) = (Verdict::Abort.to_string(), "TENTATIVE");
    match word {
        word if word == abort || word == tentative => Some(Verdict::Abort),
        word => [Verdict::Pass, Verdict::Fail].into_iter().find(|verdict| verdict.to_string() == word),
    }
}

/// What is the matter with each subject in each scope that a rule is about, as far as it asks for it.
fn found<'k>(
    (look, rule): (&Look<'_>, &Rule),
    all: &'k [Known],
    certificates: &HashMap<(String, String), Vec<Certificate>>,
) -> Vec<(&'k Known, Found)> {
    let mut found = Vec::new();
    for known in all {
        // Of what is not known here, another instance may know more.
        let (spec, layer) = (look.scopes.by_uuid(&known.scope), layer_of(&known.scope));
        let title = layer.map(Layer::title);
        let Some(name) = title.as_deref().or(spec.map(|spec| spec.name.as_str())) else { continue };
        let is = |words: &BTreeSet<String>, word: &str| words.is_empty() || words.contains(word);
        let is_scope = is(&rule.scopes, &known.scope) || rule.scopes.contains(&Scopes::slug_of(name));
        if !is(&rule.subjects, &known.subject) || !is_scope {
            continue;
        }
        let key = (known.subject.clone(), known.scope.clone());
        let certificates = certificates.get(&key).map(Vec::as_slice).unwrap_or_default();
        let looked = Looked { spec, standings: &known.standings, certificates };
        found.push((known, conditions(looked, rule, civil(look.now))));
    }
    found
}

/// The same for each recipient of a channel, so that one who cannot be told keeps it from nobody else. Contacts are told what
/// is theirs, and never all the same.
pub(crate) fn to_all_of<'m>(config: &NoticeConfig, channel: &'m str, body: &str) -> Vec<NewMessage<'m>> {
    let message = |recipient: String| NewMessage { channel, recipient, body: body.to_owned() };
    match config.channel(channel).map(|channel| &channel.way) {
        Some(Way::Mail { to }) => to.iter().map(|one| message(one.to_string())).collect(),
        Some(Way::Contacts) => Vec::new(),
        _ => vec![message(String::new())],
    }
}

/// When to try again after an attempt; none if that is enough.
fn after(now: Timestamp, attempt: i64, trouble: &NotSent) -> Option<Timestamp> {
    if trouble.is_final || attempt >= ATTEMPTS {
        return None;
    }
    let factor = 1_i32 << (attempt - 1).clamp(0, 10);
    let pause = (PAUSE * factor).min(LONGEST_PAUSE);
    Some(now.saturating_add(pause).unwrap_or(Timestamp::MAX))
}
