use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::timeout;
use tonic::{
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint},
};

#[cfg(feature = "testing")]
use crate::transport::InProcess;
use crate::{
    Error,
    address::Address,
    security::{Credentials, Security},
    transport::{self, OneConnection, Pipe, Tracked},
    v1::release_event_service_client::ReleaseEventServiceClient,
};

/// One message of the gateway holds at most a page of events.
pub(crate) const LARGEST_MESSAGE: usize = 64 << 20;
// The gateway speaks every 15 s on an idle stream, so twice that in silence looks dead; streams
// find that out by themselves, look-ups by this.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What a client and all that it started share: how to reach the gateway, and the connection there
/// is.
///
/// A connection serves until it is lost, or somebody who uses it finds it dead or told to go; the
/// next is made when it is needed, with the files of certificates as they are then. Streams that are
/// open live on where they are.
pub(crate) struct Connection {
    pub(crate) options: ConnectionOptions,
    to: Destination,
    live: Mutex<Option<Arc<Live>>>,
    // Held by whoever makes a connection, so that others wait for it instead of making their own.
    making: tokio::sync::Mutex<Option<Credentials>>,
    token: Mutex<Option<String>>,
}

/// How to stay connected.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionOptions {
    pub(crate) security: Security,
    pub(crate) lookup_timeout: Duration,
    pub(crate) backoff_initial: Duration,
    pub(crate) backoff_maximum: Duration,
    pub(crate) rotation_patience: Duration,
}

/// Where connections lead.
#[derive(Clone, Debug)]
pub(crate) enum Destination {
    Network(Address),
    #[cfg(feature = "testing")]
    InProcess(InProcess),
}

/// One connection.
pub(crate) struct Live {
    pub(crate) channel: Channel,
    closed: Arc<AtomicBool>,
}

impl Live {
    pub(crate) fn events(&self) -> ReleaseEventServiceClient<Channel> {
        ReleaseEventServiceClient::new(self.channel.clone())
            .max_decoding_message_size(LARGEST_MESSAGE)
    }
}

impl Connection {
    /// Reads no file and sends nothing. Errors: `Configuration`.
    pub(crate) fn new(to: Destination, options: ConnectionOptions) -> Result<Self, Error> {
        match &to {
            Destination::Network(address) => check(address, &options.security)?,
            #[cfg(feature = "testing")]
            Destination::InProcess(_) => {}
        }
        Ok(Self {
            options,
            to,
            live: Mutex::default(),
            making: tokio::sync::Mutex::default(),
            token: Mutex::default(),
        })
    }

    /// The connection there is, or a new one.
    pub(crate) async fn live(&self) -> Result<Arc<Live>, Error> {
        if let Some(live) = self.known() {
            return Ok(live);
        }
        let mut credentials = self.making.lock().await;
        // Somebody else may have been faster.
        if let Some(live) = self.known() {
            return Ok(live);
        }
        let made = timeout(CONNECT_TIMEOUT, self.make(&mut credentials)).await;
        let live = Arc::new(made.map_err(|_| {
            Error::connection(format!("no connection within {CONNECT_TIMEOUT:?}"))
        })??);
        *lock(&self.live) = Some(live.clone());
        Ok(live)
    }

    fn known(&self) -> Option<Arc<Live>> {
        let live = lock(&self.live);
        live.clone().filter(|live| !live.closed.load(Ordering::Acquire))
    }

    /// Whoever comes next gets another connection than this one.
    pub(crate) fn give_up(&self, live: &Arc<Live>) {
        let mut known = lock(&self.live);
        if known.as_ref().is_some_and(|known| Arc::ptr_eq(known, live)) {
            *known = None;
        }
    }

