//! Files with certificates: whether they can be read, belong to their keys, and how long they are good for (RFC 5280).

use super::view::{Certificate, Validity};
use crate::config::Config;
use crate::streams::tls::{Identity, certificates};
use std::path::Path;
use x509_parser::parse_x509_certificate;

/// Every file that the settings name.
pub(super) fn all(config: &Config) -> Vec<Certificate> {
    let (web, sip) = (&config.web, &config.sip);
    let own = [
        ("web.tls_certificate", &web.tls_certificate, &web.tls_key),
        ("sip.tls_certificate", &sip.tls_certificate, &sip.tls_key),
    ];
    let own = own.into_iter().filter_map(|(key, certificate, private)| {
        let identity = Identity { certificate: certificate.clone()?, key: private.clone()? };
        let found = identity.certified().map_err(|error| error.to_string());
        let found = found.and_then(|_| validity(&identity.certificate));
        Some(Certificate { key, path: identity.certificate, found })
    });
    let authorities = [("sip.tls_ca", &sip.tls_ca), ("sip.tls_client_ca", &sip.tls_client_ca)];
    let of_trunks = config.trunks.iter().map(|trunk| ("trunk.ca", &trunk.ca));
    let authorities = authorities.into_iter().chain(of_trunks).filter_map(|(key, path)| {
        let path = path.clone()?;
        Some(Certificate { key, found: validity(&path), path })
    });
    own.chain(authorities).collect()
}

/// The time in which all certificates of a file are good.
fn validity(path: &Path) -> Result<Validity, String> {
    let chain = certificates(path).map_err(|error| error.to_string())?;
    let mut all = Validity { from: i64::MIN, until: i64::MAX };
    for certificate in chain {
        let (_, parsed) =
            parse_x509_certificate(&certificate).map_err(|error| format!("{}: {error}", path.display()))?;
        let (from, until) = (parsed.validity().not_before.timestamp(), parsed.validity().not_after.timestamp());
        all = Validity { from: all.from.max(from), until: all.until.min(until) };
    }
    Ok(all)
}
