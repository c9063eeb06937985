//! The migrations are embedded when this crate is built: a new one builds it again.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
