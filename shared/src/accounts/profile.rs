//! A person as they see themselves.

use super::email_change;
use super::model::User;
use super::social;
use crate::error::Result;
use crate::ledger;
use crate::subscriptions::{self, Plan};
use crate::{Conn, Money};

/// A person with what is kept elsewhere: their money, their plan, and how else they sign in.
#[derive(Clone)]
pub struct Profile {
    /// Their row.
    pub user: User,
    /// What they can spend.
    pub balance: Money,
    /// The plan they have now.
    pub plan: Plan,
    /// The address they wish for and have not proved yet.
    pub pending_email: Option<String>,
    /// What Google calls them, if they sign in with Google.
    pub google_id: Option<String>,
}

/// The profile of a person.
///
/// # Errors
/// The database's.
pub async fn profile(conn: &mut Conn, user: User) -> Result<Profile> {
    let balance = ledger::balance_of_user(conn, user.id).await?.available;
    let plan = subscriptions::current_plan(conn, user.id).await?;
    let pending_email = email_change::pending(conn, user.id).await?;
    let google_id = social::google_id(conn, user.id).await?;
    Ok(Profile { user, balance, plan, pending_email, google_id })
}
