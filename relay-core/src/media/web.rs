//! The browser's transport: ICE before DTLS before SRTP, each only behind the one before it.

use super::config::MediaSettings;
use super::control::{DtlsRole, Fingerprint, IceCredentials, WebFailure, WebRemote};
use super::drops::DropReason;
use super::dtls::{Dtls, Handled, Identity};
use super::ice::{Checked, IceLite, Refused};
use super::rtp::Packet;
use super::srtp::Srtp;
use super::stun::Request;
use super::transmits::{Port, Transmits};
use bytes::BytesMut;
use core::net::SocketAddr;
use sip_core::{Duration, Instant};

/// After the browser closed DTLS its goodbye is on its way through signalling; only if that fails to come, it is gone.
const CLOSING: Duration = Duration::from_secs(3);

/// One call's transport to its browser.
pub(super) struct WebTransport {
    pub(super) ice: IceLite,
    dtls: Dtls,
    srtp: Option<Srtp>,
    described: Vec<Fingerprint>,
    state: State,
}

/// How far the browser has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It has not been described.
    New,
    /// Its first check is awaited.
    Checking {
        deadline: Instant,
    },
    /// Checks come.
    Consented,
    /// It said goodbye on DTLS.
    Closing {
        deadline: Instant,
    },
    Failed,
}

/// What the session is to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    Connected,
    Failed(WebFailure),
}

impl WebTransport {
    pub(super) fn new(local: IceCredentials) -> Self {
        let (ice, dtls) = (IceLite::new(local), Dtls::new(DtlsRole::Server));
        Self { ice, dtls, srtp: None, described: Vec::new(), state: State::New }
    }

    /// Takes the description. Other credentials restart ICE; another certificate or role restarts DTLS as well. Both
    /// together are another browser, which starts from nothing. Returns the addresses that are no longer valid.
    pub(super) fn describe(&mut self, remote: &WebRemote, settings: &MediaSettings, now: Instant) -> Vec<SocketAddr> {
        let failed = self.state == State::Failed;
        let is_restart = self.ice.describe(&remote.ice);
        let is_certified = self.described == remote.fingerprints;
        let is_other = is_restart && !is_certified && !self.described.is_empty();
        if is_restart && (is_other || self.state != State::Consented) {
            let deadline = now + settings.ice_timeout;
            self.state = State::Checking { deadline };
        }
        if failed || !is_certified || self.dtls.role() != remote.dtls {
            self.described.clone_from(&remote.fingerprints);
            (self.dtls, self.srtp) = (Dtls::new(remote.dtls), None);
        }
        if is_other { self.ice.forget_browser() } else { Vec::new() }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.srtp.is_some() && matches!(self.state, State::Consented)
    }

    /// A check that names our ufrag.
    pub(super) fn handle_check(
        &mut self,
        request: &Request<'_>,
        source: SocketAddr,
        now: Instant,
    ) -> Result<Checked, DropReason> {
        let checked = self.ice.handle_request(request, source, now).map_err(|refused| match refused {
            Refused::NotAuthentic | Refused::Early => DropReason::StunNotAuthentic,
        })?;
        if matches!(self.state, State::Checking { .. }) && self.ice.checked() == Some(now) {
            self.state = State::Consented;
        }
        Ok(checked)
    }

    /// Begins the handshake as soon as there is somebody to shake hands with.
    pub(super) fn start_dtls(
        &mut self,
        settings: &MediaSettings,
        identity: &Identity,
        transmits: &mut Transmits,
        now: Instant,
    ) {
        if self.state == State::Consented {
            self.dtls.start(settings.dtls_timeout, identity, now);
            self.flush(transmits);
        }
    }

    pub(super) fn handle_dtls(
        &mut self,
        bytes: &[u8],
        identity: &Identity,
        transmits: &mut Transmits,
        now: Instant,
    ) -> Result<Option<News>, DropReason> {
        let handled = self.dtls.handle_datagram(bytes, &self.described, identity, now);
        self.flush(transmits);
        self.conclude(handled, identity, now)
    }

