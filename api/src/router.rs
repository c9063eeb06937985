//! Every route of the API, one line each, by who calls it.

use std::sync::Arc;

use salvo::affix_state::inject;
use salvo::catcher::Catcher;
use salvo::http::Method;
use salvo::routing::{Filter as _, FilterInfo, filters};
use salvo::{Router, Service};
use shared::App;
use shared::settings::AppEnv;

use crate::app::{AppState, Draining};
use crate::error::envelope;
use crate::extract::remember_caller;
use crate::middleware::{
    AllowedHosts, Cors, RequestId, SecurityHeaders, Timeout, catch_panics, limit, observe,
    server_timing, show_limit_zeros,
};
use crate::openapi;
use crate::routes::{
    accounts, admin, audit_log, click, docs, escrows, games, health, jobs, listings, multicard,
    payme, payment_cases, payment_methods, payments, paynet, profile, roles, staff_money,
    statements, subscriptions, switches, uploads, withdrawals,
};

/// Everything the API answers to.
pub(crate) fn routes() -> Router {
    let v1 = at("api/v1")
        .push(people())
        .push(catalogue())
        .push(profile())
        .push(files())
        .push(money())
        .push(plans())
        .push(payouts())
        .push(deals())
        .push(admin())
        .push(operators())
        .push(webhooks());
    Router::new().push(operations()).push(media()).push(v1)
}

/// The UI's admin pages ask one `api/v1` too deep.
fn aliases() -> Router {
    at("api/v1/api/v1").push(admin())
}

/// For load balancers and operators.
fn operations() -> Router {
    at("health")
        .get(health::alive)
        .push(at("ready").get(health::ready))
        .push(at("detailed").get(health::detailed))
}

/// For everybody: becoming somebody, and staying signed in.
fn people() -> Router {
    at("auth")
        .push(at("register").post(accounts::register))
        .push(at("login").post(accounts::log_in))
        .push(at("google").post(accounts::log_in_with_google).delete(accounts::unlink_google))
        .push(at("google/link").post(accounts::link_google))
        .push(at("refresh").post(accounts::refresh))
        .push(at("logout").post(accounts::log_out))
        .push(at("logout-all").post(accounts::log_out_everywhere))
        .push(at("sessions").get(accounts::list_sessions))
        .push(at("sessions/{id}").delete(accounts::end_session))
        .push(at("password/reset").post(accounts::request_password_reset))
        .push(at("password/reset/confirm").post(accounts::reset_password))
        .push(at("password/change").post(accounts::change_password))
        .push(at("email/verify").get(accounts::confirm_email_page).post(accounts::verify_email))
        .push(at("email/confirm").post(accounts::confirm_email))
        .push(at("email/resend").post(accounts::resend_verification))
        .push(at("otp/request").post(accounts::request_code))
        .push(at("otp/verify").post(accounts::verify_code))
        .push(at("phone/verify").post(accounts::verify_phone))
        .push(at("telegram/otp/create").post(accounts::create_telegram_code))
        .push(at("register/telegram").post(accounts::register_by_telegram))
        .push(at("me").get(accounts::show_me).patch(accounts::update_me))
        .push(at("account/delete").post(accounts::close_account))
}

/// For everybody.
fn catalogue() -> Router {
    Router::new()
        .push(at("games").get(games::list_games))
        .push(at("games/{slug}").get(games::show_game))
        .push(at("games/{slug}/listings").get(listings::list_game_listings))
        .push(at("listings").get(listings::list_listings).post(listings::create_listing))
        .push(at("listings/{id}").get(listings::show_listing).delete(listings::remove_listing))
}

/// For everybody with an account: who they are, what they sell and buy.
fn profile() -> Router {
    at("profile")
        .get(accounts::show_me)
        .patch(accounts::update_me)
        .push(at("dashboard").get(profile::show_dashboard))
        .push(at("listings").get(listings::list_own_listings))
        .push(at("purchases").get(escrows::list_purchases))
        .push(at("sales").get(escrows::list_sales))
}

/// For everybody with an account: pictures.
fn files() -> Router {
    at("upload/image").post(uploads::upload_image)
}

/// For everybody: files, where no bucket has them.
fn media() -> Router {
    at("media/{folder}/{name}").get(uploads::show_file)
}

