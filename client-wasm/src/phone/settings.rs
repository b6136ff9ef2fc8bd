//! The page's settings, checked once and in SIP's types.
//!
//! A user agent in a browser has no address of its own: Via and Contact carry a random `.invalid` name (RFC 7118 §5),
//! and the server reaches it on the WebSocket that it opened.

use sip_core::agent::{Config, LocalSocket, Refresher, Reliability, SessionTimers};
use sip_core::digest::Credentials;
use sip_core::message::{HeaderName, Headers, Host, Method, NameAddr, Uri};
use sip_core::{Duration, Entropy, Transport};

use super::servers::{Server, Servers};
use crate::types::{Account, CoreConfig, ErrorCode, ErrorInfo, OnPageHide};

/// Sessions at once, those that are being refused or replaced among them: twice the calls there may be.
const MAX_SESSIONS: usize = 32;
/// Requests of others that wait for an answer.
const MAX_TRANSACTIONS: usize = 256;
/// Messages and events between two looks of the shell.
const MAX_OUTPUTS: usize = 512;
/// Servers to choose from.
const MAX_SERVERS: usize = 16;
/// How long calls wait for a lost connection.
const CALL_RECOVERY: u32 = 30;
/// RFC 3261 recommends an hour; a page that died should not be called that long.
const EXPIRES: u32 = 600;

/// The settings, as the phone uses them.
pub(super) struct Settings {
    /// Who calls.
    pub(super) from: NameAddr,
    /// Whether `from` is an account that can be registered.
    pub(super) has_account: bool,
    /// Who we are when a challenge comes.
    pub(super) credentials: Option<Credentials>,
    /// The Request-URI of a REGISTER.
    pub(super) registrar: Uri,
    /// Wished for.
    pub(super) expires: Duration,
    /// Where names without a domain belong.
    pub(super) home: Host,
    /// In each REGISTER and INVITE.
    pub(super) headers: Vec<(HeaderName, String)>,
    /// The types of messages that the page takes; a type may end in `/*`.
    pub(super) message_types: Vec<String>,
    /// How each WebSocket is named.
    pub(super) local: LocalSocket,
    /// The UUID of this browser.
    pub(super) instance: String,
    /// Where the connection goes.
    pub(super) servers: Servers,
    /// When to send keep-alives.
    pub(super) keep_alive: KeepAlive,
    /// How long established calls wait for a lost connection.
    pub(super) call_recovery: Duration,
    /// When the page goes away.
    pub(super) on_page_hide: OnPageHide,
}

/// When keep-alives are sent (RFC 5626 §4.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum KeepAlive {
    /// As the server asks for, or seldom where it answers them.
    AsAsked,
    /// Only to see whether a connection is still there.
    Never,
    /// As often as the page says.
    Every(Duration),
}

impl Settings {
    /// The checked settings, or what is wrong with them.
    pub(super) fn new(config: &CoreConfig, entropy: &mut Entropy) -> Result<Self, Box<ErrorInfo>> {
        let servers = servers(config)?;
        let empty = || wrong("The setting servers", "", " is empty.", ErrorCode::InvalidConfig);
        let first = servers.current().cloned().ok_or_else(empty)?;
        let aor = config.account.as_ref().map(|account| address("account.uri", &account.uri)).transpose()?;
        let home = aor.as_ref().map_or(first.host, |uri| uri.host.clone());
        if config
            .account
            .as_ref()
            .and_then(|account| account.display_name.as_ref())
            .is_some_and(|name| name.contains(char::is_control))
        {
            return Err(wrong("The setting account.displayName", "", " is one line.", ErrorCode::InvalidConfig));
        }
        let registrar = match config.account.as_ref().and_then(|account| account.registrar.as_deref()) {
            Some(registrar) => address("account.registrar", registrar)?,
            None => Uri::sip(None, home.clone(), aor.as_ref().and_then(|uri| uri.port)),
        };
        Ok(Self {
            credentials: config.account.as_ref().zip(aor.as_ref()).and_then(|(account, uri)| credentials(account, uri)),
            has_account: aor.is_some(),
            from: from(config.account.as_ref(), aor),
            registrar,
            home,
            expires: Duration::from_secs(config.expires.unwrap_or(EXPIRES).into()),
            headers: headers(&config.headers)?,
            message_types: message_types(&config.message_types)?,
            local: local_socket(first.transport, entropy),
            instance: instance(config.instance_id.as_deref(), entropy)?,
            servers,
            keep_alive: match config.keep_alive_ms {
                None => KeepAlive::AsAsked,
                Some(0) => KeepAlive::Never,
                Some(ms) => KeepAlive::Every(Duration::from_millis(ms.into())),
            },
            call_recovery: Duration::from_secs(config.call_recovery.unwrap_or(CALL_RECOVERY).into()),
            on_page_hide: config.on_page_hide,
        })
    }