    async fn make(&self, credentials: &mut Option<Credentials>) -> Result<Live, Error> {
        let (pipe, origin): (Box<dyn Pipe>, String) = match &self.to {
            Destination::Network(address) => {
                let pipe = self.dial(address, credentials).await?;
                (pipe, format!("http://{}", address.authority()))
            }
            #[cfg(feature = "testing")]
            Destination::InProcess(connect) => {
                let lost = |error| Error::connection_lost("cannot connect", error);
                (Box::new((connect.0)().map_err(lost)?), "http://localhost".to_owned())
            }
        };
        let closed = Arc::new(AtomicBool::new(false));
        let connector = OneConnection::new(Tracked::new(pipe, closed.clone()));
        let lost = |error| Error::connection_lost("cannot connect", error);
        let endpoint = Endpoint::from_shared(origin).map_err(lost)?;
        let endpoint = endpoint
            .user_agent(concat!("onhook-rust/", env!("CARGO_PKG_VERSION")))
            .map_err(lost)?
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT);
        let channel = endpoint.connect_with_connector(connector).await.map_err(lost)?;
        Ok(Live { channel, closed })
    }

    async fn dial(
        &self,
        address: &Address,
        credentials: &mut Option<Credentials>,
    ) -> Result<Box<dyn Pipe>, Error> {
        let security = &self.options.security;
        if security.wants_tls() {
            let (security, known) = (security.clone(), credentials.take());
            let read = tokio::task::spawn_blocking(move || security.credentials(known));
            let failed = |error| Error::connection_lost("cannot read the certificates", error);
            *credentials = Some(read.await.map_err(failed)??);
        }
        transport::dial(address, security, credentials.as_ref()).await
    }

    /// Adds the token, read again, to a request.
    pub(crate) fn authorize<T>(&self, message: T) -> Result<tonic::Request<T>, Error> {
        let mut request = tonic::Request::new(message);
        if let Some(value) = self.authorization()? {
            request.metadata_mut().insert("authorization", value);
        }
        Ok(request)
    }

    fn authorization(&self) -> Result<Option<MetadataValue<Ascii>>, Error> {
        let mut known = lock(&self.token);
        match self.options.security.token() {
            Ok(token) => *known = token,
            // A file that is being replaced leaves in use what was read before.
            Err(error) if known.is_none() => return Err(error),
            Err(_) => {}
        }
        let Some(token) = known.as_ref() else {
            return Ok(None);
        };
        let value = format!("Bearer {token}").parse();
        value.map(Some).map_err(|_| Error::configuration("TOKEN_FILE", "the token is no ASCII"))
    }

    /// Adds to an error what only the client knows.
    pub(crate) fn explain(&self, error: Error) -> Error {
        match error {
            Error::Gateway(mut status) if status.code == tonic::Code::Unauthenticated => {
                let shown = self.options.security.shown();
                status.metadata.insert("shown".to_owned(), shown);
                Error::Gateway(status)
            }
            other => other,
        }
    }
}

fn check(address: &Address, security: &Security) -> Result<(), Error> {
    if security.wants_tls() && matches!(address, Address::Unix(_)) {
        let words = "over a Unix-domain socket the gateway speaks no TLS";
        return Err(Error::configuration("TLS_OVER_UNIX_SOCKET", words));
    }
    let in_cleartext = !security.wants_tls() && !security.allow_cleartext_token;
    if security.token_file.is_some() && in_cleartext && !address.is_local() {
        let to = address.authority();
        let words = "in clear text, where everybody on the way can read and use it";
        let words = format!("the token would go to {to} {words}");
        return Err(Error::configuration("CLEARTEXT_TOKEN", words));
    }
    Ok(())
}

/// Adds the client's token, read again for each call, to the calls of generated stubs.
#[derive(Clone)]
pub struct Authorization(pub(crate) Arc<Connection>);

impl tonic::service::Interceptor for Authorization {
    fn call(
        &mut self,
        mut request: tonic::Request<()>,
    ) -> Result<tonic::Request<()>, tonic::Status> {
        let refused = |error: Error| tonic::Status::failed_precondition(error.to_string());
        if let Some(value) = self.0.authorization().map_err(refused)? {
            request.metadata_mut().insert("authorization", value);
        }
        Ok(request)
    }
}

impl std::fmt::Debug for Authorization {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Authorization").finish_non_exhaustive()
    }
}

/// What a panic left locked is still whole: nothing here is changed in more than one step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
