//! rtpengine by its ng protocol, in JSON: what Kamailio's rtpengine module would say for a browser that calls a phone.

use super::Placed;
use crate::options::Options;
use crate::{Fallible, sdp};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// A running rtpengine.
pub(crate) struct Rtpengine {
    socket: UdpSocket,
    cookies: u64,
    calls: usize,
}

impl Rtpengine {
    pub(crate) fn connect(ng: SocketAddr) -> Fallible<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect(ng)?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        Ok(Self { socket, cookies: 0, calls: 0 })
    }

    pub(crate) fn place(&mut self, offer: &str, rtp: SocketAddr, options: &Options) -> Fallible<Placed> {
        let call = format!("load-{}", self.calls);
        self.calls += 1;
        let transcodes = options.web != options.trunk;
        let mut codec = json!({});
        if transcodes {
            codec = json!({ "mask": [options.web.name()], "transcode": [options.trunk.name()] });
        }
        if let Some(complexity) = options.complexity {
            codec["set"] = json!([format!("opus/48000/2////complexity={complexity}")]);
        }
        let offered = self.command(&json!({
            "command": "offer", "call-id": call, "from-tag": "browser", "sdp": offer,
            "transport-protocol": "RTP/AVP", "ICE": "remove", "DTLS": "passive", "rtcp-mux": ["demux"], "codec": codec,
        }))?;
        let payload_type = sdp::payload_type(&offered, options.trunk)?;
        let description = sdp::phone(rtp, options.trunk, payload_type);
        let answer = self.command(&json!({
            "command": "answer", "call-id": call, "from-tag": "browser", "to-tag": "phone", "sdp": description,
            "transport-protocol": "UDP/TLS/RTP/SAVPF", "ICE": "force", "DTLS": "passive", "rtcp-mux": ["require"],
        }))?;
        Ok(Placed { answer, target: sdp::address(&offered)?, payload_type })
    }

    pub(crate) fn hang_up(&mut self) -> Fallible<()> {
        for call in 0..self.calls {
            let command = json!({ "command": "delete", "call-id": format!("load-{call}"), "delete-delay": 0 });
            self.ask(&command)?;
        }
        Ok(())
    }

    /// The description that a command gives.
    fn command(&mut self, command: &Value) -> Fallible<String> {
        let reply = self.ask(command)?;
        let sdp = reply["sdp"].as_str().ok_or_else(|| format!("rtpengine says {reply}"))?;
        Ok(sdp.to_owned())
    }

    fn ask(&mut self, command: &Value) -> Fallible<Value> {
        self.cookies += 1;
        let cookie = format!("{}_{}", std::process::id(), self.cookies);
        self.socket.send(format!("{cookie} {command}").as_bytes())?;
        let mut buffer = vec![0; 65_536];
        let length = self.socket.recv(&mut buffer)?;
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let body = text.strip_prefix(&cookie).ok_or("rtpengine answers something else")?;
        Ok(serde_json::from_str(body.trim_start())?)
    }
}
