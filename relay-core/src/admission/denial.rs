//! Why a token does not admit a call, and what the page hears of it.

use sip_core::message::StatusCode;

/// A call that may not be made. What is the token's fault is 403; what another moment may mend is 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denial {
    /// No JWT with the claims that are needed.
    Malformed,
    /// No site of this name, or one that signs no tokens.
    Issuer,
    /// Not signed by that site, or by another algorithm than its key's.
    Signature,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    Early,
    /// It is good for longer than tokens may be.
    Lasting,
    /// A call was made with it already.
    Spent,
    /// It is for another page.
    Origin,
    /// It is for other callees.
    Callee,
    /// Nobody may call this number with a token.
    Forbidden,
    /// As many calls as it allows are under way.
    Busy,
    /// Too many tokens are remembered to tell whether this one is spent.
    Full,
    /// A page that may only call with a token came without.
    Missing,
    /// What is asked for is not a call.
    NotACall,
    /// Somebody who was asked about the call said no, or sent it where it cannot go.
    Decided,
}

impl Denial {
    /// The status of the refusal.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Busy | Self::Full => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::FORBIDDEN,
        }
    }

    /// Seconds after which another attempt may succeed.
    #[must_use]
    pub const fn retry_after(self) -> Option<u32> {
        match self {
            Self::Busy | Self::Full => Some(30),
            _ => None,
        }
    }

    /// The reason phrase.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Malformed => "Unusable Token",
            Self::Issuer => "Token Of An Unknown Site",
            Self::Signature => "Token With A Wrong Signature",
            Self::Expired => "Token Expired",
            Self::Early => "Token Not Valid Yet",
            Self::Lasting => "Token Valid For Too Long",
            Self::Spent => "Token Used Already",
            Self::Origin => "Token Of Another Origin",
            Self::Callee => "Token For Another Callee",
            Self::Forbidden => "Number Not Allowed With A Token",
            Self::Busy => "All Calls Of This Token Are In Use",
            Self::Full => "Too Many Tokens",
            Self::Missing => "A Token Is Needed Here",
            Self::Decided => "The Call Is Not Allowed",
            Self::NotACall => "A Token Allows A Call And Nothing Else",
        }
    }

    /// One word for counters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Issuer => "issuer",
            Self::Signature => "signature",
            Self::Expired => "expired",
            Self::Early => "early",
            Self::Lasting => "lasting",
            Self::Spent => "spent",
            Self::Origin => "origin",
            Self::Callee => "callee",
            Self::Forbidden => "forbidden",
            Self::Busy => "busy",
            Self::Full => "full",
            Self::Missing => "missing",
            Self::NotACall => "not_a_call",
            Self::Decided => "decided",
        }
    }
}
