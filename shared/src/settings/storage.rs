//! Where uploads lie: a folder of this machine, or a bucket.

use std::path::PathBuf;

use super::vars::{Secret, Vars};
use super::{AppEnv, SettingsError};

/// Where uploads lie.
#[derive(Clone, Debug)]
pub enum StorageSettings {
    /// `MEDIA_DIR` (`.local/media`): a folder that the API serves under `/media/`; never in production, where the API has
    /// several hosts and files another origin.
    Folder(PathBuf),
    /// A bucket of S3, or of what speaks like it.
    Bucket(BucketSettings),
}

/// A bucket of S3, or of what speaks like it.
#[derive(Clone, Debug)]
pub struct BucketSettings {
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: Secret,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: Secret,
    /// `AWS_STORAGE_BUCKET_NAME`.
    pub name: String,
    /// `AWS_S3_REGION_NAME` (ap-southeast-1).
    pub region: String,
    /// `AWS_S3_ENDPOINT_URL`: of a provider that is not Amazon.
    pub endpoint: Option<String>,
    /// How the world reaches its objects: `AWS_S3_CUSTOM_DOMAIN`, or the bucket's own address.
    pub public_url: String,
}

pub(super) fn storage(vars: &Vars) -> Result<StorageSettings, SettingsError> {
    let folder = vars.get("MEDIA_DIR").map(PathBuf::from);
    match (vars.get("AWS_STORAGE_BUCKET_NAME"), folder, vars.env) {
        (Some(_), Some(_), _) => {
            Err(SettingsError::new("MEDIA_DIR", "and AWS_STORAGE_BUCKET_NAME exclude each other"))
        }
        (Some(name), None, _) => bucket(vars, name).map(StorageSettings::Bucket),
        (None, _, AppEnv::Production) => {
            Err(SettingsError::new("AWS_STORAGE_BUCKET_NAME", "must be set in production"))
        }
        (None, folder, AppEnv::Development | AppEnv::Test) => {
            Ok(StorageSettings::Folder(folder.unwrap_or_else(|| PathBuf::from(".local/media"))))
        }
    }
}

fn bucket(vars: &Vars, name: &str) -> Result<BucketSettings, SettingsError> {
    let needed = |variable: &'static str| {
        let value = vars.get(variable).filter(|value| !value.starts_with("your-"));
        value
            .map(Secret::new)
            .ok_or_else(|| SettingsError::new(variable, "must be set where a bucket is named"))
    };
    let region = vars.text("AWS_S3_REGION_NAME", "ap-southeast-1");
    let endpoint = endpoint(vars)?;
    let public_url = match (vars.get("AWS_S3_CUSTOM_DOMAIN"), &endpoint) {
        (Some(domain), _) if domain.contains('/') => {
            return Err(SettingsError::new(
                "AWS_S3_CUSTOM_DOMAIN",
                "must be a host and nothing else",
            ));
        }
        (Some(domain), _) => format!("https://{domain}"),
        (None, Some(endpoint)) => format!("{endpoint}/{name}"),
        (None, None) => format!("https://{name}.s3.{region}.amazonaws.com"),
    };
    Ok(BucketSettings {
        access_key_id: needed("AWS_ACCESS_KEY_ID")?,
        secret_access_key: needed("AWS_SECRET_ACCESS_KEY")?,
        name: name.to_owned(),
        region,
        endpoint,
        public_url,
    })
}

/// People's files travel there, so production speaks TLS to it.
fn endpoint(vars: &Vars) -> Result<Option<String>, SettingsError> {
    let Some(url) = vars.get("AWS_S3_ENDPOINT_URL") else { return Ok(None) };
    let plain = url.starts_with("http://") && vars.env != AppEnv::Production;
    if plain || url.starts_with("https://") {
        Ok(Some(url.trim_end_matches('/').to_owned()))
    } else {
        Err(SettingsError::new("AWS_S3_ENDPOINT_URL", "must be an https:// address"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read(env: &str, values: &[(&str, &str)]) -> Result<StorageSettings, String> {
        let values = [("APP_ENV", env)].into_iter().chain(values.iter().copied());
        let values: HashMap<_, _> =
            values.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        storage(&Vars::new(values).expect("an environment")).map_err(|error| error.to_string())
    }

    const BUCKET: [(&str, &str); 3] = [
        ("AWS_STORAGE_BUCKET_NAME", "wibestore-media"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];

    #[test]
    fn production_names_a_bucket_and_development_has_a_folder() {
        assert!(matches!(read("development", &[]), Ok(StorageSettings::Folder(_))));
        assert!(read("production", &[]).is_err());
        assert!(read("production", &[("MEDIA_DIR", "/media")]).is_err());
        assert!(matches!(read("production", &BUCKET), Ok(StorageSettings::Bucket(_))));
        let both = [BUCKET.as_slice(), &[("MEDIA_DIR", "/media")]].concat();
        assert!(read("development", &both).is_err(), "which of them?");
        assert!(read("test", BUCKET.get(..2).unwrap_or_default()).is_err(), "a secret is missing");
        let sample =
            [BUCKET.get(..2).unwrap_or_default(), &[("AWS_SECRET_ACCESS_KEY", "your-secret")]];
        assert!(read("production", &sample.concat()).is_err());
    }

    #[test]
    fn objects_are_reached_by_the_bucket_the_endpoint_or_a_domain_of_ours() {
        let url = |more: &[(&str, &str)]| {
            let settings = [BUCKET.as_slice(), more].concat();
            match read("development", &settings) {
                Ok(StorageSettings::Bucket(bucket)) => bucket.public_url,
                Ok(StorageSettings::Folder(_)) => "a folder".to_owned(),
                Err(problem) => problem,
            }
        };
        assert_eq!(url(&[]), "https://wibestore-media.s3.ap-southeast-1.amazonaws.com");
        let endpoint = ("AWS_S3_ENDPOINT_URL", "http://127.0.0.1:9000/");
        assert_eq!(url(&[endpoint]), "http://127.0.0.1:9000/wibestore-media");
        assert_eq!(url(&[endpoint, ("AWS_S3_CUSTOM_DOMAIN", "cdn.uz")]), "https://cdn.uz");
        let in_the_clear = [BUCKET.as_slice(), &[endpoint]].concat();
        assert!(read("production", &in_the_clear).is_err());
    }
}
