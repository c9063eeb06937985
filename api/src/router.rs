//! Every route of the API, one line each, by who calls it.

use std::sync::Arc;

use salvo::affix_state::inject;
use salvo::catcher::Catcher;
use salvo::{Router, Service};
use shared::App;
use shared::settings::AppEnv;

use crate::app::{AppState, Draining};
use crate::error::envelope;
use crate::middleware::{AllowedHosts, Cors, SecurityHeaders, catch_panics, observe, request_id};
use crate::openapi;
use crate::routes::{docs, games, health, payme, payments};

/// Everything the API answers to.
pub(crate) fn routes() -> Router {
    Router::new().push(operations()).push(at("api/v1").push(catalogue()).push(money()).push(webhooks()))
}

/// For load balancers and operators.
fn operations() -> Router {
    at("health")
        .get(health::alive)
        .push(at("ready").get(health::ready))
        .push(at("detailed").get(health::detailed))
}

/// For everybody.
fn catalogue() -> Router {
    Router::new()
        .push(at("games").get(games::list_games))
        .push(at("games/{slug}").get(games::show_game))
}

/// For everybody with an account: their money.
fn money() -> Router {
    at("payments")
        .push(at("methods").get(payments::list_methods))
        .push(at("deposit").post(payments::begin_deposit))
        .push(at("balance").get(payments::show_balance))
        .push(at("transactions").get(payments::list_transactions))
        .push(at("transactions/{id}").get(payments::show_transaction))
}

/// For payment providers, in their own protocols.
fn webhooks() -> Router {
    at("payments/webhooks").push(at("payme").post(payme::call).goal(payme::other_method))
}

/// The API as a service: routes, what surrounds them (outermost first), and the envelope of failures.
#[must_use]
pub fn service(app: Arc<App>) -> Service {
    build(app, Draining::default())
}

pub(crate) fn build(app: Arc<App>, draining: Draining) -> Service {
    let http = &app.settings.http;
    let router = routes();
    let document = openapi::document(&router, &http.public_url);
    let router = router.push(docs::router(document));
    Service::new(router)
        .hoop(request_id)
        .hoop(observe)
        .hoop(SecurityHeaders { production: app.settings.env == AppEnv::Production })
        .hoop(catch_panics)
        .hoop(AllowedHosts { hosts: http.allowed_hosts.clone() })
        .hoop(Cors { origin: http.frontend_url.clone() })
        .hoop(inject(draining).inject(AppState::new(Arc::clone(&app))))
        .catcher(Catcher::default().hoop(envelope))
}

fn at(path: &str) -> Router {
    Router::with_path(path)
}
