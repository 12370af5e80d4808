use std::collections::BTreeMap;

use assay_monitor::{OidcConfig, Settings};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use url::form_urlencoded::{Serializer, parse};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::ground::{Ground, PASSWORD};

const BASE_URL: &str = "https://compliance.example.com/";
const CLIENT: &str = "assay";
const CLIENT_SECRET: &str = "what the provider knows the monitor by";

/// What is done to claims that hold, so that they hold no more.
type Change = Box<dyn Fn(&mut Value)>;

/// A browser that goes from place to place, and keeps what it is told to.
pub(crate) struct Traveller {
    client: Client,
    pub(crate) jar: BTreeMap<String, String>,
}

/// Where it has come.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) text: String,
}

impl Place {
    /// What a form of the page says in a field that nobody sees.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let (_, rest) = self.text.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }

    /// What the address says that it is sent on to.
    fn query(&self) -> BTreeMap<String, String> {
        let (_, query) = self.location.split_once('?').unwrap();
        parse(query.as_bytes()).into_owned().collect()
    }
}

impl Traveller {
    pub(crate) fn new() -> Self {
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { client, jar: BTreeMap::new() }
    }

    pub(crate) async fn go(&mut self, url: &str) -> Place {
        self.arrive(self.client.get(url)).await
    }

    pub(crate) async fn send(&mut self, url: &str, fields: &[(&str, &str)]) -> Place {
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.client.post(url).body(body);
        self.arrive(request.header("content-type", "application/x-www-form-urlencoded")).await
    }

    async fn arrive(&mut self, request: RequestBuilder) -> Place {
        let cookies: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let response = request.header("cookie", cookies.join("; ")).send().await.unwrap();
        for line in response.headers().get_all("set-cookie") {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            match value.is_empty() {
                true => self.jar.remove(name),
                false => self.jar.insert(name.to_owned(), value.to_owned()),
            };
        }
        let location =
            response.headers().get("location").map(|location| location.to_str().unwrap().to_owned());
        let (status, location) = (response.status().as_u16(), location.unwrap_or_default());
        Place { status, location, text: response.text().await.unwrap() }
    }

    /// Logs in with the password, and says what forms of the session say.
    pub(crate) async fn log_in(&mut self, ground: &Ground, name: &str) -> String {
        let place = self.send(&ground.url("/login"), &[("name", name), ("password", PASSWORD)]).await;
        assert_eq!(place.status, 303, "{place:?}");
        self.go(&ground.url("/desk")).await.hidden("form_key")
    }

    /// Whose desk it stands at; nobody's if it is asked to log in.
    pub(crate) async fn desk(&mut self, ground: &Ground) -> Option<String> {
        let place = self.go(&ground.url("/desk")).await;
        let (_, rest) = place.text.split_once("Desk of ")?;
        rest.split_once('<').map(|(name, _)| name.to_owned())
    }
}

fn new_key() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()
}

/// A provider that says whatever it is told to.
struct Provider {
    server: MockServer,
    key: EcdsaKeyPair,
}

impl Provider {
    async fn new() -> Self {
        let provider = Self { server: MockServer::start().await, key: new_key() };
        provider.stand(&provider.server.uri()).await;
        provider
    }

