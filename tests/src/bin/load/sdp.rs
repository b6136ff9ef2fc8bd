//! The descriptions of both sides, and what is read from the server's.

use crate::Fallible;
use crate::options::Codec;
use crate::stun::Credentials;
use std::net::{IpAddr, SocketAddr};

/// A browser's offer, as short as one may be.
pub(crate) fn web_offer(at: SocketAddr, codec: Codec, ice: &Credentials, fingerprint: &str) -> String {
    let (ip, port, pt) = (at.ip(), at.port(), codec.payload_type());
    let fmtp = if codec == Codec::Opus { format!("a=fmtp:{pt} minptime=10;useinbandfec=1\r\n") } else { String::new() };
    format!(
        "v=0\r\no=- {port} 1 IN IP4 {ip}\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
         m=audio {port} UDP/TLS/RTP/SAVPF {pt}\r\nc=IN IP4 {ip}\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n\
         a=rtpmap:{pt} {}\r\n{fmtp}a=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=fingerprint:sha-256 {fingerprint}\r\n\
         a=setup:actpass\r\na=candidate:1 1 udp 2130706431 {ip} {port} typ host\r\na=ptime:20\r\n",
        encoding(codec),
        ice.ufrag,
        ice.pwd,
    )
}

/// A phone's description; `payload_type` as the offer has it.
pub(crate) fn phone(at: SocketAddr, codec: Codec, payload_type: u8) -> String {
    let (ip, port) = (at.ip(), at.port());
    format!(
        "v=0\r\no=- {port} 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP {payload_type}\r\n\
         a=rtpmap:{payload_type} {}\r\na=ptime:20\r\na=sendrecv\r\n",
        encoding(codec),
    )
}

fn encoding(codec: Codec) -> String {
    let channels = if codec == Codec::Opus { "/2" } else { "" };
    format!("{}/{}{channels}", codec.name(), codec.clock())
}

/// Where the server wants audio.
pub(crate) fn address(sdp: &str) -> Fallible<SocketAddr> {
    let ip: IpAddr = value(sdp, "c=IN IP4 ").ok_or("a description without an address")?.parse()?;
    let port = value(sdp, "m=audio ").and_then(|rest| rest.split(' ').next()).ok_or("a description without audio")?;
    Ok(SocketAddr::new(ip, port.parse()?))
}

/// The first candidate for RTP over UDP, else what `c=` and `m=` say.
pub(crate) fn candidate(sdp: &str) -> Fallible<SocketAddr> {
    let rows = sdp.lines().filter_map(|row| row.strip_prefix("a=candidate:"));
    let mut fields = rows.map(|row| row.split(' ').collect::<Vec<_>>());
    let found = fields.find(|row| matches!(row.as_slice(), [_, "1", transport, _, ip, _, ..] if transport.eq_ignore_ascii_case("udp") && ip.contains('.')));
    match found.as_deref() {
        Some([_, _, _, _, ip, port, ..]) => Ok(SocketAddr::new(ip.parse()?, port.parse()?)),
        _ => address(sdp),
    }
}

/// The server's ICE credentials.
pub(crate) fn credentials(sdp: &str) -> Fallible<Credentials> {
    let ufrag = value(sdp, "a=ice-ufrag:").ok_or("no ICE user fragment in the answer")?.to_owned();
    let pwd = value(sdp, "a=ice-pwd:").ok_or("no ICE password in the answer")?.to_owned();
    Ok(Credentials { ufrag, pwd })
}

/// The payload type of `codec` in a description.
pub(crate) fn payload_type(sdp: &str, codec: Codec) -> Fallible<u8> {
    let named = |row: &&str| row.split(' ').nth(1).is_some_and(|name| name.eq_ignore_ascii_case(&encoding(codec)));
    let row = sdp.lines().filter_map(|row| row.strip_prefix("a=rtpmap:")).find(named);
    match row.and_then(|row| row.split(' ').next()) {
        Some(number) => Ok(number.parse()?),
        None if codec == Codec::Opus => Err("the description has no opus".into()),
        None => Ok(codec.payload_type()),
    }
}

/// The rate up to which the server wants Opus to sound (RFC 7587 §6.1).
pub(crate) fn max_playback_rate(sdp: &str) -> Option<u32> {
    let rest = sdp.split("maxplaybackrate=").nth(1)?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn value<'a>(sdp: &'a str, prefix: &str) -> Option<&'a str> {
    sdp.lines().find_map(|row| row.strip_prefix(prefix)).map(str::trim)
}
