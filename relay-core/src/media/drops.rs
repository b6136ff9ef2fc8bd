//! Why packets were not used: one counter per reason, so that an attack and a fault look different.

/// A reason for which a packet was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropReason {
    /// On the shared port, not STUN, from an address that no ICE check validated.
    NotValidated,
    /// On the shared port, of no protocol of RFC 7983 that we speak.
    UnknownProtocol,
    /// STUN with broken framing, without FINGERPRINT or without what ICE demands.
    StunMalformed,
    /// STUN that is no Binding request.
    StunNotARequest,
    /// A check for a user fragment that is nobody's.
    StunUnknownUser,
    /// A check with a wrong password or of another browser.
    StunNotAuthentic,
    /// DTLS that our side cannot use: before the description, after failure, or too much of it.
    DtlsUnexpected,
    /// DTLS that the handshake refused.
    DtlsRefused,
    /// SRTP before the keys are there.
    SrtpEarly,
    /// SRTP or SRTCP that failed authentication or was replayed.
    SrtpNotAuthentic,
    /// Not RTP, or RTP with an impossible header.
    RtpMalformed,
    /// RTP of a payload type that was not negotiated.
    RtpPayloadType,
    /// RTP far off the running stream.
    RtpStray,
    /// A payload that its decoder refused.
    RtpPayload,
    /// Not RTCP.
    RtcpMalformed,
    /// On a trunk port before the PBX was described.
    TrunkEarly,
    /// On a trunk port, from a source that is not believed.
    TrunkForeign,
    /// Digits beyond the queue's bound, or without a negotiated payload type.
    Digits,
    /// A packet for the PBX whose described address must not be sent to.
    TrunkTarget,
}

impl DropReason {
    /// All reasons, in the order of their counters.
    pub const ALL: [Self; 19] = [
        Self::NotValidated,
        Self::UnknownProtocol,
        Self::StunMalformed,
        Self::StunNotARequest,
        Self::StunUnknownUser,
        Self::StunNotAuthentic,
        Self::DtlsUnexpected,
        Self::DtlsRefused,
        Self::SrtpEarly,
        Self::SrtpNotAuthentic,
        Self::RtpMalformed,
        Self::RtpPayloadType,
        Self::RtpStray,
        Self::RtpPayload,
        Self::RtcpMalformed,
        Self::TrunkEarly,
        Self::TrunkForeign,
        Self::Digits,
        Self::TrunkTarget,
    ];

    /// The reason as a metric's label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotValidated => "not_validated",
            Self::UnknownProtocol => "unknown_protocol",
            Self::StunMalformed => "stun_malformed",
            Self::StunNotARequest => "stun_not_a_request",
            Self::StunUnknownUser => "stun_unknown_user",
            Self::StunNotAuthentic => "stun_not_authentic",
            Self::DtlsUnexpected => "dtls_unexpected",
            Self::DtlsRefused => "dtls_refused",
            Self::SrtpEarly => "srtp_early",
            Self::SrtpNotAuthentic => "srtp_not_authentic",
            Self::RtpMalformed => "rtp_malformed",
            Self::RtpPayloadType => "rtp_payload_type",
            Self::RtpStray => "rtp_stray",
            Self::RtpPayload => "rtp_payload",
            Self::RtcpMalformed => "rtcp_malformed",
            Self::TrunkEarly => "trunk_early",
            Self::TrunkForeign => "trunk_foreign",
            Self::Digits => "digits",
            Self::TrunkTarget => "trunk_target",
        }
    }
}

/// The counters of one worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drops([u64; DropReason::ALL.len()]);

impl Drops {
    pub(super) fn count(&mut self, reason: DropReason) {
        self.0[reason as usize] += 1;
    }

    /// How often a packet was dropped for `reason`.
    #[must_use]
    pub const fn of(&self, reason: DropReason) -> u64 {
        self.0[reason as usize]
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl core::ops::AddAssign<&Self> for Drops {
    fn add_assign(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, more)| *sum += more);
    }
}
