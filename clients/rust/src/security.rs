use std::{fs, path::Path, path::PathBuf, sync::Arc};

use tokio_rustls::rustls::{
    self, ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::Error;

// A system's authorities are a quarter of this.
const LARGEST_PEM: u64 = 1 << 20;
const LARGEST_TOKEN: u64 = 4096;

/// How a client makes sure that it speaks to its gateway, and proves who it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Security {
    pub(crate) tls: bool,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
    pub(crate) server_name: Option<String>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) allow_cleartext_token: bool,
}

/// What the files held, and what came of it.
#[derive(Clone)]
pub(crate) struct Credentials {
    files: Files,
    pub(crate) config: Arc<ClientConfig>,
}

#[derive(Clone, PartialEq)]
struct Files {
    ca: Option<Vec<u8>>,
    certificate: Option<(Vec<u8>, Vec<u8>)>,
}

impl Security {
    pub(crate) fn wants_tls(&self) -> bool {
        self.tls
            || self.ca_file.is_some()
            || self.certificate.is_some()
            || self.server_name.is_some()
    }

    /// Whether the client shows who it is.
    pub(crate) fn has_identity(&self) -> bool {
        self.certificate.is_some() || self.token_file.is_some()
    }

    /// Reads the files again. What is no good (half of a new pair, garbage, nothing) leaves in use
    /// what was read before.
    pub(crate) fn credentials(&self, known: Option<Credentials>) -> Result<Credentials, Error> {
        let read = self.read(known.as_ref());
        match (read, known) {
            (Err(_), Some(known)) => Ok(known),
            (read, _) => read,
        }
    }

    fn read(&self, known: Option<&Credentials>) -> Result<Credentials, Error> {
        let ca = self.ca_file.as_deref();
        let ca = ca.map(|path| read_file(path, LARGEST_PEM, "file of authorities", "CA_FILE"));
        let certificate = match &self.certificate {
            Some((certificate, key)) => Some((
                read_file(certificate, LARGEST_PEM, "certificate", "CERTIFICATE_FILE")?,
                read_file(key, LARGEST_PEM, "key", "KEY_FILE")?,
            )),
            None => None,
        };
        let ca = ca.transpose()?;
        let files = Files { ca, certificate };
        // Without a file, the system's authorities may have changed.
        if let Some(known) = known.filter(|known| files.ca.is_some() && known.files == files) {
            return Ok(known.clone());
        }
        let config = Arc::new(self.config(&files)?);
        Ok(Credentials { files, config })
    }

    fn config(&self, files: &Files) -> Result<ClientConfig, Error> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::configuration("TLS", error.to_string()))?
            .with_root_certificates(self.authorities(files.ca.as_deref())?);
        let mut config = match (&files.certificate, &self.certificate) {
            (Some((certificate, key)), Some((certificate_file, key_file))) => {
                let chain = certificates(certificate)
                    .ok_or_else(|| broken("certificate", certificate_file, "CERTIFICATE_FILE"))?;
                let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
                    let file = key_file.display();
                    let words = "holds no private key in PEM, or one with a passphrase";
                    Error::configuration("KEY_FILE", format!("the key {file} {words}"))
                })?;
                builder.with_client_auth_cert(chain, key).map_err(|error| {
                    let file = key_file.display();
                    let words = format!("the key {file} does not fit its certificate: {error}");
                    Error::configuration("CERTIFICATE_PAIR", words)
                })?
            }
            _ => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }

    fn authorities(&self, pem: Option<&[u8]>) -> Result<RootCertStore, Error> {
        let mut roots = RootCertStore::empty();
        let Some((pem, path)) = pem.zip(self.ca_file.as_deref()) else {
            let system = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(system.certs);
            if roots.is_empty() {
                let words = "this system has no authorities to trust";
                return Err(Error::configuration("CA_FILE", words));
            }
            return Ok(roots);
        };
        let fault = || broken("file of authorities", path, "CA_FILE");
        for certificate in certificates(pem).ok_or_else(fault)? {
            roots.add(certificate).map_err(|_| fault())?;
        }
        Ok(roots)
    }

    /// Reads the token again; `None` if there is to be none.
    pub(crate) fn token(&self) -> Result<Option<String>, Error> {
        let Some(path) = &self.token_file else {
            return Ok(None);
        };
        let content = read_file(path, LARGEST_TOKEN, "token", "TOKEN_FILE")?;
        let fault = |words: &str| {
            let path = path.display();
            Error::configuration("TOKEN_FILE", format!("the token {path} {words}"))
        };
        let text = String::from_utf8(content).map_err(|_| fault("is not ASCII"))?;
        let token = text.strip_suffix('\n').unwrap_or(&text);
        let token = token.strip_suffix('\r').unwrap_or(token);
        // It becomes a header's value: nothing in it may end that.
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(fault("is empty, or holds a space or what is not ASCII"));
        }
        Ok(Some(token.to_owned()))
    }

    /// What the client shows of itself, for people who wonder why it is refused.
    pub(crate) fn shown(&self) -> String {
        let certificate = self.certificate.as_ref();
        let certificate = certificate.map(|(file, _)| format!("certificate {}", file.display()));
        let token = self.token_file.as_ref();
        let token = token.map(|file| format!("token {}", file.display()));
        let shown: Vec<String> = certificate.into_iter().chain(token).collect();
        if shown.is_empty() {
            return "nothing".to_owned();
        }
        shown.join(" and ")
    }
}

