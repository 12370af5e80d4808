//! Looks what is the matter, tells whoever wants to know, and sees to it that it arrives.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::certificates::Certificate;
use crate::notices::{About, Condition, Looked, Message, NoticeConfig, Rule, Told, Topic, conditions};
use crate::scopes::Scopes;
use crate::serve::Monitor;
use crate::store::{Difference, Key, Known, StoreError, Waiting, Wish, civil};
use crate::web::segment;

/// So many messages are sent at once.
const AT_ONCE: usize = 4;
/// So many are taken from the outbox at a time.
const TAKEN: i64 = 12;
/// How long to wait before trying again, doubled each time, up to the longest.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(2);
/// After so many attempts, a week in all, nobody tries any more.
const ATTEMPTS: i64 = 90;
/// What changes by itself is looked for at least so often.
const LOOKED_AGAIN: SignedDuration = SignedDuration::from_mins(10);

/// What was looked at last.
#[derive(Debug, Default)]
pub(crate) struct Last {
    revision: Option<i64>,
    at: Option<Timestamp>,
}

impl Monitor {
    /// Tells what is to be told, and sends what waits.
    pub(crate) async fn watch(&self, last: &mut Last) -> Result<(), StoreError> {
        let Some(config) = self.notices() else { return Ok(()) };
        let now = self.clock.now();
        let revision = self.store.revision().await?;
        let is_old = last.at.is_none_or(|at| now.duration_since(at) >= LOOKED_AGAIN);
        if last.revision != Some(revision) || is_old {
            let is_done = self.look(&config, revision, now).await?;
            *last = Last { revision: is_done.then_some(revision), at: Some(now) };
        }
        self.send_waiting(&config).await
    }

    /// Compares what is the matter with what was told. False if a rule has to be looked at again soon.
    async fn look(&self, config: &NoticeConfig, revision: i64, now: Timestamp) -> Result<bool, StoreError> {
        let scopes = self.scopes();
        let all = self.store.all_known().await?;
        let mut certificates: HashMap<(String, String), Vec<Certificate>> = HashMap::new();
        for certificate in self.store.certificates(Wish::All).await? {
            let key = (certificate.subject.clone(), certificate.scope.clone());
            certificates.entry(key).or_default().push(certificate);
        }
        let mut is_done = true;
        for rule in &config.rules {
            let last = self.store.last_told(&rule.name).await?;
            // Then it is looked at again before long in any case.
            if last.is_some_and(|last| now.duration_since(last).unsigned_abs() < rule.every) {
                continue;
            }
            let before = self.store.told(&rule.name).await?;
            let found = found((&scopes, rule), &all, &certificates, now);
            let (differences, notices) = self.differences((&scopes, rule), &before, &found).await?;
            if differences.is_empty() {
                continue;
            }
            let message = Message { kind: Message::KIND.into(), rule: rule.name.clone(), at: now, notices };
            let body =
                serde_json::to_string(&message).map_err(|error| StoreError::Corrupt(error.to_string()))?;
            let channels = rule.channels.iter().filter(|_| !message.notices.is_empty());
            let messages: Vec<(&str, String)> =
                channels.map(|channel| (channel.as_str(), body.clone())).collect();
            is_done &= self.store.tell(&rule.name, (&before, revision), &differences, &messages, now).await?;
        }
        Ok(is_done)
    }

    /// What is another thing than was told, and how it is told of. What a rule does not mean any more goes in silence.
    async fn differences(
        &self,
        (scopes, rule): (&Scopes, &Rule),
        before: &BTreeMap<Key, String>,
        found: &BTreeMap<Key, Condition>,
    ) -> Result<(Vec<Difference>, Vec<Told>), StoreError> {
        let (mut differences, mut notices) = (Vec::new(), Vec::new());
        for (key, condition) in found {
            let was = before.get(key);
            if was == Some(&condition.word) {
                continue;
            }
            let Ok(topic) = key.2.parse::<Topic>() else { continue };
            let mut from = was.cloned();
            if topic.about == About::Result {
                let of = (key.0.as_str(), key.1.as_str(), topic.of.as_str());
                let (run, previous) = self.store.run_of(of, condition.stated).await?;
                if run < rule.after && condition.word != "MISS" {
                    continue;
                }
                from = from.or_else(|| previous.map(|verdict| verdict.to_string()));
            }
            differences.push((key.clone(), was.cloned(), Some(condition.word.clone())));
            notices.push(self.told(scopes, key, &topic, (from, Some(condition))));
        }
        for (key, word) in before.iter().filter(|(key, _)| !found.contains_key(*key)) {
            differences.push((key.clone(), Some(word.clone()), None));
            let Ok(topic) = key.2.parse::<Topic>() else { continue };
            // That something expires soon is over when it has, which is told of itself.
            let is_worth = topic.about != About::Expiry && rule.about.contains(&topic.about);
            if is_worth && is_meant(rule, scopes, &key.0, &key.1) {
                notices.push(self.told(scopes, key, &topic, (Some(word.clone()), None)));
            }
        }
        notices.sort_by(|a, b| {
            (&a.subject, &a.scope, &a.about, &a.of).cmp(&(&b.subject, &b.scope, &b.about, &b.of))
        });
        Ok((differences, notices))
    }

