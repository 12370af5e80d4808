use std::collections::BTreeSet;
use std::fmt::Write as _;

use assay_signature::{KeyError, PublicKey};
use assay_yaml::{At, Context, Fields, Limits, Node, Problems, Reader, Reported, Shape, Wrong, quoted};

use super::roles::{Role, Roles};

/// The accounts of a monitor, as its operator writes them down: `bootstrap.yaml` of the reference monitor.
#[derive(Debug, Default)]
pub struct Bootstrap {
    pub(crate) accounts: Vec<BootstrapAccount>,
}

#[derive(Debug)]
pub(crate) struct BootstrapAccount {
    pub(crate) name: String,
    pub(crate) group: Option<String>,
    pub(crate) roles: Roles,
    pub(crate) delegates: BTreeSet<String>,
    /// Digests of passwords, never passwords.
    pub(crate) hashes: BTreeSet<String>,
    pub(crate) keys: Vec<BootstrapKey>,
}

#[derive(Debug)]
pub(crate) struct BootstrapKey {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) key: String,
}

/// What is wrong with a file of accounts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BootstrapProblem {
    /// It is no YAML, or lacks, repeats or misspells something.
    #[error(transparent)]
    Shape(#[from] Shape),
    /// A key that cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Neither argon2 nor bcrypt.
    #[error("expected the argon2 or bcrypt hash of a password, found something that begins with {}", quoted(.0))]
    NoHash(String),
    /// Two keys of one name.
    #[error("the account has two keys with the name {}", quoted(.0))]
    SameKey(String),
}

impl Wrong for BootstrapProblem {
    const FILE: &'static str = "the file of accounts";

    fn help(&self) -> Option<String> {
        match self {
            BootstrapProblem::Shape(shape) => shape.help(),
            _ => None,
        }
    }
}

const FILE: Context = Context { name: "the file of accounts", keys: &["accounts"], open: false };
const ACCOUNT: Context = Context {
    name: "an account",
    keys: &["subject", "group", "roles", "delegates", "api_keys", "keys"],
    open: false,
};
const KEY: Context =
    Context { name: "a key", keys: &["public_key", "public_key_type", "public_key_name"], open: false };
const LIMITS: Limits = Limits { bytes: 4 << 20, nodes: 200_000 };

type AccountReader = Reader<BootstrapProblem>;

impl Bootstrap {
    /// A file with one account that may do nothing but hand reports about itself in: with the hashes of its passwords,
    /// and with its keys, each with its name.
    pub fn of_subject(subject: &str, hashes: Vec<String>, keys: &[(String, PublicKey)]) -> Self {
        let keys = keys.iter().map(|(name, key)| {
            let (kind, line) = (key.key_type(), key.to_string());
            let key = line.rsplit(' ').next().unwrap_or_default().to_owned();
            BootstrapKey { name: name.clone(), kind, key }
        });
        let account = BootstrapAccount {
            name: subject.to_owned(),
            group: None,
            roles: Roles::default(),
            delegates: BTreeSet::new(),
            hashes: hashes.into_iter().collect(),
            keys: keys.collect(),
        };
        Self { accounts: vec![account] }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.accounts.len()
    }

    /// The keys that reports are signed with, each with the name of its account.
    pub fn keys(&self) -> impl Iterator<Item = (&str, PublicKey)> {
        let keys =
            self.accounts.iter().flat_map(|account| account.keys.iter().map(move |key| (account, key)));
        // All of them could be read when the file was.
        keys.filter_map(|(account, key)| {
            Some((account.name.as_str(), PublicKey::read(&key.kind, &key.key).ok()?))
        })
    }

