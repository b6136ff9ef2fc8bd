//! Asks the operator's program about calls with tokens (docs/operator/webhook.md).
//!
//! Every question is answered, by the program or for it: the call waits.

use crate::clock::unix_now;
use crate::config::{Config, ConfigError, OnFailure};
use crate::counters::Counters;
use crate::http_client::{HttpClient, Target};
use crate::signaling::Signaling;
use axum::body::Body;
use axum::http::{Request, header};
use relay_core::b2bua::{Decision, Input, Undecided};
use ring::hmac;
use serde::Deserialize;
use serde_json::json;
use sip_core::message::StatusCode;
use std::sync::Arc;
use tokio::sync::Semaphore;

const TIMESTAMP: &str = "switchhook-timestamp";
const SIGNATURE: &str = "switchhook-signature";
/// Of a reason phrase.
const MAX_REASON: usize = 80;

/// The operator's program.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    client: HttpClient,
    key: hmac::Key,
    on_failure: OnFailure,
    room: Arc<Semaphore>,
    counters: Arc<Counters>,
}

/// What it says.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase", deny_unknown_fields)]
enum Answer {
    Allow { callee: Option<String>, trunk: Option<String> },
    Deny { status: Option<u16>, reason: Option<String> },
}

impl Webhook {
    /// None where the settings name none.
    ///
    /// # Errors
    /// Its secret or its authorities are not there.
    pub(crate) fn new(config: &Config, counters: Arc<Counters>) -> Result<Option<Self>, ConfigError> {
        let settings = &config.webhook;
        let target = settings.url.as_deref().and_then(Target::parse);
        let (Some(target), Some(secret)) = (target, settings.key()?) else { return Ok(None) };
        let client = HttpClient::new(target, settings.ca.as_deref(), settings.timeout);
        let client = client.map_err(|error| ConfigError::Nonsense {
            key: "webhook.ca",
            problem: error.to_string(),
            remedy: "name a file with certificates in PEM form".to_owned(),
        })?;
        Ok(Some(Self {
            client,
            key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()),
            on_failure: settings.on_failure,
            room: Arc::new(Semaphore::new(settings.max_pending)),
            counters,
        }))
    }

    /// Answers with [`Input::Decided`], later.
    pub(crate) fn start(&self, undecided: Undecided, signaling: Signaling) {
        let this = self.clone();
        let permit = Arc::clone(&self.room).try_acquire_owned();
        tokio::spawn(async move {
            let id = undecided.id;
            let answer = match permit {
                Ok(_permit) => this.ask(&undecided).await,
                Err(_) => Err("too many questions are open (webhook.max_pending)".to_owned()),
            };
            let decision = answer.unwrap_or_else(|problem| {
                tracing::warn!(call = id.0, problem, "the webhook has not decided");
                this.counters.webhook_failed.add_one();
                this.without_answer()
            });
            signaling.input(Input::Decided { id, decision }).await;
        });
    }

    fn without_answer(&self) -> Decision {
        match self.on_failure {
            OnFailure::Allow => Decision::Allow { callee: None, trunk: None },
            OnFailure::Deny => Decision::Deny {
                status: StatusCode::SERVICE_UNAVAILABLE,
                reason: "The Call Could Not Be Checked".to_owned(),
            },
        }
    }

    async fn ask(&self, undecided: &Undecided) -> Result<Decision, String> {
        self.counters.webhook_asked.add_one();
        let Undecided { id, site, subject, from, callee, trunk } = undecided;
        let body =
            json!({ "call": id.0, "site": site, "subject": subject, "from": from, "callee": callee, "trunk": trunk });
        let answer = self.client.ask(self.signed(&body.to_string(), unix_now().0)?).await?;
        let answer: Answer = serde_json::from_slice(&answer).map_err(|error| format!("its answer: {error}"))?;
        decision(answer)
    }

    /// The signature is of the time as well, so that an old question cannot be asked again.
    fn signed(&self, body: &str, at: u64) -> Result<Request<Body>, String> {
        let tag = hmac::sign(&self.key, format!("{at}.{body}").as_bytes());
        let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Request::post("/")
            .header(header::CONTENT_TYPE, "application/json")
            .header(TIMESTAMP, at)
            .header(SIGNATURE, format!("v1={hex}"))
            .body(Body::from(body.to_owned()))
            .map_err(|error| error.to_string())
    }
}

/// What is no refusal of SIP is no answer.
fn decision(answer: Answer) -> Result<Decision, String> {
    let (status, reason) = match answer {
        Answer::Allow { callee, trunk } => return Ok(Decision::Allow { callee, trunk }),
        Answer::Deny { status, reason } => (status.unwrap_or(403), reason),
    };
    let is_refusal = (400..=699).contains(&status) && !matches!(status, 401 | 407);
    let status = StatusCode::new(status).filter(|_| is_refusal).ok_or("its status is no refusal")?;
    let reason = reason.unwrap_or_else(|| "The Call Is Not Allowed".to_owned());
    let is_letter = |letter: char| letter == ' ' || letter.is_ascii_graphic();
    let is_plain = (1..=MAX_REASON).contains(&reason.len()) && reason.chars().all(is_letter);
    if is_plain { Ok(Decision::Deny { status, reason }) } else { Err("its reason is no reason phrase".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Decision, String> {
        let answer: Answer = serde_json::from_str(json).map_err(|error| error.to_string())?;
        decision(answer)
    }

    #[test]
    fn answers_say_what_becomes_of_a_call() {
        let allow = |callee: Option<&str>, trunk: Option<&str>| Decision::Allow {
            callee: callee.map(str::to_owned),
            trunk: trunk.map(str::to_owned),
        };
        assert_eq!(read("{\"action\":\"allow\"}"), Ok(allow(None, None)));
        let sent = "{\"action\":\"allow\",\"callee\":\"+4930\",\"trunk\":\"night\"}";
        assert_eq!(read(sent), Ok(allow(Some("+4930"), Some("night"))));
        let denied = Decision::Deny { status: StatusCode::FORBIDDEN, reason: "The Call Is Not Allowed".to_owned() };
        assert_eq!(read("{\"action\":\"deny\"}"), Ok(denied));
        let busy = Decision::Deny { status: StatusCode::BUSY_HERE, reason: "Later".to_owned() };
        assert_eq!(read("{\"action\":\"deny\",\"status\":486,\"reason\":\"Later\"}"), Ok(busy));
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for wrong in [
            "",
            "[]",
            "{}",
            "{\"action\":\"maybe\"}",
            "{\"action\":\"allow\",\"calee\":\"112\"}",
            "{\"action\":\"deny\",\"status\":200}",
            "{\"action\":\"deny\",\"status\":407}",
            "{\"action\":\"deny\",\"status\":700}",
            "{\"action\":\"deny\",\"reason\":\"two\\r\\nlines\"}",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
