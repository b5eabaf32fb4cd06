use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;
use tonic::Code;

use super::{
    network::Network,
    service::{Service, error_status},
    state::{Extension, FakeSettlement, State},
};
use crate::{Client, ClientBuilder, Event, connection::lock, transport::InProcess, v1};

// So that a handler that always fails does not turn in circles.
const RETRY_BACKOFF: Duration = Duration::from_millis(10);

/// A gateway within the process, in memory: every subscription exists, and owes all that was
/// published.
///
/// What it lacks of a real one: deadlines expire when a test says so ([`expire`](Self::expire)),
/// what is retried comes again after its delay or 10 ms, however often, and there are no filters.
///
/// To be used within a tokio runtime. Clones are the same gateway.
#[derive(Clone)]
pub struct FakeGateway {
    inner: Arc<Inner>,
    network: Arc<Network>,
}

pub(super) struct Inner {
    pub(super) state: Mutex<State>,
    pub(super) changed: watch::Sender<()>,
    pub(super) retry_backoff: Duration,
    watch_epoch: AtomicUsize,
}

impl Inner {
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut lock(&self.state));
        self.changed.send_replace(());
        result
    }

    /// Watches of another epoch end.
    pub(super) fn watch_epoch(&self) -> usize {
        self.watch_epoch.load(Ordering::SeqCst)
    }
}

impl FakeGateway {
    /// A gateway that nobody has published anything to.
    pub fn start() -> Self {
        let inner = Arc::new(Inner {
            state: Mutex::new(State::new()),
            changed: watch::Sender::new(()),
            retry_backoff: RETRY_BACKOFF,
            watch_epoch: AtomicUsize::new(0),
        });
        let network = Arc::new(Network::new(Service(inner.clone())));
        Self { inner, network }
    }

    /// A client of this gateway, with default options.
    pub fn client(&self) -> Client {
        // In the process there is nothing to be wrong with the options.
        self.client_builder().build().expect("no option of a client in the process is wrong")
    }

    /// Sets up a client of this gateway; what is said of TLS is of no effect.
    pub fn client_builder(&self) -> ClientBuilder {
        let network = self.network.clone();
        ClientBuilder::in_process(InProcess(Arc::new(move || network.connect())))
    }

    // What the gateway does.

    /// Publishes an event to all subscriptions and watches.
    pub fn publish(&self, event: impl Into<Event>) {
        let event = event.into();
        self.inner.change(|state| state.publish(event));
    }

    /// Publishes an event of which nothing is set but its id.
    pub fn publish_id(&self, event_id: impl Into<String>) {
        self.publish(v1::ReleaseEvent { event_id: event_id.into(), ..Default::default() });
    }

    /// How often streams say that they are alive, from the next stream on. Default: 15 s.
    pub fn set_heartbeat_interval(&self, interval: Duration) {
        self.inner.change(|state| state.heartbeat = interval);
    }

    /// The deadline that deliveries tell from now on. Default: 30 s.
    pub fn set_ack_deadline(&self, deadline: Duration) {
        self.inner.change(|state| state.ack_deadline = deadline);
    }

    /// Delivers an event again whose deadline has passed, as it were.
    pub fn expire(&self, event_id: &str) {
        self.inner.change(|state| state.expire(event_id));
    }

    /// Ends all streams that are open.
    pub fn end_streams(&self, code: Code, message: &str) {
        let status = error_status(code, message, "", BTreeMap::new());
        self.inner.watch_epoch.fetch_add(1, Ordering::SeqCst);
        self.inner.change(|state| state.end_streams(&status));
    }

    /// Announces to all subscribers that their streams will be ended.
    pub fn go_away(&self, reason: v1::go_away::Reason, drain_deadline: Duration) {
        self.inner.change(|state| state.go_away(reason, drain_deadline));
    }

    /// Refuses the next stream. Several calls refuse several.
    pub fn refuse(&self, code: Code, message: &str, reason: &str) {
        let status = error_status(code, message, reason, BTreeMap::new());
        self.inner.change(|state| state.refusals.push_back(status));
    }

    /// While it is so, what consumers say is neither heard nor answered.
    pub fn hold_answers(&self, hold: bool) {
        self.inner.change(|state| state.holds_answers = hold);
    }

    /// Answers the next request so for each of its deliveries, and does nothing else.
    pub fn answer_next(&self, result: v1::ack_results::Result) {
        self.inner.change(|state| state.next_result = Some(result));
    }

    /// Forgets the oldest events of the log, so that a watch from before has a gap.
    pub fn forget(&self, events: usize) {
        self.inner
            .change(|state| state.first_kept = (state.first_kept + events).min(state.log.len()));
    }

    // What the network does.

    /// All connections break.
    pub fn break_connections(&self) {
        self.network.break_connections();
    }

    /// All connections lose whatever is sent, in silence, as where a cable was drawn.
    pub fn deaden_connections(&self) {
        self.network.deaden_connections();
    }

    /// Whether new connections are refused.
    pub fn set_unreachable(&self, unreachable: bool) {
        self.network.set_unreachable(unreachable);
    }

    // What came of it.

    /// Waits until so many settlements were made, and returns all there are.
    pub async fn settlements(&self, at_least: usize) -> Vec<FakeSettlement> {
        self.when(|state| state.settlements.len() >= at_least, |state| state.settlements.clone())
            .await
    }

    /// Ids of the events that were acknowledged so far, in that order.
    pub fn acked(&self) -> Vec<String> {
        self.settled(|settlement| settlement.outcome.is_ok())
    }

    /// Ids of the events that were given back for a retry so far.
    pub fn nacked(&self) -> Vec<String> {
        self.settled(|it| it.outcome.as_ref().is_err_and(crate::Nack::is_retry))
    }

    /// Ids of the events that were parked so far.
    pub fn parked(&self) -> Vec<String> {
        self.settled(|it| it.outcome.as_ref().is_err_and(crate::Nack::is_park))
    }

    fn settled(&self, wanted: impl Fn(&FakeSettlement) -> bool) -> Vec<String> {
        let state = lock(&self.inner.state);
        let settlements = state.settlements.iter().filter(|settlement| wanted(settlement));
        settlements.map(|settlement| settlement.event_id.clone()).collect()
    }

    /// Waits until so many extensions were asked for, and returns all there are.
    pub async fn extensions(&self, at_least: usize) -> Vec<Extension> {
        self.when(|state| state.extensions.len() >= at_least, |state| state.extensions.clone())
            .await
    }

    /// Waits until so many streams of subscriptions have been opened in all.
    pub async fn opened_streams(&self, at_least: usize) -> usize {
        self.when(|state| state.opened >= at_least, |state| state.opened).await
    }

    /// Waits until no more than so many streams of subscriptions are open; returns how many were
    /// half-closed by their clients so far, and ended with OK.
    pub async fn open_streams_at_most(&self, most: usize) -> usize {
        self.when(|state| state.open_streams() <= most, |state| state.ended_well).await
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.network.connections()
    }

    async fn when<T>(&self, is_so: impl Fn(&State) -> bool, get: impl Fn(&State) -> T) -> T {
        let mut changed = self.inner.changed.subscribe();
        loop {
            {
                let state = lock(&self.inner.state);
                if is_so(&state) {
                    return get(&state);
                }
            }
            // The sender is `self`.
            let _ = changed.changed().await;
        }
    }
}

impl fmt::Debug for FakeGateway {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FakeGateway")
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}
