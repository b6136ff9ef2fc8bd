//! A relay with its demo exchange, on ports that the system chooses.

#![allow(dead_code, reason = "each test file uses its part")]

use crate::door;
use crate::phone::Phone;
use relay_server::config::{Config, Sip};
use relay_server::demo::{self, Demo};
use sip_core::agent::RegistrationEvent;
use std::net::SocketAddr;
use tokio::sync::oneshot;

/// See the module.
pub(crate) struct Exchange {
    demo: Demo,
    stop: oneshot::Sender<()>,
}

impl Exchange {
    pub(crate) async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    /// With settings that differ.
    pub(crate) async fn open_with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config { sip: Sip::default(), ..door::config() };
        change(&mut config);
        let (stop, stopped) = oneshot::channel();
        let demo = demo::start(config, async { drop(stopped.await) }).await.expect("free ports");
        Self { demo, stop }
    }

    /// Where browsers connect.
    pub(crate) fn web(&self) -> SocketAddr {
        self.demo.relay.web
    }

    pub(crate) async fn registered(&self, name: &str) -> Phone {
        let mut phone = Phone::connect(self.web(), name).await;
        let registration = phone.register(&format!("{name}-secret")).await;
        assert!(matches!(registration, RegistrationEvent::Registered { .. }), "{registration:?}");
        phone
    }

    pub(crate) async fn is_idle(&self) {
        door::until(self.web(), "calls", 0).await;
    }

    pub(crate) async fn close(self) {
        let _ = self.stop.send(());
        self.demo.finished().await.expect("it was asked to");
    }
}
