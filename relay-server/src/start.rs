//! Starting a relay from its settings, and stopping it in order: new calls first, then the old, then the sockets.

use crate::api::Api;
use crate::app::{self, App};
use crate::clock::Clock;
use crate::codecs::Installed;
use crate::config::Config;
use crate::counters::Counters;
use crate::drain::{self, Haste, Wish};
use crate::error::{RunError, StartError};
use crate::listener::WebListener;
use crate::media::{MediaConfig, MediaWorkers};
use crate::metrics::Tally;
use crate::records::Records;
use crate::reload::Reload;
use crate::resolve::Lookups;
use crate::shutdown::{self, Stage, Trigger};
use crate::signaling::{self, Driver, Signaling};
use crate::sip_sockets::{self, SipSockets};
use crate::sip_udp::SipUdp;
use crate::sites::{self, Sites};
use crate::streams::tls::{Identity, TlsError};
use crate::streams::{Acceptor, Shared, Streams};
use crate::tokens;
use crate::web_tls::WebTls;
use crate::webhook::Webhook;
use relay_core::admission::{Pace, Rules};
use relay_core::b2bua::{self, B2bua, GatewayStatus, RequestPaces, TrunkSocket};
use relay_core::codec::Shelf;
use relay_core::media::control::TrunkCodec;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::Value;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

/// Events of media workers that may wait for signalling.
const MAX_MEDIA_EVENTS: usize = 1_024;
/// How long WebSockets may take to say good-bye.
const FAREWELL: Duration = Duration::from_secs(2);

/// A relay that works.
#[derive(Debug)]
pub struct Running {
    /// Where browsers connect.
    pub web: SocketAddr,
    /// Where PBXs send SIP, by UDP and TCP.
    pub sip: SocketAddr,
    /// Where they connect by TLS.
    pub sip_tls: Option<SocketAddr>,
    /// For new settings.
    pub reload: Reload,
    /// For who does not want to wait when it leaves.
    pub haste: Haste,
    /// What is known of the gateways.
    pub(crate) gateways: watch::Receiver<Vec<GatewayStatus>>,
    task: JoinHandle<Result<(), RunError>>,
}

impl Running {
    /// Comes back when the relay has stopped.
    ///
    /// # Errors
    /// It was not asked to.
    pub async fn finished(self) -> Result<(), RunError> {
        self.task.await.unwrap_or(Err(RunError::Lost("main")))
    }
}