    /// How the agent names itself on a connection to the present server.
    pub(super) fn local(&self, servers: &Servers) -> LocalSocket {
        let transport = servers.current().map_or(self.local.transport, |server| server.transport);
        LocalSocket { transport, ..self.local.clone() }
    }

    /// Whether the page takes messages of this type.
    pub(super) fn takes(&self, kind: &str) -> bool {
        self.message_types.iter().any(|taken| match taken.strip_suffix('*') {
            Some(start) => kind.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start)),
            None => kind.eq_ignore_ascii_case(taken),
        })
    }

    /// The binding of a REGISTER (RFC 5626 §4.2).
    pub(super) fn binding(&self) -> NameAddr {
        let mut contact = NameAddr::new(self.local.contact.clone());
        contact.params.set_quoted("+sip.instance", &["<urn:uuid:", &self.instance, ">"].concat());
        contact.params.set("reg-id", Some("1"));
        contact
    }
}

/// What sip-core's agent is told about this phone.
pub(super) fn agent_config(config: &CoreConfig) -> Config {
    let product = || concat!("Switchhook/", env!("CARGO_PKG_VERSION")).to_owned();
    Config {
        product: Some(config.user_agent.clone().unwrap_or_else(product)),
        supported: vec!["replaces", "norefersub", "outbound", "path", "gruu"],
        allow: vec![
            Method::Invite,
            Method::Ack,
            Method::Cancel,
            Method::Bye,
            Method::Options,
            Method::Update,
            Method::Subscribe,
            Method::Notify,
            Method::Message,
            Method::Info,
            Method::Refer,
        ],
        application_methods: vec![Method::Message, Method::Notify],
        transfers: true,
        replaces: true,
        max_sessions: MAX_SESSIONS,
        full_status: 486,
        max_transactions: MAX_TRANSACTIONS,
        max_outputs: MAX_OUTPUTS,
        reliability: match config.reliable_provisional.as_deref() {
            Some("none") => Reliability::None,
            Some("required") => Reliability::Required,
            _ => Reliability::Supported,
        },
        session_timers: session_timers(config),
        ..Config::default()
    }
}

/// None where the page wants none.
fn session_timers(config: &CoreConfig) -> Option<SessionTimers> {
    let usual = SessionTimers::default();
    let seconds = |wish: Option<u32>, usual: Duration| wish.map_or(usual, |wish| Duration::from_secs(wish.into()));
    // RFC 4028 §5 has nothing shorter than the usual minimum.
    let minimum = seconds(config.session_minimum, usual.minimum).max(usual.minimum);
    let expires = seconds(config.session_expires, usual.expires);
    let refresher = match config.session_refresher.as_deref() {
        Some("local") => Some(Refresher::Local),
        Some("remote") => Some(Refresher::Remote),
        _ => None,
    };
    (!expires.is_zero()).then(|| SessionTimers { expires: expires.max(minimum), minimum, refresher })
}

/// Headers of the page at most, and the bytes of all their values.
const MAX_HEADERS: usize = 32;
const MAX_HEADER_BYTES: usize = 4_096;

/// Whether a page may write this header: what SIP itself reads to route, to identify and to match is SIP's own. A token is
/// the page's to show (RFC 8898).
fn is_pages_own(name: &HeaderName, value: &str) -> bool {
    const OWN: [HeaderName; 19] = [
        HeaderName::Subject,
        HeaderName::Organization,
        HeaderName::Priority,
        HeaderName::Date,
        HeaderName::CallInfo,
        HeaderName::AlertInfo,
        HeaderName::UserToUser,
        HeaderName::InReplyTo,
        HeaderName::AcceptLanguage,
        HeaderName::ContentLanguage,
        HeaderName::ContentDisposition,
        HeaderName::AcceptContact,
        HeaderName::RejectContact,
        HeaderName::RequestDisposition,
        HeaderName::Privacy,
        HeaderName::PPreferredIdentity,
        HeaderName::Reason,
        HeaderName::Expires,
        HeaderName::Accept,
    ];
    let is_token = *name == HeaderName::Authorization && value.starts_with("Bearer ");
    is_token || !name.is_known() || OWN.contains(name)
}

