//! Where people sign in from. A device is a network and a program: nothing better is told by a client that keeps
//! nothing for us but its tokens.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::Timestamptz;
use diesel_async::RunQueryDsl;
use sha2::{Digest as _, Sha256};

use super::session::Client;
use crate::Tx;
use crate::error::Result;
use crate::ids::UserId;
use crate::schema::known_devices;

#[diesel::declare_sql_function]
extern "SQL" {
    /// The later of two times.
    fn greatest(one: Timestamptz, other: Timestamptz) -> Timestamptz;
}

/// What a device is to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// They have just come to us: every device would be new.
    First,
    /// They have signed in from it before.
    Known,
    /// They have signed in, but never from it.
    New,
}

/// The print of a client's device: 32 bytes.
pub(super) fn print(client: &Client) -> Vec<u8> {
    let program = client.user_agent.as_deref().unwrap_or_default();
    let print = Sha256::new().chain_update(b"device\0").chain_update(network_of(client));
    print.chain_update(b"\0").chain_update(program).finalize().to_vec()
}

/// The network a client is in; empty when nobody knows.
pub(super) fn network_of(client: &Client) -> String {
    let network = client.ip.as_deref().and_then(|ip| ip.parse().ok()).map(network);
    network.map(|network| network.to_string()).unwrap_or_default()
}

/// Remembers that a person signs in from a device. Their row is locked.
pub(super) async fn remember(tx: &mut Tx, user: UserId, client: &Client) -> Result<Seen> {
    let (device, now) = (print(client), tx.now());
    let this = known_devices::user_id.eq(user).and(known_devices::device.eq(&device));
    // Of two at once the one that came first may be the second to write.
    let latest = greatest(known_devices::last_seen_at, now);
    let seen_again = diesel::update(known_devices::table.filter(this))
        .set(known_devices::last_seen_at.eq(latest))
        .execute(tx.conn())
        .await?;
    if seen_again > 0 {
        return Ok(Seen::Known);
    }
    let theirs = known_devices::table.filter(known_devices::user_id.eq(user));
    let has_others: bool = diesel::select(exists(theirs)).get_result(tx.conn()).await?;
    diesel::insert_into(known_devices::table)
        .values((
            known_devices::user_id.eq(user),
            known_devices::device.eq(&device),
            known_devices::first_seen_at.eq(now),
            known_devices::last_seen_at.eq(now),
        ))
        .execute(tx.conn())
        .await?;
    Ok(if has_others { Seen::New } else { Seen::First })
}

/// The network an address is in: addresses change within it, people seldom leave it.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(Ipv4Addr::from_bits(ip.to_bits() & (u32::MAX << 8))),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ip: &str, agent: &str) -> Vec<u8> {
        print(&Client { ip: Some(ip.to_owned()), user_agent: Some(agent.to_owned()) })
    }

    #[test]
    fn a_device_is_a_network_and_a_program() {
        assert_eq!(of("203.0.113.7", "a"), of("203.0.113.250", "a"));
        assert_eq!(of("203.0.113.7", "a"), of("::ffff:203.0.113.9", "a"));
        assert_eq!(of("2001:db8:1:2:3::4", "a"), of("2001:db8:1:2:ffff::1", "a"));
        for (ip, agent) in [("203.0.114.7", "a"), ("203.0.113.7", "b"), ("2001:db8:1:3::", "a")] {
            assert_ne!(of(ip, agent), of("203.0.113.7", "a"), "{ip} {agent}");
        }
        assert_ne!(of("2001:db8:1:2::", "a"), of("2001:db8:1:3::", "a"));
        assert_eq!(print(&Client::default()), print(&Client::default()));
    }
}
