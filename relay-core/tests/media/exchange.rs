//! A PBX's side: plain RTP, and what it heard.

use relay_core::codec::{Decoder, Encoder, G711Decoder, G711Encoder, G722Decoder, G722Encoder};
use relay_core::media::control::{G711Law, TrunkCodec};
use rtc_rtp::{Header, Packet};
use rtc_shared::marshal::{Marshal, Unmarshal};
use sip_core::Instant;
use std::net::SocketAddr;

pub(crate) const EVENTS: u8 = 101;

pub(crate) struct Exchange {
    pub(crate) address: SocketAddr,
    pub(crate) rtcp: SocketAddr,
    pub(crate) codec: TrunkCodec,
    encoder: Box<dyn Encoder>,
    pub(crate) ssrc: u32,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    /// RTP that came, with its time of arrival.
    pub(crate) received: Vec<(Instant, Packet)>,
    /// RTCP that came.
    pub(crate) reports: Vec<Vec<u8>>,
}

impl Exchange {
    pub(crate) fn new(address: SocketAddr, codec: TrunkCodec) -> Self {
        let rtcp = SocketAddr::new(address.ip(), address.port() + 1);
        let encoder: Box<dyn Encoder> = match codec {
            TrunkCodec::G722 => Box::new(G722Encoder::new(codec.rate())),
            TrunkCodec::G711(law) => Box::new(G711Encoder::new(law)),
            other => panic!("{other:?}"),
        };
        Self {
            address,
            rtcp,
            codec,
            encoder,
            ssrc: 0xBEC,
            sequence: 65_530,
            timestamp: 77,
            received: Vec::new(),
            reports: Vec::new(),
        }
    }

    /// Speaks G.711 by the other law from here on.
    pub(crate) fn change_law(&mut self, law: G711Law) {
        (self.codec, self.encoder) = (TrunkCodec::G711(law), Box::new(G711Encoder::new(law)));
    }

    pub(crate) fn payload_type(&self) -> u8 {
        match self.codec {
            TrunkCodec::G711(G711Law::Mu) => 0,
            TrunkCodec::G711(G711Law::A) => 8,
            _ => 9,
        }
    }

    pub(crate) fn receive(&mut self, bytes: &[u8], now: Instant) {
        let packet = Packet::unmarshal(&mut bytes::Bytes::copy_from_slice(bytes)).unwrap();
        self.received.push((now, packet));
    }

    pub(crate) fn speak(&mut self, samples: &[i16]) -> Vec<u8> {
        let mut payload = vec![0; samples.len()];
        let length = self.encoder.encode(samples, &mut payload).unwrap();
        let packet = self.packet(self.payload_type(), false, self.timestamp, &payload[..length]);
        self.timestamp = self.timestamp.wrapping_add((samples.len() / self.codec.rate().factor()) as u32);
        packet
    }

    pub(crate) fn packet(&mut self, payload_type: u8, marker: bool, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        let sequence_number = self.sequence;
        self.sequence = self.sequence.wrapping_add(1);
        let ssrc = self.ssrc;
        let header = Header { version: 2, marker, payload_type, sequence_number, timestamp, ssrc, ..Header::default() };
        Packet { header, payload: payload.to_vec().into() }.marshal().unwrap().to_vec()
    }

    pub(crate) fn audio(&self) -> impl Iterator<Item = &(Instant, Packet)> {
        let payload_type = self.payload_type();
        self.received.iter().filter(move |(_, packet)| packet.header.payload_type == payload_type)
    }

    pub(crate) fn events(&self) -> impl Iterator<Item = &(Instant, Packet)> {
        self.received.iter().filter(|(_, packet)| packet.header.payload_type == EVENTS)
    }

    /// All the sound that came.
    pub(crate) fn heard(&self) -> Vec<i16> {
        let mut samples = Vec::new();
        let mut decoder: Box<dyn Decoder> = match self.codec {
            TrunkCodec::G711(law) => Box::new(G711Decoder::new(law)),
            _ => Box::new(G722Decoder::new(self.codec.rate())),
        };
        self.audio().for_each(|(_, packet)| decoder.decode(&packet.payload, &mut samples).unwrap());
        samples
    }
}
