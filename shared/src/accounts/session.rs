//! The row of a session: one sign-in of a person, and the family of its refresh tokens.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::error::{Code, Result};
use crate::ids::{SessionId, UserId};
use crate::schema::sessions;
use crate::security::{RefreshToken, Tokens};
use crate::{App, Tx};

/// How long the token before the current one gets the current one again: two tabs refresh within milliseconds, and a
/// lost answer is asked for again.
const OVERLAP: TimeDelta = TimeDelta::seconds(10);

/// What a refresh token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is the current one: the next generation begins.
    Rotate,
    /// It is the one before, moments ago: the current one is said again.
    Repeat,
    /// The session idled or lived for too long.
    Expired,
    /// The session ended.
    Ended,
    /// It is an older one: somebody has a copy.
    Reused,
}

/// One sign-in of a person.
#[derive(Clone, Debug, HasQuery, Insertable)]
#[diesel(table_name = sessions, treat_none_as_default_value = false)]
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) user_id: UserId,
    pub(super) generation: i32,
    pub(super) rotated_at: DateTime<Utc>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) revoked_at: Option<DateTime<Utc>>,
}

/// From where a person signs in: shown to them in the list of their sessions.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// The address of the caller.
    pub ip: Option<String>,
    /// What the caller's program calls itself.
    pub user_agent: Option<String>,
}

impl Client {
    /// Where the caller is, for counting: their address, or the /64 of one of IPv6, of which a subscriber has them all.
    #[must_use]
    pub fn network(&self) -> Option<String> {
        let address: IpAddr = self.ip.as_deref()?.parse().ok()?;
        Some(match address.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        })
    }
}

/// What a client keeps: a short-lived access token, and a refresh token for the next pair.
#[derive(Debug)]
pub struct TokenPair {
    /// Sent with every request.
    pub access: String,
    /// Sent to `auth/refresh/` only.
    pub refresh: String,
}

impl Session {
    /// Opens a session for a person who has just proved who they are.
    pub(super) async fn open(
        tx: &mut Tx,
        app: &App,
        user: UserId,
        client: &Client,
    ) -> Result<Self> {
        let now = tx.now();
        let lifetime = delta(app.settings.security.session_lifetime);
        let session = Self {
            id: SessionId::new(),
            user_id: user,
            generation: 1,
            rotated_at: now,
            created_at: now,
            expires_at: now + lifetime,
            revoked_at: None,
        };
        let from = (
            sessions::ip.eq(client.ip.as_deref()),
            sessions::user_agent.eq(client.user_agent.as_deref()),
        );
        diesel::insert_into(sessions::table).values((&session, from)).execute(tx.conn()).await?;
        Ok(session)
    }

    /// Locks a session.
    pub(super) async fn lock(tx: &mut Tx, id: SessionId) -> Result<Option<Self>> {
        let row = Self::query()
            .filter(sessions::id.eq(id))
            .for_no_key_update()
            .first(tx.conn())
            .await
            .optional()?;
        Ok(row)
    }

    /// What a refresh token of `generation` is good for now.
    pub(super) fn turn(&self, generation: i32, now: DateTime<Utc>, idle_max: TimeDelta) -> Turn {
        if self.revoked_at.is_some() {
            Turn::Ended
        } else if now >= self.expires_at || now - self.rotated_at >= idle_max {
            Turn::Expired
        } else if generation == self.generation {
            Turn::Rotate
        } else if generation.checked_add(1) == Some(self.generation)
            && now - self.rotated_at <= OVERLAP
        {
            Turn::Repeat
        } else {
            Turn::Reused
        }
    }

    /// Begins the next generation.
    pub(super) async fn rotate(&mut self, tx: &mut Tx) -> Result<()> {
        self.generation = self.generation.checked_add(1).ok_or(Code::TokenExpired)?;
        self.rotated_at = tx.now();
        diesel::update(sessions::table.find(self.id))
            .set((
                sessions::generation.eq(self.generation),
                sessions::rotated_at.eq(self.rotated_at),
            ))
            .execute(tx.conn())
            .await?;
        Ok(())
    }

