//! The DNS: NAPTR, SRV, A and AAAA, with the time that each answer is true for. What they mean for SIP is the core's.

use crate::counters::Counters;
use crate::signaling::Signaling;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{TokioResolver, lookup::Lookup};
use relay_core::b2bua::{Answer, Input, Question, Record, RecordKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// For one server to answer; it is asked twice.
const TIMEOUT: Duration = Duration::from_secs(2);
/// For everything, chains of CNAMEs included.
const PATIENCE: Duration = Duration::from_secs(8);
/// A negative answer that does not say how long it is true.
const NEGATIVE_TTL: Duration = Duration::from_secs(30);
/// What the system's own resolver says, which does not say how long it is true.
const SYSTEM_TTL: Duration = Duration::from_secs(30);
const MAX_LOOKUPS: usize = 64;
/// Records taken of one answer.
const MAX_RECORDS: usize = 64;

/// Asks beside the signalling task.
#[derive(Clone)]
pub(crate) struct Lookups {
    resolver: Option<TokioResolver>,
    /// Whether names that the DNS does not know are asked of the system as well: `/etc/hosts` and the like.
    asks_system: bool,
    room: Arc<Semaphore>,
    counters: Arc<Counters>,
}

impl Lookups {
    /// Asks `servers`, or those of the system.
    pub(crate) fn new(servers: &[SocketAddr], counters: Arc<Counters>) -> Self {
        let resolver = build(servers);
        if let Err(error) = &resolver {
            tracing::warn!(%error, "no DNS server is known: PBX names are left to the system, without SRV");
        }
        let room = Arc::new(Semaphore::new(MAX_LOOKUPS));
        Self { resolver: resolver.ok(), asks_system: servers.is_empty(), room, counters }
    }

    /// Answers with [`Input::Resolved`], later.
    pub(crate) fn start(&self, query: u64, question: Question, signaling: Signaling) {
        let permit = Arc::clone(&self.room).try_acquire_owned();
        if permit.is_err() {
            self.counters.lookups_refused.add_one();
        }
        let this = self.clone();
        tokio::spawn(async move {
            let result = match permit {
                Ok(_permit) => this.ask(&question).await,
                Err(_) => Err("too many look-ups are under way".to_owned()),
            };
            tracing::debug!(?question, ?result, "looked up");
            signaling.input(Input::Resolved { query, result }).await;
        });
    }

    pub(crate) async fn ask(&self, question: &Question) -> Result<Answer, String> {
        let asking = tokio::time::timeout(PATIENCE, self.ask_dns(question));
        let answer = asking.await.unwrap_or_else(|_| Err(format!("no answer in {} s", PATIENCE.as_secs())));
        match answer {
            Ok(answer) if !answer.records.is_empty() => Ok(answer),
            other if self.asks_system => ask_system(question).await.map_or(other, Ok),
            other => other,
        }
    }

    async fn ask_dns(&self, question: &Question) -> Result<Answer, String> {
        let resolver = self.resolver.as_ref().ok_or("there is no DNS server")?;
        let kind = match question.kind {
            RecordKind::Naptr => RecordType::NAPTR,
            RecordKind::Srv => RecordType::SRV,
            RecordKind::A => RecordType::A,
            RecordKind::Aaaa => RecordType::AAAA,
        };
        let mut name = Name::from_utf8(&question.name).map_err(|error| error.to_string())?;
        // The search list of a desk is no business of a domain; names of one word are for it.
        name.set_fqdn(question.name.contains('.'));
        match resolver.lookup(name, kind).await {
            Ok(lookup) => Ok(answer(&lookup, kind)),
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
                let ttl = none.negative_ttl.map_or(NEGATIVE_TTL, |secs| Duration::from_secs(u64::from(secs)));
                Ok(Answer { records: Vec::new(), ttl })
            }
            Err(error) => Err(error.to_string()),
        }
    }
}

fn build(servers: &[SocketAddr]) -> Result<TokioResolver, NetError> {
    let mut builder = if servers.is_empty() {
        TokioResolver::builder_tokio()?
    } else {
        let servers = servers.iter().map(|server| name_server(*server)).collect();
        let config = ResolverConfig::from_name_servers(servers);
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    let options = builder.options_mut();
    options.timeout = TIMEOUT;
    options.attempts = 2;
    // The core remembers.
    options.cache_size = 0;
    builder.build()
}

fn name_server(address: SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    for connection in &mut server.connections {
        let ConnectionConfig { port, .. } = connection;
        *port = address.port();
    }
    server
}

/// The records of this kind, and the shortest time to live of the chain that led to them.
fn answer(lookup: &Lookup, kind: RecordType) -> Answer {
    let ttl = lookup.answers().iter().map(|record| record.ttl).min();
    let of_kind = lookup.answers().iter().filter(|record| record.record_type() == kind);
    let records = of_kind.filter_map(|found| record(&found.data)).take(MAX_RECORDS).collect();
    Answer { records, ttl: ttl.map_or(NEGATIVE_TTL, |secs| Duration::from_secs(u64::from(secs))) }
}

fn record(data: &RData) -> Option<Record> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match data {
        RData::A(address) => Some(Record::A(address.0)),
        RData::AAAA(address) => Some(Record::Aaaa(address.0)),
        RData::SRV(srv) => Some(Record::Srv {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: srv.target.to_ascii(),
        }),
        // What a regular expression makes of a SIP domain is nobody's host (RFC 3263 §4.1).
        RData::NAPTR(naptr) if naptr.regexp.is_empty() => Some(Record::Naptr {
            order: naptr.order,
            preference: naptr.preference,
            flags: text(&naptr.flags),
            service: text(&naptr.services),
            replacement: naptr.replacement.to_ascii(),
        }),
        _ => None,
    }
}

/// Names that only the system knows.
async fn ask_system(question: &Question) -> Option<Answer> {
    let is_v4 = match question.kind {
        RecordKind::A => true,
        RecordKind::Aaaa => false,
        RecordKind::Naptr | RecordKind::Srv => return None,
    };
    let found = addresses(&question.name).await;
    let records: Vec<Record> = found
        .into_iter()
        .filter(|ip| ip.is_ipv4() == is_v4)
        .map(|ip| match ip {
            IpAddr::V4(ip) => Record::A(ip),
            IpAddr::V6(ip) => Record::Aaaa(ip),
        })
        .collect();
    (!records.is_empty()).then_some(Answer { records, ttl: SYSTEM_TTL })
}

/// What the system's resolver says of a name.
pub(crate) async fn addresses(host: &str) -> Vec<IpAddr> {
    let found = tokio::time::timeout(TIMEOUT, tokio::net::lookup_host((host, 0))).await;
    found.ok().and_then(Result::ok).map(|found| found.map(|address| address.ip()).collect()).unwrap_or_default()
}
