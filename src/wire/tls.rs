//! Encryption: what to trust, what to show of ourselves, and the handshake.

use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::conninfo::{RootCertificates, SslMode, TlsOptions};
use super::stream::Stream;
use super::verify::{Trust, Verifier};
use super::x509;
use crate::error::{Error, ErrorKind, Result};

/// SSLRequest: its length, and a code in place of a protocol version (documentation, "Message Formats").
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F];

/// The name of PostgreSQL's protocol within TLS, which servers since 17 check if it is given.
const ALPN: &[u8] = b"postgresql";

/// All that a handshake with one host needs.
#[derive(Clone)]
pub(super) struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    direct: bool,
}

/// What came of asking for encryption.
pub(super) enum Negotiated {
    /// It is there.
    Encrypted(Stream),
    /// The server does not offer it; the connection can be used as it is.
    Refused(TcpStream),
}

impl Tls {
    /// Reads the certificates. `host` is the name to hold against the server's certificate.
    ///
    /// # Errors
    /// * `Connect` if a file that is needed is not there, or cannot be understood.
    pub(super) fn new(options: &TlsOptions, host: &str) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = verifier(options, &provider)?;
        let trust = verifier.trust();
        let versions: Vec<_> = [(&TLS12, options.allow_1_2), (&TLS13, options.allow_1_3)]
            .iter()
            .filter(|(_, on)| *on)
            .map(|(v, _)| *v)
            .collect();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions)
            .map_err(|error| cannot("cannot set up TLS").with_source(error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match own_certificate(options, &provider)? {
            Some(own) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own))),
            None => builder.with_no_client_auth(),
        };
        config.enable_sni = options.server_name;
        config.alpn_protocols = vec![ALPN.to_vec()];
        let name = match ServerName::try_from(host.to_owned()) {
            Ok(name) => name,
            // An address with a zone (fe80::1%eth0), say. Where nobody looks at the name, any will do.
            Err(_) if trust != Trust::Name => ServerName::from(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
            Err(error) => {
                return Err(cannot("no certificate can bear the name of the host").about(host).with_source(error));
            }
        };
        Ok(Self { config: Arc::new(config), name, direct: options.direct })
    }

    /// Asks for encryption, and encrypts if the server agrees.
    ///
    /// # Errors
    /// * If the connection breaks, or the handshake fails: the certificate is not trusted, for one.
    pub(super) async fn negotiate(&self, mut stream: TcpStream) -> io::Result<Negotiated> {
        if !self.direct {
            stream.write_all(&SSL_REQUEST).await?;
            // One byte and no more: what somebody may have slipped in after it becomes part of the handshake, which
            // fails over it, and never of what is taken for the encrypted stream (CVE-2021-23222).
            match stream.read_u8().await? {
                b'S' => {}
                b'N' => return Ok(Negotiated::Refused(stream)),
                // Not encrypted and not authenticated: whatever comes with it is not to be shown (CVE-2024-10977).
                _ => {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        "the answer to the request for TLS is not known",
                    ));
                }
            }
        }
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let stream = connector.connect(self.name.clone(), stream).await?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let end_point = certificate.and_then(|certificate| x509::end_point(certificate));
        Ok(Negotiated::Encrypted(Stream::tls(stream, end_point)))
    }
}

/// Whom to trust, by libpq's rules.
fn verifier(options: &TlsOptions, provider: &Arc<CryptoProvider>) -> Result<Verifier> {
    let file = match &options.root {
        RootCertificates::System => {
            let system = system_certificates()?;
            return Verifier::of(Trust::Name, system, Arc::clone(provider))
                .ok_or_else(|| cannot("the operating system trusts no certificates"));
        }
        RootCertificates::File(path) => Some(path),
        RootCertificates::DefaultFile(path) if path.exists() => Some(path),
        RootCertificates::DefaultFile(_) | RootCertificates::None => None,
    };
    let trust = match options.mode {
        SslMode::Disable | SslMode::Allow | SslMode::Prefer => Trust::Anyone,
        // For backward compatibility, says libpq: a file of authorities makes it `verify-ca`.
        SslMode::Require if file.is_some() => Trust::Chain,
        SslMode::Require => Trust::Anyone,
        SslMode::VerifyCa => Trust::Chain,
        SslMode::VerifyFull => Trust::Name,
    };
    if trust == Trust::Anyone {
        return Ok(Verifier::anyone(provider));
    }
    let path = file.ok_or_else(|| {
        cannot("there are no certificates to verify the server with")
            .with_hint("Name the file with the certificate of its authority (sslrootcert), or use sslrootcert=system.")
    })?;
    Verifier::of(trust, certificates(path, "sslrootcert")?, Arc::clone(provider))
        .ok_or_else(|| cannot("there is no certificate in the file of authorities (sslrootcert)").about(path.display()))
}

/// The certificates that the operating system trusts, read once.
fn system_certificates() -> Result<Vec<CertificateDer<'static>>> {
    static SYSTEM: OnceLock<Vec<CertificateDer<'static>>> = OnceLock::new();
    if let Some(known) = SYSTEM.get() {
        return Ok(known.clone());
    }
    let found = rustls_native_certs::load_native_certs();
    if let (true, Some(error)) = (found.certs.is_empty(), found.errors.into_iter().next()) {
        return Err(cannot("cannot read the certificates that the operating system trusts").with_source(error));
    }
    Ok(SYSTEM.get_or_init(|| found.certs).clone())
}

/// Our own certificate with its chain and its key, if there is one.
fn own_certificate(options: &TlsOptions, provider: &CryptoProvider) -> Result<Option<CertifiedKey>> {
    let Some((path, must)) = &options.certificate else { return Ok(None) };
    if !must && !path.exists() {
        return Ok(None);
    }
    let chain = certificates(path, "sslcert")?;
    let file = options.key.as_ref().ok_or_else(|| cannot("our own certificate (sslcert) has no key (sslkey)"))?;
    let unusable = "cannot use the key of our own certificate (sslkey)";
    let key = PrivateKeyDer::from_pem_file(file).map_err(|error| {
        cannot(unusable).about(file.display()).with_source(error).with_hint("It has to be in PEM, and not encrypted.")
    })?;
    let key = provider.key_provider.load_private_key(key);
    let key = key.map_err(|error| cannot(unusable).about(file.display()).with_source(error))?;
    // The library could compare them, but it reads certificates of version 3 only.
    let public = chain.first().and_then(|own| x509::Fields::read(own)).map(|fields| fields.public_key().to_vec());
    if key.public_key().is_some_and(|of_key| Some(of_key.as_ref()) != public.as_deref()) {
        let about = format!("{} and {}", path.display(), file.display());
        return Err(cannot("our own certificate (sslcert) is not for its key (sslkey)").about(about));
    }
    Ok(Some(CertifiedKey::new(chain, key)))
}

/// The certificates in a PEM file.
fn certificates(path: &Path, parameter: &str) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    read.map_err(|error| {
        cannot(format!("cannot read the certificates ({parameter})")).about(path.display()).with_source(error)
    })
}

fn cannot(what: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Connect, what)
}
