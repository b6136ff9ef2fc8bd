//! Digits from telephone-events (RFC 4733): each event once, at its first packet.

const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];
/// The longest that one segment of an event can tell (§2.5.1.3), and a tenth of a second at 8 kHz.
const SEGMENT: u32 = 0xFFFF + 800;

/// All packets of an event have its timestamp (§2.3.2); a later event has a later one.
#[derive(Debug, Default)]
pub(super) struct DigitReader {
    last: Option<Event>,
}

#[derive(Clone, Copy, Debug)]
struct Event {
    timestamp: u32,
    digit: char,
    /// None after its end.
    duration: Option<u16>,
}

impl Event {
    /// Whether `other` is its next segment: a key is held for long (§2.5.1.3).
    fn goes_on_as(&self, other: &Self) -> bool {
        let is_full = self.duration.is_some_and(|duration| duration > u16::MAX / 2);
        is_full && self.digit == other.digit && other.timestamp.wrapping_sub(self.timestamp) <= SEGMENT
    }
}

impl DigitReader {
    /// The digit of a new event; none for a repetition, a late packet, or an event that is no digit.
    pub(super) fn read(&mut self, timestamp: u32, payload: &[u8]) -> Option<char> {
        let [code, flags, high, low] = *payload.first_chunk()?;
        let digit = *DIGITS.get(usize::from(code))?;
        let duration = (flags & 0x80 == 0).then(|| u16::from_be_bytes([high, low]));
        let event = Event { timestamp, digit, duration };
        let is_new = match self.last {
            Some(last) if last.timestamp == timestamp => false,
            Some(last) if !is_later(timestamp, last.timestamp) => return None,
            Some(last) => !last.goes_on_as(&event),
            None => true,
        };
        self.last = Some(event);
        is_new.then_some(digit)
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

    #[test]
    fn a_key_that_is_held_is_one_digit_and_the_next_press_another() {
        let mut reader = DigitReader::default();

        assert_eq!(reader.read(0, &[5, 10, 0, 160]), Some('5'));
        assert_eq!(reader.read(0, &[5, 10, 0xFF, 0xFF]), None);
        assert_eq!(reader.read(0xFFFF, &[5, 10, 0, 160]), None, "the next segment");
        assert_eq!(reader.read(0xFFFF, &[5, 0x8A, 0xF0, 0]), None);
        assert_eq!(reader.read(0xFFFF + 0xF100, &[5, 10, 0, 160]), Some('5'), "the first had ended");
        assert_eq!(reader.read(0x2_F000, &[5, 10, 0, 160]), Some('5'), "the second was short, its end is lost");
    }
}
