//! How often a password may be guessed at. The count is PostgreSQL's: no restart and no lost Redis forgets it.
//!
//! An attempt is counted before the password is looked at, so that a crowd of parallel guesses is no way around. Ten are
//! free; each further one makes the next wait, twice as long each time, an hour at most. Nobody is locked out by strangers:
//! a person's known devices are counted apart, and an address that nobody has is counted like any other.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use sha2::{Digest as _, Sha256};

use crate::Tx;
use crate::error::{Code, Error, Result};
use crate::ids::UserId;
use crate::schema::sign_in_failures as rows;

/// Guesses before the first wait.
const FREE: i32 = 10;
/// The first wait; each is twice the one before.
const FIRST_WAIT: TimeDelta = TimeDelta::seconds(30);
/// No wait is longer.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(1);
/// After this long without a guess the count begins anew.
pub(super) const FORGOTTEN_AFTER: TimeDelta = TimeDelta::hours(24);

/// Whose password is guessed at, and from where.
#[derive(Clone, Debug)]
pub(super) struct Subject(Vec<u8>);

impl Subject {
    /// An address, in its canonical form, from anywhere.
    pub(super) fn address(email: &str) -> Self {
        Self::of(&[b"address", email.as_bytes()])
    }

    /// An address from a device that its owner has signed in from.
    pub(super) fn device(email: &str, device: &[u8]) -> Self {
        Self::of(&[b"device", email.as_bytes(), device])
    }

    /// The present password of somebody who is signed in.
    pub(super) fn person(id: UserId) -> Self {
        Self::of(&[b"person", id.0.as_bytes()])
    }

    fn of(parts: &[&[u8]]) -> Self {
        let mut print = Sha256::new();
        for part in parts {
            print.update(part);
            print.update(b"\0");
        }
        Self(print.finalize().to_vec())
    }
}

/// The guesses at one subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable)]
struct Guesses {
    failures: i32,
    last_at: DateTime<Utc>,
    wait_until: DateTime<Utc>,
}

impl Guesses {
    /// With one more, or how long that one has to wait.
    fn and_one(self, now: DateTime<Utc>) -> Result<Self, TimeDelta> {
        let before = if now - self.last_at >= FORGOTTEN_AFTER { 0 } else { self.failures };
        // Of two at once the later one may have come first: a free guess never waits for another.
        if before >= FREE && now < self.wait_until {
            return Err(self.wait_until - now);
        }
        let failures = before.saturating_add(1);
        let doublings = u32::try_from(failures - FREE).ok();
        let wait = doublings.map_or(TimeDelta::zero(), |doublings| {
            let factor = 1_i32.checked_shl(doublings.min(16)).unwrap_or(i32::MAX);
            (FIRST_WAIT * factor).min(LONGEST_WAIT)
        });
        Ok(Self { failures, last_at: now.max(self.last_at), wait_until: now + wait })
    }
}

/// Counts an attempt, which is to be looked at after the commit.
///
/// # Errors
/// `TOO_MANY_ATTEMPTS` when it comes too soon; then it was not counted, and must not be looked at.
pub(super) async fn begin(tx: &mut Tx, subject: &Subject) -> Result<()> {
    let now = tx.now();
    // Finds or makes the row, and holds it either way.
    let guesses: Guesses = diesel::insert_into(rows::table)
        .values((
            rows::subject.eq(&subject.0),
            rows::failures.eq(0),
            rows::last_at.eq(now),
            rows::wait_until.eq(now),
        ))
        .on_conflict(rows::subject)
        .do_update()
        .set(rows::failures.eq(rows::failures))
        .returning((rows::failures, rows::last_at, rows::wait_until))
        .get_result(tx.conn())
        .await?;
    let counted = guesses.and_one(now).map_err(|wait| {
        let seconds = u64::try_from(wait.num_seconds()).unwrap_or_default();
        Error::new(Code::TooManyAttempts).after(seconds.saturating_add(1))
    })?;
    diesel::update(rows::table.find(&subject.0))
        .set((
            rows::failures.eq(counted.failures),
            rows::last_at.eq(counted.last_at),
            rows::wait_until.eq(counted.wait_until),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Forgets the guesses at a subject: the last one was right, or they have another password.
pub(super) async fn forgive(tx: &mut Tx, subject: &Subject) -> Result<()> {
    diesel::delete(rows::table.find(&subject.0)).execute(tx.conn()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_guesses_are_free_and_each_further_one_costs_twice_the_wait() {
        let mut now = DateTime::UNIX_EPOCH;
        let mut guesses = Guesses { failures: 0, last_at: now, wait_until: now };
        let mut waits = Vec::new();
        for _ in 0..20 {
            guesses = guesses.and_one(now).expect("it waited");
            waits.push((guesses.wait_until - now).num_seconds());
            if guesses.wait_until > now {
                let early = guesses.wait_until - TimeDelta::microseconds(1);
                assert_eq!(guesses.and_one(early), Err(TimeDelta::microseconds(1)));
            }
            now = guesses.wait_until;
        }
        let expected = [0, 0, 0, 0, 0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1_920, 3_600];
        assert_eq!(waits.get(..17).expect("so many"), expected);
        assert_eq!(waits.last(), Some(&3_600));
        let free = Guesses { failures: 3, last_at: now, wait_until: now };
        let earlier = free.and_one(now - TimeDelta::milliseconds(5)).expect("it came first");
        assert_eq!((earlier.failures, earlier.last_at), (4, now));
        let tomorrow = now + FORGOTTEN_AFTER;
        assert_eq!(guesses.and_one(tomorrow).expect("free again").failures, 1);
        let worn = Guesses { failures: i32::MAX, ..guesses };
        assert_eq!(worn.and_one(now).expect("counted").failures, i32::MAX);
    }

    #[test]
    fn a_known_device_and_a_stranger_are_counted_apart() {
        let prints = [
            Subject::address("ali@mail.uz").0,
            Subject::address("vali@mail.uz").0,
            Subject::device("ali@mail.uz", &[1]).0,
            Subject::device("ali@mail.uz", &[2]).0,
            Subject::person(UserId::new()).0,
        ];
        for (number, print) in prints.iter().enumerate() {
            assert_eq!(print.len(), 32);
            assert!(!prints.iter().skip(number + 1).any(|other| other == print));
        }
    }
}
