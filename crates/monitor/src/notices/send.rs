use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use reqwest::{Client, Response, StatusCode, redirect};
use secrecy::{ExposeSecret as _, SecretSlice};
use serde_json::json;
use url::Url;

use super::config::{MailServer, MailTls, MatrixServer, NoticeConfig, Way};
use super::message::Message;
use crate::store::Waiting;

/// The longest that it may take to tell somebody.
const TIMEOUT: Duration = Duration::from_secs(30);
/// So much of what others say is kept, in characters.
const SAID: usize = 300;

/// Tells others.
#[derive(Debug)]
pub(crate) struct Sender(Client);

/// Somebody was not told.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub(crate) struct NotSent {
    why: String,
    /// Whether the message itself was refused, which no other attempt will change.
    pub(crate) is_final: bool,
}

fn not_sent(error: impl fmt::Display) -> NotSent {
    NotSent { why: error.to_string().chars().take(SAID).collect(), is_final: false }
}

impl Sender {
    /// # Errors
    /// There is no TLS to be had.
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        // Where somebody else would be told instead is for the operator to say.
        let client = Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none()).build();
        client.map(Self)
    }

    /// Tells somebody of a channel.
    pub(crate) async fn send(
        &self,
        config: &NoticeConfig,
        waiting: &Waiting,
        now: Timestamp,
    ) -> Result<(), NotSent> {
        // Not every step of what follows knows a limit of its own.
        let sent = tokio::time::timeout(TIMEOUT, self.send_patiently(config, waiting, now));
        sent.await
            .unwrap_or_else(|_| Err(not_sent(format!("no answer within {} seconds", TIMEOUT.as_secs()))))
    }

    async fn send_patiently(
        &self,
        config: &NoticeConfig,
        waiting: &Waiting,
        now: Timestamp,
    ) -> Result<(), NotSent> {
        // The identifier is the same each time, so that who gets it twice can tell.
        let Waiting { uuid: id, channel, recipient, body, .. } = waiting;
        let channel = config.channel(channel).ok_or_else(|| not_sent("the channel is there no more"))?;
        let message: Message = serde_json::from_str(body).map_err(not_sent)?;
        match (&channel.way, &config.mail, &config.matrix) {
            (Way::Webhook { url, key }, ..) => self.webhook((url, key), (id, body), now).await,
            (Way::Mail { .. } | Way::Contacts, Some(server), _) => {
                mail(server, recipient, id, &message).await
            }
            (Way::Matrix { room }, _, Some(server)) => self.matrix(server, room, id, &message).await,
            _ => Err(not_sent("the server is there no more")),
        }
    }

    /// As Standard Webhooks have it: identifier, time and body are signed together.
    async fn webhook(
        &self,
        (url, key): (&Url, &SecretSlice<u8>),
        (id, body): (&str, &str),
        now: Timestamp,
    ) -> Result<(), NotSent> {
        let time = now.as_second().to_string();
        let request = self
            .0
            .post(url.clone())
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", &time)
            .header("webhook-signature", signature(key, id, &time, body))
            .body(body.to_owned());
        accepted(request.send().await.map_err(|error| not_sent(error.without_url()))?).await
    }

    async fn matrix(
        &self,
        server: &MatrixServer,
        room: &str,
        id: &str,
        message: &Message,
    ) -> Result<(), NotSent> {
        let mut url = server.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            let method = ["_matrix", "client", "v3", "rooms", room, "send", "m.room.message", id];
            path.pop_if_empty().extend(method);
        }
        let text = format!("{}\n\n{}", message.title(), message.text());
        // A server that has seen the identifier before does not tell the room again.
        let request = self
            .0
            .put(url)
            .bearer_auth(server.token.expose_secret())
            .header("content-type", "application/json")
            .body(json!({"msgtype": "m.text", "body": text}).to_string());
        accepted(request.send().await.map_err(|error| not_sent(error.without_url()))?).await
    }
}

/// Whether others took it.
async fn accepted(mut response: Response) -> Result<(), NotSent> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let mut said = Vec::new();
    while let (true, Ok(Some(chunk))) = (said.len() < SAID, response.chunk().await) {
        said.extend(chunk);
    }
    let is_final = [StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE, StatusCode::UNPROCESSABLE_ENTITY]
        .contains(&status);
    Err(NotSent { is_final, ..not_sent(format!("HTTP {status}: {}", String::from_utf8_lossy(&said))) })
}

/// The signature of a webhook.
fn signature(key: &SecretSlice<u8>, id: &str, time: &str, body: &str) -> String {
    let key = Key::new(HMAC_SHA256, key.expose_secret());
    let tag = sign(&key, format!("{id}.{time}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

async fn mail(server: &MailServer, to: &str, id: &str, message: &Message) -> Result<(), NotSent> {
    let to: Mailbox = to.parse().map_err(not_sent)?;
    let builder = MessageBuilder::new()
        .from(server.from.clone())
        .to(to)
        .subject(message.title())
        // Who gets it twice sees it once.
        .message_id(Some(format!("<{id}@{}>", server.domain())))
        .header(ContentType::TEXT_PLAIN);
    let mail = builder.body(message.text()).map_err(not_sent)?;
    let tls = match server.tls {
        MailTls::Starttls => Tls::Required(trust(server).map_err(not_sent)?),
        MailTls::Tls => Tls::Wrapper(trust(server).map_err(not_sent)?),
        MailTls::None => Tls::None,
    };
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host).tls(tls);
    let mut transport = transport.port(server.port).timeout(Some(TIMEOUT));
    if let Some((user, password)) = &server.login {
        let password = password.expose_secret().to_owned();
        transport = transport.credentials(Credentials::new(user.clone(), password));
    }
    let sent = transport.build().send(mail).await;
    sent.map(drop).map_err(|error| NotSent { is_final: is_nobody(&error), ..not_sent(error) })
}

/// By what it is known that a server is the one that was named.
fn trust(server: &MailServer) -> Result<TlsParameters, smtp::Error> {
    let mut parameters = TlsParameters::builder(server.host.clone());
    if let Some(trusted) = &server.trusted {
        parameters =
            parameters.certificate_store(CertificateStore::None).add_root_certificate(trusted.clone());
    }
    parameters.build()
}

/// Whether the server says that there is nobody of that address (RFC 3463, 5.1), now or later. All other refusals may be for
/// what an operator can set right.
fn is_nobody(error: &smtp::Error) -> bool {
    error.is_permanent() && error.source().is_some_and(|said| said.to_string().starts_with("5.1."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_of_webhooks_is_signed_as_published() {
        // From the test of the reference implementation of https://www.standardwebhooks.com/.
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed =
            signature(&secret.into(), "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
