//! Which headers of its own the agent writes into which message (RFC 3261 §8.1.1, §8.2.6 and table 2), and how the
//! application's are laid over them.

use super::{AgentError, Config, Reliability};
use crate::message::{HeaderName, Headers, Method, NameAddr, Request, Response, StatusCode, Uri};

const MAX_FORWARDS: &str = "70";
const SDP: &str = "application/sdp";

/// The names that identify a transaction, a dialog or a body: the application's rows of these are passed over.
const RESERVED: [HeaderName; 8] = [
    HeaderName::Via,
    HeaderName::From,
    HeaderName::To,
    HeaderName::CallId,
    HeaderName::CSeq,
    HeaderName::RecordRoute,
    HeaderName::ContentType,
    HeaderName::ContentLength,
];

/// Adds what a request of this method carries and does not have yet. A row of the application without a value keeps that
/// header out.
pub(crate) fn complete_request(request: &mut Request, config: &Config, contact: Option<&Uri>) {
    let Request { method, headers, .. } = request;
    add(headers, HeaderName::MaxForwards, || Some(MAX_FORWARDS.to_owned()));
    if needs_contact(method) {
        add(headers, HeaderName::Contact, || contact.map(|uri| ["<", &uri.to_string(), ">"].concat()));
    }
    if matches!(method, Method::Invite | Method::Update | Method::Options | Method::Refer | Method::Subscribe) {
        add_capabilities(headers, config);
    }
    if *method == Method::Register {
        add(headers, HeaderName::Supported, || joined(config.supported.iter().copied()));
    }
    if !matches!(method, Method::Ack | Method::Cancel) {
        add(headers, HeaderName::UserAgent, || config.product.clone());
    }
    headers.remove_empty();
}

/// Adds what a response to a request of this method carries and does not have yet.
pub(crate) fn complete_response(response: &mut Response, method: &Method, config: &Config, contact: Option<&Uri>) {
    let Response { status, headers, .. } = response;
    let succeeds = status.is_success();
    let rings = *method == Method::Invite && status.is_provisional() && *status != StatusCode::TRYING;
    if (succeeds && needs_contact(method)) || rings {
        add(headers, HeaderName::Contact, || contact.map(|uri| ["<", &uri.to_string(), ">"].concat()));
    }
    // Only where an early UPDATE is possible (RFC 3311 §5.2) may it be of use before the 2xx.
    let is_reliable = rings && headers.has(&HeaderName::RSeq);
    if is_reliable || (succeeds && matches!(method, Method::Invite | Method::Update | Method::Options)) {
        add_capabilities(headers, config);
    }
    if *status == StatusCode::METHOD_NOT_ALLOWED {
        add(headers, HeaderName::Allow, || Some(allow(config)));
    }
    let explains_accept = succeeds && *method == Method::Options;
    if explains_accept || *status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        add(headers, HeaderName::Accept, || Some(SDP.to_owned()));
    }
    add(headers, HeaderName::Server, || config.product.clone());
}

/// Whether a request of this method is looked at.
pub(crate) fn is_allowed(config: &Config, method: &Method) -> bool {
    let own = [&config.allow, &config.application_methods];
    own.iter().any(|methods| methods.contains(method)) || (*method == Method::Prack && has_prack(config))
}

/// Refuses what would break a message apart.
pub(crate) fn check(rows: &[(HeaderName, String)]) -> Result<(), AgentError> {
    let broken = rows.iter().find(|(name, value)| !is_token(name.as_str()) || value.contains(['\r', '\n', '\0']));
    broken.map_or(Ok(()), |(name, _)| Err(AgentError::InvalidHeader { name: name.as_str().to_owned() }))
}

/// Lays the application's rows over those that are there: of each name it gives, only its own remain.
pub(crate) fn lay_over(headers: &mut Headers, mut rows: Vec<(HeaderName, String)>) {
    rows.retain(|(name, _)| !RESERVED.contains(name));
    for (name, _) in &rows {
        headers.remove(name);
    }
    headers.extend(rows);
}

/// The tag of To; empty where there is none.
pub(crate) fn to_tag(headers: &Headers) -> String {
    let to = headers.to().ok();
    to.as_ref().and_then(NameAddr::tag).unwrap_or_default().to_owned()
}

/// The methods whose request and 2xx carry a Contact: those that make or refresh a dialog.
pub(crate) const fn needs_contact(method: &Method) -> bool {
    use Method::{Invite, Notify, Refer, Subscribe, Update};
    matches!(method, Invite | Update | Subscribe | Notify | Refer)
}

fn add_capabilities(headers: &mut Headers, config: &Config) {
    add(headers, HeaderName::Allow, || Some(allow(config)));
    add(headers, HeaderName::Supported, || option_tags(config));
}

fn allow(config: &Config) -> String {
    let more = config.application_methods.iter().filter(|method| !config.allow.contains(method));
    let prack = has_prack(config).then_some("PRACK");
    joined(config.allow.iter().chain(more).map(Method::as_str).chain(prack)).unwrap_or_default()
}

/// Whether PRACK goes without saying.
fn has_prack(config: &Config) -> bool {
    config.reliability != Reliability::None && !config.allow.contains(&Method::Prack)
}

fn option_tags(config: &Config) -> Option<String> {
    joined(config.supported.iter().copied().chain(config.negotiated().into_iter().flatten()))
}

fn joined<'a>(words: impl Iterator<Item = &'a str>) -> Option<String> {
    let words: Vec<&str> = words.collect();
    (!words.is_empty()).then(|| words.join(", "))
}

fn add(headers: &mut Headers, name: HeaderName, value: impl FnOnce() -> Option<String>) {
    if headers.has(&name) {
        return;
    }
    if let Some(value) = value() {
        headers.push(name, value);
    }
}

fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte))
}
