//! Digits from telephone-events (RFC 4733): each event once, at its first packet.

const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

/// All packets of an event have its timestamp (§2.3.2); a later event has a later one.
#[derive(Debug, Default)]
pub(super) struct DigitReader {
    last: Option<u32>,
}

impl DigitReader {
    /// The digit of a new event; none for a repetition, a late packet, or an event that is no digit.
    pub(super) fn read(&mut self, timestamp: u32, payload: &[u8]) -> Option<char> {
        let digit = *DIGITS.get(usize::from(*payload.first()?))?;
        let is_new = self.last.is_none_or(|last| is_later(timestamp, last));
        is_new.then(|| {
            self.last = Some(timestamp);
            digit
        })
    }
}

/// In the half circle after `than` (RFC 3550 §5.1: timestamps wrap around).
const fn is_later(timestamp: u32, than: u32) -> bool {
    let ahead = timestamp.wrapping_sub(than);
    ahead != 0 && ahead < 1 << 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_told_once_whatever_is_lost_or_repeated() {
        let mut reader = DigitReader::default();

        assert_eq!(reader.read(u32::MAX - 99, &[5, 0x80, 3, 32]), Some('5'), "only its end arrived");
        assert_eq!(reader.read(u32::MAX - 99, &[5, 0x80, 3, 32]), None);
        assert_eq!(reader.read(700, &[5, 10, 0, 160]), Some('5'), "the same digit again, and the clock wrapped");
        assert_eq!(reader.read(u32::MAX - 99, &[5, 0x80, 3, 32]), None, "late");
        assert_eq!(reader.read(1_500, &[16, 10, 0, 160]), None, "a flash is no digit");
        assert_eq!(reader.read(2_300, &[11, 10, 0, 160]), Some('#'));
        assert_eq!(reader.read(3_000, &[]), None);
    }
}
