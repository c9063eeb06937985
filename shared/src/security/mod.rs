//! Secrets: passwords, tokens, and the credentials that are sold.

mod passwords;
mod tokens;
mod vault;

pub use passwords::Passwords;
pub use tokens::{AccessClaims, CodeBinding, RefreshToken, Tokens};
pub use vault::{Sealed, Vault};
