//! Sign-ins that were refused, in the audit log.

use serde_json::json;

use super::sign_in::Means;
use crate::audit::{self, Actor};
use crate::error::Result;
use crate::ids::UserId;
use crate::{App, Tx};

/// What the print of an address is for: part of its MAC.
const PRINT: &str = "refused_sign_in";

/// Records that a secret was wrong, or that nobody has the address; the address itself is not kept, so that who mistypes
/// theirs leaves nothing readable. Both cost the same.
///
/// # Errors
/// The database's.
pub(super) async fn note(
    tx: &mut Tx,
    app: &App,
    means: Means,
    (whose, email): (Option<UserId>, &str),
) -> Result<()> {
    let object = match whose {
        Some(user) => ("user", user.to_string()),
        None => ("address", app.tokens.print(PRINT, email)),
    };
    let details = json!({ "means": means.as_str() });
    audit::record(tx, Actor::System, "auth.sign_in_refused", object, details).await
}
