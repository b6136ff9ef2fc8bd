//! One `RTCPeerConnection`: its descriptions and its events.

use std::cell::{OnceCell, RefCell};
use std::rc::Weak;

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Event, MediaStream, RtcIceGatheringState, RtcPeerConnection, RtcRtpSender, RtcSdpType, RtcSessionDescriptionInit,
    RtcSignalingState, RtcTrackEvent, RtcdtmfToneChangeEvent,
};

use crate::browser::{PeerConnection, Thrown, ToneSender, Transceiver};
use crate::driver::Shell;
use crate::microphone;
use crate::types::{ErrorCode, ErrorInfo};

/// A peer connection and who listens to it.
pub(crate) struct Peer {
    connection: PeerConnection,
    sender: OnceCell<RtcRtpSender>,
    tones: OnceCell<EventListener>,
    listeners: RefCell<Vec<EventListener>>,
}

impl Peer {
    /// A new peer connection, which gathers and sends nothing yet.
    pub(crate) fn new(ice_servers: &JsValue, shell: &Weak<Shell>, call: u32) -> Result<Self, Box<ErrorInfo>> {
        let configuration = Object::new();
        if !ice_servers.is_undefined() {
            let _ = Reflect::set(&configuration, &"iceServers".into(), ice_servers);
        }
        let connection =
            PeerConnection::new(&configuration).map_err(|thrown| refused(ErrorCode::InvalidConfig, &thrown))?;
        let listeners = vec![
            listen(&connection, "track", shell, move |shell, event| {
                shell.media(call).handle_track(&event.unchecked_ref::<RtcTrackEvent>().track());
                shell.tell(|phone, _| phone.handle_remote_track(call));
            }),
            listen(&connection, "connectionstatechange", shell, move |shell, event| {
                let state =
                    event.target().map(|target| target.unchecked_into::<PeerConnection>().connection_state_text());
                shell.tell(|phone, now| phone.handle_media_state(call, &state.unwrap_or_default(), now));
            }),
        ];
        Ok(Self { connection, sender: OnceCell::new(), tones: OnceCell::new(), listeners: RefCell::new(listeners) })
    }

    /// Sends the first track of a stream.
    pub(crate) fn send(&self, stream: &MediaStream) {
        if let Some(track) = microphone::tracks(stream).next() {
            let _ = self.sender.set(self.connection.add_track_0(&track, stream));
        }
    }

    /// Whether something is sent.
    pub(crate) fn has_sender(&self) -> bool {
        self.sender.get().is_some()
    }

    /// Makes the offer or answer that is due, sets it and returns it, with candidates if `gathering_ms` allows some.
    pub(crate) async fn describe(&self, gathering_ms: u32) -> Result<String, Box<ErrorInfo>> {
        settle(self.connection.set_due_description()).await?;
        if gathering_ms > 0 && !is_gathered(&self.connection) {
            self.gather(gathering_ms).await;
        }
        self.connection.local_description().map(|description| description.sdp()).ok_or_else(incompatible)
    }

    /// Applies the other side's offer.
    pub(crate) async fn apply_offer(&self, offer: &str) -> Result<(), Box<ErrorInfo>> {
        self.apply(RtcSdpType::Offer, offer).await
    }

    /// Applies the other side's answer; also another one to the same offer.
    pub(crate) async fn apply_answer(&self, answer: &str) -> Result<(), Box<ErrorInfo>> {
        // Firefox has no `pranswer`, so an early answer was applied as an answer; a second one needs the offer again.
        if self.connection.signaling_state() == RtcSignalingState::Stable {
            settle(self.connection.set_due_description()).await?;
        }
        self.apply(RtcSdpType::Answer, answer).await
    }

    /// Sets the direction of the transceiver that sends our sound; what is agreed changes with the next descriptions.
    pub(crate) fn set_way(&self, way: &str) {
        let Some(sender) = self.sender.get() else { return };
        let ours = |transceiver: &Transceiver| transceiver.sender() == *AsRef::<JsValue>::as_ref(sender);
        let transceivers = self.connection.transceivers();
        if let Some(transceiver) = transceivers.iter().map(JsCast::unchecked_into).find(ours) {
            transceiver.set_direction(way);
        }
    }