    fn told(
        &self,
        scopes: &Scopes,
        (subject, scope, _): &Key,
        topic: &Topic,
        (from, to): (Option<String>, Option<&Condition>),
    ) -> Told {
        Told {
            subject: subject.clone(),
            scope: scopes.by_uuid(scope).map_or_else(|| scope.clone(), |spec| spec.name.clone()),
            about: topic.about.as_str().to_owned(),
            of: topic.of.clone(),
            from,
            to: to.map(|condition| condition.word.clone()),
            when: to.map(|condition| condition.at),
            page: format!("{}page/subject/{}", self.settings.base_url, segment(subject)),
        }
    }

    /// Sends what waits, several at once.
    async fn send_waiting(&self, config: &Arc<NoticeConfig>) -> Result<(), StoreError> {
        loop {
            let due = self.store.take_due(self.clock.now(), TAKEN).await?;
            if due.is_empty() {
                return Ok(());
            }
            for some in due.chunks(AT_ONCE) {
                let sent: Vec<_> = some.iter().map(|waiting| self.send_one(config, waiting)).collect();
                join_all(sent).await.into_iter().collect::<Result<(), StoreError>>()?;
            }
        }
    }

    async fn send_one(&self, config: &NoticeConfig, waiting: &Waiting) -> Result<(), StoreError> {
        let now = self.clock.now();
        let sent = self.sender.send(config, &waiting.channel, (&waiting.uuid, &waiting.body), now).await;
        match sent {
            Ok(()) => self.store.was_sent(waiting, self.clock.now()).await,
            Err(trouble) => {
                let trouble = trouble.to_string();
                tracing::warn!(channel = waiting.channel, trouble, "a notice was not sent");
                let again =
                    (waiting.attempts + 1 < ATTEMPTS).then(|| after(self.clock.now(), waiting.attempts));
                self.store.was_not_sent(waiting, &trouble, again).await
            }
        }
    }
}

/// What is the matter now, as far as a rule asks for it.
fn found(
    (scopes, rule): (&Scopes, &Rule),
    all: &[Known],
    certificates: &HashMap<(String, String), Vec<Certificate>>,
    now: Timestamp,
) -> BTreeMap<Key, Condition> {
    let mut found = BTreeMap::new();
    for known in all.iter().filter(|known| is_meant(rule, scopes, &known.subject, &known.scope)) {
        let Some(spec) = scopes.by_uuid(&known.scope) else { continue };
        let key = (known.subject.clone(), known.scope.clone());
        let certificates = certificates.get(&key).map(Vec::as_slice).unwrap_or_default();
        let looked = Looked { spec, standings: &known.standings, certificates };
        for (topic, condition) in conditions(looked, rule, civil(now)) {
            found.insert((key.0.clone(), key.1.clone(), topic.to_string()), condition);
        }
    }
    found
}

/// When to try again after so many attempts that failed before this one.
fn after(now: Timestamp, attempts: i64) -> Timestamp {
    let factor = 1_i32 << attempts.clamp(0, 10);
    let pause = (PAUSE * factor).min(LONGEST_PAUSE);
    now.saturating_add(pause).unwrap_or(Timestamp::MAX)
}

/// Whether a rule is about a subject in a scope.
fn is_meant(rule: &Rule, scopes: &Scopes, subject: &str, scope: &str) -> bool {
    let is_subject = rule.subjects.is_empty() || rule.subjects.contains(subject);
    let slug = scopes.by_uuid(scope).map(Scopes::slug);
    let is_scope = rule.scopes.is_empty()
        || rule.scopes.contains(scope)
        || slug.is_some_and(|slug| rule.scopes.contains(&slug));
    is_subject && is_scope
}
