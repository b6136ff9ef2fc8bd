//! TLS with PBXs: whom we believe (RFC 5922), and who we say we are.
//!
//! The certificate must come from an authority that is trusted, and be for the SIP domain that was configured, not for the
//! host that the DNS led to (RFC 3263 §4). A `sip:` URI in it counts before DNS names (RFC 5922 §7.1); a wildcard is no
//! name (§7.2), unless the trunk allows it.

use relay_core::b2bua::FlowFault;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, ServerConfig, SignatureScheme,
};
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files that cannot be used.
#[derive(Debug)]
pub(crate) struct TlsError(pub(crate) String);

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A certificate of ours and its key.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// Whom a trunk's TLS expects.
#[derive(Clone, Debug)]
pub(crate) struct Expectation {
    /// The SIP domain or address.
    pub(crate) host: String,
    /// Authorities; none takes the system's.
    pub(crate) authorities: Option<PathBuf>,
    pub(crate) allows_wildcards: bool,
    /// Believes anybody.
    pub(crate) is_insecure: bool,
}

/// TLS toward one gateway.
pub(crate) struct TlsPeer {
    pub(crate) host: String,
    pub(crate) name: ServerName<'static>,
    pub(crate) config: Arc<ClientConfig>,
}

/// TLS for those who connect to us.
#[derive(Clone)]
pub(crate) struct TlsDoor(pub(crate) tokio_rustls::TlsAcceptor);

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

impl TlsPeer {
    pub(crate) fn new(expected: &Expectation, own: Option<&Identity>) -> Result<Self, TlsError> {
        let host = expected.host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host.clone()).map_err(|_| TlsError(format!("{host} is no name for TLS")))?;
        let verifier = verifier(expected)?;
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let config = match own {
            Some(own) => {
                let (chain, key) = own.read()?;
                builder.with_client_auth_cert(chain, key).map_err(|error| TlsError(error.to_string()))?
            }
            None => builder.with_no_client_auth(),
        };
        Ok(Self { host, name, config: Arc::new(config) })
    }
}

fn verifier(expected: &Expectation) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    if expected.is_insecure {
        return Ok(Arc::new(Believer(provider())));
    }
    let roots = Arc::new(roots(expected.authorities.as_deref())?);
    let chain = WebPkiServerVerifier::builder_with_provider(roots, provider());
    let chain = chain.build().map_err(|error| TlsError(error.to_string()))?;
    Ok(Arc::new(SipVerifier { chain, allows_wildcards: expected.allows_wildcards }))
}

impl TlsDoor {
    /// `clients` are the authorities whose clients alone are let in; none asks for no certificate.
    pub(crate) fn new(own: &Identity, clients: Option<&Path>) -> Result<Self, TlsError> {
        let (chain, key) = own.read()?;
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError(error.to_string()))?;
        let builder = match clients {
            Some(path) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(Some(path))?), provider());
                builder.with_client_cert_verifier(verifier.build().map_err(|error| TlsError(error.to_string()))?)
            }
            None => builder.with_no_client_auth(),
        };
        let config = builder.with_single_cert(chain, key).map_err(|error| TlsError(error.to_string()))?;
        Ok(Self(Arc::new(config).into()))
    }
}

impl Identity {
    /// The chain with its key, which belong together.
    pub(crate) fn certified(&self) -> Result<CertifiedKey, TlsError> {
        let (chain, key) = self.read()?;
        let certified = CertifiedKey::from_der(chain, key, &provider());
        certified.map_err(|error| TlsError(format!("{}: {error}", self.certificate.display())))
    }

    fn read(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
        let chain = certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| TlsError(format!("{}: no private key in PEM form: {error}", self.key.display())))?;
        Ok((chain, key))
    }
}

pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong =
        |error: &dyn fmt::Display| TlsError(format!("{}: no certificates in PEM form: {error}", path.display()));
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))?.collect();
    let found = found.map_err(|error| wrong(&error))?;
    if found.is_empty() { Err(wrong(&"the file has none")) } else { Ok(found) }
}

pub(crate) fn roots(path: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    match path {
        Some(path) => {
            for certificate in certificates(path)? {
                store.add(certificate).map_err(|error| TlsError(format!("{}: {error}", path.display())))?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            store.add_parsable_certificates(found.certs);
            if store.is_empty() {
                return Err(TlsError(
                    "the system has no authorities (install ca-certificates, or name some)".to_owned(),
                ));
            }
        }
    }
    Ok(store)
}

/// Checks the chain as everybody does, and the name as RFC 5922 has it.
#[derive(Debug)]
struct SipVerifier {
    chain: Arc<WebPkiServerVerifier>,
    allows_wildcards: bool,
}

impl ServerCertVerifier for SipVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        let known = self.chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let is_named = match known {
            Ok(_) => true,
            Err(Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => false,
            Err(other) => return Err(other),
        };
        let ServerName::DnsName(name) = server_name else {
            return known;
        };
        let certificate = webpki::EndEntityCert::try_from(end_entity)
            .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let domains: Vec<&str> = certificate.valid_uri_names().filter_map(sip_domain).collect();
        let is_right = if domains.is_empty() {
            let mut names = certificate.valid_dns_names();
            is_named && (self.allows_wildcards || names.any(|own| own.eq_ignore_ascii_case(name.as_ref())))
        } else {
            domains.iter().any(|own| own.eq_ignore_ascii_case(name.as_ref()))
        };
        if is_right { Ok(ServerCertVerified::assertion()) } else { Err(NotValidForName.into()) }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// The domain of a `sip:` URI without user (RFC 5922 §7.1).
fn sip_domain(uri: &str) -> Option<&str> {
    let (scheme, domain) = uri.split_once(':')?;
    let is_domain = scheme.eq_ignore_ascii_case("sip") && !domain.contains(['@', ';', '?', '/']);
    is_domain.then(|| domain.split(':').next().unwrap_or(domain))
}

/// Believes everybody: for `insecure`, which is warned about at each start.
#[derive(Debug)]
struct Believer(Arc<CryptoProvider>);

impl ServerCertVerifier for Believer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// What went wrong, for the browser and the log.
pub(super) fn fault(error: &io::Error, host: &str) -> FlowFault {
    let Some(Error::InvalidCertificate(why)) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return FlowFault::Handshake(error.to_string());
    };
    FlowFault::Certificate(match why {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("it is not for {host}")
        }
        CertificateError::UnknownIssuer => "nobody who is trusted has signed it".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it is not valid yet".to_owned(),
        other => format!("{other:?}"),
    })
}

/// Whether a host is an address, which TLS verifies by another kind of name.
pub(crate) fn is_address(host: &str) -> bool {
    host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}
