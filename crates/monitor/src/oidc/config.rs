use assay_yaml::{Context, Limits, Problems, Reader, Shape, Wrong, quoted};
use openidconnect::IssuerUrl;
use secrecy::SecretString;
use url::Host;

/// Who vouches for identities, as the operator of a monitor writes it down.
#[derive(Clone, Debug)]
pub struct OidcConfig {
    pub(crate) issuer: IssuerUrl,
    pub(crate) client_id: String,
    /// None if the provider does not ask the monitor who it is.
    pub(crate) client_secret: Option<SecretString>,
    /// What people know it by.
    pub(crate) name: String,
}

/// What is wrong with a file that says who vouches for identities.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OidcProblem {
    /// It is no YAML, or lacks, repeats or misspells something.
    #[error(transparent)]
    Shape(#[from] Shape),
    /// No address of an issuer.
    #[error(
        "{} is no address that begins with https://; without TLS it may only be on the same machine",
        quoted(.0)
    )]
    NoIssuer(String),
    /// A secret that is not there.
    #[error("the secret cannot be read from {}: {why}", quoted(.file))]
    NoSecret {
        /// The file.
        file: String,
        /// What the system says.
        why: String,
    },
}

impl Wrong for OidcProblem {
    const FILE: &'static str = "the file of the provider of identities";

    fn help(&self) -> Option<String> {
        match self {
            OidcProblem::Shape(shape) => shape.help(),
            _ => None,
        }
    }
}

const FILE: Context = Context {
    name: "the provider of identities",
    keys: &["issuer", "client_id", "client_secret_file", "name"],
    open: false,
};
const LIMITS: Limits = Limits { bytes: 64 << 10, nodes: 1_000 };

impl OidcConfig {
    /// Reads the file. `name` only serves messages; `secrets` says what is in a file that holds a secret.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with line, column and key.
    pub fn read(
        name: &str,
        text: &str,
        secrets: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Self, Problems<OidcProblem>> {
        Reader::document(name, text, &LIMITS, |reader, root| {
            let fields = reader.fields(root, "", &FILE)?;
            let issuer = reader.needed(&fields, "issuer", issuer);
            let client_id = reader.required_text(&fields, "client_id");
            let client_secret = reader.optional(&fields, "client_secret_file", |file| match secrets(file) {
                Ok(text) => Ok(SecretString::from(text.trim())),
                Err(why) => Err(OidcProblem::NoSecret { file: file.to_owned(), why }),
            });
            let name = reader.optional_text(&fields, "name");
            let issuer = issuer.ok()?;
            let name = name.unwrap_or_else(|| issuer.url().host_str().unwrap_or_default().to_owned());
            Some(Self { issuer, client_id: client_id?.value, client_secret: client_secret.ok()?, name })
        })
    }
}

fn issuer(text: &str) -> Result<IssuerUrl, OidcProblem> {
    let wrong = || OidcProblem::NoIssuer(text.to_owned());
    let issuer = IssuerUrl::new(text.to_owned()).map_err(|_| wrong())?;
    let is_here = match issuer.url().host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match (issuer.url().scheme(), is_here) {
        ("https", _) | ("http", true) => Ok(issuer),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<OidcConfig, Vec<String>> {
        let secrets = |file: &str| match file {
            "there" => Ok("x\n".to_owned()),
            _ => Err("no such file".to_owned()),
        };
        OidcConfig::read("oidc", text, &secrets).map_err(|problems| {
            let told =
                problems.problems().iter().map(|problem| format!("{}: {}", problem.key(), problem.kind()));
            told.collect()
        })
    }

    #[test]
    fn a_file_says_who_vouches() {
        let config =
            read("{issuer: 'https://id.example.com/x', client_id: assay, client_secret_file: there}");
        let config = config.unwrap();
        assert_eq!(
            (config.issuer.as_str(), config.name.as_str()),
            ("https://id.example.com/x", "id.example.com")
        );
        assert!(config.client_secret.is_some());
        assert!(read("{issuer: 'http://127.0.0.1:5000', client_id: assay, name: Here}").is_ok());
    }

    #[test]
    fn what_is_wrong_is_told() {
        assert_eq!(
            read("{issuer: 'http://id.example.com', client_id: a, client_secret_file: away, sub: x}")
                .unwrap_err(),
            [
                ": unknown key `sub` in the provider of identities",
                "issuer: `http://id.example.com` is no address that begins with https://; without TLS it may only be on the same machine",
                "client_secret_file: the secret cannot be read from `away`: no such file",
            ]
        );
        assert_eq!(
            read("{issuer: 'https://id.example.com'}").unwrap_err(),
            [": missing key `client_id` in the provider of identities"]
        );
    }
}
