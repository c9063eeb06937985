//! Stub.
/// Stub.
pub(crate) async fn measure(_conn: &mut crate::Conn) -> crate::error::Result<()> { Ok(()) }
