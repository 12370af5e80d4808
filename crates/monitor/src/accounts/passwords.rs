use std::collections::{HashMap, HashSet, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::{hmac, rand};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::client::Client;

/// What a password is compared with if there is no such account, so that it takes as long. Nobody knows a password
/// for it.
const NOBODY: &str =
    "$argon2id$v=19$m=65536,t=3,p=4$bm9ib2R5IGhhcyB0aGlzIHNhbHQ$3m0fxIyeHPzGzPcPm5Qw1qfDWmGY3K5iMdXQ2pVbJ4Q";
/// How many comparisons are remembered.
const REMEMBERED: usize = 4096;
/// How many comparisons may wait for their turn.
const WAITING: usize = 1024;
/// How many of them for the same client.
const IN_LINE: usize = 32;

/// Compares passwords with their hashes. A hash costs 64 MiB and a good part of a second on purpose, so what was
/// found to be right is remembered for as long as the hashes of the account stay as they are, and few are computed at
/// a time. Clients take turns, however many each of them asks for, so that whoever tries one password after the other
/// keeps nobody else out. Which account it is about makes no difference, known or not.
#[derive(Debug)]
pub(crate) struct Passwords {
    key: hmac::Key,
    right: Mutex<Remembered>,
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
    lines: Mutex<HashMap<Option<Client>, Arc<Line>>>,
}

/// What a client waits in: its place, and the one that is next.
#[derive(Debug)]
struct Line {
    places: Semaphore,
    next: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Remembered {
    marks: HashSet<Mark>,
    order: VecDeque<Mark>,
}

type Mark = [u8; 32];

/// Too many passwords wait to be compared.
#[derive(Debug)]
pub(crate) struct TooBusy;

impl Passwords {
    pub(crate) fn new() -> Self {
        let mut secret = [0; 32];
        // Without randomness the marks could be guessed by who can read our memory, and nobody else.
        let _ = rand::fill(&mut secret);
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &secret),
            right: Mutex::default(),
            turns: Arc::new(Semaphore::new(1)),
            places: Arc::new(Semaphore::new(WAITING)),
            lines: Mutex::default(),
        }
    }

    /// Whether a password belongs to one of the hashes of an account; an unknown account has none.
    pub(crate) async fn fit(
        &self,
        account: &str,
        password: SecretString,
        hashes: Vec<String>,
    ) -> Result<bool, TooBusy> {
        let mark = self.mark(account, &password, &hashes);
        if self.right.lock().unwrap_or_else(PoisonError::into_inner).marks.contains(&mark) {
            return Ok(true);
        }
        let compared = self.in_turn(move || Ok::<_, Infallible>(fits_any(&password, &hashes))).await?;
        let fits = compared.unwrap_or(false);
        if fits {
            self.right.lock().unwrap_or_else(PoisonError::into_inner).remember(mark);
        }
        Ok(fits)
    }

    /// The hash of a new password.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<String, TooBusy> {
        self.in_turn(move || password_hash(&password)).await?.ok_or(TooBusy)
    }

    /// Computes something that is dear, when it is the client's turn; none if it broke off.
    async fn in_turn<T: Send + 'static, E: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<Option<T>, TooBusy> {
        let _place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| TooBusy)?;
        let line = self.line(Client::current());
        let _place_in_line = line.places.try_acquire().map_err(|_| TooBusy)?;
        // One of each client at a time waits among those of others, who are served in order.
        let _next = line.next.lock().await;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| TooBusy)?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        Ok(done.await.ok().and_then(Result::ok))
    }

    /// The line of a client. Those in which nobody waits any more are forgotten.
    fn line(&self, client: Option<Client>) -> Arc<Line> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|_, line| Arc::strong_count(line) > 1);
        Arc::clone(lines.entry(client).or_insert_with(|| {
            let places = Semaphore::new(IN_LINE);
            Arc::new(Line { places, next: tokio::sync::Mutex::default() })
        }))
    }

    fn mark(&self, account: &str, password: &SecretString, hashes: &[String]) -> Mark {
        let mut context = hmac::Context::with_key(&self.key);
        let parts = [account, password.expose_secret()];
        for part in parts.into_iter().chain(hashes.iter().map(String::as_str)) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut mark = [0; 32];
        mark.copy_from_slice(context.sign().as_ref());
        mark
    }
}

impl Remembered {
    fn remember(&mut self, mark: Mark) {
        if !self.marks.insert(mark) {
            return;
        }
        self.order.push_back(mark);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.marks.remove(&oldest);
        }
    }
}

