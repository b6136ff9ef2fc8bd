//! RTP headers in place (RFC 3550 §5.1), and which protocol a datagram is (RFC 7983).
//!
//! Parsing looks and never copies; what it does not do: header extensions are stepped over, not read.

/// An RTP packet, its payload still where it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    pub(super) marker: bool,
    pub(super) payload_type: u8,
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
    pub(super) ssrc: u32,
    pub(super) payload: &'a [u8],
}

/// Not an RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Header without CSRC and extension: what we send, and most of what we get.
pub(super) const HEADER: usize = 12;

impl<'a> Packet<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let packet = Self::parse_header(bytes)?;
        let first = bytes.first().copied().ok_or(Malformed)?;
        let rest = packet.payload.get(4 * usize::from(first & 0x0F)..).ok_or(Malformed)?;
        let rest = if first & 0x10 != 0 { after_extension(rest)? } else { rest };
        let payload = if first & 0x20 != 0 { without_padding(rest)? } else { rest };
        Ok(Self { payload, ..packet })
    }

    /// The fixed header only: `payload` is all that follows it. Enough for a packet whose rest is still encrypted.
    pub(super) fn parse_header(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (header, payload) = bytes.split_first_chunk::<HEADER>().ok_or(Malformed)?;
        let [first, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = *header;
        if first >> 6 != 2 {
            return Err(Malformed);
        }
        Ok(Self {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7F,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
            payload,
        })
    }

    /// The header of this packet as we write it.
    pub(super) fn header(&self) -> [u8; HEADER] {
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [c0, c1, c2, c3] = self.ssrc.to_be_bytes();
        [0x80, u8::from(self.marker) << 7 | self.payload_type & 0x7F, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3]
    }
}

fn after_extension(rest: &[u8]) -> Result<&[u8], Malformed> {
    let ([_, _, high, low], rest) = rest.split_first_chunk().ok_or(Malformed)?;
    rest.get(4 * usize::from(u16::from_be_bytes([*high, *low]))..).ok_or(Malformed)
}

fn without_padding(rest: &[u8]) -> Result<&[u8], Malformed> {
    let padding = usize::from(*rest.last().ok_or(Malformed)?);
    let length = rest.len().checked_sub(padding).filter(|_| padding != 0).ok_or(Malformed)?;
    rest.get(..length).ok_or(Malformed)
}

/// What a datagram on a multiplexed port is, by its first octets (RFC 7983 §7, RFC 5761 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Stun,
    Dtls,
    Rtp,
    Rtcp,
    Unknown,
}

impl Protocol {
    pub(super) fn of(bytes: &[u8]) -> Self {
        match bytes {
            [0..=3, ..] => Self::Stun,
            [20..=63, ..] => Self::Dtls,
            [128..=191, 192..=223, ..] => Self::Rtcp,
            [128..=191, ..] => Self::Rtp,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn extension_csrc_and_padding_are_stepped_over() {
        let bytes = b"\xb1\xef\x01\x02\0\0\0\x09\0\0\0\x07CSRC\xbe\xde\0\x01EXT.payload\0\0\x03";

        let packet = Packet::parse(bytes).unwrap();

        assert_eq!((packet.marker, packet.payload_type, packet.sequence), (true, 0x6F, 0x0102));
        assert_eq!((packet.timestamp, packet.ssrc, packet.payload), (9, 7, &b"payload"[..]));
    }

    #[test]
    fn an_extension_or_padding_longer_than_the_packet_is_malformed() {
        assert_eq!(
            Packet::parse(b"\x90\x6f\0\x01\0\0\0\x02\x01\x02\x03\x04\xbe\xde\0\x02\x10\x85\x31\0"),
            Err(Malformed)
        );
        assert_eq!(Packet::parse(b"\xa0\x6f\0\x01\0\0\0\x02\x01\x02\x03\x04\x05\x09"), Err(Malformed));
        assert_eq!(Packet::parse(b"\xa0\x6f\0\x01\0\0\0\x02\x01\x02\x03\x04\x05\x00"), Err(Malformed));
    }

    proptest! {
        #[test]
        fn any_bytes_parse_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let ours = Packet::parse(&bytes);
            let theirs = <rtc_rtp::Packet as rtc_shared::marshal::Unmarshal>::unmarshal(&mut &bytes[..]);
            if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
                prop_assert_eq!(ours.ssrc, theirs.header.ssrc);
                prop_assert_eq!(ours.sequence, theirs.header.sequence_number);
            }
        }

        #[test]
        fn what_is_written_reads_back(marker: bool, payload_type in 0_u8..128, sequence: u16, timestamp: u32, ssrc: u32) {
            let packet = Packet { marker, payload_type, sequence, timestamp, ssrc, payload: &[] };
            let header = packet.header();
            prop_assert_eq!(Packet::parse(&header).unwrap(), packet);
        }
    }
}
