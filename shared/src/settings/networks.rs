//! From where each payment provider calls us, where that is known.

use std::net::IpAddr;

use ipnet::IpNet;

use super::SettingsError;
use super::limits::network;
use super::vars::Vars;

/// From where the providers call us. What is not set is everywhere: their signatures decide in any case.
#[derive(Clone, Debug)]
pub struct ProviderNetworks {
    /// `PAYME_NETWORKS` (everybody).
    pub payme: Networks,
    /// `CLICK_NETWORKS` (everybody).
    pub click: Networks,
    /// `PAYNET_NETWORKS` (everybody).
    pub paynet: Networks,
    /// `MULTICARD_NETWORKS` (everybody): callbacks for Uzcard and Humo.
    pub multicard: Networks,
}

/// Some networks, or everybody.
#[derive(Clone, Debug, Default)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Whether a caller with this address is in one of them. Who has none is in none, unless everybody is.
    #[must_use]
    pub fn have(&self, address: Option<&str>) -> bool {
        let address = address.and_then(|text| text.parse::<IpAddr>().ok());
        self.0.is_empty()
            || address.is_some_and(|address| {
                let address = address.to_canonical();
                self.0.iter().any(|network| network.contains(&address))
            })
    }
}

fn networks(vars: &Vars, name: &'static str) -> Result<Networks, SettingsError> {
    let read: Option<Vec<IpNet>> = vars.list(name, "").iter().map(|text| network(text)).collect();
    read.map(Networks).ok_or_else(|| {
        SettingsError::new(name, "must be networks such as 192.0.2.0/24, or addresses")
    })
}

pub(super) fn provider_networks(vars: &Vars) -> Result<ProviderNetworks, SettingsError> {
    Ok(ProviderNetworks {
        payme: networks(vars, "PAYME_NETWORKS")?,
        click: networks(vars, "CLICK_NETWORKS")?,
        paynet: networks(vars, "PAYNET_NETWORKS")?,
        multicard: networks(vars, "MULTICARD_NETWORKS")?,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn payme(list: &str) -> Result<Networks, SettingsError> {
        let vars = HashMap::from([("PAYME_NETWORKS".to_owned(), list.to_owned())]);
        Ok(provider_networks(&Vars::new(vars)?)?.payme)
    }

    #[test]
    fn callers_are_in_the_networks_that_are_named_or_anywhere_if_none_is() {
        let named = payme("185.234.113.0/28, 2001:db8::/32, 192.0.2.7").expect("networks");
        for (address, inside) in [
            (Some("185.234.113.15"), true),
            (Some("::ffff:185.234.113.1"), true),
            (Some("185.234.113.16"), false),
            (Some("2001:db8:1::1"), true),
            (Some("2001:db9::1"), false),
            (Some("192.0.2.7"), true),
            (Some("192.0.2.8"), false),
            (Some("nonsense"), false),
            (None, false),
        ] {
            assert_eq!(named.have(address), inside, "{address:?}");
        }
        for everybody in ["", " ", ","] {
            let everybody = payme(everybody).expect("nothing is named");
            assert!(everybody.have(Some("192.0.2.8")) && everybody.have(None));
        }
        for wrong in ["payme.uz", "10.0.0.0/33", "10.0.0.1-10.0.0.9"] {
            assert!(payme(wrong).is_err(), "{wrong}");
        }
    }
}
