//! Pictures: looked at before they are decoded, decoded within limits, and encoded anew.
//!
//! What comes out is made from pixels alone: no EXIF, no place where it was taken, no profile, no second file behind the
//! first. Only the turn that a camera noted is applied.

use std::collections::HashMap;
use std::io::Cursor;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::UploadKind;
use crate::error::{Code, Error, Result};
use crate::ids::UserId;
use crate::language::Text;

/// Pictures that are decoded at a time.
const AT_A_TIME: usize = 2;
/// How long a picture waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long decoding and encoding may take.
const BUDGET: Duration = Duration::from_secs(3);
/// The longest side that is decoded, in pixels.
const SIDE_MAX: u32 = 8_192;
/// The most pixels that are decoded.
const PIXELS_MAX: u64 = 20_000_000;
/// What a decoder may allocate, in bytes.
const MEMORY_MAX: u64 = 96 << 20;
const JPEG_QUALITY: u8 = 85;

const NOT_A_PICTURE: Text = Text::new(
    "Rasm o'qilmadi: fayl buzilgan.",
    "Изображение не читается: файл повреждён.",
    "The picture cannot be read: the file is damaged.",
);
const TOO_MANY_PIXELS: Text = Text::new(
    "Rasm juda katta: ko'pi bilan 8192×8192 va 20 megapiksel.",
    "Изображение слишком большое: не более 8192×8192 и 20 мегапикселей.",
    "The picture is too large: at most 8192×8192 and 20 megapixels.",
);
const ONLY_PICTURES: Text = Text::new(
    "Faqat JPEG, PNG yoki WebP rasm.",
    "Только изображение JPEG, PNG или WebP.",
    "A JPEG, PNG or WebP picture.",
);

/// Decodes what people send, few at a time, and one at a time of each person.
pub struct Images {
    permits: Arc<Semaphore>,
    /// The turns of people who have a picture here now.
    turns: Mutex<HashMap<UserId, Weak<Semaphore>>>,
}

/// The right to decode: a person's own turn, and a place in the pool.
struct Turn(#[expect(dead_code, reason = "held until they are dropped")] [OwnedSemaphorePermit; 2]);

/// A picture of our own making.
#[derive(Debug)]
pub struct Picture {
    /// The file.
    pub bytes: Vec<u8>,
    /// `image/jpeg` or `image/png`.
    pub content_type: &'static str,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

impl Picture {
    /// What its name ends with.
    pub(super) fn extension(&self) -> &'static str {
        if self.content_type == ImageFormat::Png.to_mime_type() { "png" } else { "jpg" }
    }
}

impl Images {
    /// A pool with all its permits.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a process has one, made on purpose")]
    pub fn new() -> Self {
        Self { permits: Arc::new(Semaphore::new(AT_A_TIME)), turns: Mutex::default() }
    }

    /// Makes a picture of ours from a person's file, which came under the name of `field`.
    ///
    /// # Errors
    /// `UNSUPPORTED_MEDIA_TYPE` for anything but JPEG, PNG and WebP, whatever its name says; `VALIDATION_ERROR` for a file
    /// that is damaged, too large or takes too long; `BUSY` when others, or others of this person, are decoded for too long.
    pub async fn make(
        &self,
        owner: UserId,
        kind: UploadKind,
        (field, file): (&str, Vec<u8>),
    ) -> Result<Picture> {
        let format = format_of(&file).ok_or_else(|| {
            Error::new(Code::UnsupportedMediaType).and_field(field, ONLY_PICTURES, "")
        })?;
        // The header is enough to refuse most of what is hostile; it needs no turn.
        look(&file, format).map_err(|problem| problem.into_error(field))?;
        let turn = timeout(PATIENCE, self.turn(owner)).await.ok().ok_or(Code::Busy)??;
        let work = tokio::task::spawn_blocking(move || {
            let made = remake(&file, format, kind.side_max());
            drop(turn);
            made
        });
        // A thread cannot be stopped: it keeps its permit until it is done, and the sender is told no.
        match timeout(BUDGET, work).await {
            Ok(made) => made.map_err(Error::internal)?.map_err(|problem| problem.into_error(field)),
            Err(_) => Err(Error::field(field, TOO_MANY_PIXELS)),
        }
    }

    /// Waits for a person's turn, first among their own pictures: whoever sends many waits for themselves and leaves the
    /// rest of the pool to others.
    async fn turn(&self, person: UserId) -> Result<Turn> {
        let own = self.own_turn(person).acquire_owned().await.map_err(Error::internal)?;
        let place = Arc::clone(&self.permits).acquire_owned().await.map_err(Error::internal)?;
        Ok(Turn([own, place]))
    }

    fn own_turn(&self, person: UserId) -> Arc<Semaphore> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(&person).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::new(Semaphore::new(1));
        turns.insert(person, Arc::downgrade(&turn));
        turn
    }
}

/// Why a file is refused.
enum Problem {
    Damaged(String),
    TooLarge,
}

impl Problem {
    fn into_error(self, field: &str) -> Error {
        match self {
            Self::Damaged(reason) => {
                tracing::debug!(target: "uploads", reason, "a picture was refused");
                Error::field(field, NOT_A_PICTURE)
            }
            Self::TooLarge => Error::field(field, TOO_MANY_PIXELS),
        }
    }
}

impl From<image::ImageError> for Problem {
    fn from(error: image::ImageError) -> Self {
        if matches!(error, image::ImageError::Limits(_)) {
            Self::TooLarge
        } else {
            Self::Damaged(error.to_string())
        }
    }
}

