use std::{pin::Pin, sync::Arc};

use futures_core::Stream;
use tokio::{sync::mpsc, time::sleep};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};

use super::{
    gateway::Inner,
    state::{State, cursor, index_of},
    stream::FakeStream,
};
use crate::{
    connection::lock,
    error::{ERROR_INFO_URL, ErrorInfo, RpcStatus},
    time,
    v1::{
        self, StartPosition, release_event_service_server::ReleaseEventService,
        subscribe_request::Request as Said, subscribe_response, watch_request::Start,
        watch_response,
    },
};

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The fake's side of the API.
#[derive(Clone)]
pub(super) struct Service(pub(super) Arc<Inner>);

#[tonic::async_trait]
impl ReleaseEventService for Service {
    type SubscribeStream = Answers<v1::SubscribeResponse>;
    type WatchStream = Answers<v1::WatchResponse>;

    async fn subscribe(
        &self,
        request: Request<Streaming<v1::SubscribeRequest>>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        if let Some(refusal) = self.0.change(|state| state.refusals.pop_front()) {
            return Err(refusal);
        }
        let mut requests = request.into_inner();
        let open = requests.message().await?.and_then(|request| request.request);
        let Some(Said::Open(open)) = open else {
            return Err(Status::invalid_argument("the first message is `open`"));
        };
        let (answers, stream) = mpsc::unbounded_channel();
        let most = open.max_outstanding_events.unwrap_or(1000);
        let id = self.0.change(|state| {
            state.open(FakeStream {
                subscription: open.subscription,
                answers,
                most: usize::try_from(most).unwrap_or(0),
                paused: false,
                going_away: false,
                held: Default::default(),
            })
        });
        tokio::spawn(heartbeats(self.0.clone(), id));
        tokio::spawn(requested(self.0.clone(), id, requests));
        Ok(Response::new(Box::pin(UnboundedReceiverStream::new(stream))))
    }

    async fn watch(
        &self,
        request: Request<v1::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        if let Some(refusal) = self.0.change(|state| state.refusals.pop_front()) {
            return Err(refusal);
        }
        let request = request.into_inner();
        let first = first_index(&lock(&self.0.state), &request)?;
        let (answers, stream) = mpsc::unbounded_channel();
        tokio::spawn(watched(self.0.clone(), first, request.stop_at_end, answers));
        Ok(Response::new(Box::pin(UnboundedReceiverStream::new(stream))))
    }

    async fn get_event(
        &self,
        request: Request<v1::GetEventRequest>,
    ) -> Result<Response<v1::GetEventResponse>, Status> {
        let event_id = request.into_inner().event_id;
        let state = lock(&self.0.state);
        let index = state.log.iter().position(|event| event.event_id() == event_id);
        let index = index.ok_or_else(|| Status::not_found("no such event"))?;
        let stored_event = Some(stored(&state, index));
        Ok(Response::new(v1::GetEventResponse { stored_event }))
    }

    async fn list_events(
        &self,
        request: Request<v1::ListEventsRequest>,
    ) -> Result<Response<v1::ListEventsResponse>, Status> {
        let request = request.into_inner();
        let page_size = usize::try_from(request.page_size).unwrap_or(0);
        let page_size = if page_size == 0 { 100 } else { page_size };
        let first: usize = request.page_token.parse().unwrap_or(0);
        let state = lock(&self.0.state);
        let wanted = |index: &usize| {
            let number = state.log[*index].call_serial_no();
            request.call_serial_no.is_empty() || number == Some(&request.call_serial_no)
        };
        let mut indices = (first..state.log.len()).filter(wanted);
        let page: Vec<usize> = indices.by_ref().take(page_size).collect();
        Ok(Response::new(v1::ListEventsResponse {
            stored_events: page.iter().map(|index| stored(&state, *index)).collect(),
            next_page_token: indices.next().map(|index| index.to_string()).unwrap_or_default(),
            corrupt_events: 0,
        }))
    }
}

fn stored(state: &State, index: usize) -> v1::StoredEvent {
    v1::StoredEvent {
        event: Some(state.log[index].bytes()),
        cursor: cursor(index),
        ..Default::default()
    }
}

