//! The tree of the document as a list of domains.

use std::path::Path;

use assay_yaml::{Node, Place, Value};
use secrecy::SecretString;

use super::document;
use super::problem::{
    DomainManagerError as Error, DomainManagerNote as Note, DomainManagerProblem as Problem,
};
use super::{DEFAULT_ROLE, Domain, Keys, Manager};
use crate::config::suggest;

const IN_FILE: &[&str] = &["domains"];
const IN_DOMAIN: &[&str] = &["name", "member_role", "manager", "cloud"];
const IN_MANAGER: &[&str] = &["username", "user_domain", "password", "passcode", "totp", "token"];

/// Keys by which somebody would give an application credential.
const OF_APPLICATION_CREDENTIALS: &[&str] =
    &["application_credential_id", "application_credential_name", "application_credential_secret"];

pub(super) type Trouble = (Place, Problem);

/// Reads the domains, and notes what is not known.
pub(super) fn read(path: &Path, text: &str) -> Result<(Vec<Domain>, Vec<Note>), Error> {
    let mut reader = Reader { path, notes: Vec::new() };
    match reader.file(text) {
        Ok(domains) => Ok((domains, reader.notes)),
        Err(trouble) => Err(located(path, trouble)),
    }
}

/// Trouble with its file.
pub(super) fn located(path: &Path, (place, problem): Trouble) -> Error {
    let (path, problem) = (path.to_owned(), Box::new(problem));
    Error::Invalid { path, line: place.line.into(), column: place.column.into(), problem }
}

struct Reader<'a> {
    path: &'a Path,
    notes: Vec<Note>,
}

impl Reader<'_> {
    fn file(&mut self, text: &str) -> Result<Vec<Domain>, Trouble> {
        let node = document::read(text)?;
        let place = node.place;
        let mut file = self.map(node, "the file", IN_FILE)?;
        let Some(domains) = file.take("domains") else {
            return Err((place, missing("domains", ": the list of domains, each with a manager")));
        };
        let place = domains.place;
        let Value::List(items) = domains.value else {
            return Err(wrong_type(&domains, "domains", "a list"));
        };
        if items.len() < 2 {
            return Err((place, Problem::TooFew { count: items.len() }));
        }
        let domains: Vec<Domain> =
            items.into_iter().map(|item| self.domain(item)).collect::<Result<_, _>>()?;
        Ok(domains)
    }

    fn domain(&mut self, node: Node) -> Result<Domain, Trouble> {
        let place = node.place;
        let mut domain = self.map(node, "a domain", IN_DOMAIN)?;
        let name = domain.text("name")?;
        let member_role = domain.text("member_role")?.unwrap_or_else(|| DEFAULT_ROLE.to_owned());
        let cloud = domain.text("cloud")?;
        let manager = match (domain.take("manager"), cloud) {
            (Some(manager), Some(_)) => return Err((manager.place, Problem::TwoLogins)),
            (None, None) => {
                return Err((
                    place,
                    missing("manager", ": who manages the domain, by username and password"),
                ));
            }
            (None, Some(cloud)) => Manager::Cloud(cloud),
            (Some(manager), None) => {
                if name.is_none() {
                    return Err((place, missing("name", ": the name of the domain")));
                }
                Manager::Keys(self.manager(manager)?)
            }
        };
        Ok(Domain { place, name, member_role, manager })
    }

    fn manager(&mut self, node: Node) -> Result<Keys, Trouble> {
        let place = node.place;
        let mut manager = self.map(node, "manager", IN_MANAGER)?;
        let mut keys = Keys {
            username: manager.text("username")?,
            user_domain: manager.text("user_domain")?,
            password: manager.secret("password")?,
            passcode: manager.secret("passcode")?,
            token: manager.secret("token")?,
        };
        if let Some(passcode) = manager.secret("totp")? {
            keys.passcode.get_or_insert(passcode);
        }
        if keys.password.is_none() && keys.passcode.is_none() && keys.token.is_none() {
            return Err((place, missing("password", " (or passcode, or token): how the manager logs in")));
        }
        if keys.username.is_none() && (keys.password.is_some() || keys.passcode.is_some()) {
            return Err((place, missing("username", ": the name of the manager")));
        }
        Ok(keys)
    }

    /// The entries of a map; what is not known among them is noted.
    fn map(&mut self, node: Node, what: &str, known: &[&str]) -> Result<Entries, Trouble> {
        let found = node.value.kind();
        let Value::Map(pairs) = node.value else {
            let key = what.to_owned();
            return Err((node.place, Problem::WrongType { key, expected: "a map", found }));
        };
        let mut entries: Vec<(String, Place, Node)> = Vec::new();
        for (key, value) in pairs {
            let place = key.place;
            let Value::Text(key) = key.value else {
                return Err(wrong_type(&key, "a key", "a word"));
            };
            if let Some((_, first, _)) = entries.iter().find(|(other, ..)| *other == key) {
                return Err((place, Problem::Repeated { key, first: first.line.into() }));
            }
            let by_type = key == "auth_type"
                && matches!(&value.value, Value::Text(kind) if kind.ends_with("applicationcredential"));
            if by_type || OF_APPLICATION_CREDENTIALS.contains(&key.as_str()) {
                return Err((place, Problem::ApplicationCredential));
            }
            if known.contains(&key.as_str()) {
                entries.push((key, place, value));
            } else {
                let names: Vec<String> = known.iter().map(|name| (*name).to_owned()).collect();
                self.notes.push(Note {
                    path: self.path.to_owned(),
                    line: place.line.into(),
                    column: place.column.into(),
                    suggestion: suggest::closest(&key, &names),
                    key,
                });
            }
        }
        Ok(Entries(entries))
    }
}

/// The known entries of a map.
struct Entries(Vec<(String, Place, Node)>);

impl Entries {
    /// The value of a key, unless it is empty.
    fn take(&mut self, key: &str) -> Option<Node> {
        let at = self.0.iter().position(|(name, ..)| name == key)?;
        let (_, _, node) = self.0.swap_remove(at);
        (!matches!(node.value, Value::Null)).then_some(node)
    }

    fn text(&mut self, key: &'static str) -> Result<Option<String>, Trouble> {
        match self.take(key) {
            None => Ok(None),
            Some(Node { value: Value::Text(text), .. }) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some(node) => Err(wrong_type(&node, key, "a single value")),
        }
    }

    fn secret(&mut self, key: &'static str) -> Result<Option<SecretString>, Trouble> {
        Ok(self.text(key)?.map(SecretString::from))
    }
}

fn missing(key: &'static str, hint: &'static str) -> Problem {
    Problem::Missing { key, hint }
}

fn wrong_type(node: &Node, key: &str, expected: &'static str) -> Trouble {
    (node.place, Problem::WrongType { key: key.to_owned(), expected, found: node.value.kind() })
}