/// The name that the gateway's certificate must be for.
pub(crate) fn server_name(name: &str) -> Result<rustls::pki_types::ServerName<'static>, Error> {
    rustls::pki_types::ServerName::try_from(name.to_owned())
        .map_err(|_| Error::configuration("SERVER_NAME", format!("'{name}' is no server's name")))
}

fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
    Some(all).filter(|all| !all.is_empty())
}

fn broken(what: &str, path: &Path, reason: &'static str) -> Error {
    let path = path.display();
    let words = "holds no certificate in PEM, or a broken one";
    Error::configuration(reason, format!("the {what} {path} {words}"))
}

fn read_file(
    path: &Path,
    largest: u64,
    what: &str,
    reason: &'static str,
) -> Result<Vec<u8>, Error> {
    let fault = |words: String| {
        Error::configuration(reason, format!("the {what} {} {words}", path.display()))
    };
    let metadata = fs::metadata(path).map_err(|error| fault(format!("cannot be read: {error}")))?;
    // A pipe would be waited for.
    if !metadata.is_file() {
        return Err(fault("is no regular file".to_owned()));
    }
    if metadata.len() > largest {
        return Err(fault(format!("is larger than {largest} bytes")));
    }
    fs::read(path).map_err(|error| fault(format!("cannot be read: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn security(token: &str) -> (Security, tempdir::TempDir) {
        let directory = tempdir::TempDir::new();
        let path = directory.path().join("token");
        fs::write(&path, token).unwrap();
        let security = Security { token_file: Some(path), ..Default::default() };
        (security, directory)
    }

    #[test]
    fn a_token_is_read_again_each_time_but_for_its_line_end() {
        let (security, directory) = security("first\r\n");
        assert_eq!(security.token().unwrap().as_deref(), Some("first"));
        fs::write(directory.path().join("token"), "second").unwrap();
        assert_eq!(security.token().unwrap().as_deref(), Some("second"));
    }

    #[test]
    fn a_token_that_could_end_its_header_is_refused() {
        for token in ["", "\n", "a b", "a\nb", "ä"] {
            let error = security(token).0.token().unwrap_err();
            assert_eq!(error.reason(), Some("TOKEN_FILE"), "{token:?}");
        }
    }

    #[test]
    fn what_the_files_lack_is_told_by_name() {
        let (mut security, directory) = security("no certificate");
        security.ca_file = Some(directory.path().join("token"));
        let reason = |security: &Security| {
            let error = security.credentials(None).err().unwrap();
            error.reason().map(str::to_owned)
        };
        assert_eq!(reason(&security).as_deref(), Some("CA_FILE"));
        security.ca_file = Some(directory.path().join("missing"));
        assert_eq!(reason(&security).as_deref(), Some("CA_FILE"));
        let missing = directory.path().join("missing");
        security.ca_file = None;
        security.certificate = Some((missing.clone(), missing));
        assert_eq!(reason(&security).as_deref(), Some("CERTIFICATE_FILE"));
    }

    /// A directory that goes with its test.
    mod tempdir {
        use std::{
            env, fs,
            path::{Path, PathBuf},
            process,
            sync::atomic::{AtomicU32, Ordering},
        };

        static NEXT: AtomicU32 = AtomicU32::new(0);

        pub(super) struct TempDir(PathBuf);

        impl TempDir {
            pub(super) fn new() -> Self {
                let number = NEXT.fetch_add(1, Ordering::Relaxed);
                let name = format!("onhook-client-{}-{number}", process::id());
                let path = env::temp_dir().join(name);
                fs::create_dir(&path).unwrap();
                Self(path)
            }

            pub(super) fn path(&self) -> &Path {
                &self.0
            }
        }

        impl Drop for TempDir {
            fn drop(&mut self) {
                let _ = fs::remove_dir_all(&self.0);
            }
        }
    }
}
