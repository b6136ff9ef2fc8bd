//! `switchhook-relay`: arguments, log, run, exit code.

use clap::Parser;
use relay_server::cli::{Arguments, Command};
use relay_server::config::Loaded;
use relay_server::{demo, log, shutdown};
use std::error::Error;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
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
    log::say(&format!("switchhook-relay: browsers at ws://{}, PBXs at {} (UDP)", running.web, running.sip));
    Ok(running.finished().await?)
}

fn warn(loaded: &Loaded) {
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
}
