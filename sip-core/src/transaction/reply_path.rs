//! Where a response goes: `received` and `rport` are written into the topmost Via when a request comes
//! (RFC 3261 §18.2.1, RFC 3581 §4) and read when its response leaves (§18.2.2).
//!
//! On a connection the response takes the connection, and a new one to the port of sent-by when it is gone. `maddr` is
//! not obeyed, because it would let anybody aim our responses.

use core::net::SocketAddr;

use crate::flow::{Flow, Transport};
use crate::message::text::decimal;
use crate::message::{HeaderName, Host, Request, Via};

/// The port of a sent-by without one.
const fn default_port(transport: Transport) -> u16 {
    match transport {
        Transport::Tls => 5061,
        _ => 5060,
    }
}

/// Writes into the topmost Via where the request really came from.
pub(super) fn stamp(request: &mut Request, flow: Flow) {
    if let (Some(source), Ok(via)) = (flow.remote, request.headers.via()) {
        let stamped = stamped(&via, source);
        if stamped != via {
            request.headers.remove_first(&HeaderName::Via);
            request.headers.push_front(HeaderName::Via, stamped.to_string());
        }
    }
}

fn stamped(via: &Via, source: SocketAddr) -> Via {
    let mut via = via.clone();
    let address = source.ip().to_canonical();
    let wants_rport = via.params.has("rport");
    if wants_rport {
        via.params.set("rport", Some(&decimal(source.port())));
    }
    if wants_rport || via.host != Host::from(address) {
        let mut text = String::new();
        crate::message::ip::push(&mut text, address);
        via.params.set("received", Some(&text));
    } else {
        via.params.remove("received");
    }
    via
}

/// The flow for the responses to a request whose Via is stamped: the connection it came on; of datagrams, the source
/// where `rport` asked for that, else the source's address and the port of sent-by.
pub(super) fn reply_flow(request: &Request, flow: Flow, transport: Transport) -> Flow {
    let wants_rport = || request.headers.via().is_ok_and(|via| via.params.has("rport"));
    if transport.is_reliable() || wants_rport() {
        return flow;
    }
    sent_by_flow(request, flow, transport).unwrap_or(flow)
}

/// The source's address with the port of sent-by: where a response goes whose connection is gone (§18.2.2).
pub(super) fn sent_by_flow(request: &Request, flow: Flow, transport: Transport) -> Option<Flow> {
    let (source, via) = (flow.remote?, request.headers.via().ok()?);
    let port = via.port.filter(|port| *port != 0).unwrap_or(default_port(transport));
    Some(Flow::datagram(flow.socket, SocketAddr::new(source.ip(), port)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::SocketId;
    use crate::message::Message;

    fn received(via: &str, source: &str) -> (String, Flow) {
        let text = format!(
            "OPTIONS sip:b@example.com SIP/2.0\r\nMax-Forwards: 70\r\nVia: {via}, SIP/2.0/UDP below;branch=z9hG4bK0\r\n\
             From: <sip:a@example.com>;tag=a\r\nTo: <sip:b@example.com>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n"
        );
        let Message::Request(mut request) = Message::parse(text.as_bytes()).unwrap() else { unreachable!() };
        let flow = Flow::datagram(SocketId(0), source.parse().unwrap());
        stamp(&mut request, flow);
        let vias = request.headers.vias().unwrap();
        assert_eq!(vias[1].to_string(), "SIP/2.0/UDP below;branch=z9hG4bK0");
        (vias[0].to_string(), reply_flow(&request, flow, Transport::Udp))
    }

    fn to(address: &str) -> Flow {
        Flow::datagram(SocketId(0), address.parse().unwrap())
    }

    #[test]
    fn rport_is_filled_and_answered_to_the_source() {
        let (via, flow) = received("SIP/2.0/UDP 10.0.0.1:5066;rport;branch=z9hG4bK1", "192.0.2.7:4001");

        assert_eq!(via, "SIP/2.0/UDP 10.0.0.1:5066;rport=4001;branch=z9hG4bK1;received=192.0.2.7");
        assert_eq!(flow, to("192.0.2.7:4001"));
    }

    #[test]
    fn rport_brings_received_even_where_it_equals_sent_by() {
        let (via, _) = received("SIP/2.0/UDP 192.0.2.7:4001;rport;branch=z9hG4bK1", "192.0.2.7:4001");

        assert_eq!(via, "SIP/2.0/UDP 192.0.2.7:4001;rport=4001;branch=z9hG4bK1;received=192.0.2.7");
    }

    #[test]
    fn without_rport_the_response_goes_to_the_port_of_sent_by() {
        let (via, flow) = received("SIP/2.0/UDP pbx.example.com:5066;branch=z9hG4bK1", "192.0.2.7:4001");
        assert_eq!(via, "SIP/2.0/UDP pbx.example.com:5066;branch=z9hG4bK1;received=192.0.2.7");
        assert_eq!(flow, to("192.0.2.7:5066"));

        let (via, flow) = received("SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1", "192.0.2.7:4001");
        assert_eq!(via, "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1");
        assert_eq!(flow, to("192.0.2.7:5060"));
    }

    #[test]
    fn what_the_sender_wrote_as_received_is_not_believed() {
        let (via, flow) = received("SIP/2.0/UDP 192.0.2.7;received=198.51.100.9;branch=z9hG4bK1", "192.0.2.7:4001");
        assert_eq!(via, "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1");
        assert_eq!(flow, to("192.0.2.7:5060"));

        let (via, flow) = received(
            "SIP/2.0/UDP x;maddr=198.51.100.9;rport=9;received=198.51.100.9;branch=z9hG4bK1",
            "192.0.2.7:4001",
        );
        assert_eq!(via, "SIP/2.0/UDP x;maddr=198.51.100.9;rport=4001;received=192.0.2.7;branch=z9hG4bK1");
        assert_eq!(flow, to("192.0.2.7:4001"));
    }

    #[test]
    fn ipv6_addresses_stand_without_brackets_in_received() {
        let (via, flow) = received("SIP/2.0/UDP [2001:db8::1];branch=z9hG4bK1", "[2001:db8::2]:4001");

        assert_eq!(via, "SIP/2.0/UDP [2001:db8::1];branch=z9hG4bK1;received=2001:db8::2");
        assert_eq!(flow, to("[2001:db8::2]:5060"));
    }
}
