//! How often somebody may ask. Counted in Redis for all instances together and in each process along with it, in real
//! time: a limit is about load and guessing, not about business.

mod central;
mod local;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::ids::{SessionId, UserId};
use crate::settings::{LimitSettings, Rate, RedisSettings};
use crate::telemetry::metrics;
use central::Central;
use local::Local;

/// The bucket of messages over sockets.
pub const WS: &str = "ws";

/// The bucket of pictures.
pub const PICTURES: &str = "pictures";

/// The network part of an IPv6 address.
const NETWORK: u128 = 0xffff_ffff_ffff_ffff_0000_0000_0000_0000;

/// Who is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A person, wherever they are.
    Person(UserId),
    /// A session, wherever it is.
    Session(SessionId),
    /// Everybody behind an address.
    Address(IpAddr),
    /// Everybody whose address is not known.
    Unknown,
}

impl Subject {
    /// Everybody behind an address; for IPv6 its /64, because one customer has all of it.
    #[must_use]
    pub fn behind(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & NETWORK)),
        })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(user) => write!(f, "user:{}", user.0),
            Self::Session(session) => write!(f, "session:{}", session.0),
            Self::Address(address) => write!(f, "address:{address}"),
            Self::Unknown => f.write_str("address:unknown"),
        }
    }
}

/// What one request is told about its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it may go on; then it was counted.
    pub allowed: bool,
    /// The limit.
    pub rate: Rate,
    /// How many more may follow now.
    pub remaining: u32,
    /// Until one more may follow than `remaining` says.
    pub reset: Duration,
}

impl Verdict {
    fn of(rate: Rate, allowed: bool, used: u32, reset: Duration) -> Self {
        Self { allowed, rate, remaining: rate.quota.saturating_sub(used), reset }
    }

    /// [`Verdict::reset`] in whole seconds, upwards: who waits for so long is not told to wait again.
    #[must_use]
    pub fn reset_seconds(&self) -> u64 {
        self.reset.as_millis().div_ceil(1_000).max(1).try_into().unwrap_or(u64::MAX)
    }
}

/// Counts requests. In any stretch as long as the window no more than the quota are let through: not an average.
///
/// This process counts along, so that a Redis that vanishes gives nobody a fresh start here, and a flood that this
/// process has seen is refused without asking Redis. While Redis is away or slow, this process's count decides: each
/// instance then lets the whole quota through, neither everything nor nothing.
pub struct Limiter {
    local: Local,
    central: Central,
    started: Instant,
    ws: Option<Rate>,
    pictures: Option<Rate>,
}

impl Limiter {
    /// Takes its Redis from the settings; connects when it is first asked.
    ///
    /// # Errors
    /// A URL that is none.
    pub fn new(redis: &RedisSettings, limits: &LimitSettings) -> Result<Self> {
        Ok(Self {
            local: Local::default(),
            central: Central::new(redis, limits.redis_timeout)?,
            started: Instant::now(),
            ws: limits.ws,
            pictures: limits.pictures,
        })
    }

    /// Counts one request of `subject` in `bucket`, if the rate allows it.
    pub async fn take(&self, bucket: &'static str, subject: Subject, rate: Rate) -> Verdict {
        let verdict = self.decide(bucket, subject, rate).await;
        if !verdict.allowed {
            metrics::RATE_LIMITED.with_label_values(&[bucket]).inc();
        }
        verdict
    }

    /// Counts one message of a person over sockets; none when that limit is off.
    pub async fn take_message(&self, person: UserId) -> Option<Verdict> {
        Some(self.take(WS, Subject::Person(person), self.ws?).await)
    }

    /// Counts one picture that a person sends; none when that limit is off.
    pub async fn take_picture(&self, person: UserId) -> Option<Verdict> {
        Some(self.take(PICTURES, Subject::Person(person), self.pictures?).await)
    }

    async fn decide(&self, bucket: &'static str, subject: Subject, rate: Rate) -> Verdict {
        let at = self.started.elapsed();
        let here = self.local.take((bucket, subject), rate, at);
        if !here.allowed {
            return here;
        }
        let Some(everywhere) = self.central.take(bucket, subject, rate, at).await else {
            metrics::RATE_LIMITER_FALLBACK.inc();
            return here;
        };
        if !everywhere.allowed {
            self.local.give_back(&(bucket, subject), at);
        }
        everywhere
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_is_one_caller() {
        let behind = |text: &str| Subject::behind(text.parse().expect("an address")).to_string();
        assert_eq!(behind("2001:db8:1:2:3:4:5:6"), "address:2001:db8:1:2::");
        assert_eq!(behind("2001:db8:1:2:ffff::1"), "address:2001:db8:1:2::");
        assert_ne!(behind("2001:db8:1:3::1"), behind("2001:db8:1:2::1"));
        assert_eq!(behind("203.0.113.9"), "address:203.0.113.9");
        assert_eq!(behind("::ffff:203.0.113.9"), "address:203.0.113.9");
    }

    #[test]
    fn who_waits_as_told_is_not_told_again() {
        let rate = Rate { quota: 1, window: Duration::from_secs(60) };
        for (ms, seconds) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2), (59_999, 60)] {
            let verdict = Verdict::of(rate, false, 1, Duration::from_millis(ms));
            assert_eq!(verdict.reset_seconds(), seconds, "{ms} ms");
        }
    }
}
