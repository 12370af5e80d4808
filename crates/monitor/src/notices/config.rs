use std::collections::BTreeSet;
use std::time::Duration;

use assay_yaml::{
    At, Context, Fields, Limits, Node, Problems, Reader, Reported, Shape, Value, Wrong, quoted,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use lettre::Address;
use lettre::message::{Mailbox, Mailboxes};
use lettre::transport::smtp::client::Certificate;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use url::Url;

use super::conditions::About;

/// Who is told of what, as the operator of a monitor writes it down.
#[derive(Debug, Default)]
pub struct NoticeConfig {
    pub(crate) channels: Vec<Channel>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) mail: Option<MailServer>,
    pub(crate) matrix: Option<MatrixServer>,
}

/// A way to tell somebody.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) name: String,
    pub(crate) way: Way,
}

#[derive(Debug)]
pub(crate) enum Way {
    /// A request to somebody's server, signed as Standard Webhooks have it.
    Webhook {
        url: Url,
        key: SecretSlice<u8>,
    },
    Mail {
        to: Vec<Mailbox>,
    },
    /// A room.
    Matrix {
        room: String,
    },
    /// Mail to the contact of each subject that asked for it; about others they hear nothing.
    Contacts,
}

/// What is told to whom.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) channels: Vec<String>,
    /// Names of subjects; all if there are none.
    pub(crate) subjects: BTreeSet<String>,
    /// UUIDs or slugs of scopes; all if there are none.
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) about: BTreeSet<About>,
    /// A result is told of when it came out so many times in a row.
    pub(crate) after: i64,
    /// Nothing is told sooner than so long after the last time.
    pub(crate) every: Duration,
    /// A subject without reports is told of after so long.
    pub(crate) silent: Duration,
}

#[derive(Debug)]
pub(crate) struct MailServer {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: MailTls,
    pub(crate) from: Mailbox,
    /// Name and password.
    pub(crate) login: Option<(String, SecretString)>,
    /// Who vouches for it; none for whom the system trusts.
    pub(crate) trusted: Option<Certificate>,
}

/// How a connection for mail is kept from being read by others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MailTls {
    /// It begins in the clear, and must not go on so.
    Starttls,
    /// From the first byte.
    Tls,
    /// Not at all, for a server on the same machine.
    None,
}

#[derive(Debug)]
pub(crate) struct MatrixServer {
    pub(crate) url: Url,
    pub(crate) token: SecretString,
}

