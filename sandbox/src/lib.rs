//! The providers' side of every payment, on loopback: a developer opens a checkout link, presses pay or cancel, and sees
//! the webhook arrive; a test does the same through [`Multicard`].
//!
//! It is written from the providers' protocols, independently of the platform's adapters, and signs by itself. It is a
//! developer's program and no part of what ships.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use sandbox::{Call, Effect, End, Order, Reply, Sandbox, Settings};
//!
//! let sandbox = Sandbox::start(Settings::development()).await?;
//! let multicard = sandbox.multicard();          // MULTICARD_BASE_URL is multicard.base_url()
//! // The platform is started with sandbox.variables(); then webhooks and callbacks go to it:
//! sandbox.move_platform("http://127.0.0.1:8000");
//!
//! // The next payout is accepted, its answer never comes, and it succeeds when it was asked for twice.
//! multicard.order(
//!     Order::on(Call::CreateCredit)
//!         .reply(Reply::Silence)
//!         .effect(Effect::SettlesAfter { asks: 2, end: End::Success }),
//! );
//! assert_eq!(multicard.payouts().len(), 0);
//! # Ok(())
//! # }
//! ```
//!
//! An [`Order`] says for which [`Call`] it is, what the caller hears ([`Reply`]) and what really happens ([`Effect`]):
//!
//! | wanted | order |
//! |---|---|
//! | a time-out before it was accepted | `reply(Silence).effect(Nothing)` |
//! | accepted, then a time-out | `reply(Silence)` |
//! | a connection that is cut, before or after | `reply(Cut)`, with or without `effect(Nothing)` |
//! | a 5xx, before or after | `reply(Status(502))`, with or without `effect(Nothing)` |
//! | `ERROR_DEBIT_UNKNOWN` | `reply(DebitUnknown)`, with any effect |
//! | a definite refusal | `reply(Refusal("ERROR_CARD_NOT_FOUND".into()))` |
//! | a late answer | `reply(Late { millis: 3000 })` |
//! | in progress, then done | `effect(SettlesAfter { asks: 2, end: End::Success })`, or `effect(Waits)` and [`Multicard::settle`] |
//! | a payout that fails | `effect(Fails)` |
//! | a repeated `invoice_id` that is accepted | `effect(AcceptsDuplicate)` |
//! | a contradiction | `Order::on(Call::GetPayment).reply(Says { status: Some(Status::Error), amount: None })` |
//! | a callback that is lost, late, forged or lies | `Order::on(Call::Callback)` with `Silence`, `Late`, `Garbage`, `Says` |
//!
//! Click's Merchant API takes orders of its own: a [`ClickOrder`] for a [`ClickCall`], through [`Sandbox::click`], which also
//! moves its payments as a hand in Click's cabinet would.
//!
//! Histories are `{"pagination": {"total", "offset", "limit"}, "list": [..]}`, oldest first. A payout is in `invoice_id` and
//! in `store_invoice_id` under the platform's id. A payment has the id of its invoice; a second payment for the same
//! invoice ([`Multicard::pay_again`]) has one of its own.

mod click;
mod clock;
mod form;
mod html;
mod index;
mod journal;
mod multicard;
mod payme;
mod paynet;
mod server;
mod settings;
mod signatures;
mod world;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use salvo::Server;
use salvo::conn::tcp::TcpAcceptor;
use salvo::server::ServerHandle;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use click::{
    Click, ClickCall, ClickOrder, ClickReply, Payment as ClickPayment, PaymentStatus as ClickStatus,
};
pub use journal::WebhookCall;
pub use multicard::{
    Call, Card, Effect, End, Invoice, Mode, Multicard, Network, Order, Payment, Payout, Problem,
    Reply, SANDBOX_HUMO, SANDBOX_UZCARD, Status,
};
pub use settings::Settings;

use crate::world::World;

/// All providers, listening; dropping it ends them.
pub struct Sandbox {
    world: Arc<World>,
    handle: ServerHandle,
    serving: JoinHandle<io::Result<()>>,
}

impl Sandbox {
    /// Listens and serves.
    ///
    /// # Errors
    /// When the address is taken.
    pub async fn start(settings: Settings) -> io::Result<Self> {
        let listen = settings.listen;
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|error| io::Error::new(error.kind(), format!("{listen}: {error}")))?;
        let acceptor = TcpAcceptor::try_from(listener)?;
        let url = format!("http://{}", acceptor.local_addr()?);
        let world = Arc::new(World::new(settings, url).map_err(io::Error::other)?);
        let server = Server::new(acceptor);
        let handle = server.handle();
        let serving = tokio::spawn(server.try_serve(server::service(Arc::clone(&world))));
        Ok(Self { world, handle, serving })
    }

    /// The base URL, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.world.url
    }

    /// Multicard, to be inspected and ordered about.
    #[must_use]
    pub fn multicard(&self) -> Multicard {
        Multicard::new(&self.world)
    }

    /// Click, to be inspected and ordered about.
    #[must_use]
    pub fn click(&self) -> Click {
        Click::new(&self.world)
    }

    /// The variables that make a platform speak with this sandbox: addresses, and the keys that both sides know.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let (settings, url) = (&self.world.settings, self.url());
        let mut variables = vec![
            ("PAYME_CHECKOUT_URL", format!("{url}/payme")),
            ("CLICK_CHECKOUT_URL", format!("{url}/click")),
            ("CLICK_API_URL", format!("{url}/click/api")),
            ("PAYNET_CHECKOUT_URL", format!("{url}/paynet")),
            ("MULTICARD_BASE_URL", format!("{url}/multicard")),
        ];
        let click_user = settings.click_user.clone().unwrap_or_else(|| "20002".to_owned());
        variables.push(("CLICK_MERCHANT_USER_ID", click_user));
        for (name, value) in [
            ("PAYME_SECRET_KEY", &settings.payme_key),
            ("CLICK_SERVICE_ID", &settings.click_service),
            ("CLICK_SECRET_KEY", &settings.click_key),
            ("PAYNET_SERVICE_ID", &settings.paynet_service),
            ("PAYNET_LOGIN", &settings.paynet_login),
            ("PAYNET_PASSWORD", &settings.paynet_password),
            ("MULTICARD_STORE_ID", &settings.multicard_store),
            ("MULTICARD_APPLICATION_ID", &settings.multicard_application),
            ("MULTICARD_SECRET", &settings.multicard_secret),
        ] {
            variables.push((name, value.clone()));
        }
        if let Some(secret) = &settings.multicard_callback_secret {
            variables.push(("MULTICARD_CALLBACK_SECRET", secret.clone()));
        }
        variables
    }

    /// Every call that a provider has made to the platform, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<WebhookCall> {
        self.world.journal.calls()
    }

    /// The platform is at `url` from now on, for webhooks and for callbacks, whatever host their addresses name.
    pub fn move_platform(&self, url: &str) {
        self.world.move_platform(url);
    }

    /// Moves the providers' clock ahead, as a test moves the platform's.
    pub fn advance(&self, by: Duration) {
        self.world.clock.advance(by);
    }

    /// Serves until the process is told to end.
    ///
    /// # Errors
    /// When signals cannot be listened for.
    pub async fn serve_until_told(self) -> io::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut term, mut int) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        Ok(())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.handle.stop_forceful();
        self.serving.abort();
    }
}
