//! `switchhook-relay`: arguments, log, run, exit code.

use clap::Parser;
use relay_server::cli::{Arguments, Command};
use relay_server::config::Loaded;
use relay_server::{Reload, demo, doctor, log, shutdown};
use std::error::Error;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(Command::Doctor { json }) = arguments.command {
        return if doctor::run(&arguments, json).await { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::complain(&format!("switchhook-relay: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let loaded = arguments.settings(std::env::vars().collect())?;
    let is_demo = arguments.command == Some(Command::Demo);
    let check = if is_demo { loaded.config.check_demo() } else { loaded.config.check() };
    check?;
    if arguments.check_config {
        log::say("The configuration is good.");
        return Ok(());
    }
    log::start(&loaded.config.log);
    warn(&loaded);
    let stop = async {
        if let Err(error) = shutdown::requested().await {
            tracing::error!(%error, "no signal handlers");
        }
    };
    if is_demo {
        return demo::run(loaded.config, stop).await;
    }
    let running = relay_server::run(loaded.config, stop).await?;
    tokio::spawn(reload(arguments, running.reload.clone()));
    tokio::spawn(shutdown::hurry(running.haste.clone()));
    log::say(&format!("switchhook-relay: browsers at ws://{}, PBXs at {} (UDP)", running.web, running.sip));
    Ok(running.finished().await?)
}

/// Sites and tokens are read again at each SIGHUP; settings that cannot be used change nothing.
async fn reload(arguments: Arguments, reload: Reload) {
    let Ok(mut hangups) = signal(SignalKind::hangup()) else { return };
    while hangups.recv().await.is_some() {
        let applied = match arguments.settings(std::env::vars().collect()) {
            Ok(loaded) => reload.apply(&loaded.config).await,
            Err(error) => Err(error),
        };
        match applied {
            Ok(()) => tracing::info!("SIGHUP: sites and tokens were read again"),
            Err(error) => tracing::error!(%error, "SIGHUP: the settings stay as they were"),
        }
    }
}

fn warn(loaded: &Loaded) {
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
}
