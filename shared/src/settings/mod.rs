//! Configuration: environment variables, read once into one struct per concern. `.env.example` lists them all.

mod click;
mod google;
mod jobs;
mod limits;
mod log;
mod mail;
mod multicard;
mod networks;
mod outside;
mod paynet;
mod reports;
mod sentry;
mod server;
mod sms;
mod staff;
mod storage;
mod subscriptions;
mod telegram;
mod upkeep;
mod vars;
mod withdrawals;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::Money;
use crate::text_enum::text_enum;
pub use click::{ClickApiSettings, ClickSettings};
pub use google::GoogleSettings;
pub use jobs::{JobSettings, Transport};
pub use limits::{LimitSettings, Rate, TrustedProxies};
pub use log::{LogFileSettings, LogSettings};
pub use mail::{MailSettings, Protection};
pub use multicard::MulticardSettings;
pub use networks::{Networks, ProviderNetworks};
pub use paynet::PaynetSettings;
pub use reports::ReportSettings;
pub use sentry::SentrySettings;
pub use server::ServerSettings;
pub use sms::{EskizSettings, SmsSettings, SmsWay};
pub use staff::StaffSettings;
pub use storage::{BucketSettings, StorageSettings};
pub use subscriptions::SubscriptionSettings;
pub use telegram::TelegramSettings;
pub use upkeep::UpkeepSettings;
use vars::Vars;
pub use vars::{Secret, parse_duration};
pub use withdrawals::WithdrawalSettings;

text_enum! {
    /// Where the process runs. It decides log format, cookies, debug aids and what start-up refuses.
    AppEnv { Development = "development", Test = "test", Production = "production" }
}

/// What is wrong with which variable, in one line.
#[derive(Debug, thiserror::Error)]
#[error("{name} {problem}")]
pub struct SettingsError {
    name: &'static str,
    problem: &'static str,
}

impl SettingsError {
    fn new(name: &'static str, problem: &'static str) -> Self {
        Self { name, problem }
    }
}

/// Everything a process is told from outside.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `APP_ENV` (development).
    pub env: AppEnv,
    /// The database.
    pub database: DatabaseSettings,
    /// Redis.
    pub redis: RedisSettings,
    /// Listening addresses and public URLs.
    pub http: HttpSettings,
    /// The server's patience.
    pub server: ServerSettings,
    /// How often somebody may ask.
    pub limits: LimitSettings,
    /// Keys and token lifetimes.
    pub security: SecuritySettings,
    /// Outgoing mail.
    pub mail: MailSettings,
    /// Outgoing SMS.
    pub sms: SmsSettings,
    /// Our Telegram bot.
    pub telegram: TelegramSettings,
    /// Payme's Merchant API.
    pub payme: PaymeSettings,
    /// Paynet's web service.
    pub paynet: PaynetSettings,
    /// Multicard's API: Uzcard and Humo.
    pub multicard: MulticardSettings,
    /// The rules of withdrawals.
    pub withdrawals: WithdrawalSettings,
    /// Click's SHOP-API.
    pub click: ClickSettings,
    /// From where payment providers call us.
    pub provider_networks: ProviderNetworks,
    /// Sign-in with Google.
    pub google: GoogleSettings,
    /// The nightly comparison with what providers report.
    pub reports: ReportSettings,
    /// How long each step of a deal may take.
    pub windows: Windows,
    /// Around the end of a subscription's period.
    pub subscriptions: SubscriptionSettings,
    /// `ESCROW_TWO_STAFF_ABOVE` (50000000.00 UZS): a deal above it is decided by two members of staff.
    pub two_staff_above: Money,
    /// How long things are left alone.
    pub upkeep: UpkeepSettings,
    /// What one person of staff may do alone.
    pub staff: StaffSettings,
    /// Where uploads lie.
    pub storage: StorageSettings,
    /// The job platform.
    pub jobs: JobSettings,
    /// Logs.
    pub log: LogSettings,
    /// Reports of errors and traces.
    pub sentry: SentrySettings,
}

/// A worker's patience for a free connection: less than any job may take.
const WORKER_POOL_WAIT: Duration = Duration::from_secs(10);

/// Where PostgreSQL is.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// `DATABASE_URL`: the application's role; may go through a pooler.
    pub url: Secret,
    /// `MIGRATION_DATABASE_URL` (`DATABASE_URL`): the schema's owner, past any pooler; LISTEN and NOTIFY use it too.
    pub direct_url: Secret,
    /// `DATABASE_POOL_SIZE` (8): connections per process.
    pub pool_size: usize,
    /// `DATABASE_POOL_WAIT` (2s; a worker waits for 10s): how long work waits for a free connection.
    pub pool_wait: Duration,
    /// Whether statements are logged (target `db`, level debug) and timed: in development.
    pub watched: bool,
}