/// What is wrong with a file that says who is told of what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoticeProblem {
    /// It is no YAML, or lacks, repeats or misspells something.
    #[error(transparent)]
    Shape(#[from] Shape),
    /// No number, or one that is out of bounds.
    #[error("expected a whole number from {least} to {most}, found {}", quoted(.found))]
    NoNumber {
        /// What stands there.
        found: String,
        /// The least that makes sense.
        least: u32,
        /// The most.
        most: u32,
    },
    /// No address for mail.
    #[error("{} is no address for mail", quoted(.0))]
    NoMailbox(String),
    /// No address on the web.
    #[error("{} … is no address such as https://example.com/hook", quoted(.0))]
    NoUrl(String),
    /// Nothing, or several ways.
    #[error("a channel is one of webhook, mail and matrix")]
    NoWay,
    /// A way needs a server that is not named.
    #[error("the channel needs the key `{0}` at the top of the file")]
    NoServer(&'static str),
    /// A secret that nobody should sign with.
    #[error("the secret of a webhook is at least 16 bytes in base64, perhaps behind whsec_")]
    WeakSecret,
    /// Nobody is named who could be told.
    #[error("at least one must be named")]
    Nobody,
    /// Nothing to trust.
    #[error("there are no certificates in PEM to be read from {}{why}", quoted(.file))]
    NoCertificates {
        /// The file.
        file: String,
        /// What the system says, behind a colon.
        why: String,
    },
    /// A secret that is not there.
    #[error("the secret cannot be read from {}: {why}", quoted(.file))]
    NoSecret {
        /// The file.
        file: String,
        /// What the system says.
        why: String,
    },
}

impl Wrong for NoticeProblem {
    const FILE: &'static str = "the file of notices";

    fn help(&self) -> Option<String> {
        match self {
            NoticeProblem::Shape(shape) => shape.help(),
            _ => None,
        }
    }
}

const FILE: Context =
    Context { name: "the file of notices", keys: &["channels", "rules", "mail", "matrix"], open: false };
const CHANNEL: Context =
    Context { name: "a channel", keys: &["name", "webhook", "secret_file", "mail", "matrix"], open: false };
const RULE: Context = Context {
    name: "a rule",
    keys: &["name", "channels", "subjects", "scopes", "about", "after", "every", "silent"],
    open: false,
};
const MAIL: Context = Context {
    name: "the mail server",
    keys: &["host", "port", "tls", "from", "user", "password_file", "ca_file"],
    open: false,
};
const MATRIX: Context = Context { name: "the Matrix server", keys: &["url", "token_file"], open: false };
const LIMITS: Limits = Limits { bytes: 1 << 20, nodes: 50_000 };
/// Where mail servers take mail from those who write it.
const SUBMISSION: u16 = 587;
/// What secrets of Standard Webhooks begin with.
const WEBHOOK_SECRET: &str = "whsec_";
/// To whom mail goes in place of addresses: to each subject's own.
const CONTACTS: &str = "contacts";
/// The shortest, in bytes.
const LEAST_KEY: usize = 16;
/// So much of an address is shown that is none, in characters.
const SHOWN: usize = 12;

type Lines = Reader<NoticeProblem>;
/// What is in a file that holds a secret.
type Secrets<'s> = &'s dyn Fn(&str) -> Result<String, String>;

impl NoticeConfig {
    /// Reads the file. `name` only serves messages; `secrets` says what is in a file that holds a secret.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with line, column and key.
    pub fn read(
        name: &str,
        text: &str,
        secrets: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Self, Problems<NoticeProblem>> {
        Lines::document(name, text, &LIMITS, |reader, root| {
            let fields = reader.fields(root, "", &FILE)?;
            let mail = fields.get("mail").map(|node| mail(reader, node, secrets));
            let matrix = fields.get("matrix").map(|node| matrix(reader, node, secrets));
            let has = (mail.is_some(), matrix.is_some());
            let mut channels: Vec<Channel> = Vec::new();
            let node = reader.required(&fields, "channels")?;
            for (node, path) in reader.items(node, "channels")? {
                let Ok((name, channel)) = channel(reader, node, &path, (has, secrets)) else { continue };
                if channels.iter().any(|other| other.name == name.value) {
                    reader.report(name.spot, Shape::Duplicate { what: "channel", id: name.value });
                    continue;
                }
                channels.push(channel);
            }
            let mut rules: Vec<Rule> = Vec::new();
            let node = reader.required(&fields, "rules")?;
            for (node, path) in reader.items(node, "rules")? {
                let Ok((name, rule)) = rule(reader, node, &path, &channels) else { continue };
                if rules.iter().any(|other| other.name == name.value) {
                    reader.report(name.spot, Shape::Duplicate { what: "rule", id: name.value });
                    continue;
                }
                rules.push(rule);
            }
            Some(Self {
                channels,
                rules,
                mail: mail.and_then(Result::ok),
                matrix: matrix.and_then(Result::ok),
            })
        })
    }

    /// Whether any rule tells the contacts of subjects.
    pub(crate) fn tells_contacts(&self) -> bool {
        let channels = self.rules.iter().flat_map(|rule| &rule.channels);
        channels.filter_map(|name| self.channel(name)).any(|channel| matches!(channel.way, Way::Contacts))
    }

    pub(crate) fn channel(&self, name: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.name == name)
    }
}

fn number(
    reader: &mut Lines,
    fields: &Fields<'_>,
    key: &str,
    (least, most): (u32, u32),
) -> Result<Option<u32>, Reported> {
    reader.optional(fields, key, |text| match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(NoticeProblem::NoNumber { found: text.to_owned(), least, most }),
    })
}

fn mailbox(text: &str) -> Result<Mailbox, NoticeProblem> {
    text.parse().map_err(|_| NoticeProblem::NoMailbox(text.to_owned()))
}

/// The addresses for mail that somebody wrote on a line, with commas between them; none if there are others, or none.
pub(crate) fn mailboxes(text: &str) -> Option<Vec<Mailbox>> {
    let all: Mailboxes = text.parse().ok()?;
    let all: Vec<Mailbox> = all.into_iter().collect();
    (!all.is_empty()).then_some(all)
}

fn web(text: &str) -> Result<Url, NoticeProblem> {
    let url: Option<Url> = text.parse().ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    // Whoever knows the rest of it may be told from others by that.
    url.ok_or_else(|| NoticeProblem::NoUrl(text.chars().take(SHOWN).collect()))
}

