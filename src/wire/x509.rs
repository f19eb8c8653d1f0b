//! The few fields of an X.509 certificate that the TLS library does not give us (RFC 5280, section 4.1).
//!
//! Only reads: nothing in here decides whom to trust. Lengths are checked throughout; what does not parse is `None`.

use std::time::Duration;

use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

/// Tags of DER (ITU-T X.690) that occur here.
mod tag {
    pub(super) const BOOLEAN: u8 = 0x01;
    pub(super) const OCTETS: u8 = 0x04;
    pub(super) const OID: u8 = 0x06;
    pub(super) const UTC_TIME: u8 = 0x17;
    pub(super) const GENERALIZED_TIME: u8 = 0x18;
    pub(super) const SEQUENCE: u8 = 0x30;
    pub(super) const SET: u8 = 0x31;
    /// `[0]`: the version of a certificate, the hash of RSASSA-PSS.
    pub(super) const CONTEXT_0: u8 = 0xA0;
    /// `[3]`: the extensions of a certificate.
    pub(super) const CONTEXT_3: u8 = 0xA3;
}

/// id-at-commonName, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// id-ce-basicConstraints, 2.5.29.19.
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1D, 0x13];
/// id-ce-subjectAltName, 2.5.29.17.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1D, 0x11];
/// pkcs-1, 1.2.840.113549.1.1: signatures with RSA, which differ in the last number.
const PKCS_1: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01];
/// ecdsa-with-SHA1, 1.2.840.10045.4.1.
const ECDSA_SHA1: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x01];
/// ecdsa-with-SHA2, 1.2.840.10045.4.3: signatures with ECDSA, which differ in the last number.
const ECDSA_SHA2: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03];
/// nistAlgorithm hashes, 2.16.840.1.101.3.4.2, which differ in the last number.
const SHA2: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];

/// What is read of a certificate.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    /// The algorithm of its signature: object identifier, and what follows it.
    signature: (&'a [u8], &'a [u8]),
    not_before: Duration,
    not_after: Duration,
    /// The last common name of the subject, if there is one.
    common_name: Option<&'a str>,
    /// SubjectPublicKeyInfo, with its tag and length.
    public_key: &'a [u8],
    has_alt_names: bool,
    is_authority: bool,
}

impl<'a> Fields<'a> {
    /// Reads a certificate in DER.
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        let mut certificate = Der(Der(der).take(tag::SEQUENCE)?);
        let mut signed = Der(certificate.take(tag::SEQUENCE)?);
        let mut algorithm = Der(certificate.take(tag::SEQUENCE)?);
        let signature = (algorithm.take(tag::OID)?, algorithm.0);
        let _version = signed.take(tag::CONTEXT_0);
        let (_serial, _algorithm, _issuer) = (signed.any()?, signed.any()?, signed.any()?);
        let mut validity = Der(signed.take(tag::SEQUENCE)?);
        let (not_before, not_after) = (validity.time()?, validity.time()?);
        let common_name = common_name(signed.take(tag::SEQUENCE)?);
        let public_key = signed.any()?;
        // Certificates of version 1 have no extensions, and nothing else that would tell authorities apart.
        let (mut has_alt_names, mut is_authority) = (false, true);
        while let Some(rest) = signed.any() {
            if let Some(extensions) = Der(rest).take(tag::CONTEXT_3) {
                has_alt_names = extension(extensions, SUBJECT_ALT_NAME).is_some();
                is_authority = extension(extensions, BASIC_CONSTRAINTS).is_some_and(says_authority);
            }
        }
        Some(Self { signature, not_before, not_after, common_name, public_key, has_alt_names, is_authority })
    }

    /// Whether it is valid at a time, given since 1970.
    pub(super) fn is_valid_at(&self, now: Duration) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }

    /// The name it is for, where it bears no subject alternative names, which would count instead (RFC 6125, 6.4.4).
    pub(super) fn sole_common_name(&self) -> Option<&'a str> {
        self.common_name.filter(|_| !self.has_alt_names)
    }

    /// Whether it may sign others.
    pub(super) fn is_authority(&self) -> bool {
        self.is_authority
    }

    /// SubjectPublicKeyInfo in DER.
    pub(super) fn public_key(&self) -> &'a [u8] {
        self.public_key
    }
}

/// The hash of a certificate to which a login can be bound: `tls-server-end-point` (RFC 5929, section 4.1), by the hash
/// function of its signature, SHA-256 in place of MD5 and SHA-1. Signatures without one (Ed25519) give none.
pub(super) fn end_point(der: &[u8]) -> Option<Vec<u8>> {
    let (algorithm, parameters) = Fields::read(der)?.signature;
    let bits = match (algorithm.strip_prefix(PKCS_1), algorithm.strip_prefix(ECDSA_SHA2)) {
        (Some([4 | 5 | 11]), _) | (_, Some([2])) => 256,
        (Some([12]), _) | (_, Some([3])) => 384,
        (Some([13]), _) | (_, Some([4])) => 512,
        (Some([14]), _) | (_, Some([1])) => 224,
        (Some([10]), _) => pss_hash(parameters)?,
        _ if algorithm == ECDSA_SHA1 => 256,
        _ => return None,
    };
    Some(match bits {
        224 => Sha224::digest(der).to_vec(),
        384 => Sha384::digest(der).to_vec(),
        512 => Sha512::digest(der).to_vec(),
        _ => Sha256::digest(der).to_vec(),
    })
}