/// For the two parties of a deal.
fn deals() -> Router {
    at("payments")
        .push(at("purchase").post(escrows::purchase))
        .push(at("escrow/{id}").get(escrows::show_deal))
        .push(at("escrow/{id}/trade-status").get(escrows::trade_status))
        .push(at("escrow/{id}/credentials").get(escrows::reveal_credentials))
        .push(at("escrow/{id}/seller-confirm-trade").post(escrows::hand_over))
        .push(at("escrow/{id}/seller-confirm").post(escrows::hand_over))
        .push(at("escrow/{id}/buyer-confirm").post(escrows::confirm_receipt))
        .push(at("escrow/{id}/buyer-confirm-trade").post(escrows::confirm_receipt))
        .push(at("escrow/{id}/confirm").post(escrows::confirm_receipt))
        .push(at("escrow/{id}/seller-cancel").post(escrows::cancel_by_seller))
        .push(at("escrow/{id}/buyer-cancel").post(escrows::cancel_by_buyer))
        .push(at("escrow/{id}/dispute").post(escrows::dispute))
        .push(at("escrow/{id}/pay").post(escrows::pay_deal))
        .push(at("escrow/{id}/release").post(escrows::release_now))
        .push(at("escrow/{id}/history").get(escrows::list_steps))
        .push(at("escrow/{id}/evidence").get(escrows::list_evidence).post(escrows::add_evidence))
}

/// For staff.
fn admin() -> Router {
    at("admin-panel")
        .push(at("listings").get(admin::list_all_listings))
        .push(at("listings/pending").get(admin::list_waiting_listings))
        .push(at("listings/{id}/approve").post(admin::approve_listing))
        .push(at("listings/{id}/reject").post(admin::reject_listing))
        .push(at("listings/{id}/block").post(admin::block_listing))
        .push(at("audit-log").get(audit_log::list_audit_log))
        .push(at("audit-log/export").get(audit_log::export_audit_log))
        .push(at("users/{id}/roles").get(roles::show_roles).post(roles::change_role))
        .push(at("users/{id}/subscription").post(subscriptions::grant_plan))
        .push(at("transactions").get(statements::list_all_transactions))
        .push(at("transactions/{id}").get(statements::show_any_transaction))
        .push(at("transactions/{id}/refund").post(staff_money::return_deposit))
        .push(at("export/transactions").get(statements::export_all_transactions))
        .push(at("users/{id}/adjust-balance").post(staff_money::adjust_balance))
        .push(at("users/{id}/freeze-balance").post(staff_money::freeze_balance))
        .push(at("users/{id}/unfreeze-balance").post(staff_money::unfreeze_balance))
        .push(at("adjustments").get(staff_money::list_adjustments))
        .push(at("adjustments/{id}").get(staff_money::show_adjustment))
        .push(at("adjustments/{id}/approve").post(staff_money::approve_adjustment))
        .push(at("adjustments/{id}/reject").post(staff_money::reject_adjustment))
        .push(at("switches").get(switches::list_switches))
        .push(at("switches/{switch}/off").post(switches::switch_off))
        .push(at("switches/{switch}/on").post(switches::switch_on))
        .push(at("payment-cases").get(payment_cases::list_cases))
        .push(at("payment-cases/{id}/resolve").post(payment_cases::resolve_case))
        .push(at("trades").get(admin::list_deals))
        .push(at("trades/stats").get(admin::deal_stats))
        .push(at("trades/{id}").get(admin::show_any_deal))
        .push(at("trades/{id}/dispute").post(admin::dispute_deal))
        .push(at("trades/{id}/refund").post(admin::refund_deal))
        .push(at("trades/{id}/complete").post(admin::complete_deal))
        .push(at("trades/{id}/resolve-dispute").post(admin::resolve_dispute))
        .push(at("payment-methods").get(payment_methods::list_all_methods))
        .push(at("payment-methods/{code}").patch(payment_methods::change_method))
        .push(at("withdrawals").get(withdrawals::list_all_withdrawals))
        .push(at("withdrawals/{id}").get(withdrawals::show_any_withdrawal))
        .push(at("withdrawals/{id}/approve").post(withdrawals::approve_withdrawal))
        .push(at("withdrawals/{id}/reject").post(withdrawals::reject_withdrawal))
}

/// For staff and superusers: the job platform.
fn operators() -> Router {
    at("admin-panel/jobs")
        .get(jobs::list_jobs)
        .push(at("kinds").get(jobs::list_kinds))
        .push(at("queues").get(jobs::list_queues))
        .push(at("queues/{queue}/pause").post(jobs::pause_queue))
        .push(at("queues/{queue}/resume").post(jobs::resume_queue))
        .push(at("workers").get(jobs::list_workers))
        .push(at("workers/{worker}/drain").post(jobs::drain_worker))
        .push(at("retry-dead").post(jobs::retry_dead))
        .push(at("discard-dead").post(jobs::discard_dead))
        .push(at("{id}").get(jobs::show_job))
        .push(at("{id}/retry").post(jobs::retry_job))
        .push(at("{id}/cancel").post(jobs::cancel_job))
        .push(at("{id}/snooze").post(jobs::snooze_job))
        .push(at("{id}/discard").post(jobs::discard_job))
}

