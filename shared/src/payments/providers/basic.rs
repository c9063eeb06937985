//! HTTP Basic, as providers authorize themselves.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use crate::settings::Secret;

/// Clients differ about padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Whether the header carries the login with its password, or with the one before it. Hashes are compared, so that
/// neither the time it takes nor the length of a password tells anything about it.
pub(super) fn carries(
    authorization: Option<&str>,
    login: &str,
    password: &Secret,
    previous: Option<&Secret>,
) -> bool {
    let Some((scheme, credentials)) =
        authorization.and_then(|header| header.trim().split_once(' '))
    else {
        return false;
    };
    let Ok(credentials) = BASE64.decode(credentials.trim()) else { return false };
    if !scheme.eq_ignore_ascii_case("basic") {
        return false;
    }
    let sent = Sha256::digest(&credentials);
    let matches =
        |password: &Secret| sent.ct_eq(&Sha256::digest(format!("{login}:{}", password.expose())));
    let current = matches(password);
    (current | previous.map_or(Choice::from(0), matches)).into()
}
