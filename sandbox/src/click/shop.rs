//! SHOP-API: Prepare and Complete, signed as Click signs.

use serde_json::Value;

use super::book::Payment;
use crate::journal::WebhookCall;
use crate::signatures::md5;
use crate::world::World;

/// One payment as Click drives it; `calls` is what was said so far.
pub(crate) struct Shop<'w> {
    world: &'w World,
    payment: Payment,
    pub(crate) calls: Vec<WebhookCall>,
}

impl<'w> Shop<'w> {
    pub(crate) fn new(world: &'w World, payment: Payment) -> Self {
        Self { world, payment, calls: Vec::new() }
    }

    /// May it be paid? The shop's `merchant_prepare_id`, as it wrote it, when it may.
    pub(crate) async fn prepare(&mut self) -> Option<String> {
        let reply = self.call("Prepare", None, (0, "Success")).await;
        if reply.get("error").and_then(Value::as_i64) != Some(0) {
            return None;
        }
        reply.get("merchant_prepare_id").filter(|id| id.is_i64()).map(Value::to_string)
    }

    /// The payer was debited, or was not. The shop's `error`, when it answered.
    pub(crate) async fn complete(
        &mut self,
        prepare: &str,
        failure: Option<(i64, &str)>,
    ) -> Option<i64> {
        let error = failure.unwrap_or((0, "Success"));
        let reply = self.call("Complete", Some(prepare), error).await;
        reply.get("error").and_then(Value::as_i64)
    }

    async fn call(&mut self, what: &str, prepare: Option<&str>, error: (i64, &str)) -> Value {
        let body = signed(self.world, &self.payment, prepare, error);
        let request = self.world.http.post(self.world.webhook("click"));
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        let call = self.world.call("click", what, body, request).await;
        let reply = serde_json::from_str(&call.reply).unwrap_or_default();
        self.calls.push(call);
        reply
    }
}

/// The fields of Prepare, or of Complete when there is a prepare id; the strings that are signed are those that are sent.
fn signed(world: &World, payment: &Payment, prepare: Option<&str>, error: (i64, &str)) -> String {
    let (id, action) = (payment.id.to_string(), if prepare.is_some() { "1" } else { "0" });
    let (time, service) = (world.clock.stamp(), &world.settings.click_service);
    let sign = md5(&[
        &id,
        service,
        &world.settings.click_key,
        &payment.order,
        prepare.unwrap_or_default(),
        &payment.amount,
        action,
        &time,
    ]);
    let mut fields = form_urlencoded::Serializer::new(String::new());
    fields
        .append_pair("click_trans_id", &id)
        .append_pair("service_id", service)
        .append_pair("click_paydoc_id", &(payment.id - 1_000_000_000).to_string())
        .append_pair("merchant_trans_id", &payment.order);
    if let Some(prepare) = prepare {
        fields.append_pair("merchant_prepare_id", prepare);
    }
    fields
        .append_pair("amount", &payment.amount)
        .append_pair("action", action)
        .append_pair("error", &error.0.to_string())
        .append_pair("error_note", error.1)
        .append_pair("sign_time", &time)
        .append_pair("sign_string", &sign);
    fields.finish()
}
