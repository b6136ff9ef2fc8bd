//! Header names: canonical, compact (RFC 3261 §7.3.3), and unknown ones kept as they came.

use core::mem::discriminant;
use core::str::FromStr;

use super::SyntaxError;
use super::scan::is_token;
use super::text::text;

/// One line a header, ordered by the length of its name: variant, name, compact form.
macro_rules! names {
    ($($variant:ident $name:literal $($compact:literal)?;)*) => {
        /// The name of a header. Names compare without regard to case.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum HeaderName {
            $(
                #[doc = concat!("`", $name, "`.")]
                $variant,
            )*
            /// A name this crate has no variant for, as it came.
            Other(String),
        }

        const NAMES: &[(&str, HeaderName)] = &[$(($name, HeaderName::$variant),)*];

        impl HeaderName {
            /// The name on the wire, never the compact form.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Other(name) => name,
                }
            }

            const fn compact(letter: u8) -> Option<Self> {
                match letter.to_ascii_lowercase() {
                    $($($compact => Some(Self::$variant),)?)*
                    _ => None,
                }
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
    /// The variant of a name that is already known to be a token.
    pub(super) fn of_token(name: &str) -> Self {
        let compact = match name.as_bytes() {
            [letter] => Self::compact(*letter),
            _ => None,
        };
        compact.or_else(|| Self::known(name)).unwrap_or_else(|| Self::Other(name.to_owned()))
    }

    fn known(name: &str) -> Option<Self> {
        let (start, end) = (*STARTS.get(name.len())?, *STARTS.get(name.len() + 1)?);
        let same_length = NAMES.get(start..end)?;
        let first = name.as_bytes().first();
        let is_exact = |(known, _): &&(&str, Self)| known.as_bytes().first() == first && *known == name;
        let entry = same_length
            .iter()
            .find(is_exact)
            .or_else(|| same_length.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)))?;
        Some(entry.1.clone())
    }
}

impl PartialEq for HeaderName {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Other(a), Self::Other(b)) => a.eq_ignore_ascii_case(b),
            _ => discriminant(self) == discriminant(other),
        }
    }
}

impl Eq for HeaderName {}

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
        for (name, variant) in NAMES {
            assert!(name.len() < LENGTHS, "{name}");
            assert_eq!(variant.as_str(), *name);
            assert_eq!(name.to_ascii_uppercase().parse::<HeaderName>().as_ref(), Ok(variant));
        }
    }

    #[test]
    fn compact_forms_expand_and_unknown_names_keep_their_spelling() {
        assert_eq!("V".parse(), Ok(HeaderName::Via));
        assert_eq!("l".parse(), Ok(HeaderName::ContentLength));
        let other: HeaderName = "x-Odd".parse().unwrap();
        assert_eq!(other.as_str(), "x-Odd");
        assert_eq!(other, HeaderName::Other("X-ODD".to_owned()));
        assert_ne!(other, HeaderName::Via);
        assert!("a b".parse::<HeaderName>().is_err());
    }
}
