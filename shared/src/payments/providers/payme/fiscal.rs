//! `SetFiscalData`: the fiscal receipt of a payment, or of its way back.

use serde_json::{Map, Value, json};

use super::errors::Refusal;
use super::row::Payment;
use super::rpc::{self, Answer};
use crate::Tx;
use crate::error::Result;
use crate::text_enum::text_enum;

text_enum! {
    /// What the receipt is for.
    ReceiptType {
        /// The payment.
        Perform = "PERFORM",
        /// Its way back.
        Cancel = "CANCEL",
    }
}

/// The parameters.
#[derive(Debug, PartialEq)]
pub(super) struct Params {
    /// Payme's id of the transaction.
    pub id: String,
    receipt: ReceiptType,
    data: Map<String, Value>,
}

impl Params {
    pub(super) fn read(params: rpc::Params<'_>) -> std::result::Result<Self, Refusal> {
        Ok(Self {
            id: params.text("id").ok().ok_or_else(|| Refusal::params("id"))?.to_owned(),
            receipt: params
                .text("type")
                .ok()
                .and_then(ReceiptType::parse)
                .ok_or_else(|| Refusal::params("type"))?,
            data: params
                .object("fiscal_data")
                .ok()
                .ok_or_else(|| Refusal::params("fiscal_data"))?
                .clone(),
        })
    }
}

pub(super) async fn run(tx: &mut Tx, params: &Params) -> Result<Answer> {
    let Some(mut payment) = Payment::lock(tx, &params.id).await? else {
        return Ok(Err(Refusal::no_receipt()));
    };
    payment.keep_receipt(params.receipt.as_str(), Value::Object(params.data.clone()));
    payment.save(tx).await?;
    Ok(Ok(json!({ "success": true })))
}