    /// The tokens of the current generation.
    pub(super) fn tokens(&self, tokens: &Tokens, now: DateTime<Utc>) -> Result<TokenPair> {
        Ok(TokenPair {
            access: tokens.access(self.user_id, self.id, now)?,
            refresh: tokens.refresh(RefreshToken { session: self.id, generation: self.generation }),
        })
    }
}

/// Ends the live sessions of a person, or the one that is named. Returns how many there were.
pub(super) async fn revoke(
    tx: &mut Tx,
    user: UserId,
    only: Option<SessionId>,
    reason: &str,
) -> Result<usize> {
    let now = tx.now();
    let live = sessions::user_id.eq(user).and(sessions::revoked_at.is_null());
    let end = (sessions::revoked_at.eq(now), sessions::revoked_reason.eq(reason));
    let ended = match only {
        Some(id) => {
            diesel::update(sessions::table.filter(live.and(sessions::id.eq(id))))
                .set(end)
                .execute(tx.conn())
                .await?
        }
        None => diesel::update(sessions::table.filter(live)).set(end).execute(tx.conn()).await?,
    };
    Ok(ended)
}

/// A setting's duration in business time.
pub(super) fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(generation: i32) -> Session {
        let opened = DateTime::UNIX_EPOCH;
        Session {
            id: SessionId::new(),
            user_id: UserId::new(),
            generation,
            rotated_at: opened,
            created_at: opened,
            expires_at: opened + TimeDelta::days(30),
            revoked_at: None,
        }
    }

    fn turn(session: &Session, generation: i32, after: TimeDelta) -> Turn {
        session.turn(generation, session.rotated_at + after, TimeDelta::days(7))
    }

    #[test]
    fn a_session_takes_its_current_token_and_for_ten_seconds_the_one_before() {
        let session = session(3);
        assert_eq!(turn(&session, 3, TimeDelta::days(6)), Turn::Rotate);
        assert_eq!(turn(&session, 2, TimeDelta::zero()), Turn::Repeat);
        assert_eq!(
            turn(&session, 2, TimeDelta::milliseconds(-5)),
            Turn::Repeat,
            "its transaction began first"
        );
        assert_eq!(turn(&session, 2, TimeDelta::seconds(10)), Turn::Repeat);
        assert_eq!(turn(&session, 2, TimeDelta::seconds(11)), Turn::Reused);
        assert_eq!(turn(&session, 1, TimeDelta::zero()), Turn::Reused);
        assert_eq!(
            turn(&session, 4, TimeDelta::zero()),
            Turn::Reused,
            "a generation that never was"
        );
    }

    #[test]
    fn a_subscriber_is_counted_once() {
        let network = |ip: &str| Client { ip: Some(ip.to_owned()), user_agent: None }.network();
        for (ip, counted) in [
            ("192.0.2.7", Some("192.0.2.7")),
            ("::ffff:192.0.2.7", Some("192.0.2.7")),
            ("2001:db8:1:2:aaaa::1", Some("2001:db8:1:2::/64")),
            ("2001:db8:1:2:bbbb::2", Some("2001:db8:1:2::/64")),
            ("nonsense", None),
        ] {
            assert_eq!(network(ip).as_deref(), counted, "{ip}");
        }
    }

    #[test]
    fn a_session_ends_by_idling_by_age_and_by_hand() {
        let mut session = session(1);
        assert_eq!(turn(&session, 1, TimeDelta::days(7)), Turn::Expired);
        session.rotated_at = session.expires_at - TimeDelta::hours(1);
        assert_eq!(turn(&session, 1, TimeDelta::hours(1)), Turn::Expired);
        session.revoked_at = Some(session.rotated_at);
        assert_eq!(turn(&session, 1, TimeDelta::zero()), Turn::Ended);
    }
}
