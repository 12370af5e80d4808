use std::str::FromStr as _;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::{PublicKey, Signature, SignatureError};

/// Somebody who may sign, with one key: a line of the file `allowed_signers` of OpenSSH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedSigner {
    /// Who it is: names with commas between them, or patterns, as they stand there.
    pub principals: String,
    /// The key.
    pub key: PublicKey,
    /// A list of patterns; none for any namespace.
    namespaces: Option<String>,
    valid_after: Option<Timestamp>,
    valid_before: Option<Timestamp>,
}

/// Who may sign, as `ssh-keygen -Y verify -f` reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedSigners {
    /// Everybody who may.
    pub signers: Vec<AllowedSigner>,
    /// Lines from which nobody may.
    pub refused: Vec<RefusedLine>,
}

/// A line that allows nobody anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct RefusedLine {
    /// Which line, from 1.
    pub line: usize,
    /// Why.
    pub why: String,
}

/// Why a signature is none of somebody who may sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// It proves nothing.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The key is for other purposes.
    #[error("{signer} may sign for {allowed}, and not for {wanted:?}")]
    Namespace {
        /// Who signed.
        signer: String,
        /// What for they may.
        allowed: String,
        /// What for they did.
        wanted: String,
    },
    /// The key is not valid yet.
    #[error("the key of {0} is not valid before {1}")]
    TooEarly(String, Timestamp),
    /// The key is not valid any more.
    #[error("the key of {0} was valid until {1}")]
    TooLate(String, Timestamp),
}

impl AllowedSigner {
    /// Somebody who may sign for every purpose, at any time.
    pub fn always(name: impl Into<String>, key: PublicKey) -> Self {
        Self { principals: name.into(), key, namespaces: None, valid_after: None, valid_before: None }
    }

    fn may(&self, namespace: &str, at: Timestamp) -> Result<(), NotAllowed> {
        let signer = || self.principals.clone();
        match (&self.namespaces, self.valid_after, self.valid_before) {
            (Some(allowed), _, _) if !is_listed(allowed, namespace) => Err(NotAllowed::Namespace {
                signer: signer(),
                allowed: allowed.clone(),
                wanted: namespace.to_owned(),
            }),
            (_, Some(after), _) if at < after => Err(NotAllowed::TooEarly(signer(), after)),
            (_, _, Some(before)) if at > before => Err(NotAllowed::TooLate(signer(), before)),
            _ => Ok(()),
        }
    }

    /// Reads a line; times without a zone are in `zone`.
    fn read(line: &str, zone: &TimeZone) -> Result<Self, String> {
        let (principals, rest) = first_word(line)?;
        if principals.is_empty() {
            return Err("it names nobody".into());
        }
        if let Ok(key) = PublicKey::read_line(rest) {
            return Ok(Self::always(principals, key));
        }
        let (options, key) = split_options(rest);
        let mut signer =
            Self::always(principals, PublicKey::read_line(key).map_err(|error| error.to_string())?);
        let mut rest = options;
        while !rest.is_empty() {
            rest = signer.take_option(rest, zone)?;
        }
        match (signer.valid_after, signer.valid_before) {
            (Some(after), Some(before)) if before <= after => Err("it ends before it begins".into()),
            _ => Ok(signer),
        }
    }

    /// Takes one option, and gives the others.
    fn take_option<'l>(&mut self, options: &'l str, zone: &TimeZone) -> Result<&'l str, String> {
        let end = options.find(['=', ',']).unwrap_or(options.len());
        let (name, rest) = options.split_at(end);
        let name = name.to_ascii_lowercase();
        if name == "cert-authority" {
            return Err("certificates are not verified here; name the keys themselves".into());
        }
        if !["namespaces", "valid-after", "valid-before"].contains(&name.as_str()) {
            return Err(format!("there is no option {name:?}"));
        }
        let quoted = rest.strip_prefix("=\"").ok_or_else(|| format!("{name} needs a value in quotes"))?;
        let (value, rest) = unquoted(quoted).ok_or_else(|| format!("the value of {name} has no end"))?;
        let is_first = match name.as_str() {
            "namespaces" => self.namespaces.replace(value).is_none(),
            "valid-after" => self.valid_after.replace(instant(&value, zone)?).is_none(),
            _ => self.valid_before.replace(instant(&value, zone)?).is_none(),
        };
        if !is_first {
            return Err(format!("it has {name} twice"));
        }
        match rest.strip_prefix(',') {
            Some("") => Err("a comma stands at the end of the options".into()),
            Some(rest) => Ok(rest),
            None if rest.is_empty() => Ok(rest),
            None => Err(format!("a comma has to follow the value of {name}")),
        }
    }
}