/// Where Redis is.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// `REDIS_URL`: cache, limits, pub/sub.
    pub url: Secret,
    /// `CELERY_BROKER_URL` (`REDIS_URL`): the job transport.
    pub jobs_url: Secret,
    /// `REDIS_PREFIX` (wibe): the first part of every key.
    pub prefix: String,
}

/// Where the processes listen and how the world calls them.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// `API_LISTEN` (127.0.0.1:8000).
    pub listen: SocketAddr,
    /// `API_METRICS_LISTEN` (127.0.0.1:9101): internal, never public.
    pub api_metrics: SocketAddr,
    /// `WORKER_METRICS_LISTEN` (127.0.0.1:9102).
    pub worker_metrics: SocketAddr,
    /// `SCHEDULER_METRICS_LISTEN` (127.0.0.1:9103).
    pub scheduler_metrics: SocketAddr,
    /// `PUBLIC_URL` (`http://127.0.0.1:8000`): how the world reaches the API; links in lists and mails start with it.
    pub public_url: String,
    /// `FRONTEND_URL` (`http://localhost:5173`): the frontend, where payers return to.
    pub frontend_url: String,
    /// The frontend's origin and those of `CORS_ALLOWED_ORIGINS`: no other page may call the API from a browser.
    pub origins: Vec<String>,
    /// `TRUSTED_PROXY_COUNT` and `TRUSTED_PROXIES`: whose word about the client's address is taken.
    pub trusted_proxies: TrustedProxies,
    /// `ALLOWED_HOSTS` (`*` outside production): the `Host` values the API answers.
    pub allowed_hosts: Vec<String>,
    /// `MAX_BODY_BYTES` (1048576): a JSON body larger than this is 413.
    pub max_body_bytes: usize,
}

/// Keys and lifetimes.
#[derive(Clone, Debug)]
pub struct SecuritySettings {
    /// `JWT_SECRET_KEY`: signs access tokens (HS256); at least 32 bytes.
    pub jwt_secret: Secret,
    /// `JWT_SECRET_KEY_PREVIOUS`: access tokens signed with it are good too, while a key is being changed.
    pub jwt_secret_previous: Option<Secret>,
    /// `SECRET_KEY`: derives refresh tokens, mailed tokens and one-time codes; at least 32 bytes.
    pub secret_key: Secret,
    /// `SECRET_KEY_PREVIOUS`: tokens derived from it are good too, while a key is being changed.
    pub secret_key_previous: Option<Secret>,
    /// `CREDENTIALS_KEY`: 32 bytes in base64, wraps the data keys of game-account credentials.
    pub credentials_key: Secret,
    /// `CREDENTIALS_KEY_ID` (k1): the name of that key, stored beside what it wraps.
    pub credentials_key_id: String,
    /// `CARDS_KEY`: 32 bytes in base64, wraps the data keys of card numbers; never the same as `CREDENTIALS_KEY`.
    pub cards_key: Secret,
    /// `CARDS_KEY_ID` (c1): the name of that key, stored beside what it wraps.
    pub cards_key_id: String,
    /// `JWT_ACCESS_TOKEN_LIFETIME` in minutes (15).
    pub access_lifetime: Duration,
    /// `JWT_REFRESH_TOKEN_LIFETIME` in minutes (10080): how long an idle session lives.
    pub refresh_lifetime: Duration,
    /// `SESSION_LIFETIME` (30d): how long any session lives.
    pub session_lifetime: Duration,
    /// `REFRESH_COOKIE` (on in production): whether the refresh token is set, and read, as the cookie `__Host-refresh` too.
    pub refresh_cookie: bool,
}

/// Payme's Merchant API.
#[derive(Clone, Debug)]
pub struct PaymeSettings {
    /// `PAYME_MERCHANT_ID`: the cash desk's id in checkout links.
    pub merchant_id: String,
    /// `PAYME_SECRET_KEY`: the key of Payme's Basic authorization.
    pub secret_key: Secret,
    /// `PAYME_SECRET_KEY_PREVIOUS`: accepted too while a key is being changed.
    pub previous_key: Option<Secret>,
    /// `PAYME_CHECKOUT_URL` (`https://checkout.paycom.uz`; the sandbox is `https://test.paycom.uz`).
    pub checkout_url: String,
    /// `PAYME_BUSY_CODE` (-31099): the answer to a second payment of a busy deposit, disputed between sources.
    pub busy_code: i64,
}

