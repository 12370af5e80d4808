//! Data of any size on their way to a service.

use std::time::Duration;

use assay_inventory::{Reason, Unavailable};
use http::{HeaderValue, Method, header};

use crate::Session;
use crate::client::builder;
use crate::endpoint::Endpoint;

impl Session {
    /// Puts a stream of data to a resource below an endpoint, once. `length` is sent along if it is known; `budget`
    /// is how long all of it may take.
    ///
    /// The client for calls gives up on a server that says nothing for a while, and a server that takes data says
    /// nothing: so this is another one.
    ///
    /// # Errors
    /// Anything but success; what was sent until then is lost.
    pub async fn upload(
        &self,
        endpoint: &Endpoint,
        path: &[&str],
        length: Option<u64>,
        data: reqwest::Body,
        budget: Duration,
    ) -> Result<(), Unavailable> {
        let of_configuration =
            |error: &dyn std::error::Error| Unavailable::new(Reason::Configuration, error.to_string());
        let config = self.config();
        let certificates = config.certificates().map_err(|error| of_configuration(&error))?;
        let client = builder(certificates, config.verifies_certificates(), self.http().settings())
            .build()
            .map_err(|error| of_configuration(&error))?;
        let mut ask = self.http().ask(None, endpoint.service, endpoint.at(path));
        ask.method = Method::PUT;
        ask.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        if let Some(length) = length {
            ask.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        let token = self.token_in_use();
        let reply = self.http().stream(&ask, &token, data, &client, budget).await?;
        match reply.status.is_success() {
            true => Ok(()),
            false => Err(reply.refusal()),
        }
    }
}