impl AllowedSigners {
    /// Reads such a file; times without a zone are in `zone`, as `ssh-keygen` takes those of the machine.
    pub fn read(text: &str, zone: &TimeZone) -> Self {
        let mut read = Self::default();
        for (line, number) in text.lines().zip(1..) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match AllowedSigner::read(line, zone) {
                Ok(signer) => read.signers.push(signer),
                Err(why) => read.refused.push(RefusedLine { line: number, why }),
            }
        }
        read
    }
}

impl Signature {
    /// Makes sure that the content was signed for a namespace by somebody who may do that at this instant, and says by
    /// whom. Several may have the same key.
    ///
    /// # Errors
    /// It was not.
    pub fn verify_signers<'s>(
        &self,
        namespace: &str,
        content: &[u8],
        signers: &'s [AllowedSigner],
        at: Timestamp,
    ) -> Result<Vec<&'s AllowedSigner>, NotAllowed> {
        let key = self.verify(namespace, content, signers.iter().map(|signer| &signer.key))?;
        let (mut allowed, mut refused) = (Vec::new(), None);
        for signer in signers.iter().filter(|signer| signer.key.data() == key.data()) {
            match signer.may(namespace, at) {
                Ok(()) => allowed.push(signer),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        match refused {
            Some(error) if allowed.is_empty() => Err(error),
            _ => Ok(allowed),
        }
    }
}

/// The first word, which may stand in quotes, and what follows.
fn first_word(line: &str) -> Result<(String, &str), String> {
    let (word, rest) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').ok_or("a quote has no end")?,
        None => line.split_once([' ', '\t']).ok_or("it has no key")?,
    };
    Ok((word.to_owned(), rest.trim_start()))
}

/// Options and what follows them: they end at the first blank that stands in no quotes.
fn split_options(text: &str) -> (&str, &str) {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let end = text.find(|c| {
        is_quoted ^= c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        !is_quoted && matches!(c, ' ' | '\t')
    });
    let (options, key) = text.split_at(end.unwrap_or(text.len()));
    (options, key.trim_start())
}

/// What stands before the next quote, and what follows it; a quote behind a backslash is none.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"')?;
        let (before, after) = rest.split_at(end);
        rest = after.strip_prefix('"')?;
        match before.strip_suffix('\\') {
            Some(before) => value.extend([before, "\""]),
            None => return Some((value + before, rest)),
        }
    }
}

