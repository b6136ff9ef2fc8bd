//! Starting a relay from its settings, and stopping it in order: new calls first, then the old, then the sockets.

use crate::app::{self, App};
use crate::clock::Clock;
use crate::config::{Config, Sip};
use crate::counters::Counters;
use crate::error::{RunError, StartError};
use crate::listener::WebListener;
use crate::media::{MediaConfig, MediaWorkers};
use crate::resolve::{Lookups, lookup};
use crate::shutdown::{self, Trigger};
use crate::signaling::{self, Driver, Signaling};
use crate::sip_udp::{SIP_SOCKET, SipUdp, local_address_toward};
use relay_core::b2bua::{self, B2bua, NextHop};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::Value;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Events of media workers that may wait for signalling.
const MAX_MEDIA_EVENTS: usize = 1_024;
/// How long WebSockets may take to say good-bye.
const FAREWELL: Duration = Duration::from_secs(2);

/// A relay that works.
#[derive(Debug)]
pub struct Running {
    /// Where browsers connect.
    pub web: SocketAddr,
    /// Where PBXs send SIP.
    pub sip: SocketAddr,
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
    let sip = Arc::new(bind_sip(&config.sip, &counters)?);
    let listener = bind_web(&config).await?;
    let (web, sip_address) = (local(&listener)?, sip_local(&sip)?);
    let external = external_address(&config.sip, sip_address).await;
    let (media, media_events) = start_media(&config, external)?;

    let (signaling, queue) = signaling::queue();
    let driver = Driver::new(signaling::Parts {
        b2bua: B2bua::new(b2bua_config(&config, external), seed()?),
        clock: Clock::start(),
        queue,
        signaling: signaling.clone(),
        media,
        media_events,
        sip: Arc::clone(&sip),
        lookups: Lookups::new(sip_address, Arc::clone(&counters)),
        counters: Arc::clone(&counters),
        shutdown: config.limits.shutdown,
    });
    let (trigger, leave) = shutdown::channel();
    let (app, absence) = App::new(&config.web, signaling.clone(), counters, leave);
    let app = Arc::new(app);
    let web_task = async move {
        if let Err(error) = app::serve(listener, &config, app, demo).await {
            tracing::error!(%error, "HTTP");
        }
    };
    let tasks = Tasks {
        driver: tokio::spawn(driver.run()),
        web: tokio::spawn(web_task),
        sip: tokio::spawn(receive(sip, signaling.clone())),
    };
    let task = tokio::spawn(supervise(tasks, absence, signaling, trigger, shutdown));
    Ok(Running { web, sip: sip_address, task })
}

#[derive(Debug)]
struct Tasks {
    driver: JoinHandle<()>,
    web: JoinHandle<()>,
    sip: JoinHandle<()>,
}

/// Waits for the wish to leave, or for a task that should not have ended.
async fn supervise(
    mut tasks: Tasks,
    mut absence: mpsc::Receiver<Infallible>,
    signaling: Signaling,
    trigger: Trigger,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let result = tokio::select! {
        () = shutdown => Ok(()),
        _ = &mut tasks.driver => Err(RunError::Lost("signalling")),
        _ = &mut tasks.web => Err(RunError::Lost("HTTP")),
        _ = &mut tasks.sip => Err(RunError::Lost("SIP socket")),
    };
    trigger.pull();
    if result.is_ok() {
        signaling.leave().await;
        let _ = tasks.driver.await;
    }
    drop(signaling);
    if tokio::time::timeout(FAREWELL, absence.recv()).await.is_err() {
        tracing::info!("a browser took too long to say good-bye");
    }
    tasks.web.abort();
    tasks.sip.abort();
    result
}

async fn receive(sip: Arc<SipUdp>, signaling: Signaling) {
    if let Err(error) = sip.receive(signaling).await {
        tracing::error!(%error, "SIP socket");
    }
}

fn bind_sip(sip: &Sip, counters: &Arc<Counters>) -> Result<SipUdp, StartError> {
    SipUdp::bind(sip.listen, Arc::clone(counters)).map_err(|source| StartError::Bind {
        purpose: "SIP over UDP",
        address: sip.listen.to_string(),
        key: "sip.listen (--sip-listen)",
        source,
    })
}

