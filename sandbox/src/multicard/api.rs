//! Multicard's API over HTTP: who may call, what was ordered, what is done, and what is heard of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use salvo::http::StatusCode;
use salvo::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use salvo::{Depot, FlowCtrl, Handler, Request, Response, Router, async_trait};
use serde_json::{Value, json};

use super::book::Book;
use super::callback;
use super::fields::Fields;
use super::invoices::unauthorized;
use super::order::{Call, Effect, Order, Reply};
use super::problem::Problem;
use crate::clock;
use crate::world::{World, lock};

/// Seconds.
const TOKEN_LIVES: i64 = 86_400;
const BODY_MAX: usize = 256 * 1024;

/// Every call that the platform may make.
pub(crate) fn router() -> Router {
    let at = Router::with_path;
    let (credit, store) = (at("payment/credit"), at("payment/store/{id}"));
    Router::new()
        .push(at("auth").post(Endpoint(Call::Auth)))
        .push(at("payment/application").get(Endpoint(Call::Application)))
        .push(at("payment/invoice").post(Endpoint(Call::CreateInvoice)))
        .push(
            at("payment/invoice/{id}")
                .get(Endpoint(Call::GetInvoice))
                .delete(Endpoint(Call::DeleteInvoice)),
        )
        .push(
            credit
                .post(Endpoint(Call::CreateCredit))
                .push(at("{id}").get(Endpoint(Call::GetCredit)).put(Endpoint(Call::ConfirmCredit))),
        )
        .push(
            store
                .push(at("history").get(Endpoint(Call::History)))
                .push(at("credit-history").get(Endpoint(Call::CreditHistory))),
        )
        .push(
            at("payment/{id}")
                .get(Endpoint(Call::GetPayment))
                .delete(Endpoint(Call::Refund))
                .push(at("partial").delete(Endpoint(Call::Refund))),
        )
}

/// One call of the API.
struct Endpoint(Call);

/// A request as it came.
struct Asked {
    /// The id in the path.
    id: String,
    partial: bool,
    body: Value,
    query: HashMap<String, String>,
    token: Option<String>,
    /// The header that some documents show and the real API refuses.
    foreign_token: bool,
}

#[async_trait]
impl Handler for Endpoint {
    async fn handle(
        &self,
        req: &mut Request,
        depot: &mut Depot,
        res: &mut Response,
        ctrl: &mut FlowCtrl,
    ) {
        let world = World::of(depot);
        let asked = Asked::read(req).await;
        let subject = match asked.body.get("invoice_id").and_then(Value::as_str) {
            Some(id) if asked.id.is_empty() => id,
            _ => asked.id.as_str(),
        };
        let order = lock(&world.multicard).ordered(self.0, subject);
        let outcome = carry_out(&world, self.0, &asked, &order);
        match order.reply {
            Reply::Silence => {
                tokio::time::sleep(world.settings.silence).await;
                ctrl.conn().abort();
            }
            Reply::Cut => ctrl.conn().abort(),
            Reply::Late { millis } => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                answer(res, self.0, outcome);
            }
            Reply::Status(status) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
                page(res, status, "<html><body><h1>nginx</h1></body></html>");
            }
            Reply::Garbage => page(res, StatusCode::OK, "<html><body>Скоро вернёмся</body></html>"),
            Reply::DebitUnknown => {
                let details = "Результат списания неизвестен";
                let problem = Problem::new(StatusCode::BAD_REQUEST, "ERROR_DEBIT_UNKNOWN", details);
                answer(res, self.0, Err(problem));
            }
            Reply::Refusal(_) | Reply::Proper => answer(res, self.0, outcome),
            Reply::Says { status, amount } => {
                answer(res, self.0, outcome.map(|data| contradicted(data, status, amount)));
            }
        }
    }
}

