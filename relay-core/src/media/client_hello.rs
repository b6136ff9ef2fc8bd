//! A look at a ClientHello, only to learn whether it offers AES-GCM for SRTP (RFC 5246 §7.4.1.2, RFC 5764 §4.1.1).
//!
//! The library takes the client's first choice, and Chromium's first is AES-CM with SHA-1, at twice the cost.
//! A hello that is fragmented or odd is simply not understood; the handshake does not depend on it.

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const USE_SRTP: u16 = 14;
const AEAD_AES_128_GCM: u16 = 0x0007;

pub(super) fn offers_aes_128_gcm(datagram: &[u8]) -> bool {
    profiles(datagram).is_some_and(|list| list.chunks_exact(2).any(|pair| pair == AEAD_AES_128_GCM.to_be_bytes()))
}

fn profiles(datagram: &[u8]) -> Option<&[u8]> {
    let mut extensions = extensions(datagram)?;
    while !extensions.is_empty() {
        let kind = take(&mut extensions, 2)?;
        let mut value = vector(&mut extensions, 2)?;
        if kind == USE_SRTP.to_be_bytes() {
            return vector(&mut value, 2);
        }
    }
    None
}

fn extensions(datagram: &[u8]) -> Option<&[u8]> {
    let mut rest = datagram;
    // Record: type, version, epoch and sequence number, then its content.
    let record = take(&mut rest, 11)?;
    let mut hello = vector(&mut rest, 2)?;
    // Handshake: type, length, message sequence, fragment offset and length.
    let head = take(&mut hello, 12)?;
    let whole = head.get(1..4) == head.get(9..12) && head.get(6..9) == Some(&[0; 3]);
    if record.first() != Some(&HANDSHAKE) || head.first() != Some(&CLIENT_HELLO) || !whole {
        return None;
    }
    take(&mut hello, 2 + 32)?;
    vector(&mut hello, 1)?;
    vector(&mut hello, 1)?;
    vector(&mut hello, 2)?;
    vector(&mut hello, 1)?;
    vector(&mut hello, 2)
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

/// A vector with a length of `width` octets before it.
fn vector<'a>(rest: &mut &'a [u8], width: usize) -> Option<&'a [u8]> {
    let length = take(rest, width)?.iter().fold(0, |length, octet| length << 8 | usize::from(*octet));
    take(rest, length)
}