/// How long each step of a deal may take.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    /// `ESCROW_PAY_WITHIN` (30m): an unpaid deal is cancelled.
    pub pay_within: Duration,
    /// `ESCROW_DELIVER_WITHIN` (24h), from payment: then the buyer may cancel.
    pub deliver_within: Duration,
    /// `ESCROW_REFUND_AFTER` (72h), from payment: nothing handed over, the buyer is refunded.
    pub refund_after: Duration,
    /// `ESCROW_RECEIVE_WITHIN` (72h), from hand-over: then it counts as received.
    pub receive_within: Duration,
    /// `ESCROW_RELEASE_AFTER` (24h), from receipt: the seller is paid.
    pub release_after: Duration,
    /// `LISTING_AUTO_APPROVE_AFTER` (48h).
    pub auto_approve_after: Duration,
}

impl Settings {
    /// The same for a worker: a job that waits for a connection is late, where a request would be told to come back, and
    /// waiting must not use up an attempt.
    #[must_use]
    pub fn for_worker(mut self) -> Self {
        self.database.pool_wait = self.database.pool_wait.max(WORKER_POOL_WAIT);
        self
    }

    /// Reads the environment of the process.
    ///
    /// # Errors
    /// The first variable that is missing, malformed or dangerous in this `APP_ENV`.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::from_vars(std::env::vars().collect())
    }

    /// Reads the given variables.
    ///
    /// # Errors
    /// The first variable that is missing, malformed or dangerous in this `APP_ENV`.
    pub fn from_vars(values: HashMap<String, String>) -> Result<Self, SettingsError> {
        let vars = Vars::new(values)?;
        if vars.env == AppEnv::Production && vars.flag("DEBUG", false)? {
            return Err(SettingsError::new("DEBUG", "must not be on in production"));
        }
        Ok(Self {
            env: vars.env,
            database: database(&vars)?,
            redis: redis(&vars)?,
            http: http(&vars)?,
            server: server::server(&vars)?,
            limits: limits::limits(&vars)?,
            security: security(&vars)?,
            mail: mail::mail(&vars)?,
            sms: sms::sms(&vars)?,
            telegram: telegram::telegram(&vars)?,
            payme: payme(&vars)?,
            paynet: paynet::paynet(&vars)?,
            multicard: multicard::multicard(&vars)?,
            withdrawals: withdrawals::withdrawals(&vars)?,
            click: click::click(&vars)?,
            provider_networks: networks::provider_networks(&vars)?,
            google: google::google(&vars)?,
            reports: reports::reports(&vars)?,
            windows: windows(&vars)?,
            subscriptions: subscriptions::subscriptions(&vars)?,
            two_staff_above: money(&vars, "ESCROW_TWO_STAFF_ABOVE", "50000000.00")?,
            upkeep: upkeep::upkeep(&vars)?,
            staff: staff::staff(&vars)?,
            storage: storage::storage(&vars)?,
            jobs: jobs::jobs(&vars)?,
            log: log::log(&vars)?,
            sentry: sentry::sentry(&vars)?,
        })
    }
}

fn database(vars: &Vars) -> Result<DatabaseSettings, SettingsError> {
    let url = vars.required("DATABASE_URL", "postgresql://localhost/wibe")?;
    let direct = vars.text("MIGRATION_DATABASE_URL", &url);
    Ok(DatabaseSettings {
        url: Secret::new(url),
        direct_url: Secret::new(direct),
        pool_size: vars.parse("DATABASE_POOL_SIZE", 8)?,
        pool_wait: vars.duration("DATABASE_POOL_WAIT", "2s")?,
        watched: vars.env == AppEnv::Development,
    })
}

fn redis(vars: &Vars) -> Result<RedisSettings, SettingsError> {
    let url = vars.required("REDIS_URL", "redis://localhost:6379/0")?;
    let jobs = vars.text("CELERY_BROKER_URL", &url);
    Ok(RedisSettings {
        url: Secret::new(url),
        jobs_url: Secret::new(jobs),
        prefix: vars.text("REDIS_PREFIX", "wibe"),
    })
}

