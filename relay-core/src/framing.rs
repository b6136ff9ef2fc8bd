//! SIP messages on a byte stream: cut out by Content-Length (RFC 3261 §18.3), with the line ends between them that keep
//! a connection alive (RFC 5626 §3.5.1).
//!
//! A stream that is not SIP is noticed by its first line, one that promises too much by its Content-Length: neither fills
//! memory. Nothing here knows sockets, or reads more of a message than its end.

use core::ops::Range;
use sip_core::message::limits::MAX_MESSAGE;

/// A head may be this long; together with its body a message may be [`MAX_MESSAGE`].
const MAX_HEAD: usize = 16_384;
/// Before the first line has ended, it must look like one: methods and versions are shorter.
const MAX_FIRST_WORD: usize = 32;

/// What was cut out of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// One SIP message.
    Message(Vec<u8>),
    /// CRLF CRLF: the other side wants a [`Frame::Pong`].
    Ping,
    /// CRLF.
    Pong,
}

/// Why a stream cannot be read on. The connection is of no use any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FramingError {
    /// What began is no SIP message.
    NotSip,
    /// A head of more than 16 KiB.
    HeadTooLong,
    /// Content-Length is missing, no number, or there twice with different values.
    NoLength,
    /// A body that makes the message longer than any that is taken.
    TooLong,
}

impl FramingError {
    /// A sentence for the log.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotSip => "what came is not SIP",
            Self::HeadTooLong => "the header section is too long",
            Self::NoLength => "Content-Length is missing or unusable",
            Self::TooLong => "Content-Length is too large",
        }
    }
}

/// The bytes of one stream that are not a whole message yet.
#[derive(Debug, Default)]
pub struct Framer {
    bytes: Vec<u8>,
    /// What has been taken out of `bytes` already.
    taken: usize,
    /// Where the head is known not to end.
    searched: usize,
}

impl Framer {
    /// A stream from its beginning.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), taken: 0, searched: 0 }
    }

    /// More bytes came. Take all [`frames`](Self::next_frame) before the next.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether a message has begun and not ended: the time for that is limited.
    #[must_use]
    pub fn is_midway(&self) -> bool {
        self.rest().iter().any(|byte| !matches!(byte, b'\r' | b'\n'))
    }

    /// The next whole frame, if there is one.
    ///
    /// # Errors
    /// The stream cannot be read on.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FramingError> {
        let breaks = self.rest().iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        if breaks > 0 {
            return Ok(self.keep_alive(breaks));
        }
        if self.rest().is_empty() {
            return Ok(None);
        }
        check_first_word(self.rest())?;
        let Some(head) = self.find_head()? else { return Ok(None) };
        let length = content_length(self.rest().get(..head).unwrap_or_default())?;
        let whole = head.saturating_add(length);
        if whole > MAX_MESSAGE {
            return Err(FramingError::TooLong);
        }
        let message = self.rest().get(..whole).map(<[u8]>::to_vec);
        if message.is_some() {
            self.take(whole);
        }
        Ok(message.map(Frame::Message))
    }

    /// Line ends before a message: pairs of them are a ping, one alone is a pong. The first half of what may become a
    /// ping waits, unless a message follows it.
    fn keep_alive(&mut self, breaks: usize) -> Option<Frame> {
        match self.rest() {
            [b'\r', b'\n', b'\r', b'\n', ..] => {
                self.take(4);
                Some(Frame::Ping)
            }
            [b'\r'] | [b'\r', b'\n', b'\r'] => None,
            [b'\r', b'\n', ..] => {
                self.take(2);
                Some(Frame::Pong)
            }
            _ => {
                self.take(breaks);
                None
            }
        }
    }

    fn take(&mut self, count: usize) {
        self.taken += count;
        self.searched = 0;
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.taken..).unwrap_or_default()
    }

    /// The length of the head with its empty line, once that is there.
    fn find_head(&mut self) -> Result<Option<usize>, FramingError> {
        let from = self.searched.saturating_sub(3);
        let found = self.rest().get(from..).unwrap_or_default().windows(4).position(|window| window == b"\r\n\r\n");
        self.searched = found.map_or(self.rest().len(), |place| from + place);
        match found.map(|place| from + place + 4) {
            Some(head) if head > MAX_HEAD => Err(FramingError::HeadTooLong),
            None if self.rest().len() > MAX_HEAD => Err(FramingError::HeadTooLong),
            head => Ok(head),
        }
    }
}

/// `INVITE ` or `SIP/2.0 `: a token, and a space soon after.
fn check_first_word(bytes: &[u8]) -> Result<(), FramingError> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~/".contains(byte);
    let word = bytes.iter().take_while(|byte| is_word(byte)).count();
    match bytes.get(word) {
        Some(b' ') if word > 0 => Ok(()),
        None if word <= MAX_FIRST_WORD => Ok(()),
        _ => Err(FramingError::NotSip),
    }
}

/// RFC 3261 §18.3: it must be there. Without a body it may be left out by those who never heard of that: then the
/// message ends with its head.
fn content_length(head: &[u8]) -> Result<usize, FramingError> {
    let mut found = None;
    for line in lines(head) {
        let row = head.get(line).unwrap_or_default();
        let Some(colon) = row.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = row.split_at(colon);
        let name = name.trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"l") {
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            let number = digits(value).ok_or(FramingError::NoLength)?;
            if found.is_some_and(|known| known != number) {
                return Err(FramingError::NoLength);
            }
            found = Some(number);
        }
    }
    match found {
        Some(number) => Ok(number),
        None if has_body(head) => Err(FramingError::NoLength),
        None => Ok(0),
    }
}

