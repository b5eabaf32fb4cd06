use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use tonic::{service::interceptor::InterceptedService, transport::Channel};

use crate::{
    Error, Handler, ListBuilder, StoredEvent, Subscriber, SubscriptionBuilder, WatchBuilder,
    address::Address,
    connection::{Authorization, Connection, ConnectionOptions, Destination, LARGEST_MESSAGE},
    lookup,
    security::Security,
    v1::subscription_service_client::SubscriptionServiceClient,
    v1::{self, release_event_service_client::ReleaseEventServiceClient},
};

/// A channel that sends the client's token with every call.
pub type AuthorizedChannel = InterceptedService<Channel, Authorization>;

/// A connection to one gateway: receives release events by durable subscription or by watch, and
/// looks single ones up.
///
/// Cloning is cheap; clones, and all that they started, share one connection, which is made when it
/// is first needed and again whenever it is lost.
#[derive(Clone)]
pub struct Client {
    connection: Arc<Connection>,
}

impl Client {
    /// For a gateway that asks for neither TLS nor a token, as one that listens on loopback only.
    /// `server` is `HOST:PORT`, or `unix:/path` of a socket. Nothing is sent yet.
    pub fn new(server: &str) -> Result<Self, Error> {
        Self::builder(server).build()
    }

    /// For any gateway.
    pub fn builder(server: &str) -> ClientBuilder {
        ClientBuilder::new(server)
    }

    /// Makes the connection, for programs that would rather say "nobody is there" than go on trying.
    pub async fn connect(&self) -> Result<(), Error> {
        self.connection.live().await.map(drop)
    }

    /// Calls `handler` for each event of the durable subscription `name`, with default options:
    /// short for `client.subscription(name).handle(handler)`. To be called within a tokio runtime.
    ///
    /// ```no_run
    /// # use onhook_client::{Client, Received};
    /// # async fn example() -> Result<(), onhook_client::Error> {
    /// let client = Client::new("127.0.0.1:50051")?;
    /// let subscriber = client.subscribe("crm", async |received: Received| {
    ///     println!("{}", received.event().event_id());
    ///     Ok(())
    /// });
    /// subscriber.wait().await
    /// # }
    /// ```
    pub fn subscribe(&self, name: impl Into<String>, handler: impl Handler) -> Subscriber {
        self.subscription(name).handle(handler)
    }

    /// Sets up how to receive from the durable subscription `name`.
    pub fn subscription(&self, name: impl Into<String>) -> SubscriptionBuilder {
        SubscriptionBuilder::new(self.connection.clone(), name.into())
    }

    /// Sets up how to read the log in order, from a place that the caller keeps.
    pub fn watch(&self) -> WatchBuilder {
        WatchBuilder::new(self.connection.clone())
    }

    /// Looks one event up, with what became of it as far as the gateway keeps that. `None`: it is
    /// not, or no longer, kept.
    pub async fn get(&self, event_id: impl Into<String>) -> Result<Option<StoredEvent>, Error> {
        let request = v1::GetEventRequest { event_id: event_id.into() };
        let get = |mut stub: ReleaseEventServiceClient<Channel>, request| async move {
            stub.get_event(request).await
        };
        match lookup::ask(&self.connection, request, get).await {
            Ok(response) => response.stored_event.map(TryInto::try_into).transpose(),
            Err(error) if error.code() == tonic::Code::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets up which stored events to list.
    pub fn list(&self) -> ListBuilder {
        ListBuilder::new(self.connection.clone())
    }

    /// The connection as it is now, for generated stubs of other services.
    pub async fn channel(&self) -> Result<AuthorizedChannel, Error> {
        let live = self.connection.live().await?;
        let authorization = Authorization(self.connection.clone());
        Ok(InterceptedService::new(live.channel.clone(), authorization))
    }

    /// The generated stub that administers subscriptions and dead letters, on the connection as it
    /// is now: to be asked for again when a call fails for the connection's sake.
    pub async fn subscription_service(
        &self,
    ) -> Result<SubscriptionServiceClient<AuthorizedChannel>, Error> {
        let stub = SubscriptionServiceClient::new(self.channel().await?);
        Ok(stub.max_decoding_message_size(LARGEST_MESSAGE))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Client")
            .field("options", &self.connection.options)
            .finish_non_exhaustive()
    }
}

/// Sets up a [`Client`].
///
/// Files of certificates are PEM, and are read again for each connection, the token's for each call.
/// What is no good (half of a new pair, garbage, nothing) leaves in use what was read before.
#[derive(Clone, Debug)]
#[must_use = "nothing is made before `build`"]
pub struct ClientBuilder {
    // What is wrong with it is told when the client is made.
    to: Result<Destination, Error>,
    options: ConnectionOptions,
}

impl ClientBuilder {
    fn new(server: &str) -> Self {
        Self { to: Address::parse(server).map(Destination::Network), options: default_options() }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn in_process(connections: crate::transport::InProcess) -> Self {
        Self { to: Ok(Destination::InProcess(connections)), options: default_options() }
    }

    /// Speaks TLS, and trusts the authorities of this system. Each of the next three asks for TLS
    /// too.
    pub fn tls(mut self) -> Self {
        self.options.security.tls = true;
        self
    }

    /// Those who may have signed the gateway's certificate, instead of the system's authorities.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.options.security.ca_file = Some(path.into());
        self
    }

    /// This client's own certificate, then those that signed it, but for the root; and its key,
    /// without a passphrase.
    pub fn certificate(
        mut self,
        certificate_file: impl Into<PathBuf>,
        key_file: impl Into<PathBuf>,
    ) -> Self {
        self.options.security.certificate = Some((certificate_file.into(), key_file.into()));
        self
    }

    /// The name that the gateway's certificate must be for, where that is not the address's.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.options.security.server_name = Some(name.into());
        self
    }

    /// Holds a bearer token, alone but for a line end. It is sent with every call.
    pub fn token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.options.security.token_file = Some(path.into());
        self
    }

    /// Sends the token without TLS beyond this machine, where everybody on the way can read and use
    /// it.
    pub fn allow_cleartext_token(mut self) -> Self {
        self.options.security.allow_cleartext_token = true;
        self
    }

    /// After so long a look-up fails. Default: 10 s.
    pub fn lookup_timeout(mut self, timeout: Duration) -> Self {
        self.options.lookup_timeout = timeout;
        self
    }

    /// How long to wait before a lost stream is opened again: `initial`, then twice as long each
    /// time up to `maximum`, each shortened at random by up to half. Default: 100 ms, 30 s.
    pub fn backoff(mut self, initial: Duration, maximum: Duration) -> Self {
        self.options.backoff_initial = initial;
        self.options.backoff_maximum = maximum;
        self
    }

    /// For how long one who was let in before goes on trying when it is refused as
    /// `UNAUTHENTICATED`: its file may change later than the gateway's. Default: 2 min.
    pub fn rotation_patience(mut self, patience: Duration) -> Self {
        self.options.rotation_patience = patience;
        self
    }

    /// Makes the client; no file is read, and nothing is sent. Errors: [`Error::Configuration`].
    pub fn build(self) -> Result<Client, Error> {
        let connection = Arc::new(Connection::new(self.to?, self.options)?);
        Ok(Client { connection })
    }
}

fn default_options() -> ConnectionOptions {
    ConnectionOptions {
        security: Security::default(),
        lookup_timeout: Duration::from_secs(10),
        backoff_initial: Duration::from_millis(100),
        backoff_maximum: Duration::from_secs(30),
        rotation_patience: Duration::from_secs(120),
    }
}