/// What the first bytes say; nothing for what is not taken.
fn format_of(file: &[u8]) -> Option<ImageFormat> {
    if file.starts_with(&[0xff, 0xd8, 0xff]) {
        Some(ImageFormat::Jpeg)
    } else if file.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(ImageFormat::Png)
    } else if file.starts_with(b"RIFF") && file.get(8..12) == Some(b"WEBP") {
        Some(ImageFormat::WebP)
    } else {
        None
    }
}

fn reader(file: &[u8], format: ImageFormat) -> ImageReader<Cursor<&[u8]>> {
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(MEMORY_MAX);
    reader.limits(limits);
    reader
}

/// Reads the header and judges the size.
fn look(file: &[u8], format: ImageFormat) -> std::result::Result<(), Problem> {
    if format == ImageFormat::Jpeg && !ends(file) {
        return Err(Problem::Damaged("a JPEG without its end".to_owned()));
    }
    let (width, height) = reader(file, format).into_dimensions()?;
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > SIDE_MAX || pixels > PIXELS_MAX {
        return Err(Problem::TooLarge);
    }
    if pixels == 0 { Err(Problem::Damaged("no pixels".to_owned())) } else { Ok(()) }
}

/// Whether a JPEG's last scan is followed by the marker of the end: decoders make up what is missing, in grey.
fn ends(file: &[u8]) -> bool {
    let last = |marker: [u8; 2]| file.windows(2).rposition(|bytes| bytes == marker);
    let (scan, end) = (last([0xff, 0xda]), last([0xff, 0xd9]));
    scan.is_some() && end > scan
}

/// Decodes a file, turns it upright, fits it, and encodes what is left: pixels.
fn remake(
    file: &[u8],
    format: ImageFormat,
    side_max: u32,
) -> std::result::Result<Picture, Problem> {
    let mut decoder = reader(file, format).into_decoder()?;
    let turn = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    if picture.width().max(picture.height()) > side_max {
        picture = picture.resize(side_max, side_max, FilterType::Triangle);
    }
    picture.apply_orientation(turn);
    let (width, height) = (picture.width(), picture.height());
    let mut bytes = Vec::new();
    let is_transparent = picture.color().has_alpha();
    let content_type = if format == ImageFormat::Png || is_transparent {
        let plain = if is_transparent {
            DynamicImage::ImageRgba8(picture.into_rgba8())
        } else {
            DynamicImage::ImageRgb8(picture.into_rgb8())
        };
        plain.write_with_encoder(PngEncoder::new(&mut bytes))?;
        ImageFormat::Png.to_mime_type()
    } else {
        let plain = DynamicImage::ImageRgb8(picture.into_rgb8());
        plain.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY))?;
        ImageFormat::Jpeg.to_mime_type()
    };
    Ok(Picture { bytes, content_type, width, height })
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn a_picture_is_known_by_its_first_bytes() {
        for (file, format) in [
            (b"\xff\xd8\xff\xe0rest".as_slice(), Some(ImageFormat::Jpeg)),
            (b"\x89PNG\r\n\x1a\nrest", Some(ImageFormat::Png)),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some(ImageFormat::WebP)),
            (b"RIFF\0\0\0\0WAVEfmt ", None),
            (b"GIF89a", None),
            (b"<svg xmlns=", None),
            (b"<!doctype html>", None),
            (b"MZ\x90", None),
            (b"%PDF-1.7", None),
            (b"\0\0\0\x18ftypheic", None),
            (b"PK\x03\x04", None),
            (b"\xff\xd8", None),
            (b"", None),
        ] {
            assert_eq!(format_of(file), format, "{file:?}");
        }
    }

    #[test]
    fn a_person_has_one_turn_at_a_time_and_leaves_the_other_place_to_others() {
        let images = Images::new();
        let (one, other) = (UserId::new(), UserId::new());
        let first = images.turn(one).now_or_never().expect("free").expect("open");
        // Two more of theirs wait, for themselves and not in the pool's queue.
        let (mut second, mut third) = (Box::pin(images.turn(one)), Box::pin(images.turn(one)));
        assert!(second.as_mut().now_or_never().is_none());
        assert!(third.as_mut().now_or_never().is_none());
        let theirs = images.turn(other).now_or_never().expect("a place is free").expect("open");
        drop(first);
        let second = second.now_or_never().expect("their turn").expect("open");
        assert!(third.as_mut().now_or_never().is_none());
        drop((second, theirs));
        drop(third.now_or_never().expect("their turn").expect("open"));
        assert!(images.turn(other).now_or_never().is_some());
        let kept = images.turns.lock().unwrap_or_else(PoisonError::into_inner).len();
        assert_eq!(kept, 1, "nobody is remembered who has no picture here");
    }

    #[test]
    fn a_jpeg_ends_after_its_last_scan() {
        let thumbnail = b"\xff\xd8\xff\xda..\xff\xd9".as_slice();
        let whole = [b"\xff\xd8\xff\xe1", thumbnail, b"\xff\xda....\xff\xd9"].concat();
        assert!(ends(&whole));
        assert!(ends(&[&whole, b"and something behind it".as_slice()].concat()));
        assert!(
            !ends(whole.strip_suffix(b"\xff\xd9").unwrap_or_default()),
            "only its thumbnail ends"
        );
        assert!(!ends(b"\xff\xd8\xff\xd9"), "no scan at all");
    }
}
