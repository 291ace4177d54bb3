//! TLS according to libpq's `sslmode` (documentation, "libpq": "SSL Support"). rustls does the cryptography.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Address, AddressError};

/// How the connection is encrypted; none if it never is. Certificates are read once for each set of parameters.
pub(crate) fn connector(address: &Address) -> Result<Option<MakeRustlsConnect>, AddressError> {
    static KNOWN: Mutex<Option<HashMap<Vec<Option<String>>, MakeRustlsConnect>>> = Mutex::new(None);
    let mode = address.get("sslmode").unwrap_or("prefer");
    if mode == "disable" || address.is_socket() {
        return Ok(None);
    }
    let key = ["sslmode", "sslrootcert", "sslcert", "sslkey"].map(|keyword| address.get(keyword).map(str::to_owned));
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if let Some(connector) = known.get(&key[..]) {
        return Ok(Some(connector.clone()));
    }
    let connector = MakeRustlsConnect::new(configuration(address, mode)?);
    known.insert(key.to_vec(), connector.clone());
    Ok(Some(connector))
}

/// The configuration of the TLS client.
fn configuration(address: &Address, mode: &str) -> Result<ClientConfig, AddressError> {
    let provider = Arc::new(ring::default_provider());
    let roots = roots(address, mode)?;
    let authorities = match roots {
        Some((path, roots)) => {
            let built = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
            let unusable = |error: rustls::client::VerifierBuilderError| certificate("sslrootcert", &path, &error);
            Some(built.map_err(unusable)?)
        }
        None => None,
    };
    let verifier = Verifier { authorities, names: mode == "verify-full", provider: Arc::clone(&provider) };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| AddressError::Syntax(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let Some((chain, key)) = own_certificate(address)? else { return Ok(builder.with_no_client_auth()) };
    let path = address.get("sslcert").map(PathBuf::from).unwrap_or_default();
    builder.with_client_auth_cert(chain, key).map_err(|error| certificate("sslcert", &path, &error))
}

/// The authorities to trust; none if the mode trusts any server.
fn roots(address: &Address, mode: &str) -> Result<Option<(PathBuf, RootCertStore)>, AddressError> {
    let verifies = mode.starts_with("verify-");
    let mut roots = RootCertStore::empty();
    if address.get("sslrootcert") == Some("system") {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        return Ok(Some((PathBuf::from("system"), roots)));
    }
    let given = address.get("sslrootcert").map(PathBuf::from);
    let usual = home().join("root.crt");
    let path = match given {
        Some(path) => path,
        None if usual.is_file() && (verifies || mode == "require") => usual,
        None if verifies => return Err(AddressError::NoRoot { mode: mode.to_owned() }),
        None => return Ok(None),
    };
    // With a root certificate, "require" verifies too, as libpq documents.
    if !(verifies || mode == "require") {
        return Ok(None);
    }
    for certificate in certificates("sslrootcert", &path)? {
        roots.add(certificate).map_err(|error| self::certificate("sslrootcert", &path, &error))?;
    }
    Ok(Some((path, roots)))
}

type OwnCertificate = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The client certificate, if there is one.
fn own_certificate(address: &Address) -> Result<Option<OwnCertificate>, AddressError> {
    let usual = home();
    let given = address.get("sslcert").map(PathBuf::from);
    let path = given.clone().unwrap_or_else(|| usual.join("postgresql.crt"));
    if given.is_none() && !path.is_file() {
        return Ok(None);
    }
    let key = address.get("sslkey").map_or_else(|| usual.join("postgresql.key"), PathBuf::from);
    let chain = certificates("sslcert", &path)?;
    let key_der = PrivateKeyDer::from_pem_file(&key).map_err(|error| certificate("sslkey", &key, &error))?;
    Ok(Some((chain, key_der)))
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, AddressError> {
    let unusable = |error| certificate(what, path, &error);
    let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(unusable)?.collect();
    let read = read.map_err(|error| certificate(what, path, &error))?;
    if read.is_empty() { Err(certificate(what, path, &"it contains no certificate")) } else { Ok(read) }
}

fn certificate(what: &'static str, path: &Path, problem: &dyn std::fmt::Display) -> AddressError {
    AddressError::Certificate { what, path: path.to_path_buf(), problem: problem.to_string() }
}

fn home() -> PathBuf {
    std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default().join(".postgresql")
}

/// Verifies as much of a server's certificate as the mode requires.
#[derive(Debug)]
struct Verifier {
    /// None if any server is trusted.
    authorities: Option<Arc<WebPkiServerVerifier>>,
    /// Whether the name must match the host.
    names: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(authorities) = &self.authorities else { return Ok(ServerCertVerified::assertion()) };
        match authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp, now) {
            // The name is checked last, after the chain has been verified.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.names => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
