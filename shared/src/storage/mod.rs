//! Where files lie: a folder in development, which the API serves itself; a bucket in production, under another origin.
//!
//! Files are written before the transaction that refers to them and removed by a job after it: nothing here is ever called
//! inside one.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, ClientOptions, Error as StoreError, ObjectStore, ObjectStoreExt as _,
    PutOptions, PutPayload, RetryConfig,
};
use tokio::time::timeout;

use crate::error::{Error, Result};
use crate::settings::{BucketSettings, StorageSettings};

/// One file takes at most this long, repetitions included.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Connecting to the bucket takes at most this long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A call to the bucket is repeated this often.
const RETRIES: usize = 2;
/// A name is never used for another file, so whoever has one may keep it for ever.
pub const CACHE_FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Shown where a page embeds it; whoever opens it gets a file, not a page of our origin.
pub const AS_A_FILE: &str = "attachment";

/// The files of the platform.
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    base_url: String,
    is_folder: bool,
}

impl Storage {
    /// Prepares the folder or the bucket that the settings name; connects to nothing yet.
    ///
    /// # Errors
    /// A folder that cannot be made, or settings that name no bucket.
    pub fn new(settings: &StorageSettings, public_url: &str) -> Result<Self> {
        match settings {
            StorageSettings::Folder(folder) => {
                std::fs::create_dir_all(folder).map_err(Error::internal)?;
                let store = LocalFileSystem::new_with_prefix(folder).map_err(Error::internal)?;
                let base_url = format!("{public_url}/media");
                Ok(Self { store: Arc::new(store), base_url, is_folder: true })
            }
            StorageSettings::Bucket(bucket) => {
                let base_url = bucket.public_url.clone();
                Ok(Self { store: Arc::new(connect(bucket)?), base_url, is_folder: false })
            }
        }
    }

    /// Whether the API serves the files itself.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        self.is_folder
    }

    /// The absolute URL of a file.
    #[must_use]
    pub fn url(&self, key: &str) -> String {
        format!("{}/{key}", self.base_url)
    }

    /// The key in a URL of ours; none for any other.
    #[must_use]
    pub fn key_of<'u>(&self, url: &'u str) -> Option<&'u str> {
        url.strip_prefix(&self.base_url)?.strip_prefix('/')
    }

    /// Writes a file: all of it, or nothing.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE`.
    pub async fn put(&self, key: &str, content_type: &'static str, bytes: Vec<u8>) -> Result<()> {
        let path = path(key)?;
        // A folder keeps no headers; the API adds them where it serves it.
        let attributes = if self.is_folder { Attributes::new() } else { headers(content_type) };
        let put = self.store.put_opts(
            &path,
            PutPayload::from(bytes),
            PutOptions { attributes, ..PutOptions::default() },
        );
        within(put).await?.map_err(Error::unavailable)?;
        Ok(())
    }

    /// Reads a file; none when there is none.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE`.
    pub async fn read(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let path = path(key)?;
        let read = async { self.store.get(&path).await?.bytes().await };
        match within(read).await? {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::unavailable(error)),
        }
    }

    /// Removes a file; one that is not there is removed.
    ///
    /// # Errors
    /// `SERVICE_UNAVAILABLE`.
    pub async fn remove(&self, key: &str) -> Result<()> {
        match within(self.store.delete(&path(key)?)).await? {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(Error::unavailable(error)),
        }
    }
}

fn connect(bucket: &BucketSettings) -> Result<impl ObjectStore> {
    let client = ClientOptions::new().with_timeout(TIMEOUT).with_connect_timeout(CONNECT_TIMEOUT);
    let retry =
        RetryConfig { max_retries: RETRIES, retry_timeout: TIMEOUT, ..RetryConfig::default() };
    let builder = AmazonS3Builder::new()
        .with_bucket_name(&bucket.name)
        .with_region(&bucket.region)
        .with_access_key_id(bucket.access_key_id.expose())
        .with_secret_access_key(bucket.secret_access_key.expose())
        .with_client_options(client)
        // One file is removed at a time, and not everything that speaks S3 knows the other way.
        .with_disable_bulk_delete(true)
        .with_retry(retry);
    let builder = match &bucket.endpoint {
        Some(endpoint) => {
            builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"))
        }
        None => builder.with_virtual_hosted_style_request(true),
    };
    builder.build().map_err(Error::internal)
}

/// What the bucket says with the file.
fn headers(content_type: &'static str) -> Attributes {
    Attributes::from_iter([
        (Attribute::ContentType, content_type),
        (Attribute::CacheControl, CACHE_FOR_EVER),
        (Attribute::ContentDisposition, AS_A_FILE),
    ])
}

fn path(key: &str) -> Result<Path> {
    Path::parse(key).map_err(Error::internal)
}

async fn within<T>(work: impl Future<Output = T>) -> Result<T> {
    timeout(TIMEOUT, work).await.map_err(Error::unavailable)
}
