//! The buyer reads the credentials.

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::credentials;
use super::model::{Escrow, EscrowStatus, Side, lock_alone};
use crate::audit::{self, Actor};
use crate::error::{Code, Error, Result};
use crate::ids::{EscrowId, UserId};
use crate::{App, Tx};

/// What the buyer gets. No `Debug`: it must never reach a log.
pub struct Revealed {
    /// How one signs in.
    pub login_method: String,
    /// The address, phone number or name one signs in with.
    pub account_email: Zeroizing<String>,
    /// The password.
    pub account_password: Zeroizing<String>,
    /// Whatever else the seller left.
    pub account_additional_info: Value,
}

/// Opens the credentials of a deal for its buyer. Every time is written into the audit log.
///
/// # Errors
/// `NOT_FOUND` for strangers; `PERMISSION_DENIED` for the seller, and for a buyer who has not paid or got the money
/// back; `INVALID_STATE` before the hand-over.
pub async fn reveal(tx: &mut Tx, app: &App, buyer: UserId, id: EscrowId) -> Result<Revealed> {
    let (escrow, _) = lock_alone(tx, id).await?;
    escrow.may_be_revealed_to(buyer)?;
    let (login_method, credentials) = credentials::open(tx, &app.vault, id).await?;
    let details = json!({ "status": escrow.status });
    audit::record(
        tx,
        Actor::User(buyer),
        "escrow.reveal_credentials",
        ("escrow", id.to_string()),
        details,
    )
    .await?;
    Ok(Revealed {
        login_method: credentials.login_method(login_method).to_owned(),
        account_email: credentials.account_email,
        account_password: credentials.account_password,
        account_additional_info: credentials.account_additional_info,
    })
}

impl Escrow {
    fn may_be_revealed_to(&self, person: UserId) -> Result<()> {
        self.require(Side::Buyer, person)?;
        match self.status {
            EscrowStatus::Paid | EscrowStatus::Delivered | EscrowStatus::Disputed
                if self.handed_over_at.is_some() =>
            {
                Ok(())
            }
            // The seller was paid, perhaps by staff before the hand-over: the account is the buyer's.
            EscrowStatus::Confirmed => Ok(()),
            EscrowStatus::Paid | EscrowStatus::Delivered | EscrowStatus::Disputed => {
                Err(self.refused())
            }
            EscrowStatus::PendingPayment | EscrowStatus::Refunded | EscrowStatus::Cancelled => {
                Err(Error::new(Code::PermissionDenied))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::{handed_over, hours, sample};
    use super::*;

    #[test]
    fn the_buyer_reads_what_was_handed_over() {
        use EscrowStatus::{
            Cancelled, Confirmed, Delivered, Disputed, Paid, PendingPayment, Refunded,
        };
        let disputed = Escrow { handed_over_at: Some(hours(1)), ..sample(Disputed) };
        for escrow in [handed_over(), sample(Delivered), disputed, sample(Confirmed)] {
            assert!(escrow.may_be_revealed_to(escrow.buyer_id).is_ok(), "{}", escrow.status);
        }
        for status in [Paid, Disputed] {
            let escrow = sample(status);
            assert_eq!(
                escrow.may_be_revealed_to(escrow.buyer_id).expect_err("not handed over").code(),
                Code::InvalidState,
                "{status}"
            );
        }
        for status in [PendingPayment, Refunded, Cancelled] {
            let escrow = sample(status);
            assert_eq!(
                escrow.may_be_revealed_to(escrow.buyer_id).expect_err("not theirs").code(),
                Code::PermissionDenied,
                "{status}"
            );
        }
    }

    #[test]
    fn nobody_else_reads_anything() {
        for status in EscrowStatus::ALL {
            let escrow = Escrow { handed_over_at: Some(hours(1)), ..sample(*status) };
            assert_eq!(
                escrow.may_be_revealed_to(escrow.seller_id).expect_err("the seller").code(),
                Code::PermissionDenied
            );
            assert_eq!(
                escrow.may_be_revealed_to(UserId::new()).expect_err("a stranger").code(),
                Code::NotFound
            );
        }
    }
}
