//! `/api/…` of the operator's own: who may ask, how often, and how refusals look (docs/operator/api.md).
//!
//! Requests of sites, `/api/tokens`, are not these: they have keys of their own.

mod calls;
mod drain;

use crate::app::App;
use crate::config::{Config, ConfigError};
use crate::drain::Haste;
use crate::listener::Peer;
use crate::origin::client_address;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use relay_core::admission::{Pace, Paces};
use ring::hmac;
use ring::rand::SystemRandom;
use serde_json::json;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tower_http::set_header::SetResponseHeaderLayer;

/// What the operator's requests need.
#[derive(Debug)]
pub(crate) struct Api {
    key: Option<OperatorKey>,
    pace: Pace,
    kept: Mutex<Paces<IpAddr>>,
    haste: Haste,
    /// `limits.drain`.
    drain: Duration,
}

/// A key that is compared without telling by the time how much of it was right: what is compared are tags under a key that
/// nobody knows.
struct OperatorKey {
    drawn: hmac::Key,
    tag: hmac::Tag,
}

impl std::fmt::Debug for OperatorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OperatorKey")
    }
}

impl OperatorKey {
    fn new(secret: &str) -> Option<Self> {
        let drawn = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok()?;
        let tag = hmac::sign(&drawn, secret.as_bytes());
        Some(Self { drawn, tag })
    }

    fn is(&self, shown: &str) -> bool {
        hmac::verify(&self.drawn, shown.as_bytes(), self.tag.as_ref()).is_ok()
    }
}

/// Why a request is not done: a word for programs, a sentence for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// There is no key, so nobody has it.
    Disabled,
    /// Not with this key.
    Unauthorized,
    /// Too many in a short time.
    Hasty,
    /// The body cannot be read.
    Malformed,
    /// The call is over, or never was.
    NoSuchCall,
    /// The call has not been answered yet.
    NotTalking,
    /// That side of the call takes no telephone-events.
    NoEvents,
    /// They are no digits.
    Digits,
    /// It cannot stand in a SIP message.
    Reason,
    /// The relay is on its way out.
    Leaving,
}

impl Api {
    /// # Errors
    /// The key is not there.
    pub(crate) fn new(config: &Config, haste: Haste) -> Result<Self, ConfigError> {
        let secret = config.api.key()?;
        let count = u32::try_from(config.api.requests_per_minute).unwrap_or(u32::MAX);
        Ok(Self {
            key: secret.as_deref().and_then(OperatorKey::new),
            pace: Pace::per_minute(count),
            kept: Mutex::default(),
            haste,
            drain: config.limits.drain,
        })
    }

    /// Guesses count as requests do.
    fn admit(&self, headers: &HeaderMap, address: IpAddr, now: sip_core::Instant) -> Result<(), ApiError> {
        let key = self.key.as_ref().ok_or(ApiError::Disabled)?;
        if !self.kept.lock().unwrap_or_else(PoisonError::into_inner).keeps(address, self.pace, now) {
            return Err(ApiError::Hasty);
        }
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shown = shown.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim);
        shown.is_some_and(|shown| key.is(shown)).then_some(()).ok_or(ApiError::Unauthorized)
    }
}

/// Below `/api`.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/openapi.json", get(openapi))
        .route("/drain", post(drain::post))
        .route("/calls", get(calls::list))
        .route("/calls/{id}", get(calls::show).delete(calls::end))
        .route("/calls/{id}/digits", post(calls::dial))
        .layer(SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
}

/// What there is to ask, for programs. It names nobody and needs no key.
async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], include_str!("../openapi.json")).into_response()
}

/// A request that shows the operator's key. Handlers that take one are closed to everybody else.
pub(crate) struct Operator;

impl FromRequestParts<Arc<App>> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Ok(ConnectInfo(peer)) = ConnectInfo::<Peer>::from_request_parts(parts, app).await else {
            return Err(ApiError::Unauthorized);
        };
        let address = client_address(peer.address.ip(), &parts.headers);
        let admitted = app.api.admit(&parts.headers, address, app.clock.now());
        if let Err(refusal) = admitted {
            app.counters.api_refused.add_one();
            tracing::info!(reason = refusal.name(), path = parts.uri.path(), "a request of the API was refused");
        }
        admitted.map(|()| Self)
    }
}

impl ApiError {
    const fn name(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Unauthorized => "unauthorized",
            Self::Hasty => "hasty",
            Self::Malformed => "malformed",
            Self::NoSuchCall => "no_such_call",
            Self::NotTalking => "not_talking",
            Self::NoEvents => "no_events",
            Self::Digits => "digits",
            Self::Reason => "reason",
            Self::Leaving => "leaving",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::Disabled | Self::NoSuchCall => StatusCode::NOT_FOUND,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Hasty => StatusCode::TOO_MANY_REQUESTS,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::NotTalking | Self::NoEvents => StatusCode::CONFLICT,
            Self::Digits | Self::Reason => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Leaving => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::Disabled => "api.secret_file is not set",
            Self::Unauthorized => "Authorization: Bearer with the operator's key is needed",
            Self::Hasty => "too many requests in a short time",
            Self::Malformed => "the body or the query is not what is expected",
            Self::NoSuchCall => "there is no such call, or it is ending",
            Self::NotTalking => "the call has not been answered yet",
            Self::NoEvents => "that side of the call takes no telephone-events",
            Self::Digits => "1 to 32 of 0 to 9, A to D, * and # are needed",
            Self::Reason => "1 to 80 printable ASCII letters without quotation marks are needed",
            Self::Leaving => "the relay is leaving",
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.name(), "message": self.message() }));
        let mut response = (self.status(), body).into_response();
        let more = match self {
            Self::Unauthorized => Some((header::WWW_AUTHENTICATE, "Bearer")),
            Self::Hasty => Some((header::RETRY_AFTER, "1")),
            _ => None,
        };
        response.headers_mut().extend(more.map(|(name, value)| (name, HeaderValue::from_static(value))));
        response
    }
}
