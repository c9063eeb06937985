//! Reading the mails that the platform wrote to a folder.

use std::path::Path;

/// Every mail to an address, decoded far enough to read its links.
pub fn mails_to(dir: &Path, address: &str) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut mails: Vec<_> = files
        .flatten()
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "eml"))
        .filter_map(|file| {
            Some((
                file.metadata().ok()?.modified().ok()?,
                std::fs::read_to_string(file.path()).ok()?,
            ))
        })
        .filter(|(_, mail)| {
            mail.to_ascii_lowercase().contains(&format!("to: {address}").to_ascii_lowercase())
        })
        .collect();
    mails.sort_by_key(|(written, _)| *written);
    mails.into_iter().map(|(_, mail)| mail.replace("=\r\n", "").replace("=3D", "=")).collect()
}

/// The token of the newest verification mail to an address.
pub fn verification_token(dir: &Path, address: &str) -> Option<String> {
    let mail = mails_to(dir, address).pop()?;
    let (_, after) = mail.split_once("token=")?;
    let end = after.find(|character: char| {
        !character.is_ascii_alphanumeric() && character != '_' && character != '-'
    })?;
    Some(after[..end].to_owned())
}

/// Person and token of the newest link to choose a new password that was mailed to an address.
pub fn reset_link(dir: &Path, address: &str) -> Option<(String, String)> {
    let mails = mails_to(dir, address);
    let link = mails.iter().rev().find_map(|mail| mail.split_once("/reset-password?uid="));
    let (id, after) = link?.1.split_once("&token=")?;
    let word = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    let token = after.chars().take_while(|character| word(*character)).collect();
    Some((id.to_owned(), token))
}
