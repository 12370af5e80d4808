use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

/// A user with a password in a project.
#[derive(Clone)]
pub struct Account {
    /// Name of the user.
    pub username: String,
    /// Id of the user.
    pub user_id: String,
    /// Id of the user's domain.
    pub user_domain_id: String,
    /// The password.
    pub password: SecretString,
    /// Id of the project.
    pub project_id: String,
    /// Name of the project.
    pub project_name: String,
    /// Id of the project's domain.
    pub project_domain_id: String,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.username, self.project_name)
    }
}

/// The accounts that Tempest runs with.
#[derive(Debug, Clone)]
pub struct Accounts {
    /// Who runs the tests.
    pub main: Account,
    /// A stranger in another project, for the tests that need one.
    pub other: Option<Account>,
}

impl Accounts {
    /// How many there are.
    pub fn count(&self) -> usize {
        1 + usize::from(self.other.is_some())
    }

    /// The accounts file. `network` is the name of the network that servers of the main account are attached to.
    ///
    /// Newer tests want a second login with the role reader on the same project. Tempest tells logins apart by
    /// how they are written, so the main account stands there twice, with the user's name and with the id: as
    /// a member it may do all that a reader may. The other account comes first and has no role, so that Tempest
    /// takes it only where it asks for anybody else.
    pub(crate) fn render(&self, network: Option<&str>) -> SecretString {
        let mut entries = Vec::new();
        if let Some(other) = &self.other {
            entries.push(entry(other, "username", &other.username));
        }
        for (field, user, role) in
            [("username", &self.main.username, "member"), ("user_id", &self.main.user_id, "reader")]
        {
            let mut entry = entry(&self.main, field, user);
            entry["roles"] = json!([role]);
            if let Some(network) = network {
                entry["resources"] = json!({ "network": network });
            }
            entries.push(entry);
        }
        // JSON is YAML, and quotes whatever a password may hold.
        SecretString::from(format!("{:#}\n", Value::Array(entries)))
    }
}

fn entry(account: &Account, field: &str, user: &str) -> Value {
    json!({
        field: user,
        "user_domain_id": account.user_domain_id,
        "password": account.password.expose_secret(),
        // The id decides, the name is what Tempest groups accounts by.
        "project_id": account.project_id,
        "project_name": account.project_name,
        "project_domain_id": account.project_domain_id,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn account(name: &str) -> Account {
        Account {
            username: name.into(),
            user_id: format!("id-of-{name}"),
            user_domain_id: "default".into(),
            password: SecretString::from("p: \"#'\\ä{}"),
            project_id: format!("id-of-project-of-{name}"),
            project_name: format!("project-of-{name}"),
            project_domain_id: "default".into(),
        }
    }

    fn read(accounts: &Accounts, network: Option<&str>) -> Vec<Value> {
        serde_saphyr::from_str(accounts.render(network).expose_secret()).unwrap()
    }

    #[test]
    fn the_main_account_is_member_and_reader_and_the_other_one_nobody() {
        let both = Accounts { main: account("one"), other: Some(account("two")) };
        let entries = read(&both, Some("private"));
        let roles: Vec<_> =
            entries.iter().map(|entry| (entry["username"].as_str(), entry["roles"][0].as_str())).collect();
        assert_eq!(roles, [(Some("two"), None), (Some("one"), Some("member")), (None, Some("reader"))]);
        assert_eq!(entries[2]["user_id"], "id-of-one");
        for entry in &entries {
            assert_eq!(entry["password"], "p: \"#'\\ä{}");
            let own = entry["project_name"] == "project-of-one";
            assert_eq!(entry["resources"]["network"].as_str(), own.then_some("private"));
        }

        let alone = read(&Accounts { main: account("one"), other: None }, None);
        assert_eq!(alone.len(), 2);
        assert!(alone.iter().all(|entry| entry.get("resources").is_none()));
    }

    #[test]
    fn nothing_but_the_file_shows_the_password() {
        let accounts = Accounts { main: account("one"), other: Some(account("two")) };
        assert_eq!(
            format!("{accounts:?} {:?}", accounts.render(None)).matches("p: ").count(),
            0,
            "{accounts:?}"
        );
    }
}
