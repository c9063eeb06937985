//! The row of an upload, and what it may become.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::ids::{UploadId, UserId};
use crate::schema::uploads;
use crate::text_enum::text_enum;

text_enum! {
    /// What an upload was sent as.
    UploadKind {
        /// A picture of a person.
        Avatar = "avatar",
        /// Any picture.
        Image = "image",
    }
}

text_enum! {
    /// What an upload is used as.
    Attachment {
        /// The picture of its owner.
        Avatar = "avatar",
    }
}

impl UploadKind {
    /// The first part of its keys.
    pub(super) const fn folder(self) -> &'static str {
        match self {
            Self::Avatar => "avatars",
            Self::Image => "images",
        }
    }

    /// The longest side it is kept with, in pixels.
    pub(super) const fn side_max(self) -> u32 {
        match self {
            Self::Avatar => 512,
            Self::Image => 1_920,
        }
    }
}

/// The type of a file under a name of ours; none for any other name, so that nothing else is ever looked for.
#[must_use]
pub fn content_type_of(folder: &str, name: &str) -> Option<&'static str> {
    let known = UploadKind::ALL.iter().any(|kind| kind.folder() == folder);
    let (stem, extension) = name.split_once('.').filter(|_| known)?;
    let random =
        stem.len() == 32 && stem.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    match extension {
        "jpg" if random => Some("image/jpeg"),
        "png" if random => Some("image/png"),
        _ => None,
    }
}

/// A row of `uploads`.
#[derive(Clone, Debug, HasQuery, Insertable)]
#[diesel(table_name = uploads, treat_none_as_default_value = false)]
pub struct Upload {
    /// Its id.
    pub id: UploadId,
    /// Who sent it.
    pub user_id: UserId,
    /// What it was sent as.
    pub kind: UploadKind,
    /// Its name in the storage: random, so it cannot be guessed.
    pub key: String,
    /// `image/jpeg` or `image/png`.
    pub content_type: String,
    /// What is kept.
    pub bytes: i32,
    /// What was sent: this counts for the quota.
    pub received_bytes: i32,
    /// In pixels.
    pub width: i32,
    /// In pixels.
    pub height: i32,
    /// Sent at.
    pub created_at: DateTime<Utc>,
    /// What it is used as.
    pub attached_as: Option<Attachment>,
    /// Used since.
    pub attached_at: Option<DateTime<Utc>>,
    /// Nobody wants it since.
    pub discarded_at: Option<DateTime<Utc>>,
    /// The file is gone since.
    pub removed_at: Option<DateTime<Utc>>,
}

#[cfg(test)]
mod tests {
    use super::content_type_of;

    #[test]
    fn only_names_of_ours_are_looked_for() {
        let stem = "0123456789abcdef0123456789abcdef";
        let name = |end: &str| format!("{stem}{end}");
        assert_eq!(content_type_of("avatars", &name(".jpg")), Some("image/jpeg"));
        assert_eq!(content_type_of("images", &name(".png")), Some("image/png"));
        for (folder, name) in [
            ("avatars", name(".svg")),
            ("avatars", name(".jpg.php")),
            ("avatars", name("")),
            ("avatars", "../../etc/passwd".to_owned()),
            ("..", name(".jpg")),
            ("avatars", format!("{}.jpg", stem.to_uppercase())),
            ("avatars", ".jpg".to_owned()),
        ] {
            assert_eq!(content_type_of(folder, &name), None, "{folder}/{name}");
        }
    }
}
