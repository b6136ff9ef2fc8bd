//! The bounds of a message: what is longer or more is refused before it costs anything.

/// Bytes in one message: what one UDP datagram can carry.
pub const MAX_MESSAGE: usize = 65_535;

/// Rows in the header section.
pub const MAX_HEADERS: usize = 256;

/// Bytes in one line, a folded header counting as one.
pub const MAX_LINE: usize = 8_192;

/// Parameters of one URI or one header value.
pub const MAX_PARAMS: usize = 64;

/// Values in one typed list, as Via, Route or Contact.
pub const MAX_VALUES: usize = 128;