    /// The file that says the same.
    pub fn to_yaml(&self) -> String {
        // Writing to a string cannot fail.
        let mut text = "accounts:\n".to_owned();
        for BootstrapAccount { name, group, roles, delegates, hashes, keys } in &self.accounts {
            let all = |texts: &BTreeSet<String>| {
                texts.iter().map(|text| quoted_text(text)).collect::<Vec<_>>().join(", ")
            };
            let roles: Vec<&str> = roles.iter().map(Role::as_str).collect();
            let _ = writeln!(text, "  - subject: {}", quoted_text(name));
            if let Some(group) = group {
                let _ = writeln!(text, "    group: {}", quoted_text(group));
            }
            for (key, list) in
                [("roles", roles.join(", ")), ("delegates", all(delegates)), ("api_keys", all(hashes))]
            {
                if !list.is_empty() {
                    let _ = writeln!(text, "    {key}: [{list}]");
                }
            }
            if !keys.is_empty() {
                text.push_str("    keys:\n");
            }
            for BootstrapKey { name, kind, key } in keys {
                let (name, kind, key) = (quoted_text(name), quoted_text(kind), quoted_text(key));
                let _ = writeln!(
                    text,
                    "      - {{public_key: {key}, public_key_type: {kind}, public_key_name: {name}}}"
                );
            }
        }
        if self.accounts.is_empty() { "accounts: []\n".to_owned() } else { text }
    }

    /// Reads the file. `name` only serves messages.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with line, column and key.
    pub fn read(name: &str, text: &str) -> Result<Self, Problems<BootstrapProblem>> {
        AccountReader::document(name, text, &LIMITS, |reader, root| {
            let fields = reader.fields(root, "", &FILE)?;
            let node = reader.required(&fields, "accounts")?;
            let items = reader.items(node, "accounts")?;
            let mut accounts: Vec<(At<String>, BootstrapAccount)> = Vec::new();
            for (node, path) in items {
                let Ok((name, account)) = account(reader, node, &path) else { continue };
                if let Some((earlier, _)) = accounts.iter().find(|(earlier, _)| earlier.value == name.value) {
                    let twice = Shape::Duplicate { what: "account", id: name.value.clone() };
                    reader.report_twice(name.spot.clone(), twice, earlier.spot.clone());
                }
                accounts.push((name, account));
            }
            Some(Self { accounts: accounts.into_iter().map(|(_, account)| account).collect() })
        })
    }
}

fn account(
    reader: &mut AccountReader,
    node: &Node,
    path: &str,
) -> Result<(At<String>, BootstrapAccount), Reported> {
    let fields = reader.fields(node, path, &ACCOUNT).ok_or(Reported)?;
    let name = reader.required_text(&fields, "subject").ok_or(Reported)?;
    let roles = texts(reader, &fields, "roles").into_iter().filter_map(|word| {
        let role = word.value.parse().ok();
        if role.is_none() {
            let allowed = Role::ALL.map(Role::as_str);
            let nearest = assay_yaml::nearest(&word.value, allowed).map(str::to_owned);
            let kind =
                Shape::UnknownWord { what: "role", word: word.value, nearest, allowed: allowed.to_vec() };
            reader.report(word.spot, kind);
        }
        role
    });
    let roles: Roles = roles.collect::<Vec<Role>>().into_iter().collect();
    let delegates = texts(reader, &fields, "delegates").into_iter().map(|delegate| delegate.value).collect();
    let mut hashes = BTreeSet::new();
    for hash in texts(reader, &fields, "api_keys") {
        if is_hash(&hash.value) {
            hashes.insert(hash.value);
        } else {
            // What stands there may be a password.
            let begin = hash.value.chars().take(3).collect();
            reader.report(hash.spot, BootstrapProblem::NoHash(begin));
        }
    }
    let mut keys: Vec<BootstrapKey> = Vec::new();
    if let Some(node) = fields.get("keys") {
        for (node, path) in reader.items(node, &fields.path_of("keys")).unwrap_or_default() {
            let Some(key) = key(reader, node, &path) else { continue };
            if keys.iter().any(|other| other.name == key.name) {
                let spot = reader.spot(node.place, path);
                reader.report(spot, BootstrapProblem::SameKey(key.name.clone()));
            }
            keys.push(key);
        }
    }
    let group = reader.optional_text(&fields, "group");
    let account = BootstrapAccount { name: name.value.clone(), group, roles, delegates, hashes, keys };
    Ok((name, account))
}

