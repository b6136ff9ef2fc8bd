//! The numbering plan: who answers under which name.

/// What a call reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Number {
    /// Gives each packet back.
    Echo,
    /// Plays music.
    Music,
    /// Plays the digits it hears as tones.
    Ivr,
    /// Is busy: 486.
    Busy,
    /// Rings and is never answered: 480 in the end.
    NoAnswer,
    /// Declines: 603.
    Reject,
    /// Plays a tone before it answers: 183 with SDP, then 200.
    Delay,
    /// The phones of an account.
    Account(String),
}

/// The numbers that answer by themselves, with a line about each for people.
pub const NUMBERS: [(&str, Number, &str); 7] = [
    ("echo", Number::Echo, "Says back what you say"),
    ("music", Number::Music, "Plays music made up on the spot"),
    ("ivr", Number::Ivr, "Press keys, then # or a pause: it plays them back"),
    ("busy", Number::Busy, "Is always busy"),
    ("noanswer", Number::NoAnswer, "Rings for half a minute, and nobody answers"),
    ("reject", Number::Reject, "Declines every call"),
    ("delay", Number::Delay, "Plays a ringing tone of its own for three seconds, then answers"),
];

impl Number {
    /// The number of this name, accounts aside.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let row = NUMBERS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
        row.map(|(_, number, _)| number.clone())
    }
}
