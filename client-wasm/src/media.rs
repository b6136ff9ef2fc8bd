//! The sound of one call: descriptions, microphone, tones.
//!
//! Descriptions are made and applied when the phone asks (JSEP, RFC 8829); each task tells the phone its result.
//! Candidates are not waited for unless the page says so: who answers learns addresses from the checks themselves
//! (RFC 8445 §7.3.1.3). Whatever ends a call ends here with `close`: no track stays open, no microphone stays on.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use js_sys::Array;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::{MediaStream, MediaStreamTrack, RtcPeerConnection};

use crate::driver::Shell;
use crate::microphone;
use crate::peer::Peer;
use crate::types::{CoreConfig, ErrorInfo};

const SENDRECV: &str = "sendrecv";

/// The settings of all calls.
#[derive(Clone)]
pub(crate) struct MediaSettings {
    ice_servers: JsValue,
    audio: JsValue,
    gathering_ms: u32,
}

impl MediaSettings {
    /// The part of the page's settings that is about sound.
    pub(crate) fn new(config: &CoreConfig) -> Self {
        let audio = if config.audio.is_undefined() { JsValue::TRUE } else { config.audio.clone() };
        let gathering_ms = config.gathering_timeout_ms.unwrap_or(0);
        Self { ice_servers: config.ice_servers.clone(), audio, gathering_ms }
    }
}

/// The browser objects of one call.
pub(crate) struct Media {
    call: u32,
    shell: Weak<Shell>,
    settings: MediaSettings,
    /// Its tracks are ours to stop.
    local: RefCell<Option<MediaStream>>,
    remote: RefCell<Option<MediaStream>>,
    peer: RefCell<Option<Rc<Peer>>>,
    is_muted: Cell<bool>,
    /// The direction that a peer connection begins with.
    first_way: Cell<&'static str>,
    is_closed: Cell<bool>,
}

impl Media {
    /// Nothing is opened yet.
    pub(crate) fn new(call: u32, shell: Weak<Shell>, settings: MediaSettings) -> Self {
        Self {
            call,
            shell,
            settings,
            local: RefCell::default(),
            remote: RefCell::default(),
            peer: RefCell::default(),
            is_muted: Cell::new(false),
            first_way: Cell::new(SENDRECV),
            is_closed: Cell::new(false),
        }
    }

    /// Has the sound of the page sent instead of the microphone's. The page's tracks stay its own.
    pub(crate) fn give(&self, stream: &MediaStream) {
        self.local.replace(microphone::copy(stream));
    }

    /// Makes an offer, on another peer connection if it is to be `fresh`, and tells the phone.
    pub(crate) fn make_offer(self: Rc<Self>, fresh: bool) {
        spawn_local(async move {
            if fresh {
                self.drop_peer();
            }
            let result = self.offer().await;
            self.tell_description(result);
        });
    }

    /// Makes an answer, on another peer connection if it is to be `fresh`, and tells the phone.
    pub(crate) fn make_answer(self: Rc<Self>, offer: String, fresh: bool) {
        spawn_local(async move {
            if fresh {
                self.drop_peer();
            }
            let result = self.answer(&offer).await;
            self.tell_description(result);
        });
    }

    /// Applies the other side's answer. The phone hears of it only when that fails.
    pub(crate) fn apply_answer(self: Rc<Self>, answer: String) {
        let Some(peer) = self.peer.borrow().clone() else {
            return;
        };
        spawn_local(async move {
            if let Err(error) = peer.apply_answer(&answer).await {
                self.tell(|shell, call| shell.tell(|phone, now| phone.handle_media_failed(call, error, now)));
            }
        });
    }

    /// Mutes or unmutes what is sent, now and later.
    pub(crate) fn set_muted(&self, muted: bool) {
        self.is_muted.set(muted);
        if let Some(stream) = self.local.borrow().as_ref() {
            microphone::enable(stream, !muted);
        }
    }

    /// Which way sound is to flow in the descriptions that are made from now on.
    pub(crate) fn set_way(&self, way: &'static str) {
        match self.peer.borrow().as_ref() {
            Some(peer) => peer.set_way(way),
            None => self.first_way.set(way),
        }
    }

