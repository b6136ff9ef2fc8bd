//! One worker, one browser, one PBX, a clock that jumps and links that lose what a test says.

use crate::browser::{Browser, EVENTS, OPUS};
use crate::exchange::{self, Exchange};
use crate::tone;
use relay_core::media::control::*;
use relay_core::media::{Identity, MediaSettings, Port, Worker};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use sip_core::{Duration, Instant};
use std::net::SocketAddr;
use std::sync::Arc;

pub(crate) const ID: MediaId = MediaId(7);
pub(crate) const AMPLITUDE: f64 = 8_000.0;
/// Tones of the two sides; both inside what a telephone passes.
pub(crate) const BROWSER_TONE: f64 = 440.0;
pub(crate) const PBX_TONE: f64 = 620.0;

pub(crate) struct World {
    pub(crate) worker: Worker,
    pub(crate) now: Instant,
    pub(crate) browser: Browser,
    pub(crate) pbx: Exchange,
    pub(crate) relay: SocketAddr,
    pub(crate) events: Vec<MediaEvent>,
    /// Datagrams for addresses where nobody of ours is.
    pub(crate) astray: Vec<SocketAddr>,
    pub(crate) timeouts: usize,
    pub(crate) sample: usize,
    /// Tones that swell and fade.
    pub(crate) syllables: bool,
}

pub(crate) struct Options {
    pub(crate) role: DtlsRole,
    pub(crate) codec: TrunkCodec,
    pub(crate) profiles: Vec<SrtpProtectionProfile>,
    pub(crate) settings: MediaSettings,
    pub(crate) ptime: Duration,
}

impl Default for Options {
    fn default() -> Self {
        use SrtpProtectionProfile::{Srtp_Aead_Aes_128_Gcm, Srtp_Aes128_Cm_Hmac_Sha1_80};
        let profiles = vec![Srtp_Aes128_Cm_Hmac_Sha1_80, Srtp_Aead_Aes_128_Gcm];
        let settings = MediaSettings::default();
        let codec = TrunkCodec::G711(G711Law::Mu);
        Self { role: DtlsRole::Server, codec, profiles, settings, ptime: Duration::from_millis(20) }
    }
}

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

impl World {
    /// The call is open, nobody is described.
    #[allow(clippy::disallowed_methods)]
    pub(crate) fn open(options: Options) -> Self {
        let epoch = std::time::Instant::now();
        let identity = Arc::new(Identity::generate(epoch).unwrap());
        let Options { role, codec, profiles, settings, .. } = options;
        let mut worker = Worker::new(settings, identity, [3; 32]);
        let now = Instant::from_millis(1_000);
        let local = IceCredentials { ufrag: "relay".into(), pwd: "a-password-of-the-relay".into() };
        let relay = address("198.51.100.1:20000");
        worker.open(ID, local.clone(), relay, now);
        let browser = Browser::new(address("203.0.113.5:50000"), local, role, &profiles, epoch);
        let pbx = Exchange::new(address("192.0.2.10:30000"), codec);
        let mut world = Self {
            worker,
            now,
            browser,
            pbx,
            relay,
            events: Vec::new(),
            astray: Vec::new(),
            timeouts: 0,
            sample: 0,
            syllables: false,
        };
        world.drain();
        world
    }

    /// Both sides are described, ICE and DTLS are done.
    pub(crate) fn connected(options: Options) -> Self {
        let ptime = options.ptime;
        let mut world = Self::open(options);
        world.describe_web(Direction::SENDRECV);
        world.describe_trunk(world.pbx.address, Direction::SENDRECV, ptime);
        world.connect();
        assert!(world.browser.is_connected(), "{:?}", world.events);
        assert!(world.has(|event| matches!(event, MediaEvent::WebConnected { .. })));
        world
    }

    /// A browser that knows nothing of the one before, and credentials of ours for it.
    #[allow(clippy::disallowed_methods)]
    pub(crate) fn replace_browser(&mut self, address: SocketAddr) {
        let local = IceCredentials { ufrag: "anew".into(), pwd: "another-password-of-the-relay".into() };
        self.command(MediaCommand::RestartIce { id: ID, local: local.clone() });
        let Options { role, profiles, .. } = Options::default();
        let mut browser = Browser::new(address, local, role, &profiles, std::time::Instant::now());
        browser.local = IceCredentials { ufrag: "newb".into(), pwd: "a-password-of-the-new-browser".into() };
        self.browser = browser;
    }

    pub(crate) fn web_remote(&self, direction: Direction) -> WebRemote {
        WebRemote {
            ice: self.browser.local.clone(),
            fingerprints: vec![self.browser.fingerprint()],
            dtls: self.browser.role,
            codec: WebCodec::Opus { payload_type: OPUS },
            telephone_event: Some((EVENTS, 48_000)),
            direction,
            ptime: Duration::from_millis(20),
        }
    }

