use std::{sync::Arc, time::Duration};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::{Handler, Shared, Subscriber, Subscription, SubscriptionHandle, handler, supervisor};
use crate::{ConnectionState, SubscriptionSpec, connection::Connection, ledger::Ledger, time, v1};

type StateHook = Arc<dyn Fn(&ConnectionState) + Send + Sync>;

#[derive(Clone)]
pub(super) struct Options {
    pub(super) open: v1::SubscribeOpen,
    pub(super) max_extension: Duration,
    pub(super) concurrency: usize,
    pub(super) grace: Duration,
    pub(super) confirmation_timeout: Duration,
    pub(super) on_state: Option<StateHook>,
    pub(super) stop_on: Option<CancellationToken>,
}

/// Sets up how to receive from a durable subscription; made by
/// [`Client::subscription`](crate::Client::subscription).
#[must_use = "nothing is received before `open` or `handle`"]
pub struct SubscriptionBuilder {
    connection: Arc<Connection>,
    options: Options,
}

impl SubscriptionBuilder {
    pub(crate) fn new(connection: Arc<Connection>, name: String) -> Self {
        Self {
            connection,
            options: Options {
                open: v1::SubscribeOpen { subscription: name, ..Default::default() },
                max_extension: Duration::from_secs(3600),
                concurrency: 1,
                grace: Duration::from_secs(30),
                confirmation_timeout: Duration::from_secs(10),
                on_state: None,
                stop_on: None,
            },
        }
    }

    /// Names this consumer in delivery timelines, for instance a pod's name.
    pub fn consumer_name(mut self, name: impl Into<String>) -> Self {
        self.options.open.consumer_name = name.into();
        self
    }

    /// Creates the subscription if there is none of this name. Without it, a missing one ends with
    /// `NOT_FOUND`.
    pub fn create_if_missing(mut self, spec: SubscriptionSpec) -> Self {
        self.options.open.create_if_missing = Some(spec.into());
        self
    }

    /// Most events that are here unsettled. Default: 1,000, or what the gateway allows.
    pub fn max_outstanding_events(mut self, events: u32) -> Self {
        let events = i32::try_from(events).unwrap_or(i32::MAX);
        self.options.open.max_outstanding_events = Some(events);
        self
    }

    /// Most bytes of events that are here unsettled; one event is always let through. Default:
    /// 16 MiB.
    pub fn max_outstanding_bytes(mut self, bytes: u64) -> Self {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.options.open.max_outstanding_bytes = Some(bytes);
        self
    }

    /// How long an event may be silent here before it is given to another consumer, after a crash
    /// say: 1 s to 10 min. Default: as the subscription is set. Handlers may take longer; see
    /// [`max_extension`](Self::max_extension).
    pub fn ack_deadline(mut self, deadline: Duration) -> Self {
        self.options.open.ack_deadline = Some(time::proto_duration(deadline));
        self
    }

    /// For how long, counted from its arrival, the deadline of an event that waits here or is being
    /// handled is extended. Default: 1 h. Zero: nothing is extended.
    pub fn max_extension(mut self, longest: Duration) -> Self {
        self.options.max_extension = longest.min(time::LONGEST);
        self
    }

    /// How many handlers run at once. Default: 1; then in the order of arrival. Of no effect on
    /// [`open`](Self::open).
    pub fn concurrency(mut self, handlers: usize) -> Self {
        self.options.concurrency = handlers.max(1);
        self
    }

    /// How long a stop waits for what is being handled. Default: 30 s.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.options.grace = grace.min(time::LONGEST);
        self
    }

    /// How long a stop waits for the gateway's last answers, once nothing is being handled. Default:
    /// 10 s.
    pub fn confirmation_timeout(mut self, timeout: Duration) -> Self {
        self.options.confirmation_timeout = timeout.min(time::LONGEST);
        self
    }

    /// Stops gracefully when `token` is cancelled.
    pub fn stop_on(mut self, token: CancellationToken) -> Self {
        self.options.stop_on = Some(token);
        self
    }

    /// Is told each change of state. It must not block: reading waits for it.
    pub fn on_state(mut self, hook: impl Fn(&ConnectionState) + Send + Sync + 'static) -> Self {
        self.options.on_state = Some(Arc::new(hook));
        self
    }

    /// Starts to receive; deliveries are taken from the returned stream. To be called within a tokio
    /// runtime. What cannot be done, such as opening a subscription that is missing, ends the stream
    /// with an error.
    pub fn open(self) -> Subscription {
        Subscription::new(SubscriptionHandle::new(self.start()))
    }

    /// Starts to receive, and calls `handler` for each event. To be called within a tokio runtime.
    pub fn handle(self, handler: impl Handler) -> Subscriber {
        let concurrency = self.options.concurrency;
        let shared = self.start();
        handler::start(&shared, handler, concurrency);
        Subscriber::new(SubscriptionHandle::new(shared))
    }

    fn start(self) -> Arc<Shared> {
        let shared = Arc::new(Shared {
            connection: self.connection,
            ledger: Ledger::new(self.options.max_extension).into(),
            options: self.options,
            idle: Notify::new(),
            stop: watch::Sender::new(None),
            ended: watch::Sender::new(None),
        });
        tokio::spawn(supervisor::run(shared.clone()));
        shared
    }
}

impl std::fmt::Debug for SubscriptionBuilder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SubscriptionBuilder")
            .field("open", &self.options.open)
            .finish_non_exhaustive()
    }
}
