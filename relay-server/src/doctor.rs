//! `switchhook-relay doctor`: what keeps this configuration from working on this machine, and how to mend it.
//!
//! [`View::take`] looks at the machine, which takes sockets and time; [`diagnose`] judges what was seen and is a function of
//! values. Nothing is changed, and no file is made: whoever runs it may not be the relay's user.

mod certificates;
mod diagnosis;
mod finding;
mod gateways;
mod machine;
mod view;

pub use diagnosis::diagnose;
pub use finding::{Finding, Verdict};
pub use view::{Certificate, Name, Port, Validity, View};

use crate::cli::Arguments;
use crate::config::{Config, ConfigError};
use crate::log;

/// Looks at everything and says what it found. False where something must be mended before the relay can work.
pub async fn run(arguments: &Arguments, as_json: bool) -> bool {
    let findings = match settled(arguments) {
        Ok((config, warnings)) => {
            let view = View::take(&config).await;
            let odd =
                warnings.iter().map(|said| Finding::warning("configuration", said, "take it out, or mend its name"));
            let good = Finding::ok("configuration", "every key can be used");
            std::iter::once(good).chain(odd).chain(diagnose(&config, &view)).collect()
        }
        Err(error) => vec![Finding::failure("configuration", &error.to_string(), "mend that, then ask again")],
    };
    let is_well = findings.iter().all(|finding| finding.verdict != Verdict::Failure);
    log::say(&if as_json { finding::json(&findings) } else { finding::text(&findings) });
    is_well
}

fn settled(arguments: &Arguments) -> Result<(Config, Vec<String>), ConfigError> {
    let loaded = arguments.settings(std::env::vars().collect())?;
    loaded.config.check()?;
    Ok((loaded.config, loaded.warnings))
}