/// What hashes new passwords: as dearly as [`NOBODY`], so that times tell nothing.
fn hasher() -> Argon2<'static> {
    let params = Params::new(65_536, 3, 4, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// A password cannot be hashed.
#[derive(Debug, thiserror::Error)]
#[error("the password cannot be hashed: {0}")]
pub struct NotHashed(String);

/// The hash of a password, for `api_keys` in a file of accounts: argon2id, which takes 64 MiB and a good part of a
/// second.
///
/// # Errors
/// The machine has no randomness.
pub fn password_hash(password: &SecretString) -> Result<String, NotHashed> {
    let hash: Result<PasswordHash, _> = hasher().hash_password(password.expose_secret().as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| NotHashed(error.to_string()))
}

fn fits_any(password: &SecretString, hashes: &[String]) -> bool {
    let password = password.expose_secret();
    if hashes.is_empty() {
        fits(password, NOBODY);
        return false;
    }
    // All are computed, so that the time does not tell which one fits.
    hashes.iter().fold(false, |found, hash| fits(password, hash) | found)
}

fn fits(password: &str, hash: &str) -> bool {
    if !hash.starts_with("$argon2") {
        return bcrypt::verify(password, hash).unwrap_or(false);
    }
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str =
        "$argon2id$v=19$m=65536,t=3,p=4$AKGXijtIwsAka9mp1lu/0Q$NuvqWkaGG0pv9USw+fKuEN01ksKkjWRp2vGhb7woSNo";

    #[tokio::test]
    async fn passwords_fit_the_hashes_of_python() {
        let passwords = Passwords::new();
        let hashes = vec![bcrypt::hash("other", 4).unwrap(), EXAMPLE.to_owned()];
        for (password, expected) in [("example", true), ("other", true), ("example ", false), ("", false)] {
            for _ in 0..2 {
                let fit = passwords.fit("a", password.into(), hashes.clone()).await.unwrap();
                assert_eq!(fit, expected, "{password}");
            }
        }
        assert!(!passwords.fit("nobody", "example".into(), Vec::new()).await.unwrap());
    }

    #[tokio::test]
    async fn what_is_remembered_is_of_one_account_and_its_hashes() {
        let passwords = Passwords::new();
        let hashes = vec![bcrypt::hash("right", 4).unwrap()];
        assert!(passwords.fit("a", "right".into(), hashes.clone()).await.unwrap());
        let remembered = |account: &str, hashes: &[String]| {
            let mark = passwords.mark(account, &"right".into(), hashes);
            passwords.right.lock().unwrap().marks.contains(&mark)
        };
        assert!(remembered("a", &hashes));
        assert!(!remembered("b", &hashes));
        assert!(!remembered("a", &[]));
        assert!(!passwords.fit("a", "right".into(), Vec::new()).await.unwrap());
    }

    #[tokio::test]
    async fn who_tries_many_keeps_out_nobody_else() {
        let passwords = Arc::new(Passwords::new());
        let client = |number| Client::new([192, 0, 2, number].into());
        let mut flood: Vec<_> = (0..100)
            .map(|number| {
                let (passwords, account) = (Arc::clone(&passwords), format!("guess {number}"));
                let guess = async move { passwords.fit(&account, "x".into(), Vec::new()).await };
                tokio::spawn(client(1).asking(guess))
            })
            .collect();
        while passwords.places.available_permits() > WAITING - IN_LINE {
            tokio::task::yield_now().await;
        }
        let hashes = vec![bcrypt::hash("right", 4).unwrap()];
        let fits = client(2).asking(passwords.fit("a", "right".into(), hashes)).await;
        assert!(fits.unwrap());
        let waiting = WAITING - passwords.places.available_permits();
        assert!(waiting > IN_LINE / 2, "the others still wait, {waiting}");
        let refused = futures::future::join_all(flood.drain(IN_LINE..)).await;
        assert!(refused.into_iter().all(|guess| guess.unwrap().is_err()), "a client has so many places");
        flood.iter().for_each(tokio::task::JoinHandle::abort);
        futures::future::join_all(flood).await;
        assert_eq!(passwords.line(None).places.available_permits(), IN_LINE);
        assert_eq!(passwords.lines.lock().unwrap().len(), 1, "nobody who is gone is remembered");
    }

    #[test]
    fn what_nobody_knows_is_a_hash() {
        let hash = PasswordHash::new(NOBODY).unwrap();
        assert_eq!(hash.algorithm.as_str(), "argon2id");
        assert!(hash.hash.is_some());
    }
}