fn secret(
    reader: &mut Lines,
    fields: &Fields<'_>,
    key: &'static str,
    secrets: Secrets<'_>,
) -> Result<SecretString, Reported> {
    reader.needed(fields, key, |file| match secrets(file) {
        Ok(text) => Ok(SecretString::from(text.trim())),
        Err(why) => {
            // Somebody may have written the secret itself.
            let file = if file.starts_with(WEBHOOK_SECRET) { WEBHOOK_SECRET } else { file };
            Err(NoticeProblem::NoSecret { file: file.to_owned(), why })
        }
    })
}

/// What webhooks are signed with, as Standard Webhooks write it: base64, perhaps behind `whsec_`.
fn webhook_key(
    reader: &mut Lines,
    fields: &Fields<'_>,
    secrets: Secrets<'_>,
) -> Result<SecretSlice<u8>, Reported> {
    const KEY: &str = "secret_file";
    let secret = secret(reader, fields, KEY, secrets)?;
    let encoded = secret.expose_secret();
    let encoded = encoded.strip_prefix(WEBHOOK_SECRET).unwrap_or(encoded).trim_end_matches('=');
    match STANDARD_NO_PAD.decode(encoded) {
        Ok(key) if key.len() >= LEAST_KEY => Ok(key.into()),
        _ => {
            let place = fields.get(KEY).map_or(fields.place, |node| node.place);
            let spot = reader.spot(place, fields.path_of(KEY));
            reader.report(spot, NoticeProblem::WeakSecret);
            Err(Reported)
        }
    }
}

fn mail(reader: &mut Lines, node: &Node, secrets: Secrets<'_>) -> Result<MailServer, Reported> {
    let fields = reader.fields(node, "mail", &MAIL).ok_or(Reported)?;
    let host = reader.required_text(&fields, "host").ok_or(Reported)?;
    let from = reader.needed(&fields, "from", mailbox)?;
    let port = number(reader, &fields, "port", (1, u16::MAX.into()))?;
    let tls = match fields.get("tls") {
        None => MailTls::Starttls,
        Some(node) => {
            reader.word(node, fields.path_of("tls"), "kind of TLS", &MailTls::WORDS).ok_or(Reported)?
        }
    };
    let login = match reader.optional_text(&fields, "user") {
        None => None,
        Some(user) => Some((user, secret(reader, &fields, "password_file", secrets)?)),
    };
    let trusted = reader.optional(&fields, "ca_file", |file| certificates(file, secrets))?;
    let port = port.and_then(|port| u16::try_from(port).ok()).unwrap_or(SUBMISSION);
    Ok(MailServer { host: host.value, port, tls, from, login, trusted })
}

fn certificates(file: &str, files: Secrets<'_>) -> Result<Certificate, NoticeProblem> {
    let wrong = |why| NoticeProblem::NoCertificates { file: file.to_owned(), why };
    let text = files(file).map_err(|why| wrong(format!(": {why}")))?;
    // What holds none would be trusted by nobody, and nobody would be told why.
    match Certificate::from_pem(text.as_bytes()) {
        Ok(certificates) if text.contains("BEGIN CERTIFICATE") => Ok(certificates),
        _ => Err(wrong(String::new())),
    }
}

impl MailTls {
    const WORDS: [&'static str; 3] = ["starttls", "tls", "none"];
}

impl std::str::FromStr for MailTls {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word {
            "starttls" => Ok(MailTls::Starttls),
            "tls" => Ok(MailTls::Tls),
            "none" => Ok(MailTls::None),
            _ => Err(()),
        }
    }
}

fn matrix(reader: &mut Lines, node: &Node, secrets: Secrets<'_>) -> Result<MatrixServer, Reported> {
    let fields = reader.fields(node, "matrix", &MATRIX).ok_or(Reported)?;
    let url = reader.needed(&fields, "url", web)?;
    Ok(MatrixServer { url, token: secret(reader, &fields, "token_file", secrets)? })
}