/// Starts a relay; it stops when `shutdown` comes back.
///
/// # Errors
/// A socket cannot be had.
pub async fn run(config: Config, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<Running, StartError> {
    run_with(config, None, shutdown).await
}

/// The same with something to tell pages at `/demo.json`.
pub(crate) async fn run_with(
    config: Config,
    demo: Option<Value>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<Running, StartError> {
    let counters = Arc::new(Counters::default());
    let sockets = SipSockets::bind(&config, &counters).await?;
    let listener = bind_web(&config, &counters).await?;
    let (web, sip_address, sip_tls) = (local(&listener)?, sockets.bound, sockets.tls);
    let (codecs, shelf) = codecs(&config)?;
    let sites = Sites::of(&config, None).map_err(StartError::Secrets)?;
    let clock = Clock::start();
    let tally = Arc::new(Tally::default());
    let records = Records::open(config.records.file.as_deref(), Arc::clone(&counters))
        .map_err(|source| StartError::System { what: "records.file", source })?;
    let (media, media_events) = start_media(&config, &sockets.known, shelf)?;
    let media_view = media.view();

    let (signaling, queue) = signaling::queue();
    let SipSockets { udp, acceptors, ways, known, .. } = sockets;
    let shared = Shared {
        signaling: signaling.clone(),
        counters: Arc::clone(&counters),
        ids: Arc::default(),
        room: Arc::new(Semaphore::new(config.limits.sip_connections)),
        connect_timeout: config.sip.connect_timeout,
        idle_timeout: config.sip.idle_timeout,
    };
    let receivers: Vec<_> = udp.values().cloned().collect();
    let driver = Driver::new(signaling::Parts {
        b2bua: B2bua::new(b2bua_config(&config, known, codecs, sites.rules)?, seed()?),
        clock,
        queue,
        signaling: signaling.clone(),
        media,
        media_events,
        udp,
        streams: Streams::new(ways, shared.clone()),
        lookups: Lookups::new(&config.sip.dns_servers, Arc::clone(&counters)),
        counters: Arc::clone(&counters),
        tally: Arc::clone(&tally),
        records,
        webhook: Webhook::new(&config, Arc::clone(&counters)).map_err(StartError::Secrets)?,
        shutdown: config.limits.shutdown,
    });
    let gateways = signaling.watch_gateways();
    let (trigger, leave) = shutdown::channel();
    let counter = tokens::Counter::new(sites.mint, &config.sites, config.tokens.per_address);
    let (haste, wishes) = drain::channel();
    let api = Api::new(&config, haste.clone()).map_err(StartError::Secrets)?;
    let (app, absence) =
        App::new(&config, signaling.clone(), counters, (counter, tally, media_view), clock, (leave, api));
    let app = Arc::new(app);
    let reload = Reload::new(Arc::downgrade(&app), &config, sites.key);
    let limit = config.limits.drain;
    let web_task = async move {
        if let Err(error) = app::serve(listener, &config, app, demo).await {
            tracing::error!(%error, "HTTP");
        }
    };
    let tasks = Tasks {
        driver: tokio::spawn(driver.run()),
        web: tokio::spawn(web_task),
        sip: tokio::spawn(receive(receivers, acceptors, shared)),
    };
    let asked = Asked { wishes, limit, shutdown };
    let task = tokio::spawn(supervise(tasks, absence, signaling, trigger, asked));
    Ok(Running { web, sip: sip_address, sip_tls, reload, haste, gateways, task })
}

#[derive(Debug)]
struct Tasks {
    driver: JoinHandle<()>,
    web: JoinHandle<()>,
    sip: JoinHandle<()>,
}

/// Who asks the relay to leave, and how long its calls may go on then.
struct Asked<F> {
    wishes: mpsc::Receiver<Wish>,
    limit: Duration,
    shutdown: F,
}

impl<F: Future<Output = ()>> Asked<F> {
    /// Comes back when the relay is to leave, with the time for its calls. Haste before that is none.
    async fn heard(self) -> (Duration, mpsc::Receiver<Wish>) {
        let Self { mut wishes, limit, shutdown } = self;
        let wished = async {
            loop {
                match wishes.recv().await {
                    Some(Wish::Drain(limit)) => return limit,
                    Some(Wish::Hurry) => {}
                    None => std::future::pending().await,
                }
            }
        };
        let limit = tokio::select! {
            () = shutdown => limit,
            limit = wished => limit,
        };
        (limit, wishes)
    }
}

/// Waits for the wish to leave, or for a task that should not have ended.
async fn supervise<F: Future<Output = ()>>(
    mut tasks: Tasks,
    mut absence: mpsc::Receiver<Infallible>,
    signaling: Signaling,
    trigger: Trigger,
    asked: Asked<F>,
) -> Result<(), RunError> {
    let result = tokio::select! {
        asked = asked.heard() => Ok(asked),
        _ = &mut tasks.driver => Err(RunError::Lost("signalling")),
        _ = &mut tasks.web => Err(RunError::Lost("HTTP")),
        _ = &mut tasks.sip => Err(RunError::Lost("SIP socket")),
    };
    let result = match result {
        Ok((limit, mut wishes)) => {
            if !limit.is_zero() {
                trigger.pull(Stage::Draining);
                drain::drain(&signaling, &mut wishes, limit).await;
            }
            trigger.pull(Stage::Leaving);
            signaling.leave().await;
            let _ = tasks.driver.await;
            Ok(())
        }
        Err(lost) => {
            trigger.pull(Stage::Leaving);
            Err(lost)
        }
    };
    drop(signaling);
    if tokio::time::timeout(FAREWELL, absence.recv()).await.is_err() {
        tracing::info!("a browser took too long to say good-bye");
    }
    tasks.web.abort();
    tasks.sip.abort();
    result
}

/// Until the first of the sockets toward PBXs fails, which none should.
async fn receive(udp: Vec<Arc<SipUdp>>, acceptors: Vec<Acceptor>, shared: Shared) {
    let mut tasks = JoinSet::new();
    for socket in udp {
        let signaling = shared.signaling.clone();
        tasks.spawn(async move {
            if let Err(error) = socket.receive(signaling).await {
                tracing::error!(%error, "SIP socket");
            }
        });
    }
    for acceptor in acceptors {
        tasks.spawn(acceptor.run(shared.clone()));
    }
    drop(shared);
    tasks.join_next().await;
}

async fn bind_web(config: &Config, counters: &Arc<Counters>) -> Result<WebListener, StartError> {
    let tls = match (&config.web.tls_certificate, &config.web.tls_key) {
        (Some(certificate), Some(key)) => {
            let identity = Identity { certificate: certificate.clone(), key: key.clone() };
            let fault = |error: TlsError| StartError::System {
                what: "web.tls_certificate",
                source: std::io::Error::other(error.to_string()),
            };
            Some(WebTls::new(identity, Arc::clone(counters)).map_err(fault)?)
        }
        _ => None,
    };
    let listener = TcpListener::bind(config.web.listen).await.map_err(|source| StartError::Bind {
        purpose: "browsers",
        address: config.web.listen.to_string(),
        key: "web.listen (--listen)",
        source,
    })?;
    Ok(WebListener::new(listener, &config.limits, tls, Arc::clone(counters)))
}

fn local(listener: &WebListener) -> Result<SocketAddr, StartError> {
    axum::serve::Listener::local_addr(listener).map_err(|source| StartError::System { what: "web socket", source })
}

/// What can be spoken with PBXs, and with what.
fn codecs(config: &Config) -> Result<(Vec<TrunkCodec>, Shelf), StartError> {
    let of_trunks = config.trunks.iter().filter_map(crate::config::Trunk::codecs).flatten();
    let wanted: Vec<_> = config.media.codecs.iter().copied().chain(of_trunks).collect();
    let installed = Installed::load(&wanted);
    let spoken = installed.spoken(&config.media.codecs);
    let shelf = Shelf { installed: Some(Arc::new(installed)), ..Shelf::default() };
    if spoken.is_empty() { Err(StartError::NoCodec) } else { Ok((spoken, shelf)) }
}

fn start_media(
    config: &Config,
    known: &[TrunkSocket],
    shelf: Shelf,
) -> Result<(MediaWorkers, mpsc::Receiver<relay_core::media::control::MediaEvent>), StartError> {
    let (events, media_events) = mpsc::channel(MAX_MEDIA_EVENTS);
    let media = MediaWorkers::start(media_config(config, known, shelf), events).map_err(|source| StartError::Bind {
        purpose: "audio from browsers",
        address: config.media.web_listen.to_string(),
        key: "media.web_listen",
        source,
    })?;
    Ok((media, media_events))
}

/// Toward PBXs an address must be announced that is not "any"; toward browsers the workers know better.
fn media_config(config: &Config, known: &[TrunkSocket], codecs: Shelf) -> MediaConfig {
    let (media, network) = (&config.media, &config.network);
    let of_family = |ip: Option<IpAddr>, is_v4: bool| ip.filter(|ip| ip.is_ipv4() == is_v4);
    let bind = |ip: IpAddr| {
        let instead = of_family(network.bind_ip, ip.is_ipv4()).filter(|_| ip.is_unspecified());
        instead.unwrap_or(ip)
    };
    let announced = |bound: IpAddr, external: Option<IpAddr>| {
        let sip = known.iter().map(|socket| socket.local.ip()).find(|ip| ip.is_ipv4() == bound.is_ipv4());
        let any = sip.filter(|_| bound.is_unspecified());
        external.or(of_family(network.external_ip, bound.is_ipv4())).or(any)
    };
    let web_bind = SocketAddr::new(bind(media.web_listen.ip()), media.web_listen.port());
    let trunk_bind = bind(media.trunk_listen);
    let second = media.trunk_listen_ipv6.map(bind);
    MediaConfig {
        workers: media.workers,
        web_bind,
        web_external: media.web_external.or(of_family(network.external_ip, web_bind.is_ipv4())),
        trunk_bind,
        trunk_external: announced(trunk_bind, media.trunk_external),
        trunk_bind_ipv6: second,
        trunk_external_ipv6: second.and_then(|ip| announced(ip, media.trunk_external_ipv6)),
        trunk_ports: media.trunk_ports.clone(),
        codecs,
        ..MediaConfig::default()
    }
}

fn b2bua_config(
    config: &Config,
    sockets: Vec<TrunkSocket>,
    codecs: Vec<TrunkCodec>,
    admission: Rules,
) -> Result<b2bua::Config, StartError> {
    let trunks = sip_sockets::trunks(config);
    let serves = |(trunk, settings): (usize, &crate::config::Trunk)| {
        let domains = settings.domains.clone();
        domains.into_iter().map(move |name| b2bua::Domain { name, trunk })
    };
    // A named domain before "any", whichever stands first in the file.
    let mut domains: Vec<_> = trunks.iter().enumerate().flat_map(serves).collect();
    domains.sort_by_key(|domain| domain.name == "*");
    let trunks = trunks.iter().map(|trunk| trunk_config(trunk, config)).collect::<Result<_, _>>()?;
    Ok(b2bua::Config {
        sockets,
        trunks,
        paces: RequestPaces {
            calls: per_minute(config.limits.calls_per_minute),
            guesses: Pace { per: GUESSES_TIME, ..per_minute(config.limits.wrong_passwords) },
        },
        admission,
        asks_about_guests: config.webhook.url.is_some(),
        domains,
        codecs: codecs.into(),
        product: Some(config.sip.product.clone()).filter(|product| !product.is_empty()),
        max_calls: config.limits.calls,
        max_bindings: config.limits.registrations,
        max_bindings_per_aor: config.limits.registrations_per_account,
        call_recovery: config.limits.call_recovery,
        path: config.sip.path,
        pass_headers: config.sip.pass_headers.clone(),
        redirects: config.sip.redirects,
        max_subscriptions: config.limits.subscriptions,
        max_subscriptions_per_browser: config.limits.subscriptions_per_browser,
        ring_timeout: config.limits.ring_timeout,
        resolve_ttl: config.limits.resolve_ttl,
        web_leg: config.negotiation.web.for_b2bua(),
        trunk_leg: config.negotiation.trunk.for_b2bua(),
    })
}

/// Wrong passwords are counted over so long.
const GUESSES_TIME: Duration = Duration::from_secs(300);

fn per_minute(count: usize) -> Pace {
    Pace::per_minute(u32::try_from(count).unwrap_or(u32::MAX))
}

fn trunk_config(trunk: &crate::config::Trunk, config: &Config) -> Result<b2bua::Trunk, StartError> {
    let gateway = |host: &crate::config::Host| b2bua::Gateway {
        host: host.host.clone(),
        port: host.port,
        transport: host.transport,
        priority: host.priority,
        weight: host.weight,
    };
    Ok(b2bua::Trunk {
        name: trunk.name.clone(),
        gateways: trunk.hosts.iter().map(gateway).collect(),
        probe: Some(trunk.probe).filter(|probe| !probe.is_zero()),
        failures: u32::try_from(trunk.failures).unwrap_or(u32::MAX),
        recoveries: u32::try_from(trunk.recoveries).unwrap_or(u32::MAX),
        patience: config.sip.failover_timeout,
        credentials: sites::credentials(trunk).map_err(StartError::Secrets)?,
        codecs: trunk.codecs().map(Into::into),
        srtp: trunk.srtp,
    })
}

/// Drawn from the system once; everything unpredictable in signalling grows from it.
pub(crate) fn seed() -> Result<[u8; 32], StartError> {
    let mut seed = [0; 32];
    let source = || std::io::Error::other("the system gives no random bytes");
    SystemRandom::new().fill(&mut seed).map_err(|_| StartError::System { what: "entropy", source: source() })?;
    Ok(seed)
}
