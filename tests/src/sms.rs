//! Reading the messages that the platform wrote to a folder.

use std::path::Path;

use serde_json::Value;

/// Every message to a number, in the order they were asked for.
pub fn messages_to(dir: &Path, number: &str) -> Vec<Value> {
    let Ok(files) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut messages: Vec<Value> = files
        .flatten()
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "json"))
        .map(|file| std::fs::read_to_string(file.path()).expect("a whole file"))
        .map(|text| serde_json::from_str(&text).expect("JSON"))
        .filter(|message: &Value| message["to"] == number)
        .collect();
    // The reference is the code's id, and such ids are in the order of their making.
    messages.sort_by_key(|message| message["reference"].as_str().map(str::to_owned));
    messages
}

/// The code of the newest message to a number.
pub fn code_to(dir: &Path, number: &str) -> Option<String> {
    messages_to(dir, number).pop().map(|message| code_in(message["text"].as_str().expect("a text")))
}

/// The six digits of a message.
pub fn code_in(text: &str) -> String {
    let mut words = text.split(|character: char| !character.is_ascii_digit());
    words.find(|word| word.len() == 6).unwrap_or_else(|| panic!("a code is in {text}")).to_owned()
}
