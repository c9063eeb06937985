//! A certificate authority of a test's own, and a server that it vouches for.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// Vouches for `localhost`.
pub struct Authority {
    folder: PathBuf,
    acceptor: TlsAcceptor,
}

impl Authority {
    /// Makes the authority, its certificate on disk, and the server's.
    pub fn new() -> Self {
        let mut authority = CertificateParams::new(Vec::<String>::new()).expect("parameters");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority_key = KeyPair::generate().expect("a key");
        let root = authority.self_signed(&authority_key).expect("signs itself");
        let key = KeyPair::generate().expect("a key");
        let server = CertificateParams::new(["localhost".to_owned()]).expect("parameters");
        let server = server
            .signed_by(&key, &Issuer::new(authority, authority_key))
            .expect("signs the server's certificate");
        let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a private key");
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![server.der().clone()], private)
            .expect("a server's configuration");
        let folder = std::env::temp_dir().join(format!("wibe-test-ca-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("root.pem"), root.pem()).expect("writes");
        Self { folder, acceptor: TlsAcceptor::from(Arc::new(config)) }
    }

    /// The file that a process trusts when `SSL_CERT_FILE` names it.
    pub fn certificate(&self) -> String {
        self.folder.join("root.pem").to_str().expect("a UTF-8 path").to_owned()
    }

    /// Turns a connection to TLS, as `localhost`.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
