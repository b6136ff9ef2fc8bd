//! Whether two settings ask for the same port, which the system would refuse only when the relay starts.
//!
//! The ports of single calls are not looked at: one that is taken is passed over.

use super::{Config, ConfigError};
use std::net::SocketAddr;

/// A socket that a key asks for.
pub(crate) struct Wanted {
    pub(crate) key: &'static str,
    pub(crate) protocol: &'static str,
    pub(crate) at: SocketAddr,
}

impl Wanted {
    fn clashes(&self, other: &Self) -> bool {
        let (one, two) = (self.at, other.at);
        let same_address = one.ip() == two.ip() || one.ip().is_unspecified() || two.ip().is_unspecified();
        let same_family = one.is_ipv4() == two.is_ipv4();
        self.protocol == other.protocol && same_family && same_address && one.port() == two.port()
    }
}

impl Config {
    /// Whether every socket can have its port.
    pub(super) fn check_clashes(&self) -> Result<(), ConfigError> {
        let wanted = self.wanted();
        for (index, one) in wanted.iter().enumerate() {
            if let Some(before) = wanted.iter().take(index).find(|before| before.clashes(one)) {
                let (protocol, port) = (one.protocol, one.at.port());
                return Err(ConfigError::Nonsense {
                    key: one.key,
                    problem: format!("asks for {protocol} port {port}, which {} has already", before.key),
                    remedy: "give one of them another port".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Without those whose port the system chooses.
    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        let (sip, media) = (&self.sip, &self.media);
        let tcp = |at: Option<SocketAddr>| at.filter(|_| sip.tcp);
        let all = [
            ("web.listen", "TCP", Some(self.web.listen)),
            ("sip.listen", "UDP", Some(sip.listen)),
            ("sip.listen", "TCP", tcp(Some(sip.listen))),
            ("sip.listen_ipv6", "UDP", sip.listen_ipv6),
            ("sip.listen_ipv6", "TCP", tcp(sip.listen_ipv6)),
            ("sip.tls_listen", "TCP", sip.tls_listen),
            ("sip.tls_listen_ipv6", "TCP", sip.tls_listen_ipv6),
            ("media.web_listen", "UDP", Some(media.web_listen)),
        ];
        let all = all.into_iter().filter_map(|(key, protocol, at)| Some(Wanted { key, protocol, at: at? }));
        all.filter(|wanted| wanted.at.port() != 0).collect()
    }
}
