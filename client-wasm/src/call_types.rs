//! The part of the border that says how calls are refused, and who calls: plain data like all of
//! [`types`](crate::types).

use tsify::Tsify;

/// How to refuse a call.
#[derive(Default, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct RejectOptions {
    /// Why, in words: the reason phrase, and the text of the Reason header.
    #[tsify(optional)]
    pub text: Option<String>,
    /// Why, as a telephone exchange says it (ITU-T Q.850, RFC 3326).
    #[tsify(optional)]
    pub q850: Option<u32>,
    /// With a status from 300 to 399: where to call instead, the most wanted first.
    #[tsify(optional)]
    pub targets: Vec<String>,
}

/// Who calls.
#[derive(Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The name; none where the caller gave none, or wants to stay unknown.
    #[tsify(optional)]
    pub name: Option<String>,
    /// The address: `sip:bob@example.com`, `tel:+49301234`.
    pub uri: String,
    /// The server vouches for the address (RFC 3325); otherwise it is the caller's own word.
    pub asserted: bool,
    /// The caller wants to stay unknown.
    pub anonymous: bool,
}

/// A station that sent a call on.
#[derive(Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Diversion {
    /// Its address.
    pub uri: String,
    /// Its name, where one is told.
    #[tsify(optional)]
    pub name: Option<String>,
    /// Why, in the words of RFC 5806: `unconditional`, `user-busy`, `no-answer`, `deflection`, …
    #[tsify(optional)]
    pub reason: Option<String>,
}

/// Why an incoming call never rang.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Tsify)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalCause {
    /// There were as many calls as there may be.
    Busy,
    /// This page is not to be disturbed.
    DoNotDisturb,
}

impl RefusalCause {
    /// As TypeScript knows it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::DoNotDisturb => "do-not-disturb",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_generated_types() {
        let words: Vec<&str> = RefusalCause::DECL.split('"').skip(1).step_by(2).collect();

        assert_eq!(words, [RefusalCause::Busy, RefusalCause::DoNotDisturb].map(RefusalCause::as_str));
    }
}
