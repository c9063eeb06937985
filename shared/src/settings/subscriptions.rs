//! Around the end of a subscription's period.

use std::time::Duration;

use super::SettingsError;
use super::vars::Vars;

/// Around the end of a subscription's period.
#[derive(Clone, Copy, Debug)]
pub struct SubscriptionSettings {
    /// `SUBSCRIPTION_REMIND_BEFORE` (3d): its owner is told so long before.
    pub remind_before: Duration,
    /// `SUBSCRIPTION_RETRY_AFTER` (6h): an end that the balance did not cover is tried again; once more when the grace
    /// is over.
    pub retry_after: Duration,
    /// `SUBSCRIPTION_GRACE` (24h): so long its rights last unpaid. It holds for subscriptions that begin from now on.
    pub grace: Duration,
}

pub(super) fn subscriptions(vars: &Vars) -> Result<SubscriptionSettings, SettingsError> {
    let settings = SubscriptionSettings {
        remind_before: vars.duration("SUBSCRIPTION_REMIND_BEFORE", "3d")?,
        retry_after: vars.duration("SUBSCRIPTION_RETRY_AFTER", "6h")?,
        grace: vars.duration("SUBSCRIPTION_GRACE", "24h")?,
    };
    if settings.grace < settings.retry_after {
        return Err(SettingsError::new(
            "SUBSCRIPTION_GRACE",
            "must not be shorter than SUBSCRIPTION_RETRY_AFTER",
        ));
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn the_grace_lasts_at_least_to_the_second_attempt() {
        let read = |grace: &str| {
            let vars = HashMap::from([("SUBSCRIPTION_GRACE".to_owned(), grace.to_owned())]);
            subscriptions(&Vars::new(vars)?)
        };
        assert_eq!(read("6h").expect("as long").grace, Duration::from_secs(21_600));
        assert!(read("5h").is_err());
    }
}
