//! TLS 1.3 encrypts the server's certificate, so that a whole handshake is needed to see it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use crate::connection::{connect, seconds};

/// Bytes that are read at most.
const MAX_ANSWER: usize = 1 << 18;

/// Notes the certificates and objects to none: nothing secret is sent, and they are judged later.
#[derive(Debug)]
struct Recorder {
    chain: Mutex<Vec<Vec<u8>>>,
    schemes: Vec<SignatureScheme>,
}

impl Recorder {
    fn chain(&self) -> Vec<Vec<u8>> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(end_entity).chain(intermediates).map(|one| one.to_vec()).collect();
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = chain;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

/// Which keys the server may prove itself with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    Any,
    Rsa,
    Others,
}

/// The certificates that a server shows to a client of TLS 1.3, its own first.
///
/// # Errors
/// Why it showed none.
pub(crate) async fn certificates(
    address: SocketAddr,
    host: &str,
    keys: Keys,
    limit: Duration,
) -> Result<Vec<Vec<u8>>, String> {
    let name = ServerName::try_from(host.to_owned()).map_err(|error| format!("{host}: {error}"))?;
    let provider = aws_lc_rs::default_provider();
    let mut schemes = provider.signature_verification_algorithms.supported_schemes();
    schemes.retain(|scheme| {
        let is_rsa = matches!(
            scheme,
            SignatureScheme::RSA_PSS_SHA256
                | SignatureScheme::RSA_PSS_SHA384
                | SignatureScheme::RSA_PSS_SHA512
                | SignatureScheme::RSA_PKCS1_SHA1
                | SignatureScheme::RSA_PKCS1_SHA256
                | SignatureScheme::RSA_PKCS1_SHA384
                | SignatureScheme::RSA_PKCS1_SHA512
        );
        keys == Keys::Any || is_rsa == (keys == Keys::Rsa)
    });
    let recorder = Arc::new(Recorder { chain: Mutex::default(), schemes });
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(recorder.clone())
        .with_no_client_auth();
    config.enable_early_data = false;
    let tls = ClientConnection::new(Arc::new(config), name).map_err(|error| error.to_string())?;
    let end = Instant::now() + limit;
    let outcome = timeout_at(end, talk(tls, address, limit, &recorder)).await;
    let chain = recorder.chain();
    match outcome {
        _ if !chain.is_empty() => Ok(chain),
        Ok(Ok(())) => Err("the server closed the connection".to_owned()),
        Ok(Err(problem)) => Err(problem),
        Err(_) => Err(format!("no answer within {}", seconds(limit))),
    }
}

/// Goes on with a handshake until the certificates are there.
async fn talk(
    mut tls: ClientConnection,
    address: SocketAddr,
    limit: Duration,
    recorder: &Recorder,
) -> Result<(), String> {
    let mut stream = connect(&[address], limit).await?;
    let mut buffer = vec![0; 4096];
    let mut received = 0;
    while received < MAX_ANSWER {
        while tls.wants_write() {
            let mut out = Vec::new();
            tls.write_tls(&mut out).map_err(|error| error.to_string())?;
            stream.write_all(&out).await.map_err(|error| error.to_string())?;
        }
        if !recorder.chain().is_empty() {
            return Ok(());
        }
        let count = stream.read(&mut buffer).await.map_err(|error| error.to_string())?;
        if count == 0 {
            return Ok(());
        }
        received += count;
        let mut bytes = &buffer[..count];
        while !bytes.is_empty() {
            tls.read_tls(&mut bytes).map_err(|error| error.to_string())?;
            tls.process_new_packets().map_err(|error| error.to_string())?;
        }
    }
    Err("its answer does not end".to_owned())
}
