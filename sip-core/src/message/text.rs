//! Values as text on the wire: each type pushes itself onto a `String`.
//!
//! `core::fmt`, with its widths, paddings and traits, would be a tenth of the browser's module. `to_string` does without
//! it; `Display` is there for messages that people read.

/// Gives types that have `write_to(&self, out: &mut String)` their `to_string` and their `Display`.
macro_rules! text {
    ($($type:ty),+ $(,)?) => {$(
        impl $type {
            /// The value as it stands on the wire; the same as by `Display`.
            #[must_use]
            #[allow(clippy::inherent_to_string_shadow_display, reason = "the same text, without core::fmt")]
            pub fn to_string(&self) -> String {
                let mut out = String::new();
                self.write_to(&mut out);
                out
            }
        }

        impl core::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(&self.to_string())
            }
        }
    )+};
}

pub(crate) use text;

/// Adds a number in decimal digits.
pub(crate) fn push_number(out: &mut String, number: u64) {
    if number >= 10 {
        push_number(out, number / 10);
    }
    out.push(char::from(b'0' + (number % 10) as u8));
}

/// A number in decimal digits.
pub(crate) fn decimal(number: impl Into<u64>) -> String {
    let mut out = String::new();
    push_number(&mut out, number.into());
    out
}

/// Adds `:port`, where there is one.
pub(crate) fn write_port(port: Option<u16>, out: &mut String) {
    if let Some(port) = port {
        out.push(':');
        push_number(out, port.into());
    }
}

/// What stands before and behind the first `mark`, as `str::split_once` finds it: its two-way search, which is for long
/// marks, would be 4 kB of the browser's module.
pub(crate) fn split_at_text<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let at = text.as_bytes().windows(mark.len().max(1)).position(|window| window == mark.as_bytes())?;
    Some((text.get(..at)?, text.get(at + mark.len()..)?))
}

/// Bytes in lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for nibble in bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        out.push(char::from(nibble + if nibble < 10 { b'0' } else { b'a' - 10 }));
    }
    out
}
