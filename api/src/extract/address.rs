//! The client's address: the other side of the connection, or whom our own proxies saw there.

use std::net::IpAddr;

use salvo::Request;
use salvo::http::header::{HeaderMap, HeaderName};
use shared::settings::TrustedProxies;

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client's address; none on a transport without addresses.
pub(crate) fn client_address(req: &Request, proxies: &TrustedProxies) -> Option<IpAddr> {
    let peer = req.remote_addr().clone().into_std()?.ip();
    Some(proxies.client(peer, hops(req.headers())))
}

/// The entries of all `X-Forwarded-For` lines, the last one first. What is no text is an entry that is no address.
fn hops(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(&X_FORWARDED_FOR).iter().map(|line| line.to_str().unwrap_or("-"));
    let lines: Vec<&str> = lines.collect();
    lines.into_iter().rev().flat_map(|line| line.rsplit(','))
}

#[cfg(test)]
mod tests {
    use salvo::http::header::HeaderValue;

    use super::*;

    #[test]
    fn several_lines_are_one_list() {
        let mut headers = HeaderMap::new();
        for line in [b"6.6.6.6, 1.1.1.1".as_slice(), b"\xff", b"2.2.2.2,3.3.3.3"] {
            headers.append(&X_FORWARDED_FOR, HeaderValue::from_bytes(line).expect("a value"));
        }
        let found: Vec<&str> = hops(&headers).map(str::trim).collect();
        assert_eq!(found, ["3.3.3.3", "2.2.2.2", "-", "1.1.1.1", "6.6.6.6"]);
        assert_eq!(hops(&HeaderMap::new()).count(), 0);
    }
}
