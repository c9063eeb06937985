//! How often somebody may ask, and whom we believe when they say who is asking.

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;

use super::vars::Vars;
use super::{AppEnv, SettingsError};

/// More than this in one window is not a limit; what is remembered of one caller grows with it.
const QUOTA_MAX: u32 = 10_000;

/// A number of requests in any stretch of time as long as the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At most so many.
    pub quota: u32,
    /// In any stretch of this length.
    pub window: Duration,
}

impl Rate {
    /// The same window with `factor` times the quota.
    #[must_use]
    pub fn times(self, factor: u32) -> Self {
        Self { quota: self.quota.saturating_mul(factor), ..self }
    }

    /// Reads `10/min`; the window is `s`, `min`, `h` or `d`.
    fn parse(text: &str) -> Option<Self> {
        let (quota, unit) = text.split_once('/')?;
        let seconds = match unit.trim() {
            "s" | "sec" | "second" => 1,
            "m" | "min" | "minute" => 60,
            "h" | "hour" => 3_600,
            "d" | "day" => 86_400,
            _ => return None,
        };
        let quota = quota.trim().parse().ok().filter(|quota| (1..=QUOTA_MAX).contains(quota))?;
        Some(Self { quota, window: Duration::from_secs(seconds) })
    }
}

/// The limits of the front door; none where the setting says `off`.
#[derive(Clone, Copy, Debug)]
pub struct LimitSettings {
    /// `RATE_LIMIT_AUTH` (10/min): signing in and everything else that a stranger may guess at.
    pub auth: Option<Rate>,
    /// `RATE_LIMIT_API` (100/min): each group of routes.
    pub api: Option<Rate>,
    /// `RATE_LIMIT_WS` (50/min): messages that one person sends over sockets.
    pub ws: Option<Rate>,
    /// `RATE_LIMIT_PICTURES` (120/h): pictures that one person sends, those that are refused too: each may be decoded.
    pub pictures: Option<Rate>,
    /// `RATE_LIMIT_REDIS_TIMEOUT` (100ms): every request waits for Redis's count; one that takes longer is done without.
    pub redis_timeout: Duration,
}

pub(super) fn limits(vars: &Vars) -> Result<LimitSettings, SettingsError> {
    Ok(LimitSettings {
        auth: rate(vars, "RATE_LIMIT_AUTH", "10/min")?,
        api: rate(vars, "RATE_LIMIT_API", "100/min")?,
        ws: rate(vars, "RATE_LIMIT_WS", "50/min")?,
        pictures: rate(vars, "RATE_LIMIT_PICTURES", "120/h")?,
        redis_timeout: vars.duration("RATE_LIMIT_REDIS_TIMEOUT", "100ms")?,
    })
}

fn rate(vars: &Vars, name: &'static str, default: &str) -> Result<Option<Rate>, SettingsError> {
    let text = vars.text(name, default);
    if text.eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    let rate = Rate::parse(&text).ok_or_else(|| {
        SettingsError::new(name, "must be a rate such as 10/min, at most 10000, or off")
    })?;
    Ok(Some(rate))
}

/// Whose `X-Forwarded-For` is believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    /// `TRUSTED_PROXY_COUNT`: at most so many hops are ours.
    count: Option<usize>,
    /// `TRUSTED_PROXIES`: our proxies are in these networks.
    networks: Vec<IpNet>,
}

