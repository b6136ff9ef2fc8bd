//! `a=fmtp` of Opus (RFC 7587 §6.1): what a receiver asks of its sender.

use super::PTIME;
use crate::codec::Rate;
use sip_core::Duration;

/// What becomes of the browser's Opus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::b2bua) enum OpusUse {
    /// The PBX carries so much of it in another codec.
    Transcoded(Rate),
    /// A PBX may have it as it is; what that asks for, once it has said so: its fmtp, and how long packets should be.
    Passed(Option<(String, Duration)>),
}

/// What else a PBX may ask for is no business of a browser's.
const PASSED: [&str; 6] = ["maxplaybackrate", "maxaveragebitrate", "stereo", "cbr", "useinbandfec", "usedtx"];

/// What a PBX is asked for: browsers use in-band FEC, and hear one channel unless they say otherwise.
pub(super) const TO_PBX: &str = "useinbandfec=1";

impl OpusUse {
    /// What the browser is asked for. It is asked for no more than the PBX's side carries, which makes narrow-band packets a
    /// quarter as dear to decode; the bit rate is named because it would fall with the bandwidth.
    pub(super) fn fmtp(&self) -> String {
        match self {
            Self::Transcoded(Rate::Narrow) => {
                "minptime=10;useinbandfec=1;stereo=0;maxplaybackrate=8000;maxaveragebitrate=24000".to_owned()
            }
            Self::Transcoded(Rate::Wide) => {
                "minptime=10;useinbandfec=1;stereo=0;maxplaybackrate=16000;maxaveragebitrate=32000".to_owned()
            }
            Self::Passed(None) => "minptime=10;useinbandfec=1;stereo=0".to_owned(),
            Self::Passed(Some((theirs, _))) => {
                theirs.split(';').filter_map(passed).fold("minptime=10".to_owned(), |all, one| all + ";" + &one)
            }
        }
    }

    /// How long the browser's packets should be, in milliseconds. Those that are passed on stay as long as they are.
    pub(super) fn ptime(&self) -> u128 {
        match self {
            Self::Passed(Some((_, theirs))) => theirs.as_millis(),
            Self::Transcoded(_) | Self::Passed(None) => PTIME.into(),
        }
    }
}

/// A parameter that a browser may hear of, written anew.
fn passed(parameter: &str) -> Option<String> {
    let (name, value) = parameter.split_once('=')?;
    let name = PASSED.into_iter().find(|known| known.eq_ignore_ascii_case(name.trim()))?;
    let value: u32 = value.trim().parse().ok()?;
    Some(format!("{name}={value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_hears_what_the_pbx_asks_for_and_nothing_else() {
        let theirs = "useinbandfec=1; MaxPlaybackRate=16000;x-odd=1;usedtx=yes;stereo=1\r\na=evil;cbr=0";
        let passed = OpusUse::Passed(Some((theirs.to_owned(), Duration::from_millis(40))));

        assert_eq!(passed.fmtp(), "minptime=10;useinbandfec=1;maxplaybackrate=16000;cbr=0");
        assert_eq!((passed.ptime(), OpusUse::Passed(None).ptime()), (40, 20));
    }
}
