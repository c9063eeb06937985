//! What people entrust to us at rest, game-account credentials and card numbers, each under a key of its own: one random
//! data key per row, wrapped by the platform's key, every field sealed with XChaCha20-Poly1305 and bound to its row and
//! column, so that a ciphertext moved elsewhere does not open.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, AeadCore as _, KeyInit as _, OsRng, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::settings::{Secret, SecuritySettings};

const NONCE: usize = 24;

/// The platform's key, and what it opens.
pub struct Vault {
    key_id: String,
    cipher: XChaCha20Poly1305,
    prints: Hmac<Sha256>,
}

/// The sealed fields of one row.
pub struct Sealed {
    /// Which platform key wraps the data key.
    pub key_id: String,
    /// The wrapped data key.
    pub data_key: Vec<u8>,
    /// The sealed fields, in the order they were given.
    pub fields: Vec<Vec<u8>>,
}

impl Vault {
    /// The vault of game-account credentials.
    pub(crate) fn new(settings: &SecuritySettings) -> Result<Self> {
        Self::locked_by("CREDENTIALS_KEY", &settings.credentials_key, &settings.credentials_key_id)
    }

    /// The vault of card numbers.
    pub(crate) fn for_cards(settings: &SecuritySettings) -> Result<Self> {
        Self::locked_by("CARDS_KEY", &settings.cards_key, &settings.cards_key_id)
    }

    fn locked_by(variable: &str, key: &Secret, key_id: &str) -> Result<Self> {
        let key = STANDARD.decode(key.expose()).map(Zeroizing::new);
        let key = key
            .ok()
            .filter(|key| key.len() == 32)
            .ok_or_else(|| Error::internal(format!("{variable} must be 32 bytes in base64")))?;
        let mut derived =
            <Hmac<Sha256> as hmac::Mac>::new_from_slice(&key).map_err(Error::internal)?;
        derived.update(b"fingerprint:v1");
        let print_key = Zeroizing::new(derived.finalize().into_bytes().to_vec());
        Ok(Self {
            key_id: key_id.to_owned(),
            cipher: XChaCha20Poly1305::new(Key::from_slice(&key)),
            prints: <Hmac<Sha256> as hmac::Mac>::new_from_slice(&print_key)
                .map_err(Error::internal)?,
        })
    }

    /// Tells whether two texts are the same without telling what they are: 32 bytes that nobody can make, or guess at,
    /// without the key.
    #[must_use]
    pub fn fingerprint(&self, text: &str) -> Vec<u8> {
        let mut print = self.prints.clone();
        print.update(text.as_bytes());
        print.finalize().into_bytes().to_vec()
    }

    /// Seals the fields of one row, such as `listing:<id>`, under a new data key.
    ///
    /// # Errors
    /// When sealing fails.
    pub fn seal(&self, row: &str, fields: &[(&str, &str)]) -> Result<Sealed> {
        let data_key = XChaCha20Poly1305::generate_key(&mut OsRng);
        let cipher = XChaCha20Poly1305::new(&data_key);
        let sealed = fields
            .iter()
            .map(|(name, text)| seal(&cipher, &binding(row, name), text.as_bytes()))
            .collect::<Result<_>>()?;
        let wrapped = seal(&self.cipher, &binding(row, "data_key"), &data_key)?;
        Ok(Sealed { key_id: self.key_id.clone(), data_key: wrapped, fields: sealed })
    }

    /// Opens fields of one row, in the order they are given.
    ///
    /// # Errors
    /// `INTERNAL_ERROR` when a field was changed, moved, or sealed under a key that is not here.
    pub fn open(
        &self,
        row: &str,
        key_id: &str,
        data_key: &[u8],
        fields: &[(&str, &[u8])],
    ) -> Result<Vec<Zeroizing<String>>> {
        if key_id != self.key_id {
            return Err(Error::internal(format!(
                "the fields of {row} are sealed under the unknown key {key_id}"
            )));
        }
        let data_key = Zeroizing::new(open(&self.cipher, &binding(row, "data_key"), data_key)?);
        let cipher = XChaCha20Poly1305::new_from_slice(&data_key)
            .map_err(|error| Error::internal(error.to_string()))?;
        fields
            .iter()
            .map(|(name, sealed)| {
                let plain = open(&cipher, &binding(row, name), sealed)?;
                String::from_utf8(plain).map(Zeroizing::new).map_err(Error::internal)
            })
            .collect()
    }
}

fn binding(row: &str, field: &str) -> String {
    format!("{row}:{field}:v1")
}

fn seal(cipher: &XChaCha20Poly1305, binding: &str, plain: &[u8]) -> Result<Vec<u8>> {
    let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
    let sealed = cipher
        .encrypt(&nonce, Payload { msg: plain, aad: binding.as_bytes() })
        .map_err(|error| Error::internal(error.to_string()))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn open(cipher: &XChaCha20Poly1305, binding: &str, sealed: &[u8]) -> Result<Vec<u8>> {
    let broken = || Error::internal(format!("the sealed field {binding} does not open"));
    let (nonce, sealed) = sealed.split_at_checked(NONCE).ok_or_else(broken)?;
    cipher
        .decrypt(XNonce::from_slice(nonce), Payload { msg: sealed, aad: binding.as_bytes() })
        .ok()
        .ok_or_else(broken)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::settings::Settings;

    #[test]
    fn a_sealed_field_opens_only_in_its_row_and_column() {
        let vault = Vault::new(
            &Settings::from_vars(HashMap::new()).expect("development defaults").security,
        )
        .expect("a key");
        let sealed =
            vault.seal("listing:1", &[("email", "a@b.uz"), ("password", "p4ss")]).expect("seals");
        let [email, password] = sealed.fields.as_slice() else { unreachable!("two fields") };
        assert!(!password.windows(4).any(|window| window == b"p4ss"));
        let open = |row: &str, name: &str, field: &[u8]| {
            vault.open(row, &sealed.key_id, &sealed.data_key, &[(name, field)])
        };
        assert_eq!(
            open("listing:1", "password", password).expect("opens").first().expect("one").as_str(),
            "p4ss"
        );
        assert!(open("listing:1", "email", password).is_err(), "another column");
        assert!(open("listing:2", "password", password).is_err(), "another row");
        assert!(open("listing:1", "password", email).is_err(), "swapped");
    }

    #[test]
    fn fingerprints_are_equal_for_equal_texts_under_one_key_only() {
        let security = Settings::from_vars(HashMap::new()).expect("development defaults").security;
        let (cards, other) =
            (Vault::for_cards(&security).expect("a key"), Vault::new(&security).expect("a key"));
        let print = cards.fingerprint("8600533364098829");
        assert_eq!(print, cards.fingerprint("8600533364098829"));
        assert_eq!(print.len(), 32);
        assert_ne!(print, cards.fingerprint("8600533364098828"));
        assert_ne!(print, other.fingerprint("8600533364098829"));
    }
}