    pub(crate) fn describe_web(&mut self, direction: Direction) {
        let remote = self.web_remote(direction);
        self.command(MediaCommand::Web { id: ID, remote });
    }

    pub(crate) fn describe_trunk(&mut self, rtp: SocketAddr, direction: Direction, ptime: Duration) {
        let remote = self.trunk_remote(rtp, direction, ptime);
        self.command(MediaCommand::Trunk { id: ID, remote });
    }

    pub(crate) fn trunk_remote(&self, rtp: SocketAddr, direction: Direction, ptime: Duration) -> TrunkRemote {
        let rtcp = SocketAddr::new(rtp.ip(), rtp.port() + 1);
        let codec = self.pbx.codec;
        let payload_type = codec.payload_type();
        TrunkRemote {
            rtp,
            rtcp,
            signalling: None,
            srtp: None,
            codec,
            payload_type,
            telephone_event: Some((exchange::EVENTS, 8_000)),
            direction,
            ptime,
        }
    }

    pub(crate) fn connect(&mut self) {
        self.check();
        for datagram in self.browser.hello(self.now) {
            self.browser_sends(&datagram);
        }
        self.run(100);
    }

    pub(crate) fn check(&mut self) {
        let password = self.browser.relay.pwd.clone();
        let check = self.browser.check(true, &password, true);
        self.browser_sends(&check);
    }

    pub(crate) fn command(&mut self, command: MediaCommand) {
        self.worker.command(command, self.now);
        self.drain();
    }

    pub(crate) fn browser_sends(&mut self, bytes: &[u8]) {
        self.worker.handle_web(self.browser.address, bytes, self.now);
        self.drain();
    }

    pub(crate) fn pbx_sends(&mut self, bytes: &[u8]) {
        self.worker.handle_trunk_rtp(ID, self.pbx.address, bytes, self.now);
        self.drain();
    }

    /// Time passes in steps of a millisecond.
    pub(crate) fn run(&mut self, millis: u64) {
        for _ in 0..millis {
            self.now += Duration::from_millis(1);
            if self.worker.next_timeout().is_some_and(|due| due <= self.now) {
                self.timeouts += 1;
                self.worker.handle_timeout(self.now);
                self.drain();
            }
            for datagram in self.browser.retransmit(self.now) {
                self.browser_sends(&datagram);
            }
        }
    }

    /// 20 ms of the browser's tone, protected.
    pub(crate) fn browser_packet(&mut self) -> Vec<u8> {
        let mut samples = tone::sine(BROWSER_TONE, AMPLITUDE, 48_000.0, self.sample * 6, 960);
        if self.syllables {
            tone::syllables(&mut samples, 48_000.0, self.sample * 6);
        }
        self.browser.speak(&samples)
    }

    /// 20 ms of the PBX's tone.
    pub(crate) fn pbx_packet(&mut self) -> Vec<u8> {
        let (factor, rate) = (self.pbx.codec.rate().factor(), f64::from(self.pbx.codec.rate().hz()));
        let mut samples = tone::sine(PBX_TONE, AMPLITUDE, rate, self.sample * factor, 160 * factor);
        if self.syllables {
            tone::syllables(&mut samples, rate, self.sample * factor);
        }
        self.pbx.speak(&samples)
    }

    /// Both talk for `count` packets; `lost` says which the links lose.
    pub(crate) fn talk(&mut self, count: usize, mut lost: impl FnMut(usize) -> bool) {
        for number in 0..count {
            let (browser, pbx) = (self.browser_packet(), self.pbx_packet());
            self.sample += 160;
            if !lost(number) {
                self.browser_sends(&browser);
                self.pbx_sends(&pbx);
            }
            if number % 100 == 99 {
                self.check();
            }
            self.run(20);
        }
    }

    pub(crate) fn has(&self, wanted: impl Fn(&MediaEvent) -> bool) -> bool {
        self.events.iter().any(wanted)
    }

    pub(crate) fn close(&mut self) -> MediaReport {
        self.command(MediaCommand::Close { id: ID });
        match self.events.last() {
            Some(MediaEvent::Closed { report, .. }) => *report,
            other => panic!("{other:?}"),
        }
    }

    fn drain(&mut self) {
        let mut answers = Vec::new();
        while let Some(transmit) = self.worker.poll_transmit() {
            match transmit.port {
                Port::Web if transmit.to == self.browser.address => {
                    answers.extend(self.browser.receive(transmit.bytes, self.now))
                }
                Port::TrunkRtp(ID) if transmit.to == self.pbx.address => self.pbx.receive(transmit.bytes, self.now),
                Port::TrunkRtcp(ID) if transmit.to == self.pbx.rtcp => self.pbx.reports.push(transmit.bytes.to_vec()),
                _ => self.astray.push(transmit.to),
            }
        }
        self.events.extend(std::iter::from_fn(|| self.worker.poll_event()));
        for answer in answers {
            self.worker.handle_web(self.browser.address, &answer, self.now);
            self.drain();
        }
    }
}
