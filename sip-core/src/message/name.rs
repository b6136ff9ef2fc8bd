//! Header names: canonical, compact (RFC 3261 §7.3.3), and unknown ones kept as they came.

use core::str::FromStr;

use super::SyntaxError;
use super::scan::is_token;
use super::text::text;

/// A header name. Known names are equal to their compact forms, unknown ones whatever their case (RFC 3261 §7.3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderName(Name);

/// A known name is one byte; a variant of its own in the enum with the `String` would have each copied in an arm of its
/// own.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Known(Known),
    Other(Unknown),
}

/// As it came.
#[derive(Clone, Debug)]
struct Unknown(String);

/// Each line: the constant, the name, and its compact form where it has one; the shortest first.
macro_rules! names {
    ($($variant:ident $name:literal $($compact:literal)?;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Known {
            $($variant,)*
        }

        /// In the order of their numbers.
        const NAMES: &[(&str, Known)] = &[$(($name, Known::$variant),)*];

        #[allow(non_upper_case_globals, reason = "used like the variants of an enum")]
        impl HeaderName {
            $(
                #[doc = concat!("`", $name, "`.")]
                pub const $variant: Self = Self(Name::Known(Known::$variant));
            )*
        }

        const fn compact(letter: u8) -> Option<Known> {
            match letter.to_ascii_lowercase() {
                $($($compact => Some(Known::$variant),)?)*
                _ => None,
            }
        }
    };
}

names! {
    To "To" b't';
    Via "Via" b'v';
    From "From" b'f';
    CSeq "CSeq";
    Date "Date";
    Path "Path";
    RSeq "RSeq";
    RAck "RAck";
    Join "Join";
    Allow "Allow";
    Event "Event" b'o';
    Route "Route";
    Accept "Accept";
    Reason "Reason";
    Server "Server";
    MinSe "Min-SE";
    CallId "Call-ID" b'i';
    Contact "Contact" b'm';
    Expires "Expires";
    Require "Require";
    Subject "Subject" b's';
    Warning "Warning";
    Privacy "Privacy";
    ReferTo "Refer-To" b'r';
    Replaces "Replaces";
    Priority "Priority";
    Identity "Identity" b'y';
    SipEtag "SIP-ETag";
    Supported "Supported" b'k';
    Diversion "Diversion";
    Timestamp "Timestamp";
    CallInfo "Call-Info";
    RecvInfo "Recv-Info";
    UserAgent "User-Agent";
    AlertInfo "Alert-Info";
    SessionId "Session-ID";
    FlowTimer "Flow-Timer";
    Unsupported "Unsupported";
    RetryAfter "Retry-After";
    MinExpires "Min-Expires";
    ReferredBy "Referred-By" b'b';
    InReplyTo "In-Reply-To";
    ContentType "Content-Type" b'c';
    MaxForwards "Max-Forwards";
    RecordRoute "Record-Route";
    Organization "Organization";
    HistoryInfo "History-Info";
    AllowEvents "Allow-Events" b'u';
    InfoPackage "Info-Package";
    MimeVersion "MIME-Version";
    SipIfMatch "SIP-If-Match";
    UserToUser "User-to-User";
    Authorization "Authorization";
    ServiceRoute "Service-Route";
    PEarlyMedia "P-Early-Media";
    ProxyRequire "Proxy-Require";
    TargetDialog "Target-Dialog";
    ContentLength "Content-Length" b'l';
    AcceptContact "Accept-Contact" b'a';
    RejectContact "Reject-Contact" b'j';
    SessionExpires "Session-Expires" b'x';
    AcceptEncoding "Accept-Encoding";
    AcceptLanguage "Accept-Language";
    RemotePartyId "Remote-Party-ID";
    WwwAuthenticate "WWW-Authenticate";
    ContentEncoding "Content-Encoding" b'e';
    ContentLanguage "Content-Language";
    PAssociatedUri "P-Associated-URI";
    PCalledPartyId "P-Called-Party-ID";
    ProxyAuthenticate "Proxy-Authenticate";
    SubscriptionState "Subscription-State";
    PAssertedIdentity "P-Asserted-Identity";
    AuthenticationInfo "Authentication-Info";
    ContentDisposition "Content-Disposition";
    ProxyAuthorization "Proxy-Authorization";
    RequestDisposition "Request-Disposition" b'd';
    PPreferredIdentity "P-Preferred-Identity";
}

/// The longest name in the table, plus one.
const LENGTHS: usize = 21;

/// Where in `NAMES` the names of a length begin.
const STARTS: [usize; LENGTHS + 1] = starts();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn starts() -> [usize; LENGTHS + 1] {
    let mut starts = [0; LENGTHS + 1];
    let (mut length, mut index) = (0, 0);
    while length <= LENGTHS {
        while index < NAMES.len() && NAMES[index].0.len() < length {
            index += 1;
        }
        starts[length] = index;
        length += 1;
    }
    starts
}

impl HeaderName {
    /// A name that this crate does not know, as it is to be written.
    #[must_use]
    pub fn other(name: &str) -> Self {
        Self(Name::Other(Unknown(name.to_owned())))
    }

    /// The canonical form, or the name as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Name::Known(known) => NAMES.get(*known as usize).map_or("", |(name, _)| name),
            Name::Other(Unknown(name)) => name,
        }
    }

    /// Whether this crate has a constant for it.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        matches!(self.0, Name::Known(_))
    }

    /// The name that a token means.
    pub(super) fn of_token(name: &str) -> Self {
        let short = match name.as_bytes() {
            [letter] => compact(*letter),
            _ => None,
        };
        short.or_else(|| known(name)).map_or_else(|| Self::other(name), |known| Self(Name::Known(known)))
    }
}

fn known(name: &str) -> Option<Known> {
    let (start, end) = (*STARTS.get(name.len())?, *STARTS.get(name.len() + 1)?);
    let same_length = NAMES.get(start..end)?;
    let first = name.as_bytes().first();
    // Most senders write names as the table has them.
    let is_exact = |(known, _): &&(&str, Known)| known.as_bytes().first() == first && *known == name;
    let entry = same_length
        .iter()
        .find(is_exact)
        .or_else(|| same_length.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)))?;
    Some(entry.1)
}

impl PartialEq for Unknown {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Unknown {}

impl FromStr for HeaderName {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        if is_token(text) { Ok(Self::of_token(text)) } else { Err(SyntaxError("a header name")) }
    }
}

impl HeaderName {
    pub(crate) fn write_to(&self, out: &mut String) {
        out.push_str(self.as_str());
    }
}

text!(HeaderName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_ordered_by_length_and_every_name_is_found() {
        assert!(NAMES.is_sorted_by_key(|(name, _)| name.len()));
        for (name, known) in NAMES {
            let known = HeaderName(Name::Known(*known));
            assert!(name.len() < LENGTHS, "{name}");
            assert_eq!(known.as_str(), *name);
            assert_eq!(name.to_ascii_uppercase().parse::<HeaderName>().as_ref(), Ok(&known));
        }
    }

    #[test]
    fn compact_forms_expand_and_unknown_names_keep_their_spelling() {
        assert_eq!("V".parse(), Ok(HeaderName::Via));
        assert_eq!("l".parse(), Ok(HeaderName::ContentLength));
        let other: HeaderName = "x-Odd".parse().unwrap();
        assert_eq!(other.as_str(), "x-Odd");
        assert_eq!(other, HeaderName::other("X-ODD"));
        assert_ne!(other, HeaderName::Via);
        assert!("a b".parse::<HeaderName>().is_err());
    }
}