impl Asked {
    async fn read(req: &mut Request) -> Self {
        let header = |name: &str| req.headers().get(name).and_then(|value| value.to_str().ok());
        let bearer = header(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
        let token = bearer.map(str::to_owned);
        let foreign_token = header("x-access-token").is_some();
        let id = req.param::<String>("id").unwrap_or_default();
        let partial = req.uri().path().trim_end_matches('/').ends_with("/partial");
        let query = req.queries().iter().map(|(name, value)| (name.clone(), value.clone()));
        let query = query.collect();
        let body = match req.payload_with_max_size(BODY_MAX).await {
            Ok(body) => serde_json::from_slice(body).unwrap_or_default(),
            Err(_) => Value::Null,
        };
        Self { id, partial, body, query, token, foreign_token }
    }
}

/// Does what was asked, unless the order says otherwise.
fn carry_out(
    world: &Arc<World>,
    call: Call,
    asked: &Asked,
    order: &Order,
) -> Result<Value, Problem> {
    let mut book = lock(&world.multicard);
    if let Reply::Refusal(code) = &order.reply {
        return Err(Problem::new(StatusCode::BAD_REQUEST, code, "Операция отклонена"));
    }
    if order.effect == Effect::Nothing {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "ERROR_UNKNOWN", "Неизвестная ошибка"));
    }
    if call == Call::Auth {
        return book.log_in(world, &asked.body);
    }
    book.admit(asked)?;
    let id = asked.id.as_str();
    match call {
        Call::CreateInvoice => book.create_invoice(world, &asked.body),
        Call::GetInvoice => book.show_invoice(world, id),
        Call::DeleteInvoice => book.delete_invoice(id),
        Call::GetPayment => book.show_payment(world, id),
        Call::Refund => {
            let refunded = book.refund(world, id, asked.partial.then_some(&asked.body))?;
            let payment = book.payment(id)?.clone();
            drop(book);
            callback::tell_soon(world, payment);
            Ok(refunded)
        }
        Call::CreateCredit => book.create_credit(world, &asked.body, order.effect),
        Call::ConfirmCredit => book.confirm_credit(world, id, &asked.body, order.effect),
        Call::GetCredit => book.show_credit(world, id),
        Call::Application => Ok(book.application(world)),
        Call::History if id == world.settings.multicard_store => book.history(world, &asked.query),
        Call::CreditHistory if id == world.settings.multicard_store => {
            book.credit_history(world, &asked.query)
        }
        Call::Auth | Call::History | Call::CreditHistory | Call::Callback => {
            Err(Problem::not_found())
        }
    }
}

impl Book {
    /// `POST auth`
    fn log_in(&mut self, world: &World, body: &Value) -> Result<Value, Problem> {
        let (fields, settings) = (Fields(body), &world.settings);
        let right = fields.text("application_id")? == settings.multicard_application
            && fields.text("secret")? == settings.multicard_secret;
        if !right {
            return Err(unauthorized(StatusCode::BAD_REQUEST));
        }
        let token = Self::new_uuid().replace('-', "");
        self.tokens.insert(token.clone());
        let until = chrono::TimeDelta::try_seconds(TOKEN_LIVES).unwrap_or_default();
        let expiry = clock::written(world.clock.now() + until);
        Ok(json!({ "token": token, "role": "dev", "expiry": expiry }))
    }

    fn admit(&self, asked: &Asked) -> Result<(), Problem> {
        match &asked.token {
            Some(token) if self.tokens.contains(token) => Ok(()),
            None if asked.foreign_token => Err(unauthorized(StatusCode::FORBIDDEN)),
            Some(_) | None => Err(unauthorized(StatusCode::UNAUTHORIZED)),
        }
    }
}

/// The same answer with another status or amount, inside an invoice too.
fn contradicted(mut data: Value, status: Option<super::Status>, amount: Option<i64>) -> Value {
    let change = |data: &mut Value| {
        let Some(members) = data.as_object_mut() else { return };
        for (name, value) in members {
            match (name.as_str(), status, amount) {
                ("status", Some(status), _) => *value = Value::from(status.word()),
                ("amount" | "payment_amount" | "total_amount", _, Some(amount)) => {
                    *value = Value::from(amount);
                }
                _ => {}
            }
        }
    };
    change(&mut data);
    if let Some(payment) = data.get_mut("payment") {
        change(payment);
    }
    for listed in data.get_mut("list").and_then(Value::as_array_mut).into_iter().flatten() {
        change(listed);
    }
    data
}

fn answer(res: &mut Response, call: Call, outcome: Result<Value, Problem>) {
    let (status, body) = match outcome {
        // The token comes without the envelope.
        Ok(data) if call == Call::Auth => (StatusCode::OK, data),
        Ok(data) => (StatusCode::OK, json!({ "success": true, "data": data })),
        Err(problem) => (problem.status, problem.body()),
    };
    res.status_code(status);
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    res.headers_mut().insert(CONTENT_TYPE, json);
    res.body(body.to_string());
}

fn page(res: &mut Response, status: StatusCode, text: &'static str) {
    res.status_code(status);
    res.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    res.body(text);
}
