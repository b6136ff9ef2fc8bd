//! `/api/calls`: which calls there are, how far each has come; ending one, and sending digits into one.

use super::{ApiError, Operator};
use crate::app::App;
use crate::clock::unix_now;
use crate::metrics::direction;
use crate::signaling::Command;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use relay_core::b2bua::{CallFault, CallStatus};
use relay_core::media::control::{MediaId, Side};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Of one answer.
const MAX_CALLS: usize = 1_000;
/// Of a reason, which stands in a BYE of one datagram.
const MAX_REASON: usize = 80;
const REASON: &str = "Ended by the operator";

/// Which part of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ending {
    reason: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Dialling {
    digits: String,
    to: Party,
}

/// As call records name the sides.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Party {
    Browser,
    Pbx,
}

type Named = Result<Path<u64>, PathRejection>;

/// `GET /api/calls`.
pub(super) async fn list(
    _: Operator,
    State(app): State<Arc<App>>,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let Query(Part { after, limit }) = part.map_err(|_| ApiError::Malformed)?;
    let (after, limit) = (MediaId(after), limit.unwrap_or(MAX_CALLS).min(MAX_CALLS));
    let calls = app.signaling.command(|reply| Command::Calls { after, limit, reply }).await.ok_or(ApiError::Leaving)?;
    // Where the answer is full there may be more.
    let next = calls.last().filter(|_| calls.len() == limit).map(|call| call.id.0);
    let calls: Vec<Value> = calls.iter().map(|call| shown(call, &app)).collect();
    Ok(Json(json!({ "calls": calls, "next": next })))
}

/// `GET /api/calls/{id}`.
pub(super) async fn show(_: Operator, State(app): State<Arc<App>>, id: Named) -> Result<Json<Value>, ApiError> {
    let id = named(id)?;
    let found = app.signaling.command(|reply| Command::Call { id, reply }).await.ok_or(ApiError::Leaving)?;
    found.map(|call| Json(shown(&call, &app))).ok_or(ApiError::NoSuchCall)
}

/// `DELETE /api/calls/{id}`.
pub(super) async fn end(
    _: Operator,
    State(app): State<Arc<App>>,
    id: Named,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let id = named(id)?;
    let ending: Ending = match body.is_empty() {
        true => Ending::default(),
        false => serde_json::from_slice(&body).map_err(|_| ApiError::Malformed)?,
    };
    let reason = ending.reason.unwrap_or_else(|| REASON.to_owned());
    if !is_plain(&reason) {
        return Err(ApiError::Reason);
    }
    tracing::info!(call = id.0, reason, "the operator ends a call");
    let ended = app.signaling.command(|reply| Command::End { id, reason, reply }).await.ok_or(ApiError::Leaving)?;
    ended.map(|()| StatusCode::NO_CONTENT).map_err(ApiError::from)
}

/// `POST /api/calls/{id}/digits`. Digits may be a secret: the log says how many.
pub(super) async fn dial(
    _: Operator,
    State(app): State<Arc<App>>,
    id: Named,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let id = named(id)?;
    let Dialling { digits, to } = serde_json::from_slice(&body).map_err(|_| ApiError::Malformed)?;
    let to = match to {
        Party::Browser => Side::Web,
        Party::Pbx => Side::Trunk,
    };
    tracing::info!(call = id.0, count = digits.len(), ?to, "the operator sends digits");
    let sent = app.signaling.command(|reply| Command::Dial { id, to, digits, reply }).await.ok_or(ApiError::Leaving)?;
    sent.map(|()| StatusCode::ACCEPTED).map_err(ApiError::from)
}

/// What is no number is no call.
fn named(id: Named) -> Result<MediaId, ApiError> {
    id.map(|Path(id)| MediaId(id)).map_err(|_| ApiError::NoSuchCall)
}

/// What may stand in a header and in a reason phrase without escapes.
fn is_plain(reason: &str) -> bool {
    let is_letter = |letter: char| letter == ' ' || (letter.is_ascii_graphic() && !matches!(letter, '"' | '\\'));
    (1..=MAX_REASON).contains(&reason.len()) && reason.chars().all(is_letter)
}

/// With the names that call records have.
fn shown(call: &CallStatus, app: &App) -> Value {
    let now = app.clock.now();
    let talked = call.answered.map(|answered| u64::try_from(now.since(answered).as_millis()).unwrap_or(u64::MAX));
    json!({
        "call": call.id.0,
        "state": call.state.as_str(),
        "direction": direction(call.direction),
        "site": call.site,
        "from": call.from,
        "to": call.to,
        "started": unix_now().0.saturating_sub(now.since(call.started).as_secs()),
        "talkedMs": talked,
    })
}

impl From<CallFault> for ApiError {
    fn from(fault: CallFault) -> Self {
        match fault {
            CallFault::NotTalking => Self::NotTalking,
            CallFault::NoEvents => Self::NoEvents,
            CallFault::NoDigits => Self::Digits,
            _ => Self::NoSuchCall,
        }
    }
}
