//! What a development platform is told when nobody says otherwise. None of it is a secret.

/// How the processes behave.
const SETTINGS: [(&str, &str); 3] = [
    ("APP_ENV", "development"),
    ("FRONTEND_URL", "http://localhost:5173"),
    ("ADMIN_PHONE_NUMBERS", "+998901112233"),
];

/// Demo accounts, and provider keys that belong to no provider.
const ACCOUNTS: [(&str, &str); 18] = [
    ("DEMO_STAFF_EMAIL", "staff@demo.wibestore.uz"),
    ("DEMO_STAFF_PASSWORD", "demo-staff-2026"),
    ("DEMO_SELLER_EMAIL", "seller@demo.wibestore.uz"),
    ("DEMO_SELLER_PASSWORD", "demo-seller-2026"),
    ("DEMO_BUYER_EMAIL", "buyer@demo.wibestore.uz"),
    ("DEMO_BUYER_PASSWORD", "demo-buyer-2026"),
    // Payme's are 24 hexadecimal digits and 36 characters.
    ("PAYME_MERCHANT_ID", "decafbad0000000000000001"),
    ("PAYME_SECRET_KEY", "sandbox-payme-key-that-opens-nothing"),
    ("CLICK_SERVICE_ID", "10001"),
    ("CLICK_MERCHANT_ID", "20001"),
    ("CLICK_MERCHANT_USER_ID", "20002"),
    ("CLICK_SECRET_KEY", "sandbox-click-key"),
    ("PAYNET_SERVICE_ID", "30001"),
    ("PAYNET_LOGIN", "sandbox-paynet"),
    ("PAYNET_PASSWORD", "sandbox-paynet-password"),
    ("MULTICARD_STORE_ID", "40001"),
    ("MULTICARD_APPLICATION_ID", "sandbox-multicard"),
    ("MULTICARD_SECRET", "sandbox-multicard-secret"),
];

/// What `.local/env` holds besides the accounts and keys above.
const PLATFORM: [&str; 17] = [
    "API_URL",
    "DATABASE_URL",
    "MIGRATION_DATABASE_URL",
    "REDIS_URL",
    "CELERY_BROKER_URL",
    "API_METRICS_URL",
    "WORKER_METRICS_URL",
    "SCHEDULER_METRICS_URL",
    "MAIL_DIR",
    "SMS_DIR",
    "MEDIA_DIR",
    "SANDBOX_URL",
    "PAYME_CHECKOUT_URL",
    "CLICK_CHECKOUT_URL",
    "CLICK_API_URL",
    "PAYNET_CHECKOUT_URL",
    "MULTICARD_BASE_URL",
];

/// Where the payments sandbox plays each provider: what a platform calls that was told of no other place.
pub(crate) const ADDRESSES: [(&str, &str); 5] = [
    ("PAYME_CHECKOUT_URL", "/payme"),
    ("CLICK_CHECKOUT_URL", "/click"),
    ("CLICK_API_URL", "/click/api"),
    ("PAYNET_CHECKOUT_URL", "/paynet"),
    ("MULTICARD_BASE_URL", "/multicard"),
];

/// All names and values that a platform starts from.
pub(crate) fn settings() -> impl Iterator<Item = (&'static str, &'static str)> {
    SETTINGS.into_iter().chain(ACCOUNTS)
}

/// The variables of `.local/env`.
pub(crate) fn exported() -> Vec<&'static str> {
    PLATFORM.into_iter().chain(ACCOUNTS.map(|(name, _)| name)).collect()
}

/// What belongs to one platform alone: a platform of its own takes none of it from the caller.
pub(crate) fn of_one_platform() -> impl Iterator<Item = &'static str> {
    PLATFORM.into_iter().chain(["PUBLIC_URL"])
}
