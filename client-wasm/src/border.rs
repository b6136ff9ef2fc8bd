//! The values of [`types`](crate::types) as JavaScript objects.
//!
//! Written by hand: serde's generic code and the texts of its errors took a fifth of the whole module. A field of the
//! wrong kind gets a sentence that names it. It decides nothing.

use std::cell::Cell;

use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

use crate::command::CoreCommand;
use crate::event_types::{
    MessageOptions, Notification, PublicationChange, PublishOptions, ReceivedMessage, SubscribeOptions,
    SubscriptionChange,
};
use crate::types::{
    Account, AnswerOptions, CallEnd, CallOptions, CoreConfig, CoreEvent, DigitMethod, Diversion, ErrorCode, ErrorInfo,
    Identity, OnPageHide, Party, RegistrationGrant, RejectOptions, TransferOptions,
};

/// The settings of a user agent.
pub(crate) fn config(given: JsValue) -> Result<CoreConfig, Box<ErrorInfo>> {
    let wrong = Wrong::default();
    let fields = Fields::of(given, &wrong);
    let config = CoreConfig {
        server: fields.word("server"),
        servers: fields.servers(),
        account: fields.object("account").map(|fields| account(&fields)),
        expires: fields.number("expires"),
        user_agent: fields.text("userAgent"),
        instance_id: fields.text("instanceId"),
        ice_servers: fields.value("iceServers"),
        gathering_timeout_ms: fields.number("gatheringTimeoutMs"),
        audio: fields.value("audio"),
        headers: fields.headers(),
        message_types: fields.texts("messageTypes"),
        keep_alive_ms: fields.number("keepAliveMs"),
        on_page_hide: match fields.text("onPageHide") {
            Some(word) if word == OnPageHide::Keep.as_str() => OnPageHide::Keep,
            _ => OnPageHide::Hangup,
        },
        call_recovery: fields.number("callRecovery"),
        session_expires: fields.number("sessionExpires"),
        session_minimum: fields.number("sessionMinimum"),
        session_refresher: fields.text("sessionRefresher"),
        reliable_provisional: fields.text("reliableProvisional"),
        max_calls: fields.number("maxCalls"),
        do_not_disturb: fields.number("doNotDisturb"),
        incoming_no_answer: fields.number("incomingNoAnswer"),
        outgoing_no_answer: fields.number("outgoingNoAnswer"),
    };
    wrong.verdict(ErrorCode::InvalidConfig)?;
    Ok(config)
}

fn account(fields: &Fields<'_>) -> Account {
    Account {
        uri: fields.word("uri"),
        authorization_name: fields.text("authorizationName"),
        password: fields.text("password"),
        display_name: fields.text("displayName"),
        registrar: fields.text("registrar"),
    }
}

/// What the page asks for.
pub(crate) fn command(given: JsValue) -> Result<CoreCommand, Box<ErrorInfo>> {
    use CoreCommand as C;
    let wrong = Wrong::default();
    let fields = Fields::of(given, &wrong);
    let options = fields.options();
    let call = fields.count("call");
    let command = match fields.word("type").as_str() {
        "connect" => C::Connect,
        "disconnect" => C::Disconnect,
        "register" => C::Register,
        "unregister" => C::Unregister { all: fields.is("all") },
        "retryIn" => C::RetryIn { wait_ms: fields.count("waitMs") },
        "giveUp" => C::GiveUp,
        "call" => C::Call { target: fields.word("target"), options: call_options(&options) },
        "resume" => C::Resume { dialog: fields.word("dialog"), muted: fields.is("muted"), held: fields.is("held") },
        "answer" => {
            C::Answer { call, options: AnswerOptions { headers: options.headers(), stream: options.value("stream") } }
        }
        "reject" => C::Reject { call, status: fields.count("status"), options: reject_options(&options) },
        "followRedirect" => C::FollowRedirect { call },
        "refuseRedirect" => C::RefuseRedirect { call },
        "setDoNotDisturb" => C::SetDoNotDisturb { status: fields.count("status") },
        "hangUp" => C::HangUp { call, options: reject_options(&options) },
        "setMuted" => C::SetMuted { call, muted: fields.is("muted") },
        "transfer" => C::Transfer { call, target: fields.word("target"), options: transfer_options(&options) },
        "transferToCall" => {
            C::TransferToCall { call, other: fields.count("other"), options: transfer_options(&options) }
        }
        "acceptTransfer" => C::AcceptTransfer { call, options: call_options(&options) },
        "rejectTransfer" => C::RejectTransfer { call, status: fields.count("status") },
        "setHeld" => C::SetHeld { call, held: fields.is("held") },
        "renegotiate" => C::Renegotiate { call },
        "sendDigits" => C::SendDigits {
            call,
            digits: fields.word("digits"),
            method: digit_method(&fields),
            tone_ms: fields.count("toneMs"),
            gap_ms: fields.count("gapMs"),
        },
        "message" => {
            C::Message { target: fields.word("target"), body: fields.bytes("body"), options: message_options(&options) }
        }
        "callMessage" => C::CallMessage { call, body: fields.bytes("body"), options: message_options(&options) },
        "dropMessage" => C::DropMessage { message: fields.count("message") },
        "subscribe" => C::Subscribe {
            target: fields.word("target"),
            event: fields.word("event"),
            options: SubscribeOptions {
                expires: options.number("expires"),
                accept: options.text("accept"),
                headers: options.headers(),
            },
        },
        "unsubscribe" => C::Unsubscribe { subscription: fields.count("subscription") },
        "publish" => C::Publish {
            event: fields.word("event"),
            content_type: fields.word("contentType"),
            body: fields.bytes("body"),
            options: PublishOptions { expires: options.number("expires"), headers: options.headers() },
        },
        "modify" => C::Modify {
            publication: fields.count("publication"),
            content_type: fields.word("contentType"),
            body: fields.bytes("body"),
        },
        "unpublish" => C::Unpublish { publication: fields.count("publication") },
        _ => {
            wrong.note("type", "a command");
            C::Connect
        }
    };
    wrong.verdict(ErrorCode::InvalidArgument)?;
    Ok(command)
}