    pub(super) fn unprotect_rtp(&mut self, bytes: &[u8], identity: &Identity) -> Result<BytesMut, DropReason> {
        let srtp = self.srtp.as_mut().ok_or(DropReason::SrtpEarly)?;
        srtp.unprotect_rtp(bytes, identity.provider()).map_err(|_| DropReason::SrtpNotAuthentic)
    }

    pub(super) fn unprotect_rtcp(&mut self, bytes: &[u8], identity: &Identity) -> Result<BytesMut, DropReason> {
        let srtp = self.srtp.as_mut().ok_or(DropReason::SrtpEarly)?;
        srtp.unprotect_rtcp(bytes, identity.provider()).map_err(|_| DropReason::SrtpNotAuthentic)
    }

    pub(super) fn send_rtp(&mut self, packet: &Packet<'_>, plain: &mut Vec<u8>, transmits: &mut Transmits) {
        plain.clear();
        plain.extend_from_slice(&packet.header());
        plain.extend_from_slice(packet.payload);
        let protected = self.srtp.as_mut().and_then(|srtp| srtp.protect_rtp(packet, plain));
        self.send(protected, transmits);
    }

    pub(super) fn send_rtcp(&mut self, compound: &[u8], transmits: &mut Transmits) {
        let protected = self.srtp.as_mut().and_then(|srtp| srtp.protect_rtcp(compound));
        self.send(protected, transmits);
    }

    pub(super) fn handle_timeout(
        &mut self,
        settings: &MediaSettings,
        identity: &Identity,
        transmits: &mut Transmits,
        now: Instant,
    ) -> Option<News> {
        let over = self.deadline(settings).is_some_and(|deadline| now >= deadline);
        match self.state {
            State::Checking { .. } if over => return self.fail(WebFailure::IceTimeout),
            State::Consented | State::Closing { .. } if over => {
                return self.fail(WebFailure::ConsentExpired);
            }
            State::Failed => return None,
            _ => {}
        }
        let handled = self.dtls.handle_timeout(identity, now);
        self.flush(transmits);
        self.conclude(handled, identity, now).ok().flatten()
    }

    pub(super) fn next_timeout(&self, settings: &MediaSettings, identity: &Identity) -> Option<Instant> {
        if self.state == State::Failed {
            return None;
        }
        [self.deadline(settings), self.dtls.next_timeout(identity)].into_iter().flatten().min()
    }

    fn deadline(&self, settings: &MediaSettings) -> Option<Instant> {
        match self.state {
            State::New | State::Failed => None,
            State::Checking { deadline } | State::Closing { deadline } => Some(deadline),
            State::Consented => self.ice.checked().map(|checked| checked + settings.consent_timeout),
        }
    }

    fn conclude(&mut self, handled: Handled, identity: &Identity, now: Instant) -> Result<Option<News>, DropReason> {
        match handled {
            Handled::Nothing => Ok(None),
            Handled::Ignored => Err(DropReason::DtlsUnexpected),
            Handled::Refused => Err(DropReason::DtlsRefused),
            Handled::Failed(failure) => Ok(self.fail(failure)),
            Handled::Closed => {
                self.state = State::Closing { deadline: now + CLOSING };
                Ok(None)
            }
            Handled::Established(keys) => {
                self.srtp = Srtp::new(&keys, identity.provider());
                if self.srtp.is_some() { Ok(Some(News::Connected)) } else { Ok(self.fail(WebFailure::DtlsFailed)) }
            }
        }
    }

    fn fail(&mut self, failure: WebFailure) -> Option<News> {
        self.state = State::Failed;
        self.srtp = None;
        Some(News::Failed(failure))
    }

    fn flush(&mut self, transmits: &mut Transmits) {
        let selected = self.ice.selected();
        while let Some(datagram) = self.dtls.poll_transmit() {
            if let Some(to) = selected {
                transmits.push(Port::Web, to, &[&datagram]);
            }
        }
    }

    fn send(&mut self, protected: Option<BytesMut>, transmits: &mut Transmits) {
        if let (Some(bytes), Some(to)) = (protected, self.ice.selected()) {
            transmits.push(Port::Web, to, &[&bytes]);
        }
    }
}
