//! The command line, as a layer of settings.

use crate::config::{ConfigError, Loaded, Sources, load};
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// Between browsers and any PBX: SIP over WebSocket to SIP over UDP, WebRTC to RTP.
#[derive(Clone, Debug, Parser)]
#[command(name = "switchhook-relay", version, about, long_about = None)]
pub struct Arguments {
    /// What to do; `serve` when left out.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The TOML file with the settings; relay.example.toml documents each.
    #[arg(long, value_name = "FILE", env = "SWITCHHOOK_CONFIG", global = true)]
    pub config: Option<PathBuf>,

    /// Read the settings, say what is wrong with them, and leave.
    #[arg(long, global = true)]
    pub check_config: bool,

    /// Where browsers connect (web.listen).
    #[arg(long, value_name = "ADDRESS:PORT", global = true)]
    pub listen: Option<String>,

    /// The PBX for every domain (sip.domains); port 5060 may be left out.
    #[arg(long, value_name = "HOST[:PORT]", global = true)]
    pub next_hop: Option<String>,

    /// Where PBXs send SIP over UDP (sip.listen).
    #[arg(long, value_name = "ADDRESS:PORT", global = true)]
    pub sip_listen: Option<String>,

    /// A directory with pages to serve (web.site).
    #[arg(long, value_name = "DIRECTORY", global = true)]
    pub site: Option<String>,

    /// Pages that may connect besides those of the same host (web.origins); may be repeated.
    #[arg(long, value_name = "ORIGIN", global = true)]
    pub origin: Vec<String>,

    /// What to log (log.filter): error, warn, info, debug, trace, or "relay_core=debug,info".
    #[arg(long, value_name = "FILTER", global = true)]
    pub log: Option<String>,

    /// Any other key; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", global = true)]
    pub set: Vec<String>,
}

/// What the program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Relay calls between browsers and PBXs.
    Serve,
    /// The same with an exchange of its own and pages to try it with: nothing else is needed for a first call.
    Demo,
    /// Look at a configuration and at this machine, and say what is wrong and how to mend it.
    Doctor {
        /// Say it as JSON, for programs.
        #[arg(long)]
        json: bool,
    },
}

impl Arguments {
    /// The settings from file, environment and these flags.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn settings(&self, environment: Vec<(String, String)>) -> Result<Loaded, ConfigError> {
        load(&Sources { file: self.config.clone(), environment, flags: self.flags() })
    }

    /// The flags as rows: how it was written, key, value. `--set` comes first, so that a flag of its own name wins.
    fn flags(&self) -> Vec<(String, String, String)> {
        let set = self.set.iter().map(|row| {
            let (key, value) = row.split_once('=').unwrap_or((row, ""));
            ("--set".to_owned(), key.to_owned(), value.to_owned())
        });
        let origins = (!self.origin.is_empty()).then(|| self.origin.join(","));
        let named = [
            ("--listen", "web.listen", self.listen.clone()),
            ("--next-hop", "sip.domains", self.next_hop.clone()),
            ("--sip-listen", "sip.listen", self.sip_listen.clone()),
            ("--site", "web.site", self.site.clone()),
            ("--origin", "web.origins", origins),
            ("--log", "log.filter", self.log.clone()),
        ];
        let row = |(flag, key, value): (&str, &str, Option<String>)| Some((flag.to_owned(), key.to_owned(), value?));
        set.chain(named.into_iter().filter_map(row)).collect()
    }
}