/// Headers of the page; they must not end the line they stand in, nor say what is SIP's to say.
pub(super) fn headers(given: &[(String, String)]) -> Result<Vec<(HeaderName, String)>, Box<ErrorInfo>> {
    let bytes: usize = given.iter().map(|(_, value)| value.len()).sum();
    if given.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        let message = "There are more than 32 headers, or more than 4096 bytes in them.";
        return Err(ErrorInfo::with_message(ErrorCode::InvalidArgument, message));
    }
    let mut rows = Vec::new();
    for (name, value) in given {
        match name.parse() {
            Ok(name) if is_pages_own(&name, value) && !value.contains(char::is_control) => {
                rows.push((name, value.clone()));
            }
            _ => {
                let sentence = " has a name or a value that SIP does not allow, or is SIP's own.";
                return Err(wrong("The header ", name, sentence, ErrorCode::InvalidArgument));
            }
        }
    }
    Ok(rows)
}

/// The servers that are named, one at least.
fn servers(config: &CoreConfig) -> Result<Servers, Box<ErrorInfo>> {
    let named = if config.servers.is_empty() { &[(config.server.clone(), 1)][..] } else { &config.servers };
    let mut all = Vec::new();
    for (url, weight) in named.iter().take(MAX_SERVERS) {
        all.push(Server::new(url.clone(), server(url)?, *weight));
    }
    Ok(Servers::new(all))
}

/// What a page takes that does not say what it takes.
const MESSAGE_TYPES: [&str; 4] = ["text/*", "application/json", "application/im-iscomposing+xml", "message/cpim"];

fn message_types(given: &[String]) -> Result<Vec<String>, Box<ErrorInfo>> {
    if given.is_empty() {
        return Ok(MESSAGE_TYPES.map(str::to_owned).to_vec());
    }
    given.iter().try_for_each(|kind| content_type(kind))?;
    Ok(given.to_vec())
}

/// A content type: `text/plain`, perhaps with parameters.
pub(super) fn content_type(text: &str) -> Result<(), Box<ErrorInfo>> {
    let (kind, sub) = text.split(';').next().unwrap_or_default().trim().split_once('/').unwrap_or_default();
    checked(is_token(kind) && is_token(sub), text, " is no content type. Example: text/plain")
}

/// An event package: `presence`, perhaps with parameters.
pub(super) fn event(text: &str) -> Result<(), Box<ErrorInfo>> {
    let package = text.split(';').next().unwrap_or_default().trim();
    checked(is_token(package), text, " is no event package. Example: presence")
}

fn checked(is_right: bool, text: &str, sentence: &str) -> Result<(), Box<ErrorInfo>> {
    if is_right && !text.contains(char::is_control) {
        return Ok(());
    }
    Err(wrong("", text, sentence, ErrorCode::InvalidArgument))
}

fn is_token(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte))
}

/// The header rows of a message, for the page.
pub(super) fn rows(headers: &Headers) -> Vec<(String, String)> {
    headers.iter().map(|row| (row.name.to_string(), row.value.clone())).collect()
}