fn http(vars: &Vars) -> Result<HttpSettings, SettingsError> {
    let allowed_hosts =
        vars.required("ALLOWED_HOSTS", "*").map(|_| vars.list("ALLOWED_HOSTS", "*"))?;
    if vars.env == AppEnv::Production && allowed_hosts.iter().any(|host| host == "*") {
        return Err(SettingsError::new(
            "ALLOWED_HOSTS",
            "must name the hosts of this API in production, not *",
        ));
    }
    let base = |url: String| url.trim_end_matches('/').to_owned();
    let frontend_url = base(vars.required("FRONTEND_URL", "http://localhost:5173")?);
    Ok(HttpSettings {
        listen: vars.parse("API_LISTEN", SocketAddr::from(([127, 0, 0, 1], 8000)))?,
        api_metrics: vars.parse("API_METRICS_LISTEN", SocketAddr::from(([127, 0, 0, 1], 9101)))?,
        worker_metrics: vars
            .parse("WORKER_METRICS_LISTEN", SocketAddr::from(([127, 0, 0, 1], 9102)))?,
        scheduler_metrics: vars
            .parse("SCHEDULER_METRICS_LISTEN", SocketAddr::from(([127, 0, 0, 1], 9103)))?,
        public_url: base(vars.required("PUBLIC_URL", "http://127.0.0.1:8000")?),
        origins: server::origins(vars, &frontend_url)?,
        trusted_proxies: limits::trusted_proxies(vars)?,
        frontend_url,
        allowed_hosts,
        max_body_bytes: vars.parse("MAX_BODY_BYTES", 1 << 20)?,
    })
}

fn security(vars: &Vars) -> Result<SecuritySettings, SettingsError> {
    let minutes =
        |name, default: u64| Ok(Duration::from_secs(60 * vars.parse::<u64>(name, default)?));
    let credentials_key =
        vars.secret("CREDENTIALS_KEY", 44, "ZGV2ZWxvcG1lbnQtb25seS1jcmVkZW50aWFscy1rZXk=")?;
    let cards_key = vars.secret("CARDS_KEY", 44, "ZGV2ZWxvcG1lbnQtb25seS1jYXJkLW51bWJlci1rZXk=")?;
    if cards_key == credentials_key {
        return Err(SettingsError::new("CARDS_KEY", "must not be the same as CREDENTIALS_KEY"));
    }
    Ok(SecuritySettings {
        jwt_secret: vars.secret(
            "JWT_SECRET_KEY",
            32,
            "development-jwt-secret-key-not-for-production",
        )?,
        jwt_secret_previous: vars.old_secret("JWT_SECRET_KEY_PREVIOUS", 32)?,
        secret_key: vars.secret("SECRET_KEY", 32, "development-secret-key-not-for-production!!")?,
        secret_key_previous: vars.old_secret("SECRET_KEY_PREVIOUS", 32)?,
        credentials_key,
        credentials_key_id: vars.text("CREDENTIALS_KEY_ID", "k1"),
        cards_key,
        cards_key_id: vars.text("CARDS_KEY_ID", "c1"),
        access_lifetime: minutes("JWT_ACCESS_TOKEN_LIFETIME", 15)?,
        refresh_lifetime: minutes("JWT_REFRESH_TOKEN_LIFETIME", 10_080)?,
        session_lifetime: vars.duration("SESSION_LIFETIME", "30d")?,
        refresh_cookie: vars.flag("REFRESH_COOKIE", vars.env == AppEnv::Production)?,
    })
}

fn payme(vars: &Vars) -> Result<PaymeSettings, SettingsError> {
    Ok(PaymeSettings {
        merchant_id: vars.required("PAYME_MERCHANT_ID", "5f0c0ffee0c0ffee0c0ffee0")?,
        secret_key: vars.secret("PAYME_SECRET_KEY", 16, "sandbox-payme-key-0123456789abcdefgh")?,
        previous_key: vars.get("PAYME_SECRET_KEY_PREVIOUS").map(Secret::new),
        checkout_url: vars.text(
            "PAYME_CHECKOUT_URL",
            if vars.env == AppEnv::Production {
                "https://checkout.paycom.uz"
            } else {
                "https://test.paycom.uz"
            },
        ),
        busy_code: vars.parse("PAYME_BUSY_CODE", -31_099)?,
    })
}

fn money(vars: &Vars, name: &'static str, default: &str) -> Result<Money, SettingsError> {
    Money::parse(&vars.text(name, default))
        .ok_or_else(|| SettingsError::new(name, "must be an amount of UZS"))
}

fn windows(vars: &Vars) -> Result<Windows, SettingsError> {
    Ok(Windows {
        pay_within: vars.duration("ESCROW_PAY_WITHIN", "30m")?,
        deliver_within: vars.duration("ESCROW_DELIVER_WITHIN", "24h")?,
        refund_after: vars.duration("ESCROW_REFUND_AFTER", "72h")?,
        receive_within: vars.duration("ESCROW_RECEIVE_WITHIN", "72h")?,
        release_after: vars.duration("ESCROW_RELEASE_AFTER", "24h")?,
        auto_approve_after: vars.duration("LISTING_AUTO_APPROVE_AFTER", "48h")?,
    })
}