fn channel(
    reader: &mut Lines,
    node: &Node,
    path: &str,
    ((has_mail, has_matrix), secrets): ((bool, bool), Secrets<'_>),
) -> Result<(At<String>, Channel), Reported> {
    let fields = reader.fields(node, path, &CHANNEL).ok_or(Reported)?;
    let name = reader.required_text(&fields, "name").ok_or(Reported)?;
    let ways = ["webhook", "mail", "matrix"].map(|key| fields.get(key));
    let wrong = |reader: &mut Lines, problem: NoticeProblem| {
        reader.report(name.spot.clone(), problem);
        Err(Reported)
    };
    let way = match ways {
        [Some(_), None, None] => {
            let url = reader.needed(&fields, "webhook", web)?;
            Way::Webhook { url, key: webhook_key(reader, &fields, secrets)? }
        }
        [None, Some(_), None] if !has_mail => return wrong(reader, NoticeProblem::NoServer("mail")),
        [None, Some(Node { value: Value::Text(word), .. }), None] if word == CONTACTS => Way::Contacts,
        [None, Some(node), None] => {
            let all = reader.list(node, &fields.path_of("mail"), Reader::text_at).ok_or(Reported)?;
            let mut to = Vec::with_capacity(all.len());
            for one in all {
                match mailbox(&one.value) {
                    Ok(mailbox) => to.push(mailbox),
                    Err(problem) => reader.report(one.spot, problem),
                }
            }
            if to.is_empty() {
                return wrong(reader, NoticeProblem::Nobody);
            }
            Way::Mail { to }
        }
        [None, None, Some(_)] if !has_matrix => return wrong(reader, NoticeProblem::NoServer("matrix")),
        [None, None, Some(_)] => {
            let room = reader.required_text(&fields, "matrix").ok_or(Reported)?;
            Way::Matrix { room: room.value }
        }
        _ => return wrong(reader, NoticeProblem::NoWay),
    };
    Ok((name.clone(), Channel { name: name.value, way }))
}

fn rule(
    reader: &mut Lines,
    node: &Node,
    path: &str,
    known: &[Channel],
) -> Result<(At<String>, Rule), Reported> {
    let fields = reader.fields(node, path, &RULE).ok_or(Reported)?;
    let name = reader.required_text(&fields, "name").ok_or(Reported)?;
    let named = reader.required_list(&fields, "channels", Reader::text_at).ok_or(Reported)?;
    if named.is_empty() {
        reader.report(name.spot.clone(), NoticeProblem::Nobody);
    }
    for channel in &named {
        if !known.iter().any(|other| other.name == channel.value) {
            let nearest = assay_yaml::nearest(&channel.value, known.iter().map(|other| other.name.as_str()))
                .map(str::to_owned);
            let kind = Shape::UnknownReference { what: "channel", id: channel.value.clone(), nearest };
            reader.report(channel.spot.clone(), kind);
        }
    }
    let texts = |reader: &mut Lines, key: &str| -> Vec<At<String>> {
        let node = fields.get(key);
        node.and_then(|node| reader.list(node, &fields.path_of(key), Reader::text_at)).unwrap_or_default()
    };
    let subjects = texts(reader, "subjects").into_iter().map(|one| one.value).collect();
    let scopes = texts(reader, "scopes").into_iter().map(|one| one.value).collect();
    let mut about = BTreeSet::new();
    if let Some(node) = fields.get("about") {
        for (node, path) in reader.items(node, &fields.path_of("about")).ok_or(Reported)? {
            about.extend(reader.word::<About>(node, path, "subject of a notice", &About::WORDS));
        }
    } else {
        about.extend(About::ALL);
    }
    let after = number(reader, &fields, "after", (1, 1000))?.unwrap_or(1);
    let minutes = number(reader, &fields, "every", (0, 60 * 24 * 31))?.unwrap_or(0);
    let hours = number(reader, &fields, "silent", (1, 24 * 366))?.unwrap_or(72);
    let rule = Rule {
        name: name.value.clone(),
        channels: named.into_iter().map(|channel| channel.value).collect(),
        subjects,
        scopes,
        about,
        after: after.into(),
        every: Duration::from_secs(u64::from(minutes) * 60),
        silent: Duration::from_secs(u64::from(hours) * 3600),
    };
    Ok((name, rule))
}

impl MailServer {
    /// What stands behind the @ of who sends, for the names of messages.
    pub(crate) fn domain(&self) -> &str {
        let address: &Address = &self.from.email;
        address.domain()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<NoticeConfig, Vec<String>> {
        let secrets = |file: &str| match file {
            "there" => Ok("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n".to_owned()),
            "weak" => Ok("whsec_c2VjcmV0".to_owned()),
            "ca" => Ok("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned()),
            _ => Err("no such file".to_owned()),
        };
        NoticeConfig::read("notices", text, &secrets).map_err(|problems| {
            let told =
                problems.problems().iter().map(|problem| format!("{}: {}", problem.key(), problem.kind()));
            told.collect()
        })
    }

    #[test]
    fn a_file_says_who_is_told_of_what() {
        let config = read(
            "channels:
- {name: ops, webhook: 'https://example.com/hook', secret_file: there}
- {name: us, mail: ['Us <us@example.com>', them@example.com]}
- {name: chat, matrix: '!room:example.com'}
- {name: theirs, mail: contacts}
mail: {host: mail.example.com, from: monitor@example.com, user: monitor, password_file: there, ca_file: ca}
matrix: {url: 'https://matrix.example.com', token_file: there}
rules:
- {name: all, channels: [ops, us, chat]}
- {name: one, channels: [us], subjects: [cloud-a], about: [result, silence], after: 2, every: 60, silent: 36}
",
        )
        .unwrap();
        assert_eq!(config.channels.len(), 4);
        assert!(matches!(config.channel("theirs").unwrap().way, Way::Contacts));
        assert!(!config.tells_contacts(), "no rule does");
        assert!(matches!(&config.channel("us").unwrap().way, Way::Mail { to } if to.len() == 2));
        let mail = config.mail.unwrap();
        assert_eq!((mail.port, mail.tls, mail.domain()), (587, MailTls::Starttls, "example.com"));
        assert!(mail.trusted.is_some());
        let [all, one] = config.rules.as_slice() else { panic!() };
        assert_eq!((all.about.len(), all.after, all.silent), (About::ALL.len(), 1, Duration::from_hours(72)));
        assert_eq!((one.about.len(), one.after, one.every), (2, 2, Duration::from_hours(1)));
    }

    #[test]
    fn contacts_are_addresses_or_nothing() {
        let read = |text: &str| {
            mailboxes(text).map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "))
        };
        assert_eq!(read("a@example.com").as_deref(), Some("a@example.com"));
        let two = "Ops <ops@example.com>, b@example.com";
        assert_eq!(read(two).as_deref(), Some("Ops <ops@example.com> | b@example.com"));
        for no in
            ["", "call us: +49 30 1", "a@example.com and b@example.com", "a@example.com\nBcc: x@example.com"]
        {
            assert_eq!(read(no), None, "{no}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_and_no_secret_is_quoted() {
        let wrong = read(
            "channels:
- {name: a, webhook: 'ftp://example.com', secret_file: there}
- {name: b, webhook: 'https://example.com', secret_file: away}
- {name: c, mail: [x@example.com]}
- {name: d}
- {name: e, matrix: x}
- {name: f, webhook: 'https://example.com', secret_file: there}
- {name: f, webhook: 'https://example.com', secret_file: there}
- {name: g, webhook: 'https://example.com', secret_file: weak}
- {name: h, webhook: 'https://example.com', secret_file: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}
rules:
- {name: r, channels: [ff], about: [resutl], after: 0}
- {name: s, channels: []}
",
        )
        .unwrap_err();
        let ca = |file: &str| {
            let mail = format!("mail: {{host: a, from: m@example.com, ca_file: {file}}}");
            read(&format!("{mail}\nchannels: [{{name: c, mail: [x@example.com]}}]\nrules: []")).unwrap_err()
        };
        let none = "mail.ca_file: there are no certificates in PEM to be read from";
        assert_eq!(ca("there"), [format!("{none} `there`")]);
        assert_eq!(ca("away"), [format!("{none} `away`: no such file")]);
        assert_eq!(
            wrong,
            [
                "channels[0].webhook: `ftp://exampl` … is no address such as https://example.com/hook",
                "channels[1].secret_file: the secret cannot be read from `away`: no such file",
                "channels[2].name: the channel needs the key `mail` at the top of the file",
                "channels[3].name: a channel is one of webhook, mail and matrix",
                "channels[4].name: the channel needs the key `matrix` at the top of the file",
                "channels[6].name: duplicate channel `f`",
                "channels[7].secret_file: the secret of a webhook is at least 16 bytes in base64, perhaps behind whsec_",
                "channels[8].secret_file: the secret cannot be read from `whsec_`: no such file",
                "rules[0].channels[0]: unknown channel `ff` (did you mean `f`?)",
                "rules[0].about[0]: invalid subject of a notice `resutl` (did you mean `result`?)",
                "rules[0].after: expected a whole number from 1 to 1000, found `0`",
                "rules[1].name: at least one must be named",
            ]
        );
    }
}