fn call_options(options: &Fields<'_>) -> CallOptions {
    CallOptions {
        headers: options.headers(),
        display_name: options.text("displayName"),
        stream: options.value("stream"),
        offer: options.text("offer"),
        no_answer: options.number("noAnswer"),
        anonymous: options.is("anonymous"),
    }
}

fn reject_options(options: &Fields<'_>) -> RejectOptions {
    RejectOptions { text: options.text("text"), q850: options.number("q850"), targets: options.texts("targets") }
}

fn message_options(options: &Fields<'_>) -> MessageOptions {
    MessageOptions { content_type: options.text("contentType"), headers: options.headers() }
}

fn transfer_options(options: &Fields<'_>) -> TransferOptions {
    TransferOptions { headers: options.headers(), subscribe: options.value("subscribe").as_bool() }
}

fn digit_method(fields: &Fields<'_>) -> DigitMethod {
    let word = fields.word("method");
    let all = [DigitMethod::Auto, DigitMethod::Rtp, DigitMethod::InfoRelay, DigitMethod::InfoDtmf];
    all.into_iter().find(|method| method.as_str() == word).unwrap_or_else(|| {
        fields.wrong.note("method", "auto, rtp, info-relay or info-dtmf");
        DigitMethod::Auto
    })
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
                .error(error.as_deref())
        }
        CoreEvent::RegistrationChange { state, grant, error, retry_in_ms } => Record::event("registrationChange", None)
            .text("state", state.as_str())
            .maybe("grant", grant.as_ref().map(self::grant))
            .error(error.as_deref())
            .maybe("retryInMs", retry_in_ms),
        CoreEvent::IncomingCall { call, from, to, identity, diversion, headers } => {
            Record::event("incomingCall", Some(call))
                .put("from", &party(&from))
                .put("to", &party(&to))
                .put("identity", &self::identity(&identity))
                .put("diversion", &diversion.iter().map(diverted).collect::<Array>())
                .put("headers", &pairs(&headers))
        }
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
        CoreEvent::HoldResult { call, error } => Record::event("holdResult", Some(call)).error(error.as_deref()),
        CoreEvent::MediaChange { call, state } => Record::event("mediaChange", Some(call)).text("state", &state),
        CoreEvent::RemoteTrack { call } => Record::event("remoteTrack", Some(call)),
        CoreEvent::Message { message } => Record::event("message", None).put("message", &received(&message)),
        CoreEvent::CallMessage { call, message } => {
            Record::event("callMessage", Some(call)).put("message", &received(&message))
        }
        CoreEvent::MessageSent { message, reason, error } => Record::event("messageSent", None)
            .put("message", &message.into())
            .maybe("reason", reason.as_deref())
            .error(error.as_deref()),
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
                .error(error.as_deref())
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
        .error(change.error.as_deref())
        .into()
}

fn publication_change(change: &PublicationChange) -> JsValue {
    Record::new()
        .text("state", change.state.as_str())
        .maybe("expires", change.expires)
        .maybe("retryInMs", change.retry_in_ms)
        .error(change.error.as_deref())
        .into()
}

