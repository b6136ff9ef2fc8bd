//! An INVITE toward a PBX fits one datagram: what is longer than 1,300 bytes takes a stream, which not every PBX has
//! (RFC 3261 §18.1.1), or is cut to pieces on its way.
//!
//! What a call can do without is left out, the least missed first, until the rest fits. What cannot be left out (the
//! addresses, the credentials, the description) stays: then the stream is right.

use super::routes::Target;
use super::{B2bua, agent_config, local_socket};
use sip_core::Instant;
use sip_core::agent::{Invite, Output, UserAgent};
use sip_core::message::{HeaderName, NameAddr};

/// RFC 3261 §18.1.1.
const LIMIT: usize = 1_300;
/// What an answered challenge adds.
const CREDENTIALS: usize = 300;

/// Without these a call is not the same.
const NEEDED: [HeaderName; 8] = [
    HeaderName::Privacy,
    HeaderName::PPreferredIdentity,
    HeaderName::Authorization,
    HeaderName::ProxyAuthorization,
    HeaderName::MaxForwards,
    HeaderName::PAssertedIdentity,
    HeaderName::Replaces,
    HeaderName::Require,
];

/// What a phone says of itself, and a PBX can do without; the first is missed least.
const OWN: [HeaderName; 3] = [HeaderName::UserAgent, HeaderName::Allow, HeaderName::Supported];

/// Lines of a description that say what every phone knows: static payload types (RFC 3551), defaults.
const NEEDLESS: [&str; 5] =
    ["a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000", "a=rtpmap:9 G722/8000", "a=sendrecv", "a=ptime:20"];

impl B2bua {
    /// The INVITE, or what can be left of it, in at most 1,300 bytes.
    pub(super) fn fit(&self, mut invite: Invite, target: Target) -> Invite {
        let mut step = 0;
        while let Some(excess) = self.excess(&invite, target) {
            if !shorten(&mut invite, &mut step, excess) {
                tracing::debug!(excess, "an INVITE does not fit a datagram");
                break;
            }
        }
        invite
    }

    /// By how many bytes it is too long. It is written by an agent like the one that will send it.
    fn excess(&self, invite: &Invite, target: Target) -> Option<usize> {
        let mut agent = UserAgent::new(agent_config(&self.config, &self.config.trunk_leg, &[]), [0; 32]);
        let socket = self.trunk_socket(target.socket)?;
        agent.open_socket(socket.id, local_socket(socket));
        agent.invite(invite.clone(), Instant::ZERO).ok()?;
        match agent.poll_output() {
            Output::Transmit { bytes, .. } => {
                let to_come = invite.credentials.as_ref().map_or(0, |_| CREDENTIALS);
                (bytes.len() + to_come).checked_sub(LIMIT).filter(|excess| *excess > 0)
            }
            _ => None,
        }
    }
}

/// Takes one thing out; false when there is nothing more.
fn shorten(invite: &mut Invite, step: &mut usize, excess: usize) -> bool {
    loop {
        let done = match *step {
            0 => drop_last_row(invite),
            1 => shorten_name(invite.to.as_mut(), 0),
            2 => shorten_name(Some(&mut invite.from), excess),
            3..=5 => leave_out(invite, OWN.get(*step - 3)),
            6 => lean(invite),
            _ => return false,
        };
        // Only the rows of the application are taken one by one.
        if !(done && *step == 0) {
            *step += 1;
        }
        if done {
            return true;
        }
    }
}

fn drop_last_row(invite: &mut Invite) -> bool {
    let last = invite.headers.iter().rposition(|(name, value)| !value.is_empty() && !NEEDED.contains(name));
    last.map(|place| invite.headers.remove(place)).is_some()
}

/// Cuts a display name; to nothing where that leaves less than a few letters.
fn shorten_name(party: Option<&mut NameAddr>, excess: usize) -> bool {
    let Some(party) = party else { return false };
    let Some(display) = party.display_name.take() else { return false };
    let kept = display.len().saturating_sub(excess.max(1));
    if excess > 0 && kept >= 8 {
        let kept = (0..=kept).rev().find(|end| display.is_char_boundary(*end)).unwrap_or(0);
        party.display_name = display.get(..kept).map(|kept| kept.trim_end().to_owned());
    }
    true
}

/// A row without a value keeps the agent from writing that header.
fn leave_out(invite: &mut Invite, name: Option<&HeaderName>) -> bool {
    invite.headers.extend(name.map(|name| (name.clone(), String::new())));
    name.is_some()
}

fn lean(invite: &mut Invite) -> bool {
    let Some(offer) = invite.offer.take() else { return false };
    let is_needed = |line: &&str| !NEEDLESS.contains(line);
    let lines: Vec<&str> = offer.split_terminator("\r\n").filter(is_needed).collect();
    invite.offer = Some(lines.join("\r\n") + "\r\n");
    true
}