    /// Says about itself that it is some issuer.
    async fn stand(&self, issuer: &str) {
        let uri = self.server.uri();
        self.answer(
            "/.well-known/openid-configuration",
            &json!({
                "issuer": issuer, "authorization_endpoint": format!("{uri}/auth"),
                "token_endpoint": format!("{uri}/token"), "jwks_uri": format!("{uri}/keys"),
                "response_types_supported": ["code"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
            }),
        )
        .await;
        let point = self.key.public_key().as_ref();
        let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        let key = json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "one", "x": part(1..33),
            "y": part(33..65),
        });
        self.answer("/keys", &json!({"keys": [key]})).await;
    }

    async fn answer(&self, at: &str, body: &Value) {
        let answer = ResponseTemplate::new(200).set_body_json(body);
        Mock::given(path(at)).respond_with(answer).mount(&self.server).await;
    }

    fn config(&self) -> OidcConfig {
        let text = format!(
            "{{issuer: '{}', client_id: {CLIENT}, client_secret_file: s, name: Example ID}}",
            self.server.uri()
        );
        OidcConfig::read("oidc", &text, &|_| Ok(CLIENT_SECRET.into())).unwrap()
    }

    /// What a token says that holds.
    fn claims(&self, nonce: &str) -> Value {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        json!({
            "iss": self.server.uri(), "aud": CLIENT, "sub": "alice", "nonce": nonce, "iat": now.as_second(),
            "exp": now.as_second() + 300, "email": "cloud-b@example.com", "preferred_username": "assessor",
        })
    }

    /// What is signed of a token: its head and its claims.
    fn signed(alg: &str, claims: &Value) -> String {
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", encoded(&json!({"alg": alg, "kid": "one", "typ": "JWT"})), encoded(claims))
    }

    fn token(key: &EcdsaKeyPair, claims: &Value) -> String {
        let text = Self::signed("ES256", claims);
        let signature = key.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Answers the next code with a token.
    async fn hand_out(&self, token: Option<&str>) {
        let mut body = json!({"access_token": "x", "token_type": "Bearer", "expires_in": 300});
        if let Some(token) = token {
            body["id_token"] = json!(token);
        }
        let answer = ResponseTemplate::new(200).set_body_json(body);
        let given = Mock::given(method("POST")).and(path("/token")).respond_with(answer);
        given.up_to_n_times(1).mount(&self.server).await;
    }
}

async fn settled(ground: &mut Ground) -> Provider {
    ground.restart(Settings { base_url: BASE_URL.into(), ..Settings::default() }).await;
    let provider = Provider::new().await;
    ground.monitor.take_oidc(provider.config()).unwrap();
    let mut admin = Traveller::new();
    let key = admin.log_in(ground, "assessor").await;
    let fields = [("form_key", key.as_str()), ("subject", "alice")];
    let place = admin.send(&ground.url("/desk/accounts/reader/identities"), &fields).await;
    assert_eq!(place.status, 303, "{place:?}");
    provider
}

pub(crate) async fn somebody_is_known_by_an_identity(mut ground: Ground) {
    let provider = settled(&mut ground).await;
    let mut browser = Traveller::new();
    let page = browser.go(&ground.url("/login?to=%2Fdesk%2Faccount")).await;
    assert!(page.text.contains("login/oidc?to=%2Fdesk%2Faccount\">"), "{}", page.text);
    let left = browser.go(&ground.url("/login/oidc?to=%2Fdesk%2Faccount")).await;
    assert_eq!(left.status, 303);
    assert!(left.location.starts_with(&format!("{}/auth?", provider.server.uri())), "{}", left.location);
    let asked = left.query();
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("scope", "openid"),
        ("redirect_uri", "https://compliance.example.com/login/oidc/back"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(asked[name], value, "{asked:?}");
    }
    provider.hand_out(Some(&Provider::token(&provider.key, &provider.claims(&asked["nonce"])))).await;
    let back = ground.url(&format!("/login/oidc/back?code=c&state={}", asked["state"]));
    // Nobody brings it back but the browser that left.
    assert_eq!(Traveller::new().go(&back).await.status, 403);
    let before = browser.jar.clone();
    let came = browser.go(&back).await;
    assert_eq!((came.status, came.location.as_str()), (303, "https://compliance.example.com/desk/account"));
    assert_eq!(browser.desk(&ground).await.as_deref(), Some("reader"));
    let requests = provider.server.received_requests().await.unwrap();
    let request = requests.iter().rfind(|request| request.url.path() == "/token").unwrap();
    let sent: BTreeMap<String, String> = parse(&request.body).into_owned().collect();
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, sent["code_verifier"].as_bytes()));
    assert_eq!((&sent["code"], &challenge), (&"c".to_owned(), &asked["code_challenge"]));
    assert!(request.headers["authorization"].to_str().unwrap().starts_with("Basic "));
    // Nor does it bring it back twice; a provider takes each code once, whatever the browser kept.
    assert_eq!(browser.go(&back).await.status, 403);
    let mut again = Traveller::new();
    again.jar = before;
    assert_eq!(again.go(&back).await.status, 403);
    assert_eq!(again.desk(&ground).await, None);
    // Who is blocked is known no more.
    ground.tamper("UPDATE account SET blocked = 1 WHERE name = 'reader'").await;
    let left = browser.go(&ground.url("/login/oidc")).await.query();
    provider.hand_out(Some(&Provider::token(&provider.key, &provider.claims(&left["nonce"])))).await;
    let refused = browser.go(&ground.url(&format!("/login/oidc/back?code=c&state={}", left["state"]))).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("it is alice of http://127.0.0.1"), "{}", refused.text);
}