/// A text in quotes, as JSON and YAML have it.
fn quoted_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Whether a text is the hash of a password, and not one itself.
pub(crate) fn is_hash(text: &str) -> bool {
    ["$argon2", "$2a$", "$2b$", "$2y$"].iter().any(|kind| text.starts_with(kind))
}

fn key(reader: &mut AccountReader, node: &Node, path: &str) -> Option<BootstrapKey> {
    let fields = reader.fields(node, path, &KEY)?;
    let key = reader.required_text(&fields, "public_key");
    let kind = reader.required_text(&fields, "public_key_type");
    let name = reader.required_text(&fields, "public_key_name");
    let (key, kind, name) = (key?, kind?, name?);
    if let Err(wrong) = PublicKey::read(&kind.value, &key.value) {
        reader.report(key.spot, wrong);
        return None;
    }
    Some(BootstrapKey { name: name.value, kind: kind.value, key: key.value })
}

fn texts(reader: &mut AccountReader, fields: &Fields<'_>, key: &str) -> Vec<At<String>> {
    let Some(node) = fields.get(key) else { return Vec::new() };
    reader.list(node, &fields.path_of(key), Reader::text_at).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIId7mKSUiSns1YB071p/DqlcfJgMLSntlgRbj/S7ba5U";

    fn wrong(text: &str) -> Vec<String> {
        let problems = Bootstrap::read("accounts", text).unwrap_err();
        problems.problems().iter().map(|problem| format!("{}: {}", problem.key(), problem.kind())).collect()
    }

    #[test]
    fn the_file_of_todays_monitors_is_read() {
        let path =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/compat/monitor-bootstrap.yaml");
        let own = format!(
            "accounts:\n- {{subject: ci, roles: [append_any], api_keys: ['$2b$12$x'], keys: [{{public_key: {KEY}, \
             public_key_type: ssh-ed25519, public_key_name: primary}}]}}\n\
             - {{subject: first-cloud, group: first, delegates: [ci]}}\n\
             - {{subject: assessor, roles: [read_any, approve, admin]}}\n"
        );
        for text in [Some(own), fs::read_to_string(path).ok()].into_iter().flatten() {
            let accounts = Bootstrap::read("accounts", &text).unwrap().accounts;
            let of = |name: &str| accounts.iter().find(|account| account.name == name).unwrap();
            assert!(of("ci").roles.has(Role::AppendAny) && !of("ci").roles.has(Role::ReadAny));
            assert_eq!((of("ci").hashes.len(), of("ci").keys.len()), (1, 1));
            assert_eq!(of("first-cloud").group.as_deref(), Some("first"));
            assert_eq!(of("first-cloud").delegates, BTreeSet::from(["ci".to_owned()]));
            assert!(
                [Role::ReadAny, Role::Approve, Role::Admin]
                    .iter()
                    .all(|&role| of("assessor").roles.has(role))
            );
        }
    }

    #[test]
    fn what_is_wrong_is_told_and_no_password_is_quoted() {
        assert_eq!(
            wrong("accounts: [{subject: a, roles: [raed_any], api_keys: [geheim]}, {subject: a}, {role: x}]"),
            [
                "accounts[0].roles[0]: invalid role `raed_any` (did you mean `read_any`?)",
                "accounts[0].api_keys[0]: expected the argon2 or bcrypt hash of a password, found something that \
                 begins with `geh`",
                "accounts[1].subject: duplicate account `a`",
                "accounts[2]: unknown key `role` in an account (did you mean `roles`?)",
                "accounts[2]: missing key `subject` in an account",
            ]
        );
        assert_eq!(
            wrong("accounts: [{subject: a, keys: [{public_key: AAAA, public_key_type: ssh-rsa, public_key_name: x}]}]")
                .len(),
            1
        );
    }
}
