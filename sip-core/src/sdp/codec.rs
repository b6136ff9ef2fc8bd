//! Payload types: `a=rtpmap`, `a=fmtp`, and the static assignments of RFC 3551.

use super::Media;

/// What a payload type means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codec {
    /// The number in the RTP header.
    pub payload_type: u8,
    /// The encoding name as it was spelt; compare with [`Codec::is`].
    pub name: String,
    /// The RTP clock rate.
    pub clock_rate: u32,
    /// The channels; 1 where nothing is written.
    pub channels: u8,
    /// The value of `a=fmtp`, without the payload type.
    pub fmtp: Option<String>,
}

/// RFC 3551 §6: audio assignments in use. G.722's clock rate is a historical error that everybody keeps.
const STATIC: [(u8, &str, u32); 8] = [
    (0, "PCMU", 8_000),
    (3, "GSM", 8_000),
    (4, "G723", 8_000),
    (8, "PCMA", 8_000),
    (9, "G722", 8_000),
    (13, "CN", 8_000),
    (15, "G728", 8_000),
    (18, "G729", 8_000),
];

impl Codec {
    /// Whether this is an encoding with a clock rate; names compare without regard to case (RFC 4855 §3).
    #[must_use]
    pub fn is(&self, name: &str, clock_rate: u32) -> bool {
        self.clock_rate == clock_rate && self.name.eq_ignore_ascii_case(name)
    }

    /// The value of one fmtp parameter of the form `name=value;…`.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let fields = self.fmtp.as_deref()?.split(';').map(str::trim);
        let mut pairs = fields.filter_map(|field| field.split_once('='));
        pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    fn read(payload_type: u8, rtpmap: &str) -> Option<Self> {
        let mut parts = rtpmap.trim().split('/');
        let (name, clock_rate) = (parts.next()?, parts.next()?.trim().parse().ok()?);
        let channels = parts.next().and_then(|channels| channels.trim().parse().ok()).unwrap_or(1);
        (!name.is_empty()).then(|| Self { payload_type, name: name.to_owned(), clock_rate, channels, fmtp: None })
    }

    fn of_static(payload_type: u8) -> Option<Self> {
        let (_, name, clock_rate) = STATIC.iter().find(|(number, ..)| *number == payload_type)?;
        Some(Self { payload_type, name: (*name).to_owned(), clock_rate: *clock_rate, channels: 1, fmtp: None })
    }
}

impl Media {
    /// What a payload type means here: its rtpmap, or its static assignment. Its fmtp comes with it.
    #[must_use]
    pub fn rtpmap(&self, payload_type: u8) -> Option<Codec> {
        let written = self.all("rtpmap").find_map(|value| of_payload_type(value, payload_type));
        let codec = match written {
            Some(rtpmap) => Codec::read(payload_type, rtpmap),
            None => Codec::of_static(payload_type),
        };
        Some(Codec { fmtp: self.fmtp(payload_type).map(str::to_owned), ..codec? })
    }

    /// The value of a payload type's `a=fmtp`, without the payload type.
    #[must_use]
    pub fn fmtp(&self, payload_type: u8) -> Option<&str> {
        self.all("fmtp").find_map(|value| of_payload_type(value, payload_type))
    }

    /// The codecs in the order of preference. Payload types without meaning are passed over.
    #[must_use]
    pub fn codecs(&self) -> Vec<Codec> {
        let payload_types = self.formats.iter().filter_map(|format| format.parse::<u8>().ok());
        payload_types.filter(|number| *number < 128).filter_map(|number| self.rtpmap(number)).collect()
    }

    /// The most preferred codec of a name and clock rate.
    #[must_use]
    pub fn codec(&self, name: &str, clock_rate: u32) -> Option<Codec> {
        self.codecs().into_iter().find(|codec| codec.is(name, clock_rate))
    }

    /// Adds a codec to the formats, with its rtpmap and fmtp.
    pub fn push_codec(&mut self, codec: &Codec) {
        let Codec { payload_type, name, clock_rate, channels, fmtp } = codec;
        let channels = if *channels > 1 { format!("/{channels}") } else { String::new() };
        self.formats.push(payload_type.to_string());
        self.push("rtpmap", format!("{payload_type} {name}/{clock_rate}{channels}"));
        if let Some(fmtp) = fmtp {
            self.push("fmtp", format!("{payload_type} {fmtp}"));
        }
    }
}

/// What stands behind the payload type, where it is this one.
fn of_payload_type(value: &str, payload_type: u8) -> Option<&str> {
    let (number, rest) = value.trim_start().split_once([' ', '\t'])?;
    (number.parse() == Ok(payload_type)).then(|| rest.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::SessionDescription;

    fn audio(rows: &str) -> Media {
        let description = SessionDescription::parse(&format!("v=0\r\n{rows}")).unwrap();
        description.media.into_iter().next().unwrap()
    }

    #[test]
    fn static_payload_types_need_no_rtpmap_and_an_rtpmap_overrules_them() {
        let media = audio("m=audio 4000 RTP/AVP 18 0 9 96 8\r\na=rtpmap:0 X-ODD/16000\r\na=fmtp:18 annexb=no\r\n");

        let codecs: Vec<_> = media.codecs().into_iter().map(|c| (c.payload_type, c.name, c.clock_rate)).collect();

        let expected = [(18, "G729", 8_000), (0, "X-ODD", 16_000), (9, "G722", 8_000), (8, "PCMA", 8_000)];
        assert_eq!(codecs, expected.map(|(number, name, rate)| (number, name.to_owned(), rate)));
        assert_eq!(media.codec("g729", 8_000).unwrap().parameter("annexb"), Some("no"));
    }

    #[test]
    fn a_codec_reads_back() {
        let fmtp = Some("minptime=10; UseInbandFec=1".to_owned());
        let opus = Codec { payload_type: 111, name: "opus".to_owned(), clock_rate: 48_000, channels: 2, fmtp };
        let mut media = audio("m=audio 4000 RTP/AVP\r\n");

        media.push_codec(&opus);

        assert_eq!(media.rtpmap(111), Some(opus.clone()));
        assert_eq!(opus.parameter("useinbandfec"), Some("1"));
        assert_eq!(opus.parameter("stereo"), None);
    }

    #[test]
    fn broken_rtpmaps_mean_nothing() {
        let media = audio("m=audio 4000 RTP/AVP 96 97 98 300 x\r\na=rtpmap:96 a\r\na=rtpmap:97\r\na=rtpmap:98 a/b\r\n");

        assert!(media.codecs().is_empty());
    }
}
