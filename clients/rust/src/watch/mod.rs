//! Reading the log from a place that the reader keeps.

mod reader;

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::SystemTime,
};

use futures_core::Stream;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::reader::{Part, Reader};
use crate::{
    ConnectionState, Error, Event, EventFilter, StartPosition,
    connection::Connection,
    time,
    v1::{self, watch_request::Start},
};

// Parts that are read ahead; each holds what the gateway sent at once.
const PARTS_AHEAD: usize = 2;

type StateHook = Box<dyn Fn(&ConnectionState) + Send + Sync>;

/// Sets up how to read the log; made by [`Client::watch`](crate::Client::watch). Without a place it
/// begins with the next event stored.
#[must_use = "nothing is read before `open`"]
pub struct WatchBuilder {
    connection: Arc<Connection>,
    request: v1::WatchRequest,
    on_state: Option<StateHook>,
    stop_on: Option<CancellationToken>,
}

impl WatchBuilder {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self { connection, request: v1::WatchRequest::default(), on_state: None, stop_on: None }
    }

    /// Begins at either end of the log.
    pub fn position(mut self, position: StartPosition) -> Self {
        self.request.start = Some(Start::Position(position.number()));
        self
    }

    /// Begins behind the event with this cursor: what [`Watch::cursor`] said.
    pub fn after_cursor(mut self, cursor: impl Into<String>) -> Self {
        self.request.start = Some(Start::AfterCursor(cursor.into()));
        self
    }

    /// Begins with the first event received at or after this time.
    pub fn since(mut self, time: SystemTime) -> Self {
        self.request.start = Some(Start::SinceTime(time::timestamp(time)));
        self
    }

    /// Ends when everything stored by then was read, instead of following what comes.
    pub fn stop_at_end(mut self, stop: bool) -> Self {
        self.request.stop_at_end = stop;
        self
    }

    /// Only looks on. Otherwise a watch counts as a receiver, and the vendor may be told success on
    /// its account.
    pub fn observe_only(mut self, observe: bool) -> Self {
        self.request.observe_only = observe;
        self
    }

    /// Which events to read. Default: all.
    pub fn filter(mut self, filter: EventFilter) -> Self {
        self.request.filter = Some(filter.into());
        self
    }

    /// Names this consumer in statistics, for instance a pod's name.
    pub fn consumer_name(mut self, name: impl Into<String>) -> Self {
        self.request.consumer_name = name.into();
        self
    }

    /// Ends when `token` is cancelled.
    pub fn stop_on(mut self, token: CancellationToken) -> Self {
        self.stop_on = Some(token);
        self
    }

    /// Is told each change of state. It must not block: reading waits for it.
    pub fn on_state(mut self, hook: impl Fn(&ConnectionState) + Send + Sync + 'static) -> Self {
        self.on_state = Some(Box::new(hook));
        self
    }

    /// Starts to read. To be called within a tokio runtime.
    pub fn open(self) -> Watch {
        let (parts, received) = mpsc::channel(PARTS_AHEAD);
        let stop = self.stop_on.map_or_else(CancellationToken::new, |token| token.child_token());
        let reader = Reader::new(self.connection, self.request, self.on_state, parts);
        tokio::spawn(reader.run(stop.clone()));
        Watch {
            parts: received,
            events: VecDeque::new(),
            cursor: None,
            stop: stop.clone(),
            _stop_on_drop: stop.drop_guard(),
        }
    }
}

impl fmt::Debug for WatchBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("WatchBuilder").field(&self.request).finish()
    }
}

/// One event of the log, and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchedEvent {
    pub(crate) event: Event,
    pub(crate) cursor: String,
}

impl WatchedEvent {
    /// The event.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Its place in the log: for
    /// [`after_cursor`](WatchBuilder::after_cursor) of a later watch.
    pub fn cursor(&self) -> &str {
        &self.cursor
    }
}

/// The events of the log in order, from a place on; nothing is acknowledged.
///
/// On a lost connection it goes on behind the last event, without a gap or a repeat. Where the
/// gateway no longer keeps what would come next, it ends with [`Error::Gap`]; going on is the
/// caller's decision.
///
/// ```no_run
/// # async fn example(client: onhook_client::Client) -> Result<(), onhook_client::Error> {
/// let mut watch = client.watch().after_cursor("kept from before").open();
/// while let Some(watched) = watch.try_next().await? {
///     println!("{} at {}", watched.event().event_id(), watched.cursor());
/// }
/// # Ok(())
/// # }
/// ```
pub struct Watch {
    parts: mpsc::Receiver<Result<Part, Error>>,
    events: VecDeque<WatchedEvent>,
    cursor: Option<String>,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

impl Watch {
    /// The next event; `None`: it was stopped, or is at the end where it was to stop. May be
    /// cancelled without losing anything.
    pub async fn next(&mut self) -> Option<Result<WatchedEvent, Error>> {
        poll_fn(|context| self.poll_event(context)).await
    }

    /// As [`next`](Self::next), for `while let Some(watched) = watch.try_next().await?`.
    pub async fn try_next(&mut self) -> Result<Option<WatchedEvent>, Error> {
        self.next().await.transpose()
    }

    /// The place to go on from: behind the last event that was handed over, or further where the
    /// gateway said that nothing is in between. `None` before its first word.
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// Ends the watch; what was read ahead is not handed over any more.
    pub fn stop(&mut self) {
        self.stop.cancel();
        self.parts.close();
        self.events.clear();
        while self.parts.try_recv().is_ok() {}
    }

    fn poll_event(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<WatchedEvent, Error>>> {
        loop {
            if let Some(watched) = self.events.pop_front() {
                self.cursor = Some(watched.cursor.clone());
                return Poll::Ready(Some(Ok(watched)));
            }
            match ready!(self.parts.poll_recv(context)) {
                Some(Ok(Part::Events(events))) => self.events = events,
                Some(Ok(Part::Place(cursor))) => self.cursor = Some(cursor),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl Stream for Watch {
    type Item = Result<WatchedEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_event(context)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Watch").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}
