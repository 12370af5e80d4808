//! The file with name and password, as the reference runner has it.

use std::path::Path;

use assay_fleet::TOKEN_MARK;
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

use crate::commands::fleet::read;
use crate::failure::Failure;

/// So much randomness is in a password, in bytes.
const RANDOMNESS: usize = 32;

/// An account and its password.
pub(super) struct Token {
    account: String,
    password: SecretString,
}

/// What a file of this kind holds.
pub(super) enum Held {
    /// An account and its password.
    Password(Token),
    /// A token that a monitor of ours gave, which says nothing about its account.
    OfMonitor,
}

impl Token {
    /// A new one, with a password that nobody has seen.
    pub(super) fn new(account: &str) -> Result<Self, Failure> {
        let mut bytes = Zeroizing::new([0; RANDOMNESS]);
        rand::fill(&mut *bytes).map_err(|_| Failure::undetermined("there is no randomness to be had", ""))?;
        let password = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()));
        Ok(Self { account: account.to_owned(), password: SecretString::from(password.as_str()) })
    }

    pub(super) fn account(&self) -> &str {
        &self.account
    }

    pub(super) fn password(&self) -> &SecretString {
        &self.password
    }

    /// What belongs into the file.
    pub(super) fn text(&self) -> SecretString {
        let plain = Zeroizing::new(format!("{}:{}", self.account, self.password.expose_secret()));
        SecretString::from(Zeroizing::new(STANDARD.encode(plain.as_bytes())).as_str())
    }
}

impl Held {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or holds neither. Nothing of it is quoted.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let text = Zeroizing::new(read(path, "")?);
        Self::read(&text).ok_or_else(|| {
            let message = format!("{}: this is no name:password in base64", path.display());
            Failure::usage(message, "`assay subject rotate --token` makes a new one")
        })
    }

    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.starts_with(TOKEN_MARK) {
            return Some(Self::OfMonitor);
        }
        let plain = Zeroizing::new(STANDARD.decode(text).ok()?);
        let (account, password) = std::str::from_utf8(&plain).ok()?.split_once(':')?;
        if account.is_empty() || password.is_empty() {
            return None;
        }
        Some(Self::Password(Token { account: account.to_owned(), password: SecretString::from(password) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let token = Token::new("mycloud").unwrap();
        let Some(Held::Password(read)) = Held::read(&format!("{}\n", token.text().expose_secret())) else {
            panic!("it is one");
        };
        assert_eq!(read.account(), "mycloud");
        assert_eq!(read.password().expose_secret(), token.password().expose_secret());
        assert_eq!(token.password().expose_secret().len(), 43);
        let other = Token::new("mycloud").unwrap();
        assert_ne!(other.password().expose_secret(), token.password().expose_secret());
    }

    #[test]
    fn what_is_none_is_told_from_what_is_one() {
        assert!(matches!(Held::read("assay_abc\n"), Some(Held::OfMonitor)));
        // Without a colon, without a name, without a password, no base64, nothing.
        for wrong in ["bXljbG91ZA==", "OnNlY3JldA==", "bXljbG91ZDo=", "mycloud:secret", ""] {
            assert!(Held::read(wrong).is_none(), "{wrong:?}");
        }
    }
}
