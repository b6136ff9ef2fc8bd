//! `POST /api/tokens`: the counter where pages with a site key, and back ends with a secret, get tokens.
//!
//! Who gets what is [`Mint`]'s decision; here are HTTP, CORS (pages of other origins ask), and the paces.

use crate::app::App;
use crate::listener::Peer;
use crate::origin::client_address;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use relay_core::admission::{Denial, Mint, Minted, Pace, Paces, Page, UnixTime, Wish, subscriber};
use ring::rand::{SecureRandom, SystemRandom};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most that a request may say.
pub(crate) const MAX_BODY: usize = 4_096;

/// See the module.
#[derive(Debug)]
pub(crate) struct Counter {
    mint: Mint,
    /// By site.
    pace: BTreeMap<String, Pace>,
    of_address: Pace,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    sites: Paces<String>,
    addresses: Paces<IpAddr>,
    /// Secrets that were wrong.
    secrets: Paces<IpAddr>,
}

/// What a page or a back end says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Ask {
    site_key: Option<String>,
    callee: Option<String>,
    caller: Option<String>,
    subject: Option<String>,
    origin: Option<String>,
    max_duration: Option<u64>,
    max_calls: Option<usize>,
}

/// Why there is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Denied(Denial),
    /// Too many in a short time.
    Hasty,
    /// The system gives no random bytes.
    Broken,
}

impl Counter {
    pub(crate) fn new(mint: Mint, sites: &[crate::config::Site], per_address: usize) -> Self {
        let pace = |count: usize| Pace::per_minute(u32::try_from(count).unwrap_or(u32::MAX));
        let of_sites = sites.iter().map(|site| (site.name.clone(), pace(site.tokens_per_minute))).collect();
        Self { mint, pace: of_sites, of_address: pace(per_address), kept: Mutex::default() }
    }

    /// Whether this page may connect.
    pub(crate) fn serves(&self, page: &Page) -> bool {
        self.mint.serves(page)
    }

    /// Whether this page may ask.
    pub(crate) fn knows(&self, page: &Page) -> bool {
        self.mint.knows(page)
    }

    fn issue(&self, wish: &Wish, address: IpAddr, now: sip_core::Instant, at: UnixTime) -> Result<Minted, Refusal> {
        // The relay's own machine is its operator's.
        let counted = (!address.is_loopback()).then(|| subscriber(address));
        match wish.secret {
            Some(_) => self.check_secret(wish, counted, now)?,
            None => self.check_page(wish, counted, now)?,
        }
        self.mint.issue(wish, one_time_id().ok_or(Refusal::Broken)?, at).map_err(Refusal::Denied)
    }

    fn check_page(&self, wish: &Wish, from: Option<IpAddr>, now: sip_core::Instant) -> Result<(), Refusal> {
        let site = &self.mint.customer(wish).map_err(Refusal::Denied)?.site.name;
        let pace = self.pace.get(site).copied().unwrap_or(self.of_address);
        let mut kept = self.kept();
        let keeps = from.is_none_or(|address| kept.addresses.keeps(address, self.of_address, now))
            && kept.sites.keeps(site.clone(), pace, now);
        keeps.then_some(()).ok_or(Refusal::Hasty)
    }

    /// A back end asks for everybody from one address, as often as it likes; a wrong secret counts.
    fn check_secret(&self, wish: &Wish, from: Option<IpAddr>, now: sip_core::Instant) -> Result<(), Refusal> {
        let mut kept = self.kept();
        if from.is_some_and(|address| !kept.secrets.keeps(address, self.of_address, now)) {
            return Err(Refusal::Hasty);
        }
        self.mint.customer(wish).map_err(Refusal::Denied)?;
        if let Some(address) = from {
            kept.secrets.give_back(&address, self.of_address, now);
        }
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `POST /api/tokens`.
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    body: Result<Json<Ask>, JsonRejection>,
) -> Response {
    let page = crate::origin::page_of(&headers);
    let answer = match body {
        Ok(Json(ask)) => {
            let wish = wish_of(ask, page.clone(), &headers);
            let address = client_address(peer.address.ip(), &headers);
            let counter = app.counter.read().unwrap_or_else(PoisonError::into_inner);
            let issued = counter.issue(&wish, address, app.clock.now(), crate::clock::unix_now());
            drop(counter);
            issued.map_or_else(|refusal| refuse(&app, refusal), |minted| token(&app, &minted))
        }
        Err(rejection) => (rejection.status(), Json(json!({ "error": "malformed", "message": rejection.body_text() })))
            .into_response(),
    };
    let known = page.filter(|page| app.knows(page));
    with_cors(answer, known.as_ref())
}

/// `OPTIONS /api/tokens`: a browser asks whether a page of another origin may ask.
pub(crate) async fn preflight(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let Some(page) = crate::origin::page_of(&headers).filter(|page| app.knows(page)) else {
        return StatusCode::FORBIDDEN.into_response();
    };
    let allowed = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    with_cors((StatusCode::NO_CONTENT, allowed).into_response(), Some(&page))
}

/// A back end says which page a token is for; a page is the one that its browser says.
fn wish_of(ask: Ask, page: Option<Page>, headers: &HeaderMap) -> Wish {
    let secret = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let secret = secret.and_then(|value| value.strip_prefix("Bearer ")).map(|secret| secret.trim().to_owned());
    let page = match secret {
        Some(_) => ask.origin.as_deref().map(Page::of),
        None => page,
    };
    Wish {
        site_key: ask.site_key,
        secret,
        page,
        callee: ask.callee,
        caller: ask.caller,
        subject: ask.subject,
        max_duration: ask.max_duration,
        max_calls: ask.max_calls,
    }
}

fn token(app: &App, minted: &Minted) -> Response {
    app.counters.tokens_issued.add_one();
    tracing::debug!(site = minted.site, "a token was issued");
    let body = json!({ "token": minted.token, "callee": minted.callee, "expires": minted.expires.0 });
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

fn refuse(app: &App, refusal: Refusal) -> Response {
    app.counters.tokens_refused.add_one();
    let (status, name, message, again) = match refusal {
        Refusal::Denied(denial @ Denial::Malformed) => (StatusCode::BAD_REQUEST, denial.name(), denial.text(), None),
        Refusal::Denied(denial) => (StatusCode::FORBIDDEN, denial.name(), denial.text(), None),
        Refusal::Hasty => (StatusCode::TOO_MANY_REQUESTS, "hasty", "Too Many Tokens In A Short Time", Some("10")),
        Refusal::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "broken", "No Random Bytes", None),
    };
    tracing::info!(reason = name, "a token was refused");
    let mut answer = (status, Json(json!({ "error": name, "message": message }))).into_response();
    if let Some(seconds) = again {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
    }
    answer
}

/// Only the pages of a site may read the answer.
fn with_cors(mut answer: Response, page: Option<&Page>) -> Response {
    let headers = answer.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    let origin = page.and_then(|page| HeaderValue::from_str(&page.origin).ok());
    let rows: [(HeaderName, Option<HeaderValue>); 2] = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, origin),
        (header::X_CONTENT_TYPE_OPTIONS, Some(HeaderValue::from_static("nosniff"))),
    ];
    headers.extend(rows.into_iter().filter_map(|(name, value)| Some((name, value?))));
    answer
}

/// 128 bits that nobody guesses.
fn one_time_id() -> Option<String> {
    let mut bytes = [0_u8; 16];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