/// The hash function of RSASSA-PSS (RFC 4055, section 3.1), in bits of output; SHA-256 for the default, SHA-1.
fn pss_hash(parameters: &[u8]) -> Option<u32> {
    let mut parameters = Der(Der(parameters).take(tag::SEQUENCE)?);
    let Some(hash) = parameters.take(tag::CONTEXT_0) else { return Some(256) };
    match Der(Der(hash).take(tag::SEQUENCE)?).take(tag::OID)?.strip_prefix(SHA2)? {
        [1] => Some(256),
        [2] => Some(384),
        [3] => Some(512),
        [4] => Some(224),
        _ => None,
    }
}

/// The last common name within a subject, as OpenSSL's `X509_NAME_get_text_by_NID` is used by libpq.
fn common_name(subject: &[u8]) -> Option<&str> {
    let (mut subject, mut found) = (Der(subject), None);
    while let Some(set) = subject.take(tag::SET) {
        let mut set = Der(set);
        while let Some(attribute) = set.take(tag::SEQUENCE) {
            let mut attribute = Der(attribute);
            if attribute.take(tag::OID)? == COMMON_NAME {
                found = std::str::from_utf8(Der(attribute.any()?).value()?).ok();
            }
        }
    }
    found
}

/// The content of an extension, which is again DER, if it is there.
fn extension<'a>(extensions: &'a [u8], id: &[u8]) -> Option<&'a [u8]> {
    let mut list = Der(Der(extensions).take(tag::SEQUENCE)?);
    loop {
        let mut extension = Der(list.take(tag::SEQUENCE)?);
        if extension.take(tag::OID)? == id {
            let _critical = extension.take(tag::BOOLEAN);
            return extension.take(tag::OCTETS);
        }
    }
}

/// Whether basic constraints say that this is the certificate of an authority; where they say nothing, it is not.
fn says_authority(constraints: &[u8]) -> bool {
    let mut constraints = Der(Der(constraints).take(tag::SEQUENCE).unwrap_or_default());
    constraints.take(tag::BOOLEAN).is_some_and(|value| value.iter().any(|byte| *byte != 0))
}

/// A run of DER values.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next value, if it bears this tag; else nothing is taken.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        if self.0.first() != Some(&tag) {
            return None;
        }
        Der(self.any()?).value()
    }

    /// The next value, with its tag and length.
    fn any(&mut self) -> Option<&'a [u8]> {
        let (header, length) = self.header()?;
        let (value, rest) = self.0.split_at_checked(header.checked_add(length)?)?;
        self.0 = rest;
        Some(value)
    }

    /// The content of the value that begins here.
    fn value(&self) -> Option<&'a [u8]> {
        let (header, length) = self.header()?;
        self.0.get(header..header.checked_add(length)?)
    }

    /// How long tag and length are together, and how long the content is.
    fn header(&self) -> Option<(usize, usize)> {
        let (_tag, rest) = self.0.split_first()?;
        match rest.split_first()? {
            (short @ ..=0x7F, _) => Some((2, usize::from(*short))),
            (long @ 0x81..=0x84, rest) => {
                let count = usize::from(*long & 0x0F);
                let bytes = rest.get(..count)?;
                Some((2 + count, bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))))
            }
            _ => None,
        }
    }

    /// A point in time, since 1970; earlier ones are 1970. Always in UTC and with seconds (RFC 5280, section 4.1.2.5).
    fn time(&mut self) -> Option<Duration> {
        let (text, century) = match self.take(tag::UTC_TIME) {
            Some(text) => (text, 0),
            None => (self.take(tag::GENERALIZED_TIME)?, 2),
        };
        let digits = text.strip_suffix(b"Z")?;
        if digits.len() != 12 + century || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let number = |part: &[u8]| part.iter().fold(0, |n, digit| n * 10 + i64::from(digit - b'0'));
        let (year, rest) = digits.split_at_checked(2 + century)?;
        let year = match (number(year), century) {
            (short @ ..50, 0) => 2000 + short,
            (short, 0) => 1900 + short,
            (full, _) => full,
        };
        let mut parts = rest.chunks(2).map(number);
        let (month, day) = (parts.next()?, parts.next()?);
        let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
        let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
        Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar. The year is made to begin in March, so that a leap day is
/// its last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month < 3 { year - 1 } else { year };
    let month = (month + 9) % 12;
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_since_1970() {
        for (date, expected) in [
            ((1970, 1, 1), 0),
            ((1970, 3, 1), 59),
            ((2000, 2, 29), 11_016),
            ((2000, 3, 1), 11_017),
            ((2100, 3, 1), 47_541),
        ] {
            assert_eq!(days(date.0, date.1, date.2), expected, "{date:?}");
        }
    }

    #[test]
    fn times() {
        let time = |bytes: &[u8]| Der(bytes).time().map(|t| t.as_secs());
        assert_eq!(time(b"\x17\x0d700101000000Z"), Some(0));
        assert_eq!(time(b"\x17\x0d490101000001Z"), Some(2_493_072_001));
        assert_eq!(time(b"\x17\x0d500101000000Z"), Some(0));
        assert_eq!(time(b"\x18\x0f20000301000000Z"), Some(11_017 * 86_400));
        assert_eq!(time(b"\x17\x0d70010100000xZ"), None);
        assert_eq!(time(b"\x17\x0b7001010000Z"), None);
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        for bytes in [&b""[..], b"\x30", b"\x30\x05ab", b"\x30\x81", b"\x30\x84\xff\xff\xff\xff", b"\x30\x80\x00\x00"] {
            assert!(Der(bytes).any().is_none(), "{bytes:?}");
            assert!(Fields::read(bytes).is_none() && end_point(bytes).is_none());
        }
    }
}
