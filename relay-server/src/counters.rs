//! What the shell counted: each thing that it dropped, refused or closed has its number here, shown by `/healthz`.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $field:ident as $name:literal,)*) => {
        /// Counts since the start.
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $($(#[$doc])* pub(crate) $field: Counter,)*
        }

        impl Counters {
            /// All of them, by the names that `/healthz` shows.
            pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$(($name, self.$field.value()),)*].into_iter()
            }
        }
    };
}

counters! {
    /// WebSockets opened.
    web_opened as "webSocketsOpened",
    /// WebSocket requests from pages that may not connect.
    origins_refused as "originsRefused",
    /// Browsers' connections closed because their address has too many.
    connections_refused as "connectionsRefused",
    /// Browsers' connections without agreement on TLS.
    web_tls_failed as "webTlsFailed",
    /// Changed certificates that could not be shown.
    certificates_refused as "certificatesRefused",
    /// WebSockets closed because messages came too fast.
    hasty_clients as "hastyClients",
    /// Call records that could not be written.
    records_dropped as "recordsDropped",
    /// Tokens made for pages and back ends.
    tokens_issued as "tokensIssued",
    /// Tokens asked for in vain.
    tokens_refused as "tokensRefused",
    /// Requests of the operator's API without its key, or beyond their pace.
    api_refused as "apiRefused",
    /// Questions about calls with a token.
    webhook_asked as "webhookAsked",
    /// Those without a usable answer, and calls that nobody could be asked about.
    webhook_failed as "webhookFailed",
    /// Calls with a token, and other requests of guests, that were refused.
    guests_denied as "guestsDenied",
    /// WebSocket requests that were not RFC 7118.
    upgrades_refused as "upgradesRefused",
    /// WebSockets closed for a message above `web.max_message_size`.
    oversized as "oversizedMessages",
    /// WebSockets closed for breaking RFC 6455.
    broken_frames as "brokenFrames",
    /// WebSockets closed because more than `web.outbox` messages waited.
    slow_clients as "slowClients",
    /// WebSockets closed because two pings had no answer.
    silent_clients as "silentClients",
    /// Messages for a WebSocket that was already gone.
    web_unsendable as "messagesForGoneClients",
    /// Datagrams that the system did not take.
    datagrams_unsent as "datagramsUnsent",
    /// Datagrams longer than a SIP message may be.
    datagrams_oversized as "datagramsOversized",
    /// ICMP errors about PBXs.
    unreachable as "unreachable",
    /// Connections with PBXs, whoever made them.
    streams_opened as "pbxConnectionsOpened",
    /// Connections refused: too many in all, or from one address.
    streams_refused as "pbxConnectionsRefused",
    /// Connections closed for what is not SIP, or too long.
    streams_broken as "pbxConnectionsBroken",
    /// Connections closed for a message that did not end in time.
    streams_slow as "pbxConnectionsSlow",
    /// Connections that ended within a message.
    streams_cut as "pbxConnectionsCut",
    /// Connections with PBXs without agreement on TLS.
    tls_failed as "tlsFailed",
    /// Connections closed because too many messages waited for a PBX that does not read.
    slow_pbxs as "slowPbxs",
    /// Calls refused because no RTP port was free.
    ports_exhausted as "callsWithoutPorts",
    /// Calls refused because a media thread had all that it can carry.
    overload as "callsRefusedForLoad",
    /// Name look-ups refused because too many were under way.
    lookups_refused as "lookupsRefused",
}