async fn heartbeats(inner: Arc<Inner>, id: u64) {
    loop {
        let interval = lock(&inner.state).heartbeat;
        sleep(interval).await;
        let state = lock(&inner.state);
        let Some(stream) = state.stream(id) else {
            return;
        };
        stream.say(subscribe_response::Response::Heartbeat(v1::Heartbeat {
            cursor: String::new(),
            interval: Some(time::proto_duration(interval)),
        }));
    }
}

/// Takes what a client says, until it says no more.
async fn requested(inner: Arc<Inner>, id: u64, mut requests: Streaming<v1::SubscribeRequest>) {
    loop {
        match requests.message().await {
            Ok(Some(v1::SubscribeRequest { request: Some(said) })) => {
                for later in inner.change(|state| state.take(id, said)) {
                    let inner = inner.clone();
                    let delay = later.delay.unwrap_or(inner.retry_backoff);
                    tokio::spawn(async move {
                        sleep(delay).await;
                        inner.change(|state| state.owe_again(later));
                    });
                }
            }
            Ok(Some(_)) => {}
            // Half-closed: the end of the answers is an OK.
            Ok(None) => {
                return inner.change(|state| {
                    state.ended_well += usize::from(state.stream(id).is_some());
                    state.close(id);
                });
            }
            Err(_) => return inner.change(|state| state.close(id)),
        }
    }
}

/// Where a watch begins.
fn first_index(state: &State, request: &v1::WatchRequest) -> Result<usize, Status> {
    let first = match &request.start {
        Some(Start::AfterCursor(cursor)) => index_of(cursor)? + 1,
        Some(Start::Position(position)) if *position == StartPosition::Earliest as i32 => {
            state.first_kept
        }
        Some(Start::SinceTime(_)) => state.first_kept,
        Some(Start::Position(_)) | None => state.log.len(),
    };
    if first < state.first_kept {
        let lost = state.first_kept - first;
        let metadata = [
            ("oldest_cursor".to_owned(), cursor(state.first_kept - 1)),
            ("events_lost".to_owned(), lost.to_string()),
        ];
        let words = format!("{lost} event(s) are no longer kept");
        return Err(error_status(Code::OutOfRange, &words, "CURSOR_EXPIRED", metadata));
    }
    Ok(first)
}

async fn watched(
    inner: Arc<Inner>,
    first: usize,
    stop_at_end: bool,
    answers: mpsc::UnboundedSender<Result<v1::WatchResponse, Status>>,
) {
    let mut changed = inner.changed.subscribe();
    let mut index = first;
    let mut epoch = None;
    let say = |response| answers.send(Ok(v1::WatchResponse { response: Some(response) }));
    let interval = lock(&inner.state).heartbeat;
    let heartbeat = |index: usize| {
        watch_response::Response::Heartbeat(v1::Heartbeat {
            cursor: index.checked_sub(1).map(cursor).unwrap_or_default(),
            interval: Some(time::proto_duration(interval)),
        })
    };
    let mut is_there = say(heartbeat(index)).is_ok();
    while is_there && !answers.is_closed() {
        if *epoch.get_or_insert(inner.watch_epoch()) != inner.watch_epoch() {
            let _ = answers.send(Err(Status::unavailable("the fake ends its streams")));
            return;
        }
        let event = lock(&inner.state).log.get(index).cloned();
        if let Some(event) = event {
            let cursor = cursor(index);
            let watched = v1::WatchedEvent { event: Some(event.bytes()), cursor };
            let events = v1::WatchEvents { events: vec![watched] };
            is_there = say(watch_response::Response::Events(events)).is_ok();
            index += 1;
        } else if stop_at_end {
            return;
        } else if tokio::time::timeout(interval, changed.changed()).await.is_err() {
            is_there = say(heartbeat(index)).is_ok();
        }
    }
}

/// An error as the gateway tells it.
pub(super) fn error_status(
    code: Code,
    message: &str,
    reason: &str,
    metadata: impl IntoIterator<Item = (String, String)>,
) -> Status {
    let info = ErrorInfo {
        reason: reason.to_owned(),
        domain: "onhook".to_owned(),
        metadata: metadata.into_iter().collect(),
    };
    let details = RpcStatus {
        code: code.into(),
        message: message.to_owned(),
        details: vec![prost_types::Any {
            type_url: ERROR_INFO_URL.to_owned(),
            value: prost::Message::encode_to_vec(&info),
        }],
    };
    Status::with_details(code, message, prost::Message::encode_to_vec(&details).into())
}