fn has_body(head: &[u8]) -> bool {
    lines(head).any(|line| {
        let row = head.get(line).unwrap_or_default();
        let name = row.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii();
        name.eq_ignore_ascii_case(b"content-type") || name.eq_ignore_ascii_case(b"c")
    })
}

/// A number without sign that fits; what has more digits than that is too large for anybody.
fn digits(value: &[u8]) -> Option<usize> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let text = core::str::from_utf8(value).ok()?;
    Some(text.parse().unwrap_or(usize::MAX))
}

/// The header lines, without the first line and without line ends.
fn lines(head: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut start = 0;
    let all = core::iter::from_fn(move || {
        let rest = head.get(start..)?;
        let length = rest.windows(2).position(|window| window == b"\r\n")?;
        let line = start..start + length;
        start += length + 2;
        Some(line)
    });
    all.skip(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &str = "OPTIONS sip:a SIP/2.0\r\nVia: x\r\nContent-Length: 0\r\n\r\n";

    fn with_body(length: &str, body: &str) -> String {
        format!("MESSAGE sip:a SIP/2.0\r\nContent-Type: text/plain\r\nContent-Length{length}\r\n\r\n{body}")
    }

    fn all(framer: &mut Framer) -> Vec<Frame> {
        std::iter::from_fn(|| framer.next_frame().unwrap()).collect()
    }

    fn message(text: &str) -> Frame {
        Frame::Message(text.as_bytes().to_vec())
    }

    #[test]
    fn messages_are_cut_wherever_the_network_cuts_them() {
        let second = with_body(" : 5", "hello");
        let stream = format!("\r\n{OPTIONS}\r\n\r\n{second}{OPTIONS}");
        let expected = [Frame::Pong, message(OPTIONS), Frame::Ping, message(&second), message(OPTIONS)];

        for size in 1..stream.len() {
            let mut framer = Framer::new();
            let mut found = Vec::new();
            for part in stream.as_bytes().chunks(size) {
                framer.push(part);
                found.extend(all(&mut framer));
            }
            // A ping whose halves come apart is two pongs: nobody can tell.
            found.retain(|frame| !matches!(frame, Frame::Pong | Frame::Ping));
            assert_eq!(found.len(), 3, "cut in pieces of {size}");
            assert_eq!(found[1], expected[3]);
        }
        let mut framer = Framer::new();
        framer.push(stream.as_bytes());
        assert_eq!(all(&mut framer), expected);
        assert!(!framer.is_midway());
    }

    #[test]
    fn a_message_that_has_begun_is_midway_and_line_ends_are_not() {
        let mut framer = Framer::new();
        framer.push(b"\r\n\r");
        assert_eq!(all(&mut framer), []);
        assert!(!framer.is_midway());
        framer.push(b"\nOPT");
        assert_eq!(all(&mut framer), [Frame::Ping]);
        assert!(framer.is_midway());
    }

    #[test]
    fn what_is_not_sip_is_noticed_at_once() {
        for text in [
            "\0\0\0",
            "\u{16}\u{3}\u{1}\u{2}\0",
            "{\"a\":1}",
            "no\r\n",
            ":",
            "AVeryLongWordThatNoMethodWillEverBeAsLongAs",
        ] {
            let mut framer = Framer::new();
            framer.push(text.as_bytes());
            assert_eq!(framer.next_frame(), Err(FramingError::NotSip), "{text}");
        }
    }

    #[test]
    fn lengths_that_cannot_be_are_errors() {
        let first = |text: &str| {
            let mut framer = Framer::new();
            framer.push(text.as_bytes());
            framer.next_frame()
        };
        assert_eq!(first(&with_body(": 70000", "")), Err(FramingError::TooLong));
        assert_eq!(first(&with_body(": 99999999999999999999999", "")), Err(FramingError::TooLong));
        assert_eq!(first(&with_body(": -1", "")), Err(FramingError::NoLength));
        assert_eq!(first(&with_body(": five", "hello")), Err(FramingError::NoLength));
        assert_eq!(first(&with_body(": 5\r\nl: 6", "hello")), Err(FramingError::NoLength));
        assert_eq!(first("MESSAGE sip:a SIP/2.0\r\nc: text/plain\r\n\r\nhello"), Err(FramingError::NoLength));
        assert_eq!(first("BYE sip:a SIP/2.0\r\n\r\n"), Ok(Some(message("BYE sip:a SIP/2.0\r\n\r\n"))));
    }

    #[test]
    fn a_head_without_end_is_an_error_before_it_fills_memory() {
        let mut framer = Framer::new();
        framer.push(b"OPTIONS sip:a SIP/2.0\r\n");
        let row = format!("X-Filler: {}\r\n", "x".repeat(500));
        let error = (0..100).find_map(|_| {
            framer.push(row.as_bytes());
            framer.next_frame().err()
        });
        assert_eq!(error, Some(FramingError::HeadTooLong));
    }
}
