//! A person as they see themselves.

use super::model::User;
use super::social;
use crate::error::Result;
use crate::ledger;
use crate::subscriptions::{self, Plan};
use crate::{Conn, Money};

/// A person with what is kept elsewhere: their money and their plan.
#[derive(Clone)]
pub struct Profile {
    /// Their row.
    pub user: User,
    /// What they can spend.
    pub balance: Money,
    /// The plan they have now.
    pub plan: Plan,
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
    let google_id = social::google_id(conn, user.id).await?;
    Ok(Profile { user, balance, plan, google_id })
}
