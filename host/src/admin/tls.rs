//! What the API shows to those who connect by TLS: a certificate and its key, read once at the start.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::StartError;
use crate::config::admin::Tls;
use crate::config::text_of;

pub(super) fn acceptor(tls: &Tls) -> Result<TlsAcceptor, StartError> {
    let certificates = certificates(&tls.cert).map_err(|reason| wrong("cert", &tls.cert, reason))?;
    let key = key(&tls.key).map_err(|reason| wrong("key", &tls.key, reason))?;
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_no_client_auth())
        .and_then(|builder| builder.with_single_cert(certificates, key))
        .map_err(|error| {
            wrong("cert", &tls.cert, format!("{error}; is the key the one of this certificate?"))
        })?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// All certificates of a PEM file; at least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = text_of(path)?;
    let found: Result<Vec<_>, PemError> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err("it has no certificate; -----BEGIN CERTIFICATE----- is what one begins with".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let text = text_of(path)?;
    PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| match error {
        PemError::NoItemsFound => {
            "it has no private key; -----BEGIN PRIVATE KEY----- is what one begins with".to_owned()
        }
        error => error.to_string(),
    })
}

fn wrong(key: &'static str, path: &Path, reason: String) -> StartError {
    StartError::Tls { key, path: path.display().to_string(), reason }
}