    /// Takes our offer back, if one is open; what was agreed before it stands.
    pub(crate) fn roll_back(&self) {
        if let Some(peer) = self.peer.borrow().clone() {
            spawn_local(async move { peer.roll_back().await });
        }
    }

    /// Sends telephone events. Returns whether the other side takes them.
    pub(crate) fn send_tones(&self, digits: &str, times: (u32, u32)) -> bool {
        let peer = self.peer.borrow().clone();
        peer.is_some_and(|peer| peer.send_tones(digits, times, &self.shell, self.call))
    }

    /// Stops the microphone and closes the peer connection.
    pub(crate) fn close(&self) {
        self.is_closed.set(true);
        self.drop_peer();
        if let Some(stream) = self.local.take() {
            microphone::stop(&stream);
        }
    }

    /// All of the other side's tracks go into one stream, so that who plays it never needs another.
    pub(crate) fn handle_track(&self, track: &MediaStreamTrack) {
        let mut slot = self.remote.borrow_mut();
        match slot.as_ref() {
            Some(stream) => {
                microphone::tracks(stream).for_each(|old| stream.remove_track(&old));
                stream.add_track(track);
            }
            None => *slot = microphone::stream_of(&Array::of1(track)),
        }
    }

    /// The other side's sound.
    pub(crate) fn remote(&self) -> Option<MediaStream> {
        self.remote.borrow().clone()
    }

    /// Our sound.
    pub(crate) fn local(&self) -> Option<MediaStream> {
        self.local.borrow().clone()
    }

    /// The browser's peer connection.
    pub(crate) fn connection(&self) -> Option<RtcPeerConnection> {
        self.peer.borrow().as_ref().map(|peer| peer.connection().clone())
    }

    async fn offer(&self) -> Result<String, Box<ErrorInfo>> {
        // Before the microphone, so that its certificate is made while that opens.
        let peer = self.peer()?;
        self.send_microphone(&peer).await?;
        peer.describe(self.settings.gathering_ms).await
    }

    async fn answer(&self, offer: &str) -> Result<String, Box<ErrorInfo>> {
        let peer = self.peer()?;
        peer.apply_offer(offer).await?;
        self.send_microphone(&peer).await?;
        peer.describe(self.settings.gathering_ms).await
    }

    async fn send_microphone(&self, peer: &Peer) -> Result<(), Box<ErrorInfo>> {
        if peer.has_sender() {
            return Ok(());
        }
        let opened = self.local();
        let stream = match opened {
            Some(stream) => stream,
            None => microphone::open(&self.settings.audio).await?,
        };
        // The call may have ended while the user thought about the microphone.
        if self.is_closed.get() {
            microphone::stop(&stream);
            return Ok(());
        }
        microphone::enable(&stream, !self.is_muted.get());
        peer.send(&stream);
        if self.first_way.get() != SENDRECV {
            peer.set_way(self.first_way.replace(SENDRECV));
        }
        self.local.replace(Some(stream));
        Ok(())
    }

    fn peer(&self) -> Result<Rc<Peer>, Box<ErrorInfo>> {
        let mut slot = self.peer.borrow_mut();
        if let Some(peer) = slot.as_ref() {
            return Ok(Rc::clone(peer));
        }
        let peer = Rc::new(Peer::new(&self.settings.ice_servers, &self.shell, self.call)?);
        Ok(Rc::clone(slot.insert(peer)))
    }

    fn drop_peer(&self) {
        if let Some(peer) = self.peer.take() {
            peer.close();
        }
    }

    fn tell_description(&self, result: Result<String, Box<ErrorInfo>>) {
        self.tell(|shell, call| shell.tell(|phone, now| phone.handle_description(call, result, now)));
    }

    fn tell(&self, tell: impl FnOnce(&Shell, u32)) {
        if let Some(shell) = self.shell.upgrade().filter(|_| !self.is_closed.get()) {
            tell(&shell, self.call);
        }
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        self.close();
    }
}
