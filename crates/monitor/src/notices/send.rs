use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use reqwest::{Client, Response, redirect};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use url::Url;

use super::config::{MailServer, MailTls, MatrixServer, NoticeConfig, Way};
use super::message::Message;

/// The longest that it may take to tell somebody.
const TIMEOUT: Duration = Duration::from_secs(30);
/// What secrets of Standard Webhooks begin with.
const WEBHOOK_SECRET: &str = "whsec_";
/// So much of what others say is kept, in characters.
const SAID: usize = 300;

/// Tells others.
#[derive(Debug)]
pub(crate) struct Sender(Client);

/// Somebody was not told. Trying again may help.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotSent(String);

fn not_sent(error: impl fmt::Display) -> NotSent {
    NotSent(error.to_string().chars().take(SAID).collect())
}

impl Sender {
    /// # Errors
    /// There is no TLS to be had.
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        // Where somebody else would be told instead is for the operator to say.
        let client = Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none()).build();
        client.map(Self)
    }

    /// Tells somebody. `id` is the same each time this is tried, so that who gets it twice can tell.
    pub(crate) async fn send(
        &self,
        config: &NoticeConfig,
        channel: &str,
        (id, body): (&str, &str),
        now: Timestamp,
    ) -> Result<(), NotSent> {
        let channel = config.channel(channel).ok_or_else(|| not_sent("the channel is there no more"))?;
        let message: Message = serde_json::from_str(body).map_err(not_sent)?;
        match (&channel.way, &config.mail, &config.matrix) {
            (Way::Webhook { url, secret }, ..) => self.webhook((url, secret), (id, body), now).await,
            (Way::Mail { to }, Some(server), _) => mail(server, to, id, &message).await,
            (Way::Matrix { room }, _, Some(server)) => self.matrix(server, room, id, &message).await,
            _ => Err(not_sent("the server is there no more")),
        }
    }

    /// As Standard Webhooks have it: identifier, time and body are signed together.
    async fn webhook(
        &self,
        (url, secret): (&Url, &SecretString),
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
            .header("webhook-signature", signature(secret, id, &time, body))
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
async fn accepted(response: Response) -> Result<(), NotSent> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let said = response.text().await.unwrap_or_default();
    Err(not_sent(format!("HTTP {status}: {}", said.chars().take(SAID).collect::<String>())))
}

/// The signature of a webhook.
fn signature(secret: &SecretString, id: &str, time: &str, body: &str) -> String {
    let secret = secret.expose_secret();
    // Without the prefix, the text itself is the secret.
    let key = secret.strip_prefix(WEBHOOK_SECRET).and_then(|encoded| STANDARD.decode(encoded).ok());
    let key = key.unwrap_or_else(|| secret.as_bytes().to_vec());
    let tag = sign(&Key::new(HMAC_SHA256, &key), format!("{id}.{time}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

async fn mail(server: &MailServer, to: &[Mailbox], id: &str, message: &Message) -> Result<(), NotSent> {
    let mut builder = MessageBuilder::new()
        .from(server.from.clone())
        .subject(message.title())
        // Who gets it twice sees it once.
        .message_id(Some(format!("<{id}@{}>", server.domain())))
        .header(ContentType::TEXT_PLAIN);
    for mailbox in to {
        builder = builder.to(mailbox.clone());
    }
    let mail = builder.body(message.text()).map_err(not_sent)?;
    let host = server.host.as_str();
    let transport = match server.tls {
        MailTls::Starttls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(host).map_err(not_sent)?,
        MailTls::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(host).map_err(not_sent)?,
        MailTls::None => AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host),
    };
    let mut transport = transport.port(server.port).timeout(Some(TIMEOUT));
    if let Some((user, password)) = &server.login {
        let password = password.expose_secret().to_owned();
        transport = transport.credentials(Credentials::new(user.clone(), password));
    }
    transport.build().send(mail).await.map(drop).map_err(not_sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_of_webhooks_is_signed_as_published() {
        // From the test of the reference implementation of https://www.standardwebhooks.com/.
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signed =
            signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
