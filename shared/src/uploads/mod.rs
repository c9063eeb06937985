//! Files that people send: decoded and encoded anew, kept under a name of ours, attached to something or swept away.
//!
//! ```text
//!   store ──▶ (row, then file) ──▶ unattached ── attach_avatar ──▶ attached
//!                                      │                               │  another takes its place, the account is erased
//!                                      └── a day later ──▶ discarded ◀─┘
//!                                                              └── remove_upload ──▶ removed
//! ```
//!
//! A row is committed before its file is written, so no file is without one; and a file is written before the row is
//! attached, so nothing points at a file that is not there. Removing is a job of its own, after the commit.

mod attach;
mod discard;
mod image;
pub mod jobs;
mod model;
mod remove;
mod store;
mod sweep;

pub(crate) use attach::{attach_avatar, own_upload};
pub(crate) use discard::{discard_all, discard_avatar};
pub use image::{Images, Picture};
pub use model::{Attachment, Upload, UploadKind, content_type_of};
pub use store::{RECEIVED_MAX, store};
pub(crate) use sweep::SWEEP;
pub use sweep::{Swept, sweep};