pub(crate) async fn nobody_is_known_by_what_does_not_hold(mut ground: Ground) {
    let provider = settled(&mut ground).await;
    let other = new_key();
    let now: i64 = provider.claims("")["iat"].as_i64().unwrap();
    let with = |name: &'static str, value: Value| {
        move |claims: &mut Value| {
            claims[name] = value.clone();
        }
    };
    let changes: Vec<(&str, Change)> = vec![
        ("nonce", Box::new(with("nonce", json!("another")))),
        ("nonce", Box::new(with("nonce", Value::Null))),
        ("aud", Box::new(with("aud", json!("another")))),
        ("aud", Box::new(with("aud", json!([CLIENT, "another"])))),
        ("iss", Box::new(with("iss", json!("https://example.com")))),
        ("exp", Box::new(with("exp", json!(now)))),
        ("iat", Box::new(with("iat", json!(now + 3600)))),
        ("sub", Box::new(with("sub", json!("reader")))),
    ];
    for (what, change) in &changes {
        refused(&ground, &provider, what, |claims| {
            change(claims);
            Some(Provider::token(&provider.key, claims))
        })
        .await;
    }
    refused(&ground, &provider, "none", |claims| Some(format!("{}.", Provider::signed("none", claims))))
        .await;
    refused(&ground, &provider, "the secret as a key", |claims| {
        let text = Provider::signed("HS256", claims);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, CLIENT_SECRET.as_bytes()), text.as_bytes());
        Some(format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag)))
    })
    .await;
    refused(&ground, &provider, "another key", |claims| Some(Provider::token(&other, claims))).await;
    refused(&ground, &provider, "nothing", |_| None).await;

    // What comes back is not what left.
    for query in
        ["code=c&state=guessed", "code=c", "", "error=access_denied&error_description=no%E2%80%AEway"]
    {
        let mut browser = Traveller::new();
        let left = browser.go(&ground.url("/login/oidc")).await.query();
        let query = match query.starts_with("error") {
            true => format!("{query}&state={}", left["state"]),
            false => query.to_owned(),
        };
        let place = browser.go(&ground.url(&format!("/login/oidc/back?{query}"))).await;
        assert_eq!((place.status, browser.jar.len()), (403, 0), "{query}");
        assert!(
            !query.starts_with("error") || place.text.contains("access_denied no\\u{202e}way"),
            "{}",
            place.text
        );
    }
    let mut browser = Traveller::new();
    let left = browser.go(&ground.url("/login/oidc")).await.query();
    let elsewhere = format!("/login/oidc/back?code=c&state={}&iss=https%3A%2F%2Fexample.com", left["state"]);
    assert_eq!(browser.go(&ground.url(&elsewhere)).await.status, 403);

    // Who says that it is somebody else, sends elsewhere, or says too much is no provider.
    for lie in [
        ResponseTemplate::new(302)
            .insert_header("location", format!("{}/keys", provider.server.uri()).as_str()),
        ResponseTemplate::new(200).set_body_raw(vec![b' '; 2 << 20], "application/json"),
        ResponseTemplate::new(200).set_body_json(json!({"issuer": provider.server.uri()})),
    ] {
        let liar = Provider { server: MockServer::start().await, key: new_key() };
        Mock::given(path("/.well-known/openid-configuration")).respond_with(lie).mount(&liar.server).await;
        ground.monitor.take_oidc(liar.config()).unwrap();
        assert_eq!(Traveller::new().go(&ground.url("/login/oidc")).await.status, 502);
    }
    let liar = Provider { server: MockServer::start().await, key: other };
    liar.stand(&provider.server.uri()).await;
    ground.monitor.take_oidc(liar.config()).unwrap();
    assert_eq!(Traveller::new().go(&ground.url("/login/oidc")).await.status, 502);
}

