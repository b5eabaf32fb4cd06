use std::{
    collections::VecDeque,
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::SystemTime,
};

use futures_core::Stream;
use tokio::time::timeout;
use tonic::transport::Channel;

use crate::{
    Error, StoredEvent,
    connection::{Connection, LARGEST_MESSAGE},
    time, v1,
    v1::release_event_service_client::ReleaseEventServiceClient,
};

/// Asks the gateway once, or twice if the connection turns out to be an old one that is dead.
pub(crate) async fn ask<Request, Response, Call, Answer>(
    connection: &Connection,
    message: Request,
    call: Call,
) -> Result<Response, Error>
where
    Request: Clone,
    Call: Fn(ReleaseEventServiceClient<Channel>, tonic::Request<Request>) -> Answer,
    Answer: Future<Output = Result<tonic::Response<Response>, tonic::Status>>,
{
    let longest = connection.options.lookup_timeout;
    let asking = async {
        let mut may_repeat = true;
        loop {
            let live = connection.live().await?;
            let stub = live.events().max_decoding_message_size(LARGEST_MESSAGE);
            let result = call(stub, connection.authorize(message.clone())?).await;
            match result.map_err(|status| connection.explain(status.into())) {
                Ok(response) => return Ok(response.into_inner()),
                Err(Error::Connection { .. }) if may_repeat => connection.give_up(&live),
                Err(error) => {
                    if !matches!(error, Error::Gateway(_)) {
                        connection.give_up(&live);
                    }
                    return Err(error);
                }
            }
            may_repeat = false;
        }
    };
    timeout(longest, asking).await.unwrap_or(Err(Error::TimedOut(longest)))
}

/// Which stored events to list; made by [`Client::list`](crate::Client::list). Conditions that are
/// set must all hold; a call or a time is required.
#[derive(Clone)]
#[must_use = "nothing is asked before `open`"]
pub struct ListBuilder {
    connection: Arc<Connection>,
    request: v1::ListEventsRequest,
}

impl ListBuilder {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self { connection, request: v1::ListEventsRequest::default() }
    }

    /// Events of this call.
    pub fn call_serial_no(mut self, number: impl Into<String>) -> Self {
        self.request.call_serial_no = number.into();
        self
    }

    /// Events that came in by this source.
    pub fn source(mut self, source: impl Into<String>) -> Self {
        self.request.source = source.into();
        self
    }

    /// Events received at or after this time.
    pub fn received_from(mut self, time: SystemTime) -> Self {
        self.request.received_from = Some(time::timestamp(time));
        self
    }

    /// Events received before this time.
    pub fn received_before(mut self, time: SystemTime) -> Self {
        self.request.received_before = Some(time::timestamp(time));
        self
    }

    /// How many events are asked for at once: 1 to 1,000. Default: 100.
    pub fn page_size(mut self, events: u32) -> Self {
        self.request.page_size = i32::try_from(events).unwrap_or(i32::MAX);
        self
    }

    /// Begins to list. Nothing is asked before the first event is wanted.
    pub fn open(self) -> EventList {
        EventList {
            connection: self.connection,
            next: Some(self.request),
            page: VecDeque::new(),
            asking: None,
            corrupt_events: 0,
        }
    }

    /// All events that fit, at once.
    pub async fn collect(self) -> Result<Vec<StoredEvent>, Error> {
        let mut list = self.open();
        let mut events = Vec::new();
        while let Some(event) = list.try_next().await? {
            events.push(event);
        }
        Ok(events)
    }
}

impl fmt::Debug for ListBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("ListBuilder").field(&self.request).finish()
    }
}

type Page = Result<v1::ListEventsResponse, Error>;

/// Stored events, oldest first, over all pages: each is asked for when it is needed.
pub struct EventList {
    connection: Arc<Connection>,
    // Of the page after this one; none: there is none.
    next: Option<v1::ListEventsRequest>,
    page: VecDeque<v1::StoredEvent>,
    asking: Option<Pin<Box<dyn Future<Output = Page> + Send>>>,
    corrupt_events: u64,
}

impl EventList {
    /// The next event; `None`: there are no more.
    pub async fn next(&mut self) -> Option<Result<StoredEvent, Error>> {
        poll_fn(|context| self.poll_event(context)).await
    }

    /// As [`next`](Self::next), for `while let Some(event) = list.try_next().await?`.
    pub async fn try_next(&mut self) -> Result<Option<StoredEvent>, Error> {
        self.next().await.transpose()
    }

    /// How many events belonged here so far, and were left out because their stored bytes do not fit
    /// their checksum.
    pub fn corrupt_events(&self) -> u64 {
        self.corrupt_events
    }

    fn poll_event(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<StoredEvent, Error>>> {
        loop {
            if let Some(event) = self.page.pop_front() {
                return Poll::Ready(Some(event.try_into()));
            }
            if let Some(asking) = &mut self.asking {
                let page = ready!(asking.as_mut().poll(context));
                self.asking = None;
                match page {
                    Ok(page) => self.turn_to(page),
                    Err(error) => {
                        self.next = None;
                        return Poll::Ready(Some(Err(error)));
                    }
                }
            } else if let Some(request) = self.next.clone() {
                let connection = self.connection.clone();
                self.asking = Some(Box::pin(async move {
                    let list = |mut stub: ReleaseEventServiceClient<Channel>, request| async move {
                        stub.list_events(request).await
                    };
                    ask(&connection, request, list).await
                }));
            } else {
                return Poll::Ready(None);
            }
        }
    }

    fn turn_to(&mut self, page: v1::ListEventsResponse) {
        self.corrupt_events += u64::try_from(page.corrupt_events).unwrap_or(0);
        self.page = page.stored_events.into();
        match &mut self.next {
            Some(next) if !page.next_page_token.is_empty() => {
                next.page_token = page.next_page_token
            }
            _ => self.next = None,
        }
    }
}

impl Stream for EventList {
    type Item = Result<StoredEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_event(context)
    }
}

impl fmt::Debug for EventList {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("EventList").field("next", &self.next).finish_non_exhaustive()
    }
}
