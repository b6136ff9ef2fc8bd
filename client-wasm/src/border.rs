//! The values of [`types`](crate::types) as JavaScript objects.
//!
//! Written by hand: serde's generic code and the texts of its errors took a fifth of the whole module. A field of the
//! wrong kind gets a sentence that names it. It decides nothing.

use js_sys::{Array, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use crate::event_types::{
    MessageOptions, Notification, PublicationChange, PublishOptions, ReceivedMessage, SubscribeOptions,
    SubscriptionChange,
};
use crate::types::{
    Account, AnswerOptions, CallEnd, CallOptions, CoreConfig, CoreEvent, DigitMethod, ErrorCode, ErrorInfo, OnPageHide,
    Party, RegistrationGrant, RejectOptions, TransferOptions,
};

/// The settings of a user agent.
pub(crate) fn config(given: JsValue) -> Result<CoreConfig, ErrorInfo> {
    let fields = Fields::of(given, ErrorCode::InvalidConfig)?;
    let account = fields.value("account");
    Ok(CoreConfig {
        server: fields.text("server")?.unwrap_or_default(),
        servers: fields.servers()?,
        account: if account.is_undefined() { None } else { Some(self::account(account)?) },
        expires: fields.number("expires")?,
        user_agent: fields.text("userAgent")?,
        instance_id: fields.text("instanceId")?,
        ice_servers: fields.value("iceServers"),
        gathering_timeout_ms: fields.number("gatheringTimeoutMs")?,
        audio: fields.value("audio"),
        headers: fields.headers()?,
        message_types: fields.texts("messageTypes")?,
        keep_alive_ms: fields.number("keepAliveMs")?,
        on_page_hide: match fields.text("onPageHide")? {
            Some(word) if word == OnPageHide::Keep.as_str() => OnPageHide::Keep,
            _ => OnPageHide::Hangup,
        },
        call_recovery: fields.number("callRecovery")?,
        session_expires: fields.number("sessionExpires")?,
        session_minimum: fields.number("sessionMinimum")?,
        session_refresher: fields.text("sessionRefresher")?,
        reliable_provisional: fields.text("reliableProvisional")?,
        max_calls: fields.number("maxCalls")?,
        do_not_disturb: fields.number("doNotDisturb")?,
        incoming_no_answer: fields.number("incomingNoAnswer")?,
        outgoing_no_answer: fields.number("outgoingNoAnswer")?,
    })
}

fn account(given: JsValue) -> Result<Account, ErrorInfo> {
    let fields = Fields::of(given, ErrorCode::InvalidConfig)?;
    Ok(Account {
        uri: fields.text("uri")?.unwrap_or_default(),
        authorization_name: fields.text("authorizationName")?,
        password: fields.text("password")?,
        display_name: fields.text("displayName")?,
        registrar: fields.text("registrar")?,
    })
}

/// The options of a call.
pub(crate) fn call_options(given: JsValue) -> Result<CallOptions, ErrorInfo> {
    let fields = Fields::of(given, ErrorCode::InvalidArgument)?;
    Ok(CallOptions {
        headers: fields.headers()?,
        display_name: fields.text("displayName")?,
        stream: fields.value("stream"),
        offer: fields.text("offer")?,
        no_answer: fields.number("noAnswer")?,
    })
}

/// The options of a refusal.
pub(crate) fn reject_options(given: JsValue) -> Result<RejectOptions, ErrorInfo> {
    let fields = Fields::of(given, ErrorCode::InvalidArgument)?;
    let (text, q850, targets) = (fields.text("text")?, fields.number("q850")?, fields.texts("targets")?);
    Ok(RejectOptions { text, q850, targets })
}

/// The options of an answer.
pub(crate) fn answer_options(given: JsValue) -> Result<AnswerOptions, ErrorInfo> {
    let fields = Fields::of(given, ErrorCode::InvalidArgument)?;
    Ok(AnswerOptions { headers: fields.headers()?, stream: fields.value("stream") })
}

/// The options of a message.
pub(crate) fn message_options(given: JsValue) -> Result<MessageOptions, ErrorInfo> {
    let fields = Fields::of(given, ErrorCode::InvalidArgument)?;
    Ok(MessageOptions { content_type: fields.text("contentType")?, headers: fields.headers()? })
}

/// The options of a subscription.
pub(crate) fn subscribe_options(given: JsValue) -> Result<SubscribeOptions, ErrorInfo> {
    let fields = Fields::of(given, ErrorCode::InvalidArgument)?;
    let (expires, accept) = (fields.number("expires")?, fields.text("accept")?);
    Ok(SubscribeOptions { expires, accept, headers: fields.headers()? })
}

/// The options of a publication.
pub(crate) fn publish_options(given: JsValue) -> Result<PublishOptions, ErrorInfo> {
    let fields = Fields::of(given, ErrorCode::InvalidArgument)?;
    Ok(PublishOptions { expires: fields.number("expires")?, headers: fields.headers()? })
}

/// The options of a transfer.
pub(crate) fn transfer_options(given: JsValue) -> Result<TransferOptions, ErrorInfo> {
    let fields = Fields::of(given, ErrorCode::InvalidArgument)?;
    Ok(TransferOptions { headers: fields.headers()?, subscribe: fields.value("subscribe").as_bool() })
}

/// A way to send digits.
pub(crate) fn digit_method(word: &str) -> Result<DigitMethod, ErrorInfo> {
    let all = [DigitMethod::Auto, DigitMethod::Rtp, DigitMethod::InfoRelay, DigitMethod::InfoDtmf];
    let message = "Digits are sent by auto, rtp, info-relay or info-dtmf.";
    let known = all.into_iter().find(|method| method.as_str() == word);
    known.ok_or_else(|| ErrorInfo::with_message(ErrorCode::InvalidArgument, message))
}

/// An event as `CoreEvent`.
pub(crate) fn event(event: CoreEvent) -> JsValue {
    match event {
        CoreEvent::ConnectionChange { state, code, reason, retry_in_ms, attempt, server, error } => {
            Record::event("connectionChange", None)
                .text("state", state.as_str())
                .maybe("code", code)
                .maybe("reason", reason.as_deref())
                .maybe("retryInMs", retry_in_ms)
                .maybe("attempt", attempt)
                .maybe("server", server.as_deref())
                .maybe("error", error.as_ref().map(error_info))
        }
        CoreEvent::RegistrationChange { state, grant, error, retry_in_ms } => Record::event("registrationChange", None)
            .text("state", state.as_str())
            .maybe("grant", grant.as_ref().map(self::grant))
            .maybe("error", error.as_ref().map(error_info))
            .maybe("retryInMs", retry_in_ms),
        CoreEvent::IncomingCall { call, from, to, headers } => Record::event("incomingCall", Some(call))
            .put("from", &party(&from))
            .put("to", &party(&to))
            .put("headers", &pairs(&headers)),
        CoreEvent::CallRefused { from, to, headers, status, cause } => Record::event("callRefused", None)
            .put("from", &party(&from))
            .put("to", &party(&to))
            .put("headers", &pairs(&headers))
            .put("status", &status.into())
            .text("cause", cause.as_str()),
        CoreEvent::CallChange { call, state, status, remote } => Record::event("callChange", Some(call))
            .text("state", state.as_str())
            .maybe("status", status)
            .maybe("remote", remote.as_ref().map(party)),
        CoreEvent::MuteChange { call, muted } => Record::event("muteChange", Some(call)).put("muted", &muted.into()),
        CoreEvent::DigitSent { call, digit } => Record::event("digitSent", Some(call)).text("digit", &digit),
        CoreEvent::DigitFailed { call, digit, error } => {
            Record::event("digitFailed", Some(call)).text("digit", &digit).put("error", &error_info(&error))
        }
        CoreEvent::Digit { call, digit, duration_ms } => {
            Record::event("digit", Some(call)).text("digit", &digit).put("durationMs", &duration_ms.into())
        }
        CoreEvent::HoldChange { call, local, remote } => {
            Record::event("holdChange", Some(call)).put("local", &local.into()).put("remote", &remote.into())
        }
        CoreEvent::HoldResult { call, error } => {
            Record::event("holdResult", Some(call)).maybe("error", error.as_ref().map(error_info))
        }
        CoreEvent::MediaChange { call, state } => Record::event("mediaChange", Some(call)).text("state", &state),
        CoreEvent::RemoteTrack { call } => Record::event("remoteTrack", Some(call)),
        CoreEvent::Message { message } => Record::event("message", None).put("message", &received(&message)),
        CoreEvent::CallMessage { call, message } => {
            Record::event("callMessage", Some(call)).put("message", &received(&message))
        }
        CoreEvent::MessageSent { message, reason, error } => Record::event("messageSent", None)
            .put("message", &message.into())
            .maybe("reason", reason.as_deref())
            .maybe("error", error.as_ref().map(error_info)),
        CoreEvent::SubscriptionChange { subscription, change } => Record::event("subscriptionChange", None)
            .put("subscription", &subscription.into())
            .put("change", &subscription_change(&change)),
        CoreEvent::Notify { subscription, notification } => Record::event("notify", None)
            .put("subscription", &subscription.into())
            .put("notification", &self::notification(&notification)),
        CoreEvent::PublicationChange { publication, change } => Record::event("publicationChange", None)
            .put("publication", &publication.into())
            .put("change", &publication_change(&change)),
        CoreEvent::TransferChange { call, state, status, confirmed, error } => {
            Record::event("transferChange", Some(call))
                .text("state", state.as_str())
                .maybe("status", status)
                .put("confirmed", &confirmed.into())
                .maybe("error", error.as_ref().map(error_info))
        }
        CoreEvent::TransferRequest { call, target, referred_by, replaces } => {
            Record::event("transferRequest", Some(call))
                .text("target", &target)
                .maybe("referredBy", referred_by.as_ref().map(party))
                .put("replaces", &replaces.into())
        }
        CoreEvent::TransferWithdrawn { call } => Record::event("transferWithdrawn", Some(call)),
        CoreEvent::Redirected { call, targets, status } => Record::event("redirected", Some(call))
            .put("targets", &targets.iter().map(JsValue::from).collect::<Array>())
            .put("status", &status.into()),
        CoreEvent::CallReplaced { call, remote } => {
            Record::event("callReplaced", Some(call)).put("remote", &party(&remote))
        }
        CoreEvent::CallEnded { call, end } => Record::event("callEnded", Some(call)).put("end", &call_end(&end)),
    }
    .into()
}

/// An error as `ErrorInfo`.
pub(crate) fn error_info(error: &ErrorInfo) -> JsValue {
    Record::new()
        .text("code", error.code.as_str())
        .text("message", &error.message)
        .maybe("status", error.status)
        .put("fatal", &error.fatal.into())
        .put("retryable", &error.retryable.into())
        .into()
}

fn grant(grant: &RegistrationGrant) -> JsValue {
    let routes: Array = grant.service_route.iter().map(JsValue::from).collect();
    Record::new()
        .put("expires", &grant.expires.into())
        .maybe("publicGruu", grant.public_gruu.as_deref())
        .maybe("temporaryGruu", grant.temporary_gruu.as_deref())
        .put("serviceRoute", &routes)
        .put("outbound", &grant.outbound.into())
        .maybe("flowTimer", grant.flow_timer)
        .into()
}

fn received(message: &ReceivedMessage) -> JsValue {
    Record::new()
        .put("from", &party(&message.from))
        .put("to", &party(&message.to))
        .text("contentType", &message.content_type)
        .put("body", &bytes(&message.body))
        .put("headers", &pairs(&message.headers))
        .into()
}

fn notification(notification: &Notification) -> JsValue {
    Record::new()
        .maybe("contentType", notification.content_type.as_deref())
        .put("body", &bytes(&notification.body))
        .put("headers", &pairs(&notification.headers))
        .into()
}

fn subscription_change(change: &SubscriptionChange) -> JsValue {
    Record::new()
        .text("state", change.state.as_str())
        .maybe("retryInMs", change.retry_in_ms)
        .maybe("reason", change.reason.as_deref())
        .maybe("error", change.error.as_ref().map(error_info))
        .into()
}

fn publication_change(change: &PublicationChange) -> JsValue {
    Record::new()
        .text("state", change.state.as_str())
        .maybe("expires", change.expires)
        .maybe("retryInMs", change.retry_in_ms)
        .maybe("error", change.error.as_ref().map(error_info))
        .into()
}

fn bytes(bytes: &[u8]) -> JsValue {
    js_sys::Uint8Array::from(bytes).into()
}

fn call_end(end: &CallEnd) -> JsValue {
    Record::new()
        .text("by", end.by.as_str())
        .maybe("status", end.status)
        .text("reason", &end.reason)
        .maybe("q850", end.q850)
        .maybe("error", end.error.as_ref().map(error_info))
        .into()
}

fn party(party: &Party) -> JsValue {
    Record::new().text("uri", &party.uri).maybe("displayName", party.display_name.as_deref()).into()
}

fn pairs(rows: &[(String, String)]) -> JsValue {
    let pair = |(name, value): &(String, String)| Array::of2(&name.into(), &value.into());
    rows.iter().map(pair).collect::<Array>().into()
}

/// The fields of an object that the page gave.
struct Fields {
    object: JsValue,
    wrong: ErrorCode,
}

impl Fields {
    fn of(object: JsValue, wrong: ErrorCode) -> Result<Self, ErrorInfo> {
        if object.is_object() {
            return Ok(Self { object, wrong });
        }
        Err(ErrorInfo::with_message(wrong, "An object is expected here."))
    }

    /// `undefined` where it is not there.
    fn value(&self, name: &str) -> JsValue {
        let value = Reflect::get(&self.object, &name.into()).unwrap_or(JsValue::UNDEFINED);
        if value.is_null() { JsValue::UNDEFINED } else { value }
    }

    fn text(&self, name: &str) -> Result<Option<String>, ErrorInfo> {
        let value = self.value(name);
        self.checked(name, "a string", &value, value.as_string())
    }

    fn number(&self, name: &str) -> Result<Option<u32>, ErrorInfo> {
        let value = self.value(name);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "such numbers saturate")]
        let number = value.as_f64().map(|number| number as u32);
        self.checked(name, "a number", &value, number)
    }

    fn texts(&self, name: &str) -> Result<Vec<String>, ErrorInfo> {
        let value = self.value(name);
        let list = value.dyn_ref::<Array>().and_then(|list| list.iter().map(|text| text.as_string()).collect());
        Ok(self.checked(name, "a list of strings", &value, list)?.unwrap_or_default())
    }

    fn headers(&self) -> Result<Vec<(String, String)>, ErrorInfo> {
        let pair = |row: JsValue| {
            let row: Array = row.dyn_into().ok()?;
            row.get(0).as_string().zip(row.get(1).as_string())
        };
        let value = self.value("headers");
        let rows = value.dyn_ref::<Array>().and_then(|rows| rows.iter().map(pair).collect());
        Ok(self.checked("headers", "a list of pairs of strings", &value, rows)?.unwrap_or_default())
    }

    fn servers(&self) -> Result<Vec<(String, u32)>, ErrorInfo> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "such numbers saturate")]
        let pair = |row: JsValue| {
            let row: Array = row.dyn_into().ok()?;
            row.get(0).as_string().zip(row.get(1).as_f64().map(|weight| weight as u32))
        };
        let value = self.value("servers");
        let rows = value.dyn_ref::<Array>().and_then(|rows| rows.iter().map(pair).collect());
        Ok(self.checked("servers", "a list of pairs of address and weight", &value, rows)?.unwrap_or_default())
    }

    fn checked<T>(&self, name: &str, kind: &str, value: &JsValue, read: Option<T>) -> Result<Option<T>, ErrorInfo> {
        if read.is_some() || value.is_undefined() {
            return Ok(read);
        }
        Err(ErrorInfo::with_message(self.wrong, [name, " is expected to be ", kind, "."].concat()))
    }
}

/// An object in the making.
struct Record(Object);

impl Record {
    fn new() -> Self {
        Self(Object::new())
    }

    fn event(kind: &str, call: Option<u32>) -> Self {
        Self::new().text("type", kind).maybe("call", call)
    }

    fn text(self, name: &str, text: &str) -> Self {
        self.put(name, &text.into())
    }

    fn put(self, name: &str, value: &JsValue) -> Self {
        // Only a frozen object refuses.
        let _ = Reflect::set(&self.0, &name.into(), value);
        self
    }

    fn maybe(self, name: &str, value: Option<impl Into<JsValue>>) -> Self {
        match value {
            Some(value) => self.put(name, &value.into()),
            None => self,
        }
    }
}

impl From<Record> for JsValue {
    fn from(record: Record) -> Self {
        record.0.into()
    }
}
