//! What a registrar's 2xx grants (RFC 3261 §10.2.4, RFC 3608, RFC 5626 §4.2, RFC 5627 §4.2).
//!
//! Only what it says about our own Contact counts; what cannot be read is as if it were not there.

use crate::message::{Contacts, HeaderName, NameAddr, Response, Uri};
use crate::time::Duration;

/// Service-Routes that are followed; a longer list is none.
const MAX_ROUTES: usize = 8;

/// What a registrar granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// For how long, at most.
    pub expires: Duration,
    /// The proxies that requests of this account are to pass, nearest first (RFC 3608).
    pub service_route: Vec<NameAddr>,
    /// An address that always leads to this user agent, on whatever flow (RFC 5627).
    pub public_gruu: Option<Uri>,
    /// The same without the name of the account; a new one with each REGISTER (RFC 5627).
    pub temporary_gruu: Option<Uri>,
    /// The registrar knows this as a flow (RFC 5626): it replaces the one of the same instance and `reg-id`.
    pub is_outbound: bool,
    /// After how much silence the server takes the flow for dead (RFC 5626 §4.4).
    pub flow_timer: Option<Duration>,
}

impl Grant {
    /// What a 2xx grants to the binding that asked for `asked` seconds. None: it is not among those that are there.
    pub(super) fn read(response: &Response, ours: &NameAddr, asked: u32) -> Option<Self> {
        let general = response.headers.expires().unwrap_or(asked);
        let contact = match response.headers.contacts() {
            // A registrar that lists nothing at all was content, but is lazy.
            Ok(Contacts::List(contacts)) if contacts.is_empty() => None,
            Ok(Contacts::List(contacts)) => Some(own(contacts, ours)?),
            Ok(Contacts::Star) | Err(_) => None,
        };
        let seconds = contact.as_ref().and_then(NameAddr::expires).unwrap_or(general);
        let gruu = |name| contact.as_ref().and_then(|contact| gruu(contact, name));
        let is_outbound = response.headers.require().iter().any(|option| option.eq_ignore_ascii_case("outbound"));
        (seconds > 0).then(|| Self {
            expires: Duration::from_secs(seconds.into()),
            service_route: service_route(response),
            public_gruu: gruu("pub-gruu"),
            temporary_gruu: gruu("temp-gruu"),
            is_outbound,
            flow_timer: flow_timer(response),
        })
    }
}

/// Our binding among those that are listed: by its URI; by instance and flow; or by its user part, where a registrar
/// wrote down where it saw us instead of the host.
fn own(contacts: Vec<NameAddr>, ours: &NameAddr) -> Option<NameAddr> {
    let same =
        |name: &str, other: &NameAddr| ours.params.get(name).is_some_and(|value| other.params.get(name) == Some(value));
    let by_uri = contacts.iter().position(|contact| contact.uri.matches(&ours.uri));
    let by_flow = || contacts.iter().position(|contact| same("+sip.instance", contact) && same("reg-id", contact));
    let by_user = || contacts.iter().position(|contact| ours.uri.user.is_some() && contact.uri.user == ours.uri.user);
    let place = by_uri.or_else(by_flow).or_else(by_user)?;
    contacts.into_iter().nth(place)
}

fn gruu(contact: &NameAddr, name: &str) -> Option<Uri> {
    let uri: Uri = contact.params.get(name)?.parse().ok()?;
    (uri.is_sip() && uri.params.has("gr")).then_some(uri)
}

fn service_route(response: &Response) -> Vec<NameAddr> {
    let routes = response.headers.addresses(&HeaderName::ServiceRoute).unwrap_or_default();
    let is_usable = routes.len() <= MAX_ROUTES && routes.iter().all(|route| route.uri.is_sip());
    if is_usable { routes } else { Vec::new() }
}

fn flow_timer(response: &Response) -> Option<Duration> {
    let seconds: u32 = response.headers.get(&HeaderName::FlowTimer)?.trim().parse().ok()?;
    (seconds > 0).then(|| Duration::from_secs(seconds.into()))
}
