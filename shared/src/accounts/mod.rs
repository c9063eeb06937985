//! People: registration, proof of e-mail, sign-in, sessions.

mod model;

pub use model::{Principal, User};
