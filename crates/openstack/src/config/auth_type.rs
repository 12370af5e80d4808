use super::ConfigError;

/// How a token is got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AuthType {
    /// With one request that proves who asks, by one method or by several at once.
    Methods(Vec<Method>),
    /// By an access token of an identity provider, which keystone exchanges for its own.
    OidcAccessToken,
    /// The same, with the access token that the provider gives to a client for its secret.
    OidcClientCredentials,
}

/// A method of `POST /v3/auth/tokens`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Password,
    Token,
    Totp,
    ApplicationCredential,
}

pub(super) const APPLICATION_CREDENTIAL: &str = "v3applicationcredential";
pub(super) const PASSWORD: &str = "v3password";
pub(super) const TOKEN: &str = "v3token";

const SUPPORTED: &[&str] = &[
    PASSWORD,
    "password",
    APPLICATION_CREDENTIAL,
    "applicationcredential",
    TOKEN,
    "token",
    "v3totp",
    "v3multifactor",
    "v3oidcaccesstoken",
    "v3oidcclientcredentials",
];

/// The types during which a person has to log in with a browser.
const INTERACTIVE: &[&str] = &["v3websso", "v3oidcauthcode", "v3oidcdeviceauthz"];

impl AuthType {
    /// Reads `auth_type` and, for `v3multifactor`, `auth_methods`.
    pub(super) fn parse(cloud: &str, kind: &str, methods: &[String]) -> Result<Self, ConfigError> {
        match kind {
            "v3multifactor" => several(cloud, methods),
            "v3oidcaccesstoken" => Ok(AuthType::OidcAccessToken),
            "v3oidcclientcredentials" => Ok(AuthType::OidcClientCredentials),
            _ => match Method::parse(kind) {
                // This name is known as a method only.
                Some(method) if kind != "totp" => Ok(AuthType::Methods(vec![method])),
                _ => Err(ConfigError::UnsupportedAuthType {
                    cloud: cloud.to_owned(),
                    auth_type: kind.to_owned(),
                    supported: SUPPORTED,
                    hint: if INTERACTIVE.contains(&kind) {
                        "; it needs a person with a browser, so use an application credential instead"
                    } else {
                        ""
                    },
                }),
            },
        }
    }
}

fn several(cloud: &str, names: &[String]) -> Result<AuthType, ConfigError> {
    if names.is_empty() {
        return Err(ConfigError::Missing {
            cloud: cloud.to_owned(),
            field: "auth_methods",
            hint: ", which v3multifactor needs, such as [v3password, v3totp]".into(),
        });
    }
    let method = |name: &String| {
        Method::parse(name).filter(|method| *method != Method::ApplicationCredential).ok_or_else(|| {
            ConfigError::BadValue {
                cloud: cloud.to_owned(),
                field: "auth_methods",
                message: format!("{name:?} is none of v3password, v3totp, v3token"),
            }
        })
    };
    Ok(AuthType::Methods(names.iter().map(method).collect::<Result<_, _>>()?))
}

impl Method {
    fn parse(name: &str) -> Option<Self> {
        match name.strip_prefix("v3").unwrap_or(name) {
            "password" => Some(Method::Password),
            "token" => Some(Method::Token),
            "totp" => Some(Method::Totp),
            "applicationcredential" => Some(Method::ApplicationCredential),
            _ => None,
        }
    }

    /// The name that keystone knows it by.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Method::Password => "password",
            Method::Token => "token",
            Method::Totp => "totp",
            Method::ApplicationCredential => "application_credential",
        }
    }
}
