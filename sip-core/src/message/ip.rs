//! IP addresses as text (RFC 5954, RFC 5952): what `core::net` reads and writes, without what it brings along.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::text::{push_number, split_at_text};

/// Adds an address; IPv6 in its short form, without brackets.
pub(crate) fn push(out: &mut String, address: IpAddr) {
    match address {
        IpAddr::V4(address) => push_v4(out, address.octets()),
        IpAddr::V6(address) => push_v6(out, &address),
    }
}

/// Reads an address of either kind, without brackets.
pub(crate) fn parse(text: &str) -> Option<IpAddr> {
    match text.contains(':') {
        true => parse_v6(text).map(IpAddr::V6),
        false => parse_v4(text).map(IpAddr::V4),
    }
}

fn push_v4(out: &mut String, octets: [u8; 4]) {
    for (index, octet) in octets.into_iter().enumerate() {
        if index > 0 {
            out.push('.');
        }
        push_number(out, octet.into());
    }
}

fn push_v6(out: &mut String, address: &Ipv6Addr) {
    if let Some(mapped) = address.to_ipv4_mapped() {
        out.push_str("::ffff:");
        return push_v4(out, mapped.octets());
    }
    let groups = address.segments();
    let (start, end) = longest_gap(&groups);
    for (index, group) in groups.into_iter().enumerate() {
        if index == start {
            out.push_str("::");
        }
        if (start..end).contains(&index) {
            continue;
        }
        if index > 0 && index != end {
            out.push(':');
        }
        push_group(out, group);
    }
}

fn push_group(out: &mut String, group: u16) {
    if group >= 16 {
        push_group(out, group / 16);
    }
    out.push_str(super::text::hex(&[(group % 16) as u8]).get(1..).unwrap_or_default());
}

/// Where the first of the longest runs of at least two zero groups is; without one, an empty range at the end.
fn longest_gap(groups: &[u16; 8]) -> (usize, usize) {
    let (mut best, mut start) = ((8, 8), 0);
    for (index, group) in groups.iter().enumerate() {
        if *group != 0 {
            start = index + 1;
        } else if index + 1 - start > (best.1 - best.0).max(1) {
            best = (start, index + 1);
        }
    }
    best
}

/// Four decimal numbers without leading zeros.
pub(crate) fn parse_v4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next()?.as_bytes();
        if part.len() > 1 && part.first() == Some(&b'0') {
            return None;
        }
        *octet = u8::try_from(number(part, 10, 3)?).ok()?;
    }
    parts.next().is_none().then(|| octets.into())
}

/// Eight groups, or fewer around one `::`; the last two may be written as an IPv4 address.
pub(crate) fn parse_v6(text: &str) -> Option<Ipv6Addr> {
    let (head, tail) = match split_at_text(text, "::") {
        Some((head, tail)) => (head, Some(tail)),
        None => (text, None),
    };
    let mut groups = [0; 8];
    let before = read_groups(head, tail.is_none(), &mut groups)?;
    let Some(tail) = tail else {
        return (before == 8).then(|| groups.into());
    };
    let mut after = [0; 8];
    let count = read_groups(tail, true, &mut after)?;
    if before + count > 7 {
        return None;
    }
    groups.iter_mut().rev().zip(after.iter().take(count).rev()).for_each(|(group, value)| *group = *value);
    Some(groups.into())
}

/// Reads groups between colons, the last of which may be an IPv4 address where the text ends; returns how many.
fn read_groups(text: &str, is_end: bool, groups: &mut [u16; 8]) -> Option<usize> {
    if text.is_empty() {
        return Some(0);
    }
    let mut count = 0;
    let mut parts = text.split(':').peekable();
    while let Some(part) = parts.next() {
        if is_end && parts.peek().is_none() && part.contains('.') {
            let [a, b, c, d] = parse_v4(part)?.octets();
            *groups.get_mut(count)? = u16::from_be_bytes([a, b]);
            *groups.get_mut(count + 1)? = u16::from_be_bytes([c, d]);
            count += 2;
        } else {
            *groups.get_mut(count)? = number(part.as_bytes(), 16, 4)?;
            count += 1;
        }
    }
    Some(count)
}

fn number(digits: &[u8], radix: u32, longest: usize) -> Option<u16> {
    if digits.is_empty() || digits.len() > longest {
        return None;
    }
    let read = |sum: u32, digit: &u8| Some(sum * radix + char::from(*digit).to_digit(radix)?);
    u16::try_from(digits.iter().try_fold(0, read)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Valid and broken, next to each other.
    const TEXTS: &[&str] = &[
        "1.2.3.4",
        "0.0.0.0",
        "255.255.255.255",
        "256.1.1.1",
        "1.2.3",
        "1.2.3.4.5",
        "01.2.3.4",
        "1.2.3.",
        "1..2.3",
        "1.2.3.a",
        "",
        "::",
        "::1",
        "1::",
        "2001:db8::9:1",
        "2001:db8:0:0:1:0:0:1",
        "1:2:3:4:5:6:7:8",
        "1:0:3:4:5:6:7:8",
        "0:0:3:4:5:6:0:0",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8",
        "::1:2:3:4:5:6:7:8",
        "1::2::3",
        ":::",
        ":1",
        "1:",
        ":",
        "::ffff:192.0.2.1",
        "::192.0.2.1",
        "64:ff9b::192.0.2.33",
        "1:2:3:4:5:6:1.2.3.4",
        "1:2:3:4:5:6:7:1.2.3.4",
        "1.2.3.4::",
        "::1.2.3",
        "::1.2.3.4:5",
        "12345::",
        "g::",
        "FE80::ABCD",
        "fe80::1%eth0",
        "+1::",
        "1:0:0:2::3",
        "0:1::",
        "::0:1",
        "0:0:0:1:0:0:0:0",
    ];

    #[test]
    fn addresses_are_read_and_written_as_by_the_standard_library() {
        for text in TEXTS {
            let expected = text.parse::<IpAddr>().ok();
            assert_eq!(parse(text), expected, "{text}");
            let mut out = String::new();
            if let Some(address) = expected {
                push(&mut out, address);
                assert_eq!(out, address.to_string());
            }
        }
    }

    #[test]
    fn every_pattern_of_zero_groups_is_written_as_by_the_standard_library() {
        for pattern in 0..=255_u16 {
            let groups: [u16; 8] = core::array::from_fn(|index| (pattern >> index & 1) * (0x1a0b >> index));
            let address = IpAddr::from(groups);
            let mut out = String::new();
            push(&mut out, address);
            assert_eq!(out, address.to_string());
            assert_eq!(parse(&out), Some(address));
        }
    }
}
