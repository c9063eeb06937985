//! Whether a call comes from where its provider calls from. It decides beside the provider's signature, never instead.

use super::Provider;
use crate::App;

/// Whether a provider calls from this address, or from nobody knows where. Who does not is refused as a wrong signature is.
pub(super) fn comes_from(app: &App, provider: Provider, ip: Option<&str>) -> bool {
    let networks = &app.settings.provider_networks;
    let theirs = match provider {
        Provider::Payme => &networks.payme,
        Provider::Paynet => &networks.paynet,
        Provider::Uzcard | Provider::Humo => &networks.multicard,
        Provider::Click => &networks.click,
    };
    let inside = theirs.have(ip);
    if !inside {
        tracing::warn!(target: "payments", provider = provider.as_str(), ip, "a call from outside of the provider's networks");
    }
    inside
}
