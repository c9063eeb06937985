//! Password hashing: argon2id, in a bounded blocking pool so that a crowd of log-ins starves nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// Memory in KiB, passes, lanes: OWASP's minimum for argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes and verifies passwords.
pub struct Passwords {
    argon2: Argon2<'static>,
    permits: Arc<Semaphore>,
    /// The hash of nobody's password: an unknown e-mail costs what a known one costs.
    decoy: String,
    /// Times the work of one hash was done.
    work: AtomicU64,
}

impl Passwords {
    /// Prepares the hasher.
    ///
    /// # Errors
    /// When the parameters are refused, which a test would show.
    pub fn new() -> Result<Self> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
            .map_err(|error| Error::internal(error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash_with(&argon2, "nobody's password")?;
        let permits = Arc::new(Semaphore::new(at_a_time()));
        Ok(Self { argon2, permits, decoy, work: AtomicU64::new(0) })
    }

    /// The PHC string of a password.
    ///
    /// # Errors
    /// When hashing fails.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let (argon2, password) = (self.argon2.clone(), password.to_owned());
        self.blocking(move || hash_with(&argon2, &password)).await
    }

    /// Whether the password belongs to the hash; without a hash the same work is done and the answer is no.
    ///
    /// # Errors
    /// When the stored hash cannot be read.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        let known = hash.is_some();
        let (argon2, password, hash) =
            (self.argon2.clone(), password.to_owned(), hash.unwrap_or(&self.decoy).to_owned());
        let matches = self
            .blocking(move || {
                let parsed =
                    PasswordHash::new(&hash).map_err(|error| Error::internal(error.to_string()))?;
                Ok(argon2.verify_password(password.as_bytes(), &parsed).is_ok())
            })
            .await?;
        Ok(known && matches)
    }

    /// Whether a password that has just been verified should be hashed anew: its hash was made with other parameters
    /// than today's.
    #[must_use]
    pub fn is_outdated(&self, hash: &str) -> bool {
        let Ok(parsed) = PasswordHash::new(hash) else { return true };
        let params = Params::try_from(&parsed).ok();
        let (ours, today) = (self.argon2.params(), Version::V0x13.into());
        parsed.algorithm != Algorithm::Argon2id.ident()
            || parsed.version != Some(today)
            || params.is_none_or(|made| {
                (made.m_cost(), made.t_cost(), made.p_cost())
                    != (ours.m_cost(), ours.t_cost(), ours.p_cost())
            })
    }

    /// How many times this process has done the work of one hash: tests count it.
    #[must_use]
    pub fn work(&self) -> u64 {
        self.work.load(Ordering::Relaxed)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(Error::internal)?;
        self.work.fetch_add(1, Ordering::Relaxed);
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        })
        .await
        .map_err(Error::internal)?
    }
}

/// Hashes at a time: half of the cores, so that the other half answers whoever does not sign in. The bench's part
/// `passwords` shows what a crowd of log-ins costs them.
fn at_a_time() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1))
}

fn hash_with(argon2: &Argon2<'_>, password: &str) -> Result<String> {
    let hash = argon2
        .hash_password(password.as_bytes())
        .map_err(|error| Error::internal(error.to_string()))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_of_other_parameters_is_outdated() {
        let passwords = Passwords::new().expect("parameters");
        let today = hash_with(&passwords.argon2, "tulip-7-river").expect("hashes");
        assert!(!passwords.is_outdated(&today), "{today}");
        for (old, new) in [
            ("m=19456", "m=9728"),
            ("t=2", "t=1"),
            ("p=1", "p=2"),
            ("$argon2id$", "$argon2i$"),
            ("v=19", "v=16"),
        ] {
            let other = today.replace(old, new);
            assert_ne!(other, today);
            assert!(passwords.is_outdated(&other), "{other}");
        }
        assert!(passwords.is_outdated("pbkdf2_sha256$1$x$y"), "of another scheme");
    }
}