impl TrustedProxies {
    /// The address of the client: the peer's, or, as long as the address at hand is a proxy of ours, the one which that
    /// proxy reports. `hops` are the entries of `X-Forwarded-For`, the last one first.
    pub fn client<'a>(&self, peer: IpAddr, hops: impl Iterator<Item = &'a str>) -> IpAddr {
        let mut client = peer.to_canonical();
        for (passed, hop) in hops.enumerate() {
            if !self.trusts(client, passed) {
                break;
            }
            // What is no address was not written by a proxy of ours: the one that passed it on answers for it.
            let Some(address) = address(hop) else { break };
            client = address;
        }
        client
    }

    /// Whether the other side of a connection is a proxy of ours.
    #[must_use]
    pub fn includes(&self, peer: IpAddr) -> bool {
        self.trusts(peer.to_canonical(), 0)
    }

    fn trusts(&self, proxy: IpAddr, passed: usize) -> bool {
        let by_count = self.count.is_none_or(|count| passed < count);
        let by_network = self.networks.iter().any(|network| network.contains(&proxy));
        match (self.count, self.networks.is_empty()) {
            (None, true) => false,
            (Some(_), true) => by_count,
            (_, false) => by_count && by_network,
        }
    }
}

/// One entry of `X-Forwarded-For`: an address, perhaps with a port.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bare = match hop.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => match hop.split_once(':') {
            Some((host, port)) if !port.contains(':') => host,
            _ => hop,
        },
    };
    IpAddr::from_str(bare).ok().map(|address| address.to_canonical())
}

pub(super) fn trusted_proxies(vars: &Vars) -> Result<TrustedProxies, SettingsError> {
    let networks: Option<Vec<IpNet>> =
        vars.list("TRUSTED_PROXIES", "").iter().map(|text| network(text)).collect();
    let networks = networks.ok_or_else(|| {
        SettingsError::new("TRUSTED_PROXIES", "must be networks such as 10.0.0.0/8, or addresses")
    })?;
    let count = match vars.get("TRUSTED_PROXY_COUNT") {
        None => None,
        Some(_) => Some(vars.parse("TRUSTED_PROXY_COUNT", 0)?),
    };
    if vars.env == AppEnv::Production && count.is_none() && networks.is_empty() {
        // Behind a proxy that nobody named, everybody has the proxy's address, and one person's limits.
        return Err(SettingsError::new(
            "TRUSTED_PROXY_COUNT",
            "or TRUSTED_PROXIES must be set in production: 0 says that no proxy is in front",
        ));
    }
    Ok(TrustedProxies { count, networks })
}

