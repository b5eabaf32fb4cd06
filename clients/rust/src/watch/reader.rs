use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::{
    select,
    sync::mpsc,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{StateHook, WatchedEvent};
use crate::{
    ConnectionState, Error,
    backoff::Backoff,
    connection::{Connection, Live},
    ends::Ends,
    stored::decoded,
    subscriber::HEARTBEAT_INTERVAL,
    time,
    v1::{self, watch_request::Start, watch_response::Response},
};

/// What was read of the log.
pub(super) enum Part {
    Events(VecDeque<WatchedEvent>),
    /// Nothing is before this place that was not sent.
    Place(String),
}

/// Why one stream was read no further.
enum End {
    /// All was read that was wanted, or nobody wants more.
    Done,
    /// The gateway asked for another stream.
    GoingAway,
}

/// Reads the log over as many streams as it takes.
pub(super) struct Reader {
    connection: Arc<Connection>,
    request: v1::WatchRequest,
    on_state: Option<StateHook>,
    parts: mpsc::Sender<Result<Part, Error>>,
    backoff: Backoff,
    ends: Ends,
    opened_at: Option<Instant>,
    fruitful: bool,
}

impl Reader {
    pub(super) fn new(
        connection: Arc<Connection>,
        request: v1::WatchRequest,
        on_state: Option<StateHook>,
        parts: mpsc::Sender<Result<Part, Error>>,
    ) -> Self {
        let options = &connection.options;
        Self {
            backoff: Backoff::new(options.backoff_initial, options.backoff_maximum),
            ends: Ends::new(options),
            connection,
            request,
            on_state,
            parts,
            opened_at: None,
            fruitful: false,
        }
    }

    pub(super) async fn run(mut self, stop: CancellationToken) {
        let result = select! {
            result = self.read() => result,
            () = stop.cancelled() => Ok(()),
        };
        self.tell(ConnectionState::Stopped(result.as_ref().err().cloned()));
        if let Err(error) = result {
            // Nobody may listen any more.
            let _ = self.parts.send(Err(error)).await;
        }
    }

    async fn read(&mut self) -> Result<(), Error> {
        loop {
            self.tell(ConnectionState::Connecting);
            self.opened_at = None;
            self.fruitful = false;
            let result = self.read_stream().await;
            let lived = self.opened_at.map_or(Duration::ZERO, |opened_at| opened_at.elapsed());
            let error = match result {
                Ok(End::Done) => return Ok(()),
                Ok(End::GoingAway) => {
                    let wait = self.backoff.after_go_away(lived, self.fruitful);
                    if !wait.is_zero() {
                        let words = "the gateway sends its streams away";
                        self.tell(ConnectionState::BackingOff(Error::connection(words)));
                        sleep(wait).await;
                    }
                    continue;
                }
                Err(error) => self.connection.explain(error),
            };
            if self.ends.is_final(&error, Instant::now()) {
                return Err(error);
            }
            self.tell(ConnectionState::BackingOff(error));
            sleep(self.backoff.after_stream(lived, self.fruitful)).await;
        }
    }

    async fn read_stream(&mut self) -> Result<End, Error> {
        let live = self.connection.live().await?;
        let result = self.read_on(&live).await;
        if !matches!(result, Ok(End::Done)) {
            self.connection.give_up(&live);
        }
        result
    }

    async fn read_on(&mut self, live: &Arc<Live>) -> Result<End, Error> {
        let mut interval = HEARTBEAT_INTERVAL;
        let silence = |interval: Duration| {
            let silence = 2 * interval;
            Error::connection(format!("nothing was heard from the gateway for {silence:?}"))
        };
        let request = self.connection.authorize(self.request.clone())?;
        let mut events = live.events();
        let opening = timeout(2 * interval, events.watch(request)).await;
        let mut responses = opening.map_err(|_| silence(interval))??.into_inner();
        loop {
            let response = timeout(2 * interval, responses.message()).await;
            let Some(response) = response.map_err(|_| silence(interval))?? else {
                if self.request.stop_at_end {
                    return Ok(End::Done);
                }
                return Err(Error::connection("the gateway ended the stream"));
            };
            if self.opened_at.is_none() {
                self.opened_at = Some(Instant::now());
                self.ends.let_in();
                self.tell(ConnectionState::Streaming);
            }
            let part = match response.response {
                Some(Response::Events(events)) => {
                    self.fruitful = true;
                    Part::Events(watched(events)?)
                }
                Some(Response::Heartbeat(heartbeat)) => {
                    let told = time::duration(heartbeat.interval.as_ref());
                    let told = told.filter(|interval| !interval.is_zero());
                    interval = told.unwrap_or(HEARTBEAT_INTERVAL);
                    Part::Place(heartbeat.cursor)
                }
                Some(Response::GoAway(_)) => return Ok(End::GoingAway),
                // Of a newer version.
                None => continue,
            };
            if self.hand_over(part).await.is_err() {
                return Ok(End::Done);
            }
        }
    }

    /// Whatever is handed over is not asked for again.
    async fn hand_over(
        &mut self,
        part: Part,
    ) -> Result<(), mpsc::error::SendError<Result<Part, Error>>> {
        let cursor = match &part {
            Part::Events(events) => events.back().map(|last| last.cursor.clone()),
            Part::Place(cursor) => Some(cursor.clone()),
        };
        let Some(cursor) = cursor.filter(|cursor| !cursor.is_empty()) else {
            return Ok(());
        };
        self.request.start = Some(Start::AfterCursor(cursor));
        self.parts.send(Ok(part)).await
    }

    fn tell(&self, state: ConnectionState) {
        if let Some(hook) = &self.on_state {
            hook(&state);
        }
    }
}

fn watched(events: v1::WatchEvents) -> Result<VecDeque<WatchedEvent>, Error> {
    let events = events
        .events
        .into_iter()
        .map(|watched| Ok(WatchedEvent { event: decoded(watched.event)?, cursor: watched.cursor }));
    events.collect()
}