fn bytes(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

fn call_end(end: &CallEnd) -> JsValue {
    Record::new()
        .text("by", end.by.as_str())
        .maybe("status", end.status)
        .text("reason", &end.reason)
        .maybe("q850", end.q850)
        .error(end.error.as_deref())
        .into()
}

fn identity(identity: &Identity) -> JsValue {
    Record::new()
        .maybe("name", identity.name.as_deref())
        .text("uri", &identity.uri)
        .put("asserted", &identity.asserted.into())
        .put("anonymous", &identity.anonymous.into())
        .into()
}

fn diverted(by: &Diversion) -> JsValue {
    Record::new().text("uri", &by.uri).maybe("name", by.name.as_deref()).maybe("reason", by.reason.as_deref()).into()
}

fn party(party: &Party) -> JsValue {
    Record::new().text("uri", &party.uri).maybe("displayName", party.display_name.as_deref()).into()
}

fn pairs(rows: &[(String, String)]) -> JsValue {
    let pair = |(name, value): &(String, String)| Array::of2(&name.into(), &value.into());
    rows.iter().map(pair).collect::<Array>().into()
}

/// The first field that is not what it should be, and what that would be.
#[derive(Default)]
struct Wrong(Cell<Option<(&'static str, &'static str)>>);

impl Wrong {
    fn note(&self, name: &'static str, kind: &'static str) {
        self.0.set(self.0.get().or(Some((name, kind))));
    }

    fn verdict(&self, code: ErrorCode) -> Result<(), Box<ErrorInfo>> {
        let Some((name, kind)) = self.0.get() else { return Ok(()) };
        Err(ErrorInfo::with_message(code, [name, " is expected to be ", kind, "."].concat()))
    }
}

/// The fields of an object that the page gave.
struct Fields<'a> {
    object: JsValue,
    wrong: &'a Wrong,
}

impl<'a> Fields<'a> {
    fn of(object: JsValue, wrong: &'a Wrong) -> Self {
        if !object.is_object() {
            wrong.note("The argument", "an object");
        }
        Self { object, wrong }
    }

    /// `undefined` where it is not there.
    fn value(&self, name: &str) -> JsValue {
        let value = Reflect::get(&self.object, &name.into()).unwrap_or(JsValue::UNDEFINED);
        if value.is_null() { JsValue::UNDEFINED } else { value }
    }

    fn object(&self, name: &'static str) -> Option<Self> {
        let object = self.value(name);
        let is_there = self.checked(name, "an object", &object, object.is_object().then_some(())).is_some();
        is_there.then(|| Self { object, wrong: self.wrong })
    }

    /// Those of the command; where it has none nothing is set.
    fn options(&self) -> Self {
        Self { object: self.value("options"), wrong: self.wrong }
    }

    fn text(&self, name: &'static str) -> Option<String> {
        let value = self.value(name);
        self.checked(name, "a string", &value, value.as_string())
    }

    fn word(&self, name: &'static str) -> String {
        self.text(name).unwrap_or_default()
    }

    fn number(&self, name: &'static str) -> Option<u32> {
        let value = self.value(name);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "such numbers saturate")]
        let number = value.as_f64().map(|number| number as u32);
        self.checked(name, "a number", &value, number)
    }

    fn count(&self, name: &'static str) -> u32 {
        self.number(name).unwrap_or_default()
    }

    fn is(&self, name: &str) -> bool {
        self.value(name).is_truthy()
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        self.value(name).unchecked_into::<Uint8Array>().to_vec()
    }

    fn texts(&self, name: &'static str) -> Vec<String> {
        self.rows(name, "a list of strings", |text| text.as_string())
    }

    fn headers(&self) -> Vec<(String, String)> {
        self.rows("headers", "a list of pairs of strings", |row| {
            let row: Array = row.dyn_into().ok()?;
            row.get(0).as_string().zip(row.get(1).as_string())
        })
    }

    fn servers(&self) -> Vec<(String, u32)> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "such numbers saturate")]
        self.rows("servers", "a list of pairs of address and weight", |row| {
            let row: Array = row.dyn_into().ok()?;
            row.get(0).as_string().zip(row.get(1).as_f64().map(|weight| weight as u32))
        })
    }

    fn rows<T>(&self, name: &'static str, kind: &'static str, read: impl Fn(JsValue) -> Option<T>) -> Vec<T> {
        let value = self.value(name);
        let rows = value.dyn_ref::<Array>().and_then(|list| {
            let mut rows = Vec::new();
            for row in list.iter() {
                rows.push(read(row)?);
            }
            Some(rows)
        });
        self.checked(name, kind, &value, rows).unwrap_or_default()
    }

    fn checked<T>(&self, name: &'static str, kind: &'static str, value: &JsValue, read: Option<T>) -> Option<T> {
        if read.is_none() && !value.is_undefined() {
            self.wrong.note(name, kind);
        }
        read
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

    fn error(self, error: Option<&ErrorInfo>) -> Self {
        self.maybe("error", error.map(error_info))
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
