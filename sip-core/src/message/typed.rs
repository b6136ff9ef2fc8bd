//! Headers as the types of their RFCs. Each reading parses the row again; nothing is cached.

use core::str::FromStr;

use super::limits::MAX_VALUES;
use super::scan::number;
use super::{
    CSeq, Challenge, Contacts, HeaderError, HeaderName, Headers, NameAddr, Parameterized, RAck, Reason, SyntaxError,
    Via,
};

impl Headers {
    /// The topmost Via.
    ///
    /// # Errors
    /// It is missing or malformed.
    pub fn via(&self) -> Result<Via, HeaderError> {
        let first = self.values(&HeaderName::Via).next().ok_or_else(|| HeaderError::missing(HeaderName::Via))?;
        read(&HeaderName::Via, first)
    }

    /// All Via values, topmost first.
    ///
    /// # Errors
    /// One of them is malformed, or there are more than [`MAX_VALUES`].
    pub fn vias(&self) -> Result<Vec<Via>, HeaderError> {
        self.list(&HeaderName::Via)
    }

    /// From.
    ///
    /// # Errors
    /// It is missing or malformed.
    pub fn from(&self) -> Result<NameAddr, HeaderError> {
        self.one(&HeaderName::From)
    }

    /// To.
    ///
    /// # Errors
    /// It is missing or malformed.
    pub fn to(&self) -> Result<NameAddr, HeaderError> {
        self.one(&HeaderName::To)
    }

    /// Contact; an empty list where there is none.
    ///
    /// # Errors
    /// It is malformed, or `*` among other values.
    pub fn contacts(&self) -> Result<Contacts, HeaderError> {
        let star = self.get(&HeaderName::Contact) == Some("*");
        if star && self.get_all(&HeaderName::Contact).count() == 1 {
            return Ok(Contacts::Star);
        }
        self.list(&HeaderName::Contact).map(Contacts::List)
    }

    /// Call-ID.
    ///
    /// # Errors
    /// It is missing, empty, or has white space inside.
    pub fn call_id(&self) -> Result<&str, HeaderError> {
        let value = self.required(&HeaderName::CallId)?;
        match value.is_empty() || value.contains([' ', '\t', ',']) {
            true => Err(HeaderError::malformed(HeaderName::CallId, SyntaxError("one word"))),
            false => Ok(value),
        }
    }

    /// CSeq.
    ///
    /// # Errors
    /// It is missing or malformed.
    pub fn cseq(&self) -> Result<CSeq, HeaderError> {
        self.one(&HeaderName::CSeq)
    }

    /// Max-Forwards, where it is there and a number from 0 to 255.
    #[must_use]
    pub fn max_forwards(&self) -> Option<u8> {
        self.number(&HeaderName::MaxForwards)?.try_into().ok()
    }

    /// Expires in seconds. A number beyond 32 bits counts as 2³²−1, what is no number as absent.
    #[must_use]
    pub fn expires(&self) -> Option<u32> {
        self.seconds(&HeaderName::Expires)
    }

    /// Min-Expires in seconds.
    #[must_use]
    pub fn min_expires(&self) -> Option<u32> {
        self.seconds(&HeaderName::MinExpires)
    }

    /// Retry-After in seconds, without its comment and parameters.
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        let value = self.get(&HeaderName::RetryAfter)?;
        seconds(value.split([';', '(', ' ']).next()?)
    }

    /// RSeq.
    #[must_use]
    pub fn rseq(&self) -> Option<u32> {
        self.number(&HeaderName::RSeq)
    }

    /// RAck.
    ///
    /// # Errors
    /// It is missing or malformed.
    pub fn rack(&self) -> Result<RAck, HeaderError> {
        self.one(&HeaderName::RAck)
    }

    /// Route values, the next hop first.
    ///
    /// # Errors
    /// One of them is malformed.
    pub fn routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.list(&HeaderName::Route)
    }

    /// Record-Route values, topmost first.
    ///
    /// # Errors
    /// One of them is malformed.
    pub fn record_routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.list(&HeaderName::RecordRoute)
    }

    /// The addresses of any other header that holds some: Path, Service-Route, P-Asserted-Identity, Refer-To,
    /// Diversion.
    ///
    /// # Errors
    /// One of them is malformed.
    pub fn addresses(&self, name: &HeaderName) -> Result<Vec<NameAddr>, HeaderError> {
        self.list(name)
    }

    /// The option tags of Require.
    #[must_use]
    pub fn require(&self) -> Vec<&str> {
        self.values(&HeaderName::Require).collect()
    }

    /// The option tags of Supported.
    #[must_use]
    pub fn supported(&self) -> Vec<&str> {
        self.values(&HeaderName::Supported).collect()
    }

    /// Whether Require or Supported names an option tag.
    #[must_use]
    pub fn supports(&self, option: &str) -> bool {
        let names = [HeaderName::Supported, HeaderName::Require];
        names.iter().any(|name| self.values(name).any(|tag| tag.eq_ignore_ascii_case(option)))
    }

    /// Content-Type.
    #[must_use]
    pub fn content_type(&self) -> Option<Parameterized> {
        self.parameterized(&HeaderName::ContentType)
    }

    /// A header of the form `value;params`: Event, Session-Expires, Content-Disposition, Replaces.
    #[must_use]
    pub fn parameterized(&self, name: &HeaderName) -> Option<Parameterized> {
        self.get(name)?.parse().ok()
    }

    /// The challenges of WWW-Authenticate or Proxy-Authenticate. A row that cannot be read is passed over.
    #[must_use]
    pub fn challenges(&self, name: &HeaderName) -> Vec<Challenge> {
        let mut challenges = Vec::new();
        for row in self.get_all(name).take(MAX_VALUES) {
            let known = challenges.len();
            if Challenge::parse_row(row, &mut challenges).is_err() {
                challenges.truncate(known);
            }
        }
        challenges
    }

    /// The first readable Reason; one of Q.850 where there is one, because it says more.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        let mut reasons: Vec<Reason> =
            self.values(&HeaderName::Reason).take(MAX_VALUES).filter_map(|value| value.parse().ok()).collect();
        let best = reasons.iter().position(Reason::is_q850).unwrap_or(0);
        if best < reasons.len() { Some(reasons.swap_remove(best)) } else { None }
    }

    fn required(&self, name: &HeaderName) -> Result<&str, HeaderError> {
        self.get(name).ok_or_else(|| HeaderError::missing(name.clone()))
    }

    fn one<T: FromStr<Err = SyntaxError>>(&self, name: &HeaderName) -> Result<T, HeaderError> {
        read(name, self.required(name)?)
    }

    fn list<T: FromStr<Err = SyntaxError>>(&self, name: &HeaderName) -> Result<Vec<T>, HeaderError> {
        let mut list = Vec::new();
        for value in self.values(name) {
            if list.len() >= MAX_VALUES {
                return Err(HeaderError::malformed(name.clone(), SyntaxError("fewer values")));
            }
            list.push(read(name, value)?);
        }
        Ok(list)
    }

    fn number(&self, name: &HeaderName) -> Option<u32> {
        number(self.get(name)?)
    }

    fn seconds(&self, name: &HeaderName) -> Option<u32> {
        seconds(self.get(name)?)
    }
}

fn read<T: FromStr<Err = SyntaxError>>(name: &HeaderName, text: &str) -> Result<T, HeaderError> {
    text.parse().map_err(|error| HeaderError::malformed(name.clone(), error))
}

/// `delta-seconds`: digits, of which too many mean "as long as can be".
fn seconds(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { Some(text.parse().unwrap_or(u32::MAX)) } else { None }
}