    /// Takes an open offer of ours back.
    pub(crate) async fn roll_back(&self) {
        if self.connection.signaling_state() == RtcSignalingState::HaveLocalOffer {
            let nothing = RtcSessionDescriptionInit::new(RtcSdpType::Rollback);
            // Where that is refused there is nothing to take back.
            let _ = settle(self.connection.set_local_description(&nothing)).await;
        }
    }

    /// Sends telephone events after those that are on their way. Returns whether the other side takes them.
    pub(crate) fn send_tones(
        &self,
        digits: &str,
        (tone_ms, gap_ms): (u32, u32),
        shell: &Weak<Shell>,
        call: u32,
    ) -> bool {
        let Some(dtmf) = self.sender.get().and_then(RtcRtpSender::dtmf) else {
            return false;
        };
        let tones: &ToneSender = dtmf.unchecked_ref();
        if !tones.can_insert() {
            return false;
        }
        self.tones.get_or_init(|| {
            listen(&dtmf, "tonechange", shell, move |shell, event| {
                let tone = event.unchecked_ref::<RtcdtmfToneChangeEvent>().tone();
                // The empty one says that all have been sent.
                if !tone.is_empty() && tone != "," {
                    shell.tell(|phone, _| phone.handle_digit_sent(call, tone));
                }
            })
        });
        let all = [&tones.tone_buffer(), digits].concat();
        tones.insert_dtmf_with_duration_and_inter_tone_gap(&all, tone_ms, gap_ms);
        true
    }

    /// The browser's object.
    pub(crate) fn connection(&self) -> &RtcPeerConnection {
        &self.connection
    }

    /// Ends it; nothing is heard from it afterwards.
    pub(crate) fn close(&self) {
        self.listeners.take();
        self.connection.close();
    }

    async fn apply(&self, kind: RtcSdpType, sdp: &str) -> Result<(), Box<ErrorInfo>> {
        let description = RtcSessionDescriptionInit::new(kind);
        description.set_sdp(sdp);
        settle(self.connection.set_remote_description(&description)).await
    }

    /// Waits until all candidates are there, or for a time.
    async fn gather(&self, longest_ms: u32) {
        let mut waiting = None;
        let gathered = Promise::new(&mut |resolve: Function, _| {
            let timer = resolve_after(longest_ms, resolve.clone());
            let listener = EventListener::new(&self.connection, "icegatheringstatechange", move |event| {
                let connection = event.target().map(JsCast::unchecked_into);
                if connection.as_ref().is_none_or(is_gathered) {
                    let _ = resolve.call0(&JsValue::NULL);
                }
            });
            waiting = Some((timer, listener));
        });
        let _ = JsFuture::from(gathered).await;
        drop(waiting);
    }
}

fn is_gathered(connection: &PeerConnection) -> bool {
    connection.ice_gathering_state() == RtcIceGatheringState::Complete
}

fn resolve_after(ms: u32, resolve: Function) -> Timeout {
    Timeout::new(ms, move || drop(resolve.call0(&JsValue::NULL)))
}

fn listen(
    target: &web_sys::EventTarget,
    what: &'static str,
    shell: &Weak<Shell>,
    told: impl Fn(&Shell, &Event) + 'static,
) -> EventListener {
    let shell = shell.clone();
    EventListener::new(target, what, move |event| {
        if let Some(shell) = shell.upgrade() {
            told(&shell, event);
        }
    })
}

async fn settle(promise: Promise) -> Result<(), Box<ErrorInfo>> {
    JsFuture::from(promise).await.map(drop).map_err(|thrown| refused(ErrorCode::IncompatibleMedia, &thrown))
}

fn incompatible() -> Box<ErrorInfo> {
    ErrorInfo::new(ErrorCode::IncompatibleMedia)
}

/// The browser's words say what exactly it does not like.
fn refused(code: ErrorCode, thrown: &JsValue) -> Box<ErrorInfo> {
    let mut error = ErrorInfo::new(code);
    if let Some(words) = thrown.unchecked_ref::<Thrown>().message() {
        error.message.push_str(" The browser says: ");
        error.message.push_str(&words);
    }
    error
}