/// A network, or a single address.
pub(super) fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::Settings;
    use super::*;

    fn settings(vars: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Settings::from_vars(vars.iter().map(text).collect::<HashMap<_, _>>())
    }

    #[test]
    fn a_rate_is_a_number_in_a_window_or_off() {
        let limit = |text| settings(&[("RATE_LIMIT_AUTH", text)]).map(|it| it.limits.auth);
        let rate = |quota, seconds| Some(Rate { quota, window: Duration::from_secs(seconds) });
        for (text, meant) in [
            ("10/min", rate(10, 60)),
            (" 10 / min ", rate(10, 60)),
            ("1/s", rate(1, 1)),
            ("10000/hour", rate(10_000, 3_600)),
            ("", rate(10, 60)),
            ("off", None),
            ("OFF", None),
        ] {
            assert_eq!(limit(text).expect(text), meant, "{text:?}");
        }
        for text in ["0/min", "-1/min", "10", "10/", "/min", "10/week", "1e3/min", "10001/min"] {
            assert!(limit(text).is_err(), "{text:?}");
        }
        let defaults = settings(&[]).expect("development defaults").limits;
        assert_eq!((defaults.api, defaults.ws), (rate(100, 60), rate(50, 60)));
    }

    #[test]
    fn production_is_told_whether_a_proxy_is_in_front() {
        let read = |env: &str, vars: &[(&str, &str)]| {
            let env = [("APP_ENV", env)].into_iter().chain(vars.iter().copied());
            let text = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            trusted_proxies(&Vars::new(env.map(text).collect())?)
        };
        let refused = read("production", &[]).expect_err("everybody would be one address");
        assert!(refused.to_string().starts_with("TRUSTED_PROXY_COUNT "), "{refused}");
        let emptied = [("TRUSTED_PROXIES", ""), ("TRUSTED_PROXY_COUNT", " ")];
        assert!(read("production", &emptied).is_err());
        for said in [("TRUSTED_PROXY_COUNT", "0"), ("TRUSTED_PROXIES", "10.0.0.0/8")] {
            assert!(read("production", &[said]).is_ok(), "{said:?}");
        }
        for env in ["development", "test"] {
            assert!(read(env, &[]).is_ok(), "{env}");
        }
    }

    /// What the proxies are told, the peer, the header, and the client that is meant.
    type Case = ((&'static str, &'static str), &'static str, &'static str, &'static str);

    const NONE: (&str, &str) = ("", "");
    const ONE: (&str, &str) = ("1", "");
    const TWO: (&str, &str) = ("2", "");
    const NETS: (&str, &str) = ("", "10.0.0.0/8, fd00::/8, 192.0.2.7");
    const ONE_OF_NETS: (&str, &str) = ("1", "10.0.0.0/8");

    const CASES: &[Case] = &[
        // Nobody is trusted: the header is anybody's.
        (NONE, "203.0.113.9", "1.1.1.1", "203.0.113.9"),
        (NONE, "127.0.0.1", "1.1.1.1", "127.0.0.1"),
        (("0", ""), "203.0.113.9", "1.1.1.1", "203.0.113.9"),
        // By number: the last entries are ours, what stands before them is the client's own claim.
        (ONE, "10.0.0.1", "203.0.113.9", "203.0.113.9"),
        (ONE, "10.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (ONE, "10.0.0.1", "", "10.0.0.1"),
        (TWO, "10.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        // It came past the outer proxy: the inner one still says who called.
        (TWO, "10.0.0.1", "203.0.113.9", "203.0.113.9"),
        // By network: only as long as the one who reports is ours.
        (NETS, "203.0.113.9", "1.1.1.1", "203.0.113.9"),
        (NETS, "10.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (NETS, "10.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2, 10.0.0.3", "203.0.113.9"),
        (NETS, "192.0.2.7", "203.0.113.9", "203.0.113.9"),
        (NETS, "10.0.0.1", "10.0.0.5, 10.0.0.4", "10.0.0.5"),
        (NETS, "fd00::1", "2001:db8::9", "2001:db8::9"),
        (NETS, "::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        // Both: no more hops than said, each of them ours.
        (ONE_OF_NETS, "10.0.0.1", "203.0.113.9, 10.0.0.2", "10.0.0.2"),
        (ONE_OF_NETS, "203.0.113.9", "1.1.1.1", "203.0.113.9"),
        // Forms that proxies write, and garbage that they do not.
        (ONE, "10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        (ONE, "10.0.0.1", "[2001:db8::9]:4711", "2001:db8::9"),
        (ONE, "10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        (ONE, "10.0.0.1", "unknown", "10.0.0.1"),
        (ONE, "10.0.0.1", "203.0.113.9, ", "10.0.0.1"),
        (ONE, "10.0.0.1", "203.0.113.9, 999.1.1.1", "10.0.0.1"),
        (TWO, "10.0.0.1", "203.0.113.9, <script>, 10.0.0.2", "10.0.0.2"),
    ];

    #[test]
    fn the_client_is_whom_the_last_proxy_of_ours_saw() {
        for ((count, networks), peer, header, client) in CASES {
            let told = [("TRUSTED_PROXY_COUNT", *count), ("TRUSTED_PROXIES", *networks)];
            let proxies = settings(&told).expect("valid").http.trusted_proxies;
            let hops = header.rsplit(',').filter(|_| !header.is_empty());
            let found = proxies.client(peer.parse().expect("an address"), hops);
            assert_eq!(found.to_string(), *client, "{told:?} {peer} {header:?}");
        }
        for (name, value) in [("TRUSTED_PROXY_COUNT", "-1"), ("TRUSTED_PROXIES", "10.0.0.0/33")] {
            assert!(settings(&[(name, value)]).is_err(), "{name}={value}");
        }
    }
}