/// Nobody gets in by a token that is made of claims which hold.
async fn refused(
    ground: &Ground,
    provider: &Provider,
    what: &str,
    token: impl Fn(&mut Value) -> Option<String>,
) {
    let mut browser = Traveller::new();
    let left = browser.go(&ground.url("/login/oidc")).await.query();
    let token = token(&mut provider.claims(&left["nonce"]));
    provider.hand_out(token.as_deref()).await;
    let place = browser.go(&ground.url(&format!("/login/oidc/back?code=c&state={}", left["state"]))).await;
    assert_eq!(place.status, 403, "{what}: {}", place.text);
    assert_eq!(browser.jar, BTreeMap::new(), "{what}");
}

pub(crate) async fn an_identity_is_connected_by_who_it_is_of(mut ground: Ground) {
    let provider = settled(&mut ground).await;
    let mut browser = Traveller::new();
    let key = browser.log_in(&ground, "cloud-b").await;
    let identities = ground.url("/desk/account/identities");
    // Whoever left to log in has not said that an identity is to be connected.
    let left = browser.go(&ground.url("/login/oidc")).await.query();
    let mut claims = provider.claims(&left["nonce"]);
    claims["sub"] = json!("bob");
    provider.hand_out(Some(&Provider::token(&provider.key, &claims))).await;
    let place = browser.go(&ground.url(&format!("/login/oidc/back?code=c&state={}", left["state"]))).await;
    assert!(place.text.contains("no account here is connected"), "{}", place.text);

    assert_eq!(browser.send(&identities, &[]).await.status, 403);
    for (subject, status) in [("bob", 303), ("alice", 409)] {
        let page = browser.send(&identities, &[("form_key", &key)]).await;
        let (_, way) = page.text.split_once("id=\"way\" href=\"").unwrap();
        let location = way.split_once('"').unwrap().0.replace("&#38;", "&").replace("&amp;", "&");
        let left = Place { location, ..page }.query();
        let mut claims = provider.claims(&left["nonce"]);
        claims["sub"] = json!(subject);
        provider.hand_out(Some(&Provider::token(&provider.key, &claims))).await;
        let back = ground.url(&format!("/login/oidc/back?code=c&state={}", left["state"]));
        // Another session of the same browser is another one.
        let mut other = Traveller::new();
        other.jar.clone_from(&browser.jar);
        other.log_in(&ground, "reader").await;
        assert_eq!(other.go(&back).await.status, 403);
        let place = browser.go(&back).await;
        assert_eq!(place.status, status, "{subject}: {}", place.text);
    }
    let account = browser.go(&ground.url("/desk/account")).await;
    assert!(account.text.contains("<bdi>bob</bdi>") && !account.text.contains("alice"), "{}", account.text);
    let changes = {
        let mut admin = Traveller::new();
        admin.log_in(&ground, "assessor").await;
        admin.go(&ground.url("/desk/changes")).await.text
    };
    assert!(changes.contains("connected bob of http://127.0.0.1"), "{changes}");
    // What is disconnected is known no more, and nobody disconnects what is of others.
    let issuer = provider.server.uri();
    let remove = ground.url("/desk/account/identities/remove");
    for (subject, status) in [("alice", 404), ("bob", 303), ("bob", 404)] {
        let fields = [("form_key", key.as_str()), ("issuer", &issuer), ("subject", subject)];
        assert_eq!(browser.send(&remove, &fields).await.status, status, "{subject}");
    }
}
