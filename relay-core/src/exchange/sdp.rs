//! Plain RTP/AVP descriptions for the numbers that answer by themselves: G.711 and telephone-event (RFC 3551, RFC 4733).

use super::player::Remote;
use crate::media::control::G711Law;
use core::net::SocketAddr;
use sip_core::message::StatusCode;
use sip_core::sdp::offer_answer::{is_hold, refusal};
use sip_core::sdp::{Attribute, Connection, Direction, Media, Origin, SessionDescription};

/// The dynamic payload type that everybody uses for telephone-event.
const TELEPHONE_EVENT: u8 = 101;
const FRAME_MS: &str = "20";

/// What the other side described, as a player needs it.
///
/// # Errors
/// 488: no audio that a player speaks; 400: not SDP.
pub(super) fn remote(description: &str) -> Result<Remote, StatusCode> {
    let description = SessionDescription::parse(description).map_err(|_| StatusCode::BAD_REQUEST)?;
    let audio = audio(&description).ok_or(StatusCode::NOT_ACCEPTABLE_HERE)?;
    remote_of(&description, audio).ok_or(StatusCode::NOT_ACCEPTABLE_HERE)
}

/// Our answer to `offer`.
///
/// # Errors
/// As [`remote`].
pub(super) fn answer(offer: &str, local: SocketAddr, version: u64) -> Result<String, StatusCode> {
    let offer = SessionDescription::parse(offer).map_err(|_| StatusCode::BAD_REQUEST)?;
    let chosen = audio(&offer).ok_or(StatusCode::NOT_ACCEPTABLE_HERE)?;
    let remote = remote_of(&offer, chosen).ok_or(StatusCode::NOT_ACCEPTABLE_HERE)?;
    let direction = offer.direction_of(chosen).answer(Direction::SendRecv);
    let mut answer = description(local, version);
    for media in &offer.media {
        let is_chosen = core::ptr::eq(media, chosen);
        answer.media.push(if is_chosen {
            audio_line(&[remote.law], remote.telephone_event, direction, local)
        } else {
            refusal(media)
        });
    }
    Ok(answer.to_string())
}

/// Our offer, where the other side made none.
pub(super) fn offer(local: SocketAddr, version: u64) -> String {
    let mut offer = description(local, version);
    let laws = [G711Law::Mu, G711Law::A];
    offer.media.push(audio_line(&laws, Some(TELEPHONE_EVENT), Direction::SendRecv, local));
    offer.to_string()
}

fn audio(description: &SessionDescription) -> Option<&Media> {
    let is_plain = |media: &&Media| media.kind == "audio" && media.port != 0 && media.protocol == "RTP/AVP";
    description.media.iter().find(is_plain)
}

fn remote_of(description: &SessionDescription, audio: &Media) -> Option<Remote> {
    let codecs = audio.codecs();
    let law = codecs.iter().find_map(|codec| match () {
        () if codec.is("PCMU", 8_000) => Some(G711Law::Mu),
        () if codec.is("PCMA", 8_000) => Some(G711Law::A),
        () => None,
    })?;
    let telephone_event = codecs.iter().find(|codec| codec.is("telephone-event", 8_000));
    Some(Remote {
        rtp: SocketAddr::new(description.address_of(audio)?, audio.port),
        law,
        telephone_event: telephone_event.map(|codec| codec.payload_type),
        receives: !is_hold(description, audio),
    })
}

fn description(local: SocketAddr, version: u64) -> SessionDescription {
    let mut description = SessionDescription::new(Origin::new(u64::from(local.port()), version, local.ip()));
    description.connection = Some(Connection::new(local.ip()));
    description
}

fn audio_line(laws: &[G711Law], telephone_event: Option<u8>, direction: Direction, local: SocketAddr) -> Media {
    let mut media =
        Media { kind: "audio".to_owned(), port: local.port(), protocol: "RTP/AVP".to_owned(), ..Media::default() };
    for law in laws {
        let (payload_type, name) = match law {
            G711Law::Mu => (0, "PCMU"),
            G711Law::A => (8, "PCMA"),
        };
        media.formats.push(payload_type.to_string());
        media.push("rtpmap", format!("{payload_type} {name}/8000"));
    }
    if let Some(payload_type) = telephone_event {
        media.formats.push(payload_type.to_string());
        media.push("rtpmap", format!("{payload_type} telephone-event/8000"));
        media.push("fmtp", format!("{payload_type} 0-15"));
    }
    media.attributes.push(Attribute::new("ptime", FRAME_MS));
    media.set_direction(direction);
    media
}