/// For everybody with an account: their money.
fn money() -> Router {
    at("payments")
        .push(at("methods").get(payments::list_methods))
        .push(at("deposit").post(payments::begin_deposit))
        .push(at("balance").get(payments::show_balance))
        .push(at("transactions").get(payments::list_transactions))
        .push(at("transactions/export").get(statements::export_own_transactions))
        .push(at("transactions/{id}").get(payments::show_transaction))
}

/// For everybody the plans; for everybody with an account their own.
fn plans() -> Router {
    at("subscriptions")
        .push(at("plans").get(subscriptions::list_plans))
        .push(at("my").get(subscriptions::show_own))
        .push(at("purchase").post(subscriptions::buy_plan))
        .push(at("cancel").post(subscriptions::cancel_current))
        .push(at("resume").post(subscriptions::resume))
        .push(at("{id}/cancel").post(subscriptions::cancel_one))
}

/// For everybody with an account: their money on its way to a card; and for staff, who let it go.
fn payouts() -> Router {
    at("payments")
        .push(at("withdraw").post(withdrawals::withdraw))
        .push(at("withdrawal/create").post(withdrawals::create_withdrawal))
        .push(at("withdrawals").get(withdrawals::list_withdrawals))
        .push(at("withdrawals/{id}").get(withdrawals::show_withdrawal))
        .push(at("withdrawals/{id}/cancel").post(withdrawals::cancel_withdrawal))
        .push(at("withdrawal/{id}/cancel").post(withdrawals::cancel_withdrawal))
        .push(at("withdrawal/{id}/approve").post(withdrawals::approve_withdrawal))
        .push(at("withdrawal/{id}/reject").post(withdrawals::reject_withdrawal))
}

/// For payment providers, in their own protocols.
fn webhooks() -> Router {
    at("payments/webhooks")
        .push(at("payme").post(payme::call).goal(payme::other_method))
        .push(at("paynet").post(paynet::call).goal(paynet::other_method))
        .push(at("uzcard").post(multicard::uzcard))
        .push(at("humo").post(multicard::humo))
        .push(at("click").post(click::call).goal(click::other_method))
        .push(at("click/prepare").post(click::prepare).goal(click::other_method))
        .push(at("click/complete").post(click::complete).goal(click::other_method))
}

/// The API as a service: routes, what surrounds them (outermost first), and the envelope of failures.
#[must_use]
pub fn service(app: Arc<App>) -> Service {
    build(app, Draining::default())
}

pub(crate) fn build(app: Arc<App>, draining: Draining) -> Service {
    let routes = routes();
    let document = openapi::document(&routes, &app.settings.http.public_url);
    surround(routes.push(aliases()).push(docs::router(document)), app, draining)
}

pub(crate) fn surround(mut router: Router, app: Arc<App>, draining: Draining) -> Service {
    answer_head(&mut router);
    show_limit_zeros();
    let http = &app.settings.http;
    let development = app.settings.env == AppEnv::Development;
    Service::new(router)
        .hoop(RequestId { proxies: http.trusted_proxies.clone() })
        .hoop(observe)
        .hoop_when(server_timing, move |_, _| development)
        .hoop(SecurityHeaders { production: app.settings.env == AppEnv::Production })
        .hoop(catch_panics)
        .hoop(AllowedHosts { hosts: http.allowed_hosts.clone() })
        .hoop(Cors { origins: http.origins.clone() })
        .hoop(inject(draining).inject(AppState::new(Arc::clone(&app))))
        .hoop(remember_caller)
        .hoop(Timeout { after: app.settings.server.request_timeout })
        .hoop(limit)
        .catcher(Catcher::default().hoop(envelope))
}

/// HEAD is GET without a body: monitors ask so. The framework cuts the body off.
fn answer_head(router: &mut Router) {
    for filter in router.filters_mut() {
        if matches!(filter.info(), FilterInfo::Method(method) if method == Method::GET) {
            *filter = Box::new(filters::get().or(filters::head()));
        }
    }
    router.routers_mut().iter_mut().for_each(answer_head);
}

fn at(path: &str) -> Router {
    Router::with_path(path)
}
