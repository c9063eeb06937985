//! Mails a person the receipt of a movement of their money.

use serde::{Deserialize, Serialize};

use crate::accounts::User;
use crate::error::Result;
use crate::ids::TransactionId;
use crate::jobs::{JobKind, Queue};
use crate::mail::{Letter, MailJob};
use crate::payments::{Receipt, Transaction};
use crate::{App, Tx};

/// Mails a person the receipt of a movement of their money, unless it is another one by now.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SendTransactionEmail {
    /// Which movement.
    pub transaction_id: TransactionId,
    /// Which letter.
    pub template: Receipt,
}

impl JobKind for SendTransactionEmail {
    const KIND: &'static str = "send_transaction_email";
    const QUEUE: Queue = Queue::Mail;

    fn unique_key(&self) -> Option<String> {
        Some(self.reference())
    }
}

impl MailJob for SendTransactionEmail {
    fn reference(&self) -> String {
        format!("transaction:{}:{}", self.transaction_id, self.template)
    }

    async fn letter(&self, tx: &mut Tx, app: &App) -> Result<Option<Letter>> {
        let Some(row) = Transaction::find(tx, self.transaction_id).await? else { return Ok(None) };
        if row.receipt() != Some(self.template) {
            return Ok(None);
        }
        match User::find_to_mail(tx, row.user_id).await? {
            Some(user) => self.template.letter(tx, app, &row, &user).await,
            None => Ok(None),
        }
    }
}