/// `YYYYMMDD[HHMM[SS]]`, with `Z` in UTC.
fn instant(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    let wrong = || format!("{text:?} is no time such as 20260131 or 20260131235959Z");
    let (digits, zone) = match text.strip_suffix('Z').or_else(|| text.strip_suffix("UTC")) {
        Some(digits) => (digits, &TimeZone::UTC),
        None => (text, zone),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let whole = match digits.len() {
        8 => format!("{digits}000000"),
        12 => format!("{digits}00"),
        14 => digits.to_owned(),
        _ => return Err(wrong()),
    };
    let (date, time) = whole.split_at(8);
    DateTime::from_str(&format!("{date}T{time}"))
        .and_then(|civil| zone.to_ambiguous_timestamp(civil).compatible())
        .map_err(|_| wrong())
}

/// Whether a text fits a list of patterns, of which those with `!` before them forbid it.
fn is_listed(patterns: &str, text: &str) -> bool {
    let mut is_listed = false;
    for pattern in patterns.split(',') {
        match pattern.strip_prefix('!') {
            Some(forbidden) if fits(forbidden, text) => return false,
            Some(_) => {}
            None => is_listed |= fits(pattern, text),
        }
    }
    is_listed
}

/// Whether a text fits a pattern: `?` is any character, `*` any number of them.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut read) = (0, 0);
    // Where to go on if the last star has to take one more.
    let mut star = None;
    while let Some(c) = text.get(read) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
                continue;
            }
            Some(p) if *p == b'?' || p == c => {
                (at, read) = (at + 1, read + 1);
                continue;
            }
            _ => {}
        }
        let Some((star_at, taken)) = star else { return false };
        star = Some((star_at, taken + 1));
        (at, read) = (star_at + 1, taken + 1);
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|p| *p == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

    fn read(line: &str) -> Result<AllowedSigner, String> {
        AllowedSigner::read(line, &TimeZone::fixed(jiff::tz::offset(2)))
    }

    #[test]
    fn lines_say_who_may_sign_what_and_when() {
        let plain = read(&format!("jane@example.org,ci {KEY} a comment")).unwrap();
        assert_eq!(plain.principals, "jane@example.org,ci");
        assert_eq!(plain, AllowedSigner::always("jane@example.org,ci", PublicKey::read_line(KEY).unwrap()));
        assert_eq!(read(&format!("\"jane doe\" {KEY}")).unwrap().principals, "jane doe");
        let limited = format!(
            "*@example.org  namespaces=\"report,!report\\\"s\",Valid-After=\"20260101\",valid-before=\"202602010000Z\" {KEY}"
        );
        let limited = read(&limited).unwrap();
        assert_eq!(limited.namespaces.as_deref(), Some("report,!report\"s"));
        assert_eq!(limited.valid_after, Some("2025-12-31T22:00:00Z".parse().unwrap()));
        assert_eq!(limited.valid_before, Some("2026-02-01T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn lines_that_are_not_understood_allow_nobody_anything() {
        for (line, expected) in [
            (format!("ca cert-authority {KEY}"), "certificates are not verified here"),
            (format!("ca namespaces=\"a\",cert-authority {KEY}"), "certificates are not verified here"),
            (format!("a no-touch-required {KEY}"), "there is no option \"no-touch-required\""),
            (format!("a namespaces=file {KEY}"), "namespaces needs a value in quotes"),
            (format!("a namespaces {KEY}"), "namespaces needs a value in quotes"),
            (format!("a namespaces=\"x\",namespaces=\"y\" {KEY}"), "it has namespaces twice"),
            (format!("a namespaces=\"x\"valid-after=\"20260101\" {KEY}"), "a comma has to follow"),
            (format!("a namespaces=\"x\", {KEY}"), "a comma stands at the end"),
            (format!("a valid-after=\"20260230\" {KEY}"), "is no time such as"),
            (format!("a valid-after=\"2026\" {KEY}"), "is no time such as"),
            (format!("a valid-after=\"+2026010\" {KEY}"), "is no time such as"),
            (
                format!("a valid-after=\"20260201\",valid-before=\"20260131\" {KEY}"),
                "it ends before it begins",
            ),
            ("a ssh-dss AAAA".to_owned(), "no public key"),
            (KEY.to_owned(), "no public key"),
            ("a".to_owned(), "it has no key"),
            ("\"a b".to_owned(), "a quote has no end"),
            (format!("\"\" {KEY}"), "it names nobody"),
            (format!("a namespaces=\"x {KEY}"), "no public key"),
        ] {
            let why = read(&line).unwrap_err();
            assert!(why.contains(expected), "{line}: {why}");
        }
        let text = format!("# a comment\n\n  \na {KEY}\nb {KEY} x\nc x {KEY}\n");
        let read = AllowedSigners::read(&text, &TimeZone::UTC);
        assert_eq!(read.signers.len(), 2);
        assert_eq!(read.refused[0].to_string(), "line 6: there is no option \"x\"");
    }

    #[test]
    fn patterns_are_those_of_openssh() {
        for (patterns, text, expected) in [
            ("report", "report", true),
            ("report", "reports", false),
            ("rep*", "report", true),
            ("*", "", true),
            ("r?port", "report", true),
            ("?", "", false),
            ("*o*t", "report", true),
            ("*o*x", "report", false),
            ("a*b*c*d*e*f", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
            ("file,report", "report", true),
            ("*,!report", "report", false),
            ("!report,*", "report", false),
            ("!report", "file", false),
            ("", "report", false),
            ("Report", "report", false),
        ] {
            assert_eq!(is_listed(patterns, text), expected, "{patterns} {text}");
        }
    }
}
