//! `POST /api/drain`: the relay leaves when its calls are over, or after a deadline.

use super::{ApiError, Operator};
use crate::app::App;
use crate::drain::Wish;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// What may be said; an empty body says nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Ask {
    /// Instead of `limits.drain`.
    deadline_seconds: Option<u32>,
}

pub(super) async fn post(
    _: Operator,
    State(app): State<Arc<App>>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let ask: Ask = match body.is_empty() {
        true => Ask::default(),
        false => serde_json::from_slice(&body).map_err(|_| ApiError::Malformed)?,
    };
    let limit = ask.deadline_seconds.map_or(app.api.drain, |seconds| Duration::from_secs(seconds.into()));
    app.api.haste.wish(Wish::Drain(limit)).await;
    let calls = app.signaling.occupancy().calls;
    tracing::info!(calls, deadline_s = limit.as_secs(), "POST /api/drain: leaving");
    Ok((StatusCode::ACCEPTED, Json(json!({ "calls": calls, "deadlineSeconds": limit.as_secs() }))))
}
