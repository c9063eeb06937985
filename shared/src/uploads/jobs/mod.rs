//! The jobs of uploads.

mod remove_upload;
mod sweep_uploads;

pub use remove_upload::RemoveUpload;
pub use sweep_uploads::SweepUploads;