/// The transport and host of a WebSocket's URL.
fn server(url: &str) -> Result<(Transport, Host), Box<ErrorInfo>> {
    let invalid = || {
        wrong(
            "The setting server, ",
            url,
            ", is no WebSocket address. Example: wss://relay.example.com/sip",
            ErrorCode::InvalidConfig,
        )
    };
    let (scheme, rest) = url.split_once(':').ok_or_else(invalid)?;
    let rest = rest.strip_prefix("//").ok_or_else(invalid)?;
    let transport = match scheme.to_ascii_lowercase().as_str() {
        "wss" => Transport::Wss,
        "ws" => Transport::Ws,
        _ => return Err(invalid()),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let uri: Uri = ["sip:", authority].concat().parse().map_err(|_| invalid())?;
    Ok((transport, uri.host.clone()))
}

/// A SIP address in the settings, with or without `sip:`.
fn address(setting: &str, text: &str) -> Result<Uri, Box<ErrorInfo>> {
    let invalid = || {
        wrong("The setting ", setting, " is no SIP address. Example: sip:alice@example.com", ErrorCode::InvalidConfig)
    };
    let text = text.trim();
    let has_scheme = ["sip:", "sips:"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    let uri: Uri = if has_scheme { text.parse() } else { ["sip:", text].concat().parse() }.map_err(|_| invalid())?;
    Ok(uri.to_request_uri())
}

fn wrong(before: &str, what: &str, after: &str, code: ErrorCode) -> Box<ErrorInfo> {
    ErrorInfo::with_message(code, [before, what, after].concat())
}

fn from(account: Option<&Account>, aor: Option<Uri>) -> NameAddr {
    // RFC 3261 §8.1.1.3 and RFC 3323 §4.1.1.3: who does not say who they are calls from here.
    let anonymous = || Uri::sip(Some("anonymous"), Host::Name("anonymous.invalid".to_owned()), None);
    let mut from = NameAddr::new(aor.unwrap_or_else(anonymous));
    from.display_name = account.and_then(|account| account.display_name.clone());
    from
}

fn credentials(account: &Account, aor: &Uri) -> Option<Credentials> {
    let password = account.password.as_deref()?;
    let username = account.authorization_name.clone().or_else(|| aor.user_text())?;
    Some(Credentials::new(username, password))
}

fn local_socket(transport: Transport, entropy: &mut Entropy) -> LocalSocket {
    let name = [&entropy.token(12), ".invalid"].concat();
    let mut contact = Uri::sip(Some(&entropy.token(8)), Host::Name(name.clone()), None);
    contact.params.set("transport", Some(transport.uri_parameter()));
    LocalSocket { transport, sent_by: name, contact }
}

/// The given UUID, or a random one (RFC 9562 §5.4).
fn instance(given: Option<&str>, entropy: &mut Entropy) -> Result<String, Box<ErrorInfo>> {
    match given {
        Some(uuid) if uuid.len() == 36 && uuid.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit()) => {
            Ok(uuid.to_owned())
        }
        Some(other) => Err(wrong("The setting instanceId, ", other, ", is no UUID.", ErrorCode::InvalidConfig)),
        None => Ok(uuid(entropy.bytes())),
    }
}

fn uuid(random: [u8; 32]) -> String {
    let hex = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    let nibbles = random.iter().enumerate().map(|(index, byte)| match index {
        12 => '4',
        16 => hex(8 | byte & 3),
        _ => hex(byte & 15),
    });
    nibbles.enumerate().fold(String::new(), |mut uuid, (index, digit)| {
        if matches!(index, 8 | 12 | 16 | 20) {
            uuid.push('-');
        }
        uuid.push(digit);
        uuid
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_instance_is_a_uuid_of_version_4() {
        let uuid = instance(None, &mut Entropy::new([7; 32])).unwrap();

        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.matches('-').count(), 4);
        assert_eq!(uuid.get(14..15), Some("4"));
        assert!(matches!(uuid.get(19..20), Some("8" | "9" | "a" | "b")));
        assert!(instance(Some(&uuid), &mut Entropy::new([7; 32])).is_ok());
    }

    #[test]
    fn servers_are_websocket_addresses() {
        assert!(matches!(server("wss://relay.example.com/sip"), Ok((Transport::Wss, Host::Name(_)))));
        assert!(matches!(server("ws://127.0.0.1:8080/sip?x=1"), Ok((Transport::Ws, Host::V4(_)))));
        for url in ["", "relay.example.com", "https://relay.example.com", "wss://", "wss:///sip"] {
            assert!(server(url).is_err(), "{url}");
        }
    }

    #[test]
    fn headers_cannot_break_out_of_their_line() {
        let header = |name: &str, value: &str| headers(&[(name.to_owned(), value.to_owned())]);

        assert!(header("X-Order", "4711, Straße").is_ok());
        assert!(header("X-Order", "1\r\nVia: evil").is_err());
        assert!(header("X Order", "1").is_err());
    }

    #[test]
    fn what_is_sips_own_is_not_the_pages_to_write() {
        let header = |name: &str| headers(&[(name.to_owned(), "1".to_owned())]).is_ok();

        for own in
            ["Via", "v", "ROUTE", "Contact", "m", "From", "Authorization", "P-Asserted-Identity", "Require", "RAck"]
        {
            assert!(!header(own), "{own}");
        }
        assert!(["Subject", "User-to-User", "P-Own", "Privacy"].into_iter().all(header));
        assert!(headers(&[("Authorization".to_owned(), "Bearer abc".to_owned())]).is_ok());
        assert!(headers(&vec![("X-A".to_owned(), String::new()); 33]).is_err());
        assert!(headers(&[("X-A".to_owned(), "v".repeat(4_097))]).is_err());
    }
}
