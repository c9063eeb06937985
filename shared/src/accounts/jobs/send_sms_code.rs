//! Sends the code of a row to its phone.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::accounts::codes::{OneTimeCode, Purpose, Refusal, message};
use crate::error::Result;
use crate::ids::CodeId;
use crate::jobs::{Backoff, ExternalJob, JobKind, JobVerdict, Limits, Queue};
use crate::sms::{Channel, Delivery, Sms};
use crate::telemetry::metrics;
use crate::{App, Outcome, Tx};

/// Sends the code of a row to its phone. A code that is too old by then, used or replaced, is not sent.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SendSmsCode {
    /// Which code; its digits are derived when it is sent, and are in no job.
    pub code_id: CodeId,
}

/// A code on its way.
pub struct CodeSms {
    code_id: CodeId,
    sms: Sms,
}

impl JobKind for SendSmsCode {
    const KIND: &'static str = "send_sms_code";
    const QUEUE: Queue = Queue::Default;
    /// People wait for it, and after five minutes nobody does.
    const LIMITS: Limits = Limits {
        max_attempts: 12,
        timeout: Duration::from_secs(15),
        backoff: Backoff { base: Duration::from_secs(2), max: Duration::from_secs(30) },
    };

    fn unique_key(&self) -> Option<String> {
        Some(format!("sms_code:{}", self.code_id))
    }
}

impl ExternalJob for SendSmsCode {
    type Plan = CodeSms;
    type Answer = Delivery;

    async fn prepare(&self, tx: &mut Tx, app: &App) -> Result<Option<CodeSms>> {
        let Some(row) = OneTimeCode::find(tx, self.code_id).await? else { return Ok(None) };
        let channel = match row.purpose {
            Purpose::Telegram if app.sms.is_files() => Channel::Telegram,
            Purpose::Telegram => return Ok(None),
            Purpose::SignIn | Purpose::VerifyPhone | Purpose::Reauth | Purpose::DeleteAccount => {
                Channel::Sms
            }
        };
        let code = match row.to_send(&app.tokens, tx.now()) {
            Ok(code) => code,
            Err(refusal) => {
                if refusal == Refusal::Expired {
                    metrics::SMS_MESSAGES.with_label_values(&["expired"]).inc();
                }
                tracing::warn!(target: "sms", code_id = %row.id, reason = refusal.as_str(), "code not sent");
                return Ok(None);
            }
        };
        let text = message(row.purpose, row.language, &code);
        let sms = Sms { to: row.phone_number, text, reference: row.id.to_string(), channel };
        Ok(Some(CodeSms { code_id: row.id, sms }))
    }

    async fn call(plan: &CodeSms, app: &App) -> Result<Delivery> {
        app.sms.send(&plan.sms).await
    }

    async fn record(
        plan: CodeSms,
        delivery: Delivery,
        tx: &mut Tx,
        _app: &App,
    ) -> Result<JobVerdict> {
        match delivery {
            Delivery::Accepted => {
                OneTimeCode::mark_sent(tx, plan.code_id).await?;
                tracing::info!(target: "sms", code_id = %plan.code_id, "code sent");
                Ok(Outcome::Done.into())
            }
            Delivery::Refused(reason) => Ok(JobVerdict::Dead(reason)),
        }
    }
}
