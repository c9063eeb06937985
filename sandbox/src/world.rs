//! What every page and every call of the sandbox shares.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use salvo::Depot;

use crate::click;
use crate::clock::Clock;
use crate::journal::{Journal, WebhookCall};
use crate::multicard;
use crate::paynet::Terminal;
use crate::settings::Settings;

/// The providers' memory, and the way to the platform.
pub(crate) struct World {
    pub(crate) settings: Settings,
    /// The sandbox's own base URL.
    pub(crate) url: String,
    pub(crate) http: reqwest::Client,
    pub(crate) clock: Clock,
    pub(crate) journal: Journal,
    pub(crate) click: Mutex<click::Book>,
    pub(crate) multicard: Mutex<multicard::Book>,
    pub(crate) paynet: Terminal,
    platform: Mutex<Platform>,
}

/// Where the platform is.
struct Platform {
    url: String,
    /// Whether callback URLs lead there too, whatever host they name.
    for_callbacks: bool,
}

impl World {
    /// A world in which nothing has happened.
    pub(crate) fn new(settings: Settings, url: String) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(settings.patience)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let platform = Platform { url: settings.platform.clone(), for_callbacks: false };
        Ok(Self {
            click: Mutex::default(),
            multicard: Mutex::default(),
            paynet: Terminal::default(),
            clock: Clock::default(),
            journal: Journal::default(),
            platform: Mutex::new(platform),
            settings,
            url,
            http,
        })
    }

    /// The world that this request belongs to.
    pub(crate) fn of(depot: &Depot) -> Arc<Self> {
        let world = depot.get_typed::<Arc<Self>>().ok().cloned();
        world.expect("the service was built with its world")
    }

    /// Calls the platform and records the call; the client is in `request`.
    pub(crate) async fn call(
        &self,
        provider: &'static str,
        what: impl Into<String>,
        body: String,
        request: reqwest::RequestBuilder,
    ) -> WebhookCall {
        self.journal.send(&self.clock, provider, what, body, request).await
    }

    /// From now on the platform is there, for callbacks too.
    pub(crate) fn move_platform(&self, url: &str) {
        let url = url.trim_end_matches('/').to_owned();
        *lock(&self.platform) = Platform { url, for_callbacks: true };
    }

    /// The platform's address for a provider's calls.
    pub(crate) fn webhook(&self, provider: &str) -> String {
        format!("{}/api/v1/payments/webhooks/{provider}/", lock(&self.platform).url)
    }

    /// Where a callback goes: its own address, unless the platform was moved.
    pub(crate) fn callback(&self, url: &str) -> String {
        let platform = lock(&self.platform);
        let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
        if platform.for_callbacks {
            format!("{}{}", platform.url, path.unwrap_or("/"))
        } else {
            url.to_owned()
        }
    }
}

/// A panic elsewhere does not make what it held unusable: the sandbox goes on.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