async fn bind_web(config: &Config) -> Result<WebListener, StartError> {
    let listener = TcpListener::bind(config.web.listen).await.map_err(|source| StartError::Bind {
        purpose: "browsers",
        address: config.web.listen.to_string(),
        key: "web.listen (--listen)",
        source,
    })?;
    Ok(WebListener::new(listener, config.limits.connections))
}

fn local(listener: &WebListener) -> Result<SocketAddr, StartError> {
    axum::serve::Listener::local_addr(listener).map_err(|source| StartError::System { what: "web socket", source })
}

fn sip_local(sip: &SipUdp) -> Result<SocketAddr, StartError> {
    sip.local_addr().map_err(|source| StartError::System { what: "SIP socket", source })
}

fn start_media(
    config: &Config,
    external: SocketAddr,
) -> Result<(MediaWorkers, mpsc::Receiver<relay_core::media::control::MediaEvent>), StartError> {
    let (events, media_events) = mpsc::channel(MAX_MEDIA_EVENTS);
    let media = MediaWorkers::start(media_config(config, external), events).map_err(|source| StartError::Bind {
        purpose: "audio from browsers",
        address: config.media.web_listen.to_string(),
        key: "media.web_listen",
        source,
    })?;
    Ok((media, media_events))
}

/// Toward PBXs an address must be announced that is not "any"; toward browsers the workers know better.
fn media_config(config: &Config, external: SocketAddr) -> MediaConfig {
    let media = &config.media;
    let any = media.trunk_listen.is_unspecified().then(|| external.ip());
    MediaConfig {
        workers: media.workers,
        web_bind: media.web_listen,
        web_external: media.web_external,
        trunk_bind: media.trunk_listen,
        trunk_external: media.trunk_external.or(any),
        trunk_ports: media.trunk_ports.clone(),
        ..MediaConfig::default()
    }
}

fn b2bua_config(config: &Config, external: SocketAddr) -> b2bua::Config {
    let domain = |domain: &crate::config::Domain| b2bua::Domain {
        name: domain.name.clone(),
        next_hop: NextHop { host: domain.host.clone(), port: domain.port },
    };
    b2bua::Config {
        trunk_socket: SIP_SOCKET,
        trunk_local: external,
        domains: config.sip.domains.iter().map(domain).collect(),
        codecs: config.media.codecs.clone().into(),
        product: Some(config.sip.product.clone()).filter(|product| !product.is_empty()),
        max_calls: config.limits.calls,
        max_bindings: config.limits.registrations,
        ring_timeout: config.limits.ring_timeout,
        resolve_ttl: config.limits.resolve_ttl,
    }
}

/// The SIP socket's address as PBXs reach it.
async fn external_address(sip: &Sip, bound: SocketAddr) -> SocketAddr {
    if let Some(external) = sip.external {
        return external;
    }
    if !bound.ip().is_unspecified() {
        return bound;
    }
    let ip = address_toward_pbx(sip, bound).await.unwrap_or_else(|| Ipv4Addr::LOCALHOST.into());
    tracing::info!(%ip, "PBXs are told to answer to this address (sip.external names another)");
    SocketAddr::new(ip, bound.port())
}

/// A PBX whose name is not known yet is taken to be where the default route leads (192.0.2.1 is nobody's, RFC 5737).
async fn address_toward_pbx(sip: &Sip, bound: SocketAddr) -> Option<IpAddr> {
    let far = SocketAddr::from(([192, 0, 2, 1], 5060));
    let target = match sip.domains.first() {
        Some(domain) => lookup(&domain.host, domain.port, bound).await.ok()?.first().copied().unwrap_or(far),
        None => far,
    };
    local_address_toward(target).ok().map(|address| address.ip())
}

/// Drawn from the system once; everything unpredictable in signalling grows from it.
pub(crate) fn seed() -> Result<[u8; 32], StartError> {
    let mut seed = [0; 32];
    let source = || std::io::Error::other("the system gives no random bytes");
    SystemRandom::new().fill(&mut seed).map_err(|_| StartError::System { what: "entropy", source: source() })?;
    Ok(seed)
}
