//! Whether to trust the certificate of a server, in libpq's ways: anyone, a chain, or a chain and a name.
//!
//! The chain and the name are judged by the TLS library's own verifier; this one only bends its verdict where libpq's
//! is another:
//! * `verify-ca` does not look at the name;
//! * a certificate that is itself among the trusted ones is trusted, which is how self-signed ones are used;
//! * the common name counts where a certificate has no subject alternative names.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::x509::Fields;

/// What is asked of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Nothing, but that the server holds its key.
    Anyone,
    /// Somebody trusted has signed it.
    Chain,
    /// Somebody trusted has signed it, for the name that was asked for.
    Name,
}

/// The verifier.
#[derive(Debug)]
pub(super) struct Verifier {
    trust: Trust,
    /// `None` if anyone is trusted.
    chain: Option<Arc<WebPkiServerVerifier>>,
    trusted: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    /// Trusts anyone.
    pub(super) fn anyone(provider: &CryptoProvider) -> Self {
        let algorithms = provider.signature_verification_algorithms;
        Self { trust: Trust::Anyone, chain: None, trusted: Vec::new(), algorithms }
    }

    /// Trusts what these certificates have signed, and themselves. Certificates that cannot serve as authorities are
    /// only trusted themselves. `None` if there are no certificates.
    pub(super) fn of(
        trust: Trust,
        trusted: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
    ) -> Option<Self> {
        if trusted.is_empty() {
            return None;
        }
        let algorithms = provider.signature_verification_algorithms;
        let mut roots = RootCertStore::empty();
        let is_authority = |der: &&CertificateDer<'_>| Fields::read(der).is_some_and(|fields| fields.is_authority());
        roots.add_parsable_certificates(trusted.iter().filter(is_authority).cloned());
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().ok();
        Some(Self { trust, chain, trusted, algorithms })
    }

    /// What it asks of a certificate.
    pub(super) fn trust(&self) -> Trust {
        self.trust
    }

    /// Whether the chain is good. Where it is and the name is not, it says so apart.
    fn judge(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<Result<(), Error>, Error> {
        let verdict = match &self.chain {
            Some(chain) => chain.verify_server_cert(certificate, between, name, &[], now),
            None => Err(CertificateError::UnknownIssuer.into()),
        };
        match verdict {
            Ok(_) => Ok(Ok(())),
            // The library looks at the name last, when it has found the chain good.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(verdict.map(drop)),
            Err(error) if self.trusted.iter().any(|own| own.as_ref() == certificate.as_ref()) => {
                self.judge_trusted(certificate, name, now).map_err(|expired| expired.unwrap_or(error))
            }
            Err(error) => Err(error),
        }
    }

    /// The same for a certificate that is itself trusted.
    fn judge_trusted(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<Result<(), Error>, Option<Error>> {
        let fields = Fields::read(certificate).ok_or(None)?;
        if !fields.is_valid_at(std::time::Duration::from_secs(now.as_secs())) {
            return Err(Some(CertificateError::Expired.into()));
        }
        let parsed = rustls::server::ParsedCertificate::try_from(certificate);
        Ok(parsed.and_then(|parsed| rustls::client::verify_server_name(&parsed, name)))
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.trust == Trust::Anyone {
            return Ok(ServerCertVerified::assertion());
        }
        let named = self.judge(certificate, between, name, now)?;
        match named {
            Err(error) if self.trust == Trust::Name && !has_common_name(certificate, name) => Err(error),
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms).or_else(|error| {
            // The library reads certificates of version 3 only. Those of version 1 are common among self-made ones, and
            // their key is as good as any: whether it has signed is checked all the same.
            let fields = Fields::read(certificate).ok_or(error)?;
            let key = SubjectPublicKeyInfoDer::from(fields.public_key());
            verify_tls13_signature_with_raw_key(message, &key, signed, &self.algorithms)
        })
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Whether the name is the certificate's common name, and that is all the name it has.
fn has_common_name(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    let common = Fields::read(certificate).and_then(|fields| fields.sole_common_name());
    common.is_some_and(|common| name_matches(common, &name.to_str()))
}

/// Whether a host has the name in a certificate, which may begin with `*.` for any one label
/// (`wildcard_certificate_match` in `fe-secure-common.c`).
fn name_matches(pattern: &str, host: &str) -> bool {
    if let Some(domain) = pattern.strip_prefix("*.") {
        return host
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(domain));
    }
    pattern.eq_ignore_ascii_case(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert!(name_matches("db.Example.org", "DB.example.org"));
        assert!(name_matches("*.example.org", "db.example.org"));
        assert!(!name_matches("*.example.org", "a.db.example.org"));
        assert!(!name_matches("*.example.org", ".example.org"));
        assert!(!name_matches("*.example.org", "example.org"));
        assert!(!name_matches("db", "db2"));
        assert!(name_matches("10.0.0.1", "10.0.0.1"));
    }
}
