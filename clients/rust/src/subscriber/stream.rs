use std::{sync::Arc, time::Duration};

use prost_types::Duration as ProtoDuration;
use tokio::{
    select,
    sync::{Notify, mpsc},
    time::{Instant, Sleep, sleep_until, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Streaming};

use super::Shared;
use crate::{
    Error,
    connection::{Live, lock},
    ledger::{Outgoing, StreamId, Work},
    stored::decoded,
    time,
    v1::{self, go_away::Reason, subscribe_request::Request, subscribe_response::Response},
};

/// How long a stream is silent at most, if the gateway does not say.
pub(crate) const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);
// Requests that wait for the connection; what does not fit gathers in the books.
const REQUESTS_UNDER_WAY: usize = 4;
const FAR_AWAY: Duration = Duration::from_secs(24 * 3600);

/// What a stream tells the supervisor.
pub(super) enum Signal {
    Opened(StreamId),
    GoingAway(StreamId, Reason, Life),
    Ended(StreamId, StreamEnd),
}

pub(super) struct StreamEnd {
    pub(super) result: Result<(), Error>,
    pub(super) life: Life,
}

/// Of what use a stream was.
#[derive(Clone, Copy)]
pub(super) struct Life {
    pub(super) lived: Duration,
    /// It brought an event or an answer.
    pub(super) fruitful: bool,
}

/// One Subscribe stream, from its opening to its end; never reconnects.
pub(super) struct StreamTask {
    pub(super) shared: Arc<Shared>,
    pub(super) id: StreamId,
    pub(super) signals: mpsc::UnboundedSender<Signal>,
    pub(super) cancel: CancellationToken,
    wake: Arc<Notify>,
    opened_at: Option<Instant>,
    fruitful: bool,
    interval: Duration,
    heard_at: Instant,
    drain_until: Option<Instant>,
}

impl StreamTask {
    pub(super) fn new(
        shared: Arc<Shared>,
        id: StreamId,
        signals: mpsc::UnboundedSender<Signal>,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            shared,
            id,
            signals,
            cancel,
            wake: Arc::new(Notify::new()),
            opened_at: None,
            fruitful: false,
            interval: HEARTBEAT_INTERVAL,
            heard_at: Instant::now(),
            drain_until: None,
        }
    }

    pub(super) async fn run(mut self) {
        lock(&self.shared.ledger).add_stream(self.id, self.wake.clone());
        let cancel = self.cancel.clone();
        let result = select! {
            result = self.serve() => result,
            () = cancel.cancelled() => Err(Error::connection("the stream was given up")),
        };
        lock(&self.shared.ledger).stream_ended(self.id);
        let end = StreamEnd {
            result: result.map_err(|error| self.shared.connection.explain(error)),
            life: self.life(),
        };
        // The supervisor is gone if the runtime goes.
        let _ = self.signals.send(Signal::Ended(self.id, end));
    }

    fn life(&self) -> Life {
        let lived = self.opened_at.map_or(Duration::ZERO, |opened_at| opened_at.elapsed());
        Life { lived, fruitful: self.fruitful }
    }

    async fn serve(&mut self) -> Result<(), Error> {
        // Kept until the end: what is still under way goes with its connection.
        let live = self.shared.connection.live().await?;
        let result = self.serve_on(&live).await;
        let is_refusal = matches!(&result, Err(Error::Gateway(status))
            if !matches!(status.code(), Code::Unauthenticated | Code::Unavailable));
        if result.is_err() && !is_refusal {
            self.shared.connection.give_up(&live);
        }
        result
    }

    async fn serve_on(&mut self, live: &Arc<Live>) -> Result<(), Error> {
        let (requests, outgoing) = mpsc::channel(REQUESTS_UNDER_WAY);
        let open = Request::Open(self.shared.options.open.clone());
        // There is room: it is the first.
        let _ = requests.try_send(v1::SubscribeRequest { request: Some(open) });
        let call = self.shared.connection.authorize(ReceiverStream::new(outgoing))?;
        let mut events = live.events();
        let opening = timeout(2 * self.interval, events.subscribe(call)).await;
        let responses = opening.map_err(|_| self.silence())??.into_inner();
        self.exchange(live, responses, requests).await
    }

    async fn exchange(
        &mut self,
        live: &Arc<Live>,
        mut responses: Streaming<v1::SubscribeResponse>,
        requests: mpsc::Sender<v1::SubscribeRequest>,
    ) -> Result<(), Error> {
        let mut requests = Some(requests);
        let wake = self.wake.clone();
        let mut alarm = std::pin::pin!(sleep_until(Instant::now() + FAR_AWAY));
        self.heard_at = Instant::now();
        loop {
            let is_blocked = self.send(&mut requests);
            self.arm(alarm.as_mut(), requests.is_some());
            select! {
                biased;
                response = responses.message() => {
                    let Some(response) = response? else {
                        return self.ended_with_ok(requests.is_none());
                    };
                    self.heard_at = Instant::now();
                    self.take(live, response)?;
                }
                () = wake.notified() => {}
                () = room(requests.as_ref()), if is_blocked => {}
                () = &mut alarm => self.look_at_the_clock(live)?,
            }
        }
    }

    /// Sends what there is; true: there may be more than fits.
    fn send(&self, requests: &mut Option<mpsc::Sender<v1::SubscribeRequest>>) -> bool {
        let now = Instant::now();
        let mut ledger = lock(&self.shared.ledger);
        while let Some(sender) = requests {
            let Ok(permit) = sender.try_reserve() else {
                // Closed: the stream is broken, and the reading will say how.
                return !sender.is_closed();
            };
            match ledger.next_request(self.id, now) {
                Some(Outgoing::Send(request)) => permit.send(request),
                Some(Outgoing::HalfClose) => {
                    drop(permit);
                    *requests = None;
                }
                None => return false,
            }
        }
        false
    }

    fn arm(&self, alarm: std::pin::Pin<&mut Sleep>, may_send: bool) {
        let silence = self.heard_at + 2 * self.interval;
        let due = lock(&self.shared.ledger).alarm(self.id).filter(|_| may_send);
        let next = due.into_iter().chain(self.drain_until).fold(silence, Instant::min);
        // One that rings early is set anew then, which is rarer than that one moves back.
        if next < alarm.deadline() || alarm.is_elapsed() {
            alarm.reset(next);
        }
    }

    fn look_at_the_clock(&mut self, live: &Arc<Live>) -> Result<(), Error> {
        let now = Instant::now();
        if self.drain_until.is_some_and(|until| until <= now) {
            self.drain_until = None;
            lock(&self.shared.ledger).drain_is_over(self.id);
        }
        if now < self.heard_at + 2 * self.interval {
            return Ok(());
        }
        // Another stream on this connection would be dead too.
        self.shared.connection.give_up(live);
        Err(self.silence())
    }

    fn silence(&self) -> Error {
        let silence = 2 * self.interval;
        Error::connection(format!("nothing was heard from the gateway for {silence:?}"))
    }

    fn ended_with_ok(&self, was_half_closed: bool) -> Result<(), Error> {
        if was_half_closed {
            return Ok(());
        }
        Err(Error::connection("the gateway ended the stream"))
    }

    fn take(&mut self, live: &Arc<Live>, response: v1::SubscribeResponse) -> Result<(), Error> {
        match response.response {
            Some(Response::Opened(opened)) => {
                self.opened_at = Some(Instant::now());
                self.speaks_every(opened.heartbeat_interval.as_ref());
                lock(&self.shared.ledger).stream_opened(self.id);
                self.signal(Signal::Opened(self.id));
            }
            Some(Response::Deliveries(deliveries)) => {
                self.fruitful = true;
                let works = deliveries.deliveries.into_iter().map(work);
                let works = works.collect::<Result<Vec<_>, _>>()?;
                lock(&self.shared.ledger).deliver(self.id, works, Instant::now());
            }
            Some(Response::AckResults(results)) => {
                self.fruitful = true;
                lock(&self.shared.ledger).answer(self.id, results, Instant::now());
            }
            Some(Response::Heartbeat(heartbeat)) => {
                self.speaks_every(heartbeat.interval.as_ref());
            }
            Some(Response::GoAway(go_away)) => {
                let reason = go_away.reason();
                let drain = time::duration(go_away.drain_deadline.as_ref()).unwrap_or(FAR_AWAY);
                // Half-closed a little before the gateway loses patience, its OK still comes.
                let margin = (drain / 10).min(Duration::from_secs(1));
                self.drain_until = Some(Instant::now() + drain.saturating_sub(margin));
                // The replacement spreads load and renews credentials: on another connection.
                self.shared.connection.give_up(live);
                let delivers_on = reason == Reason::MaxAge;
                lock(&self.shared.ledger).stream_goes_away(self.id, delivers_on);
                self.signal(Signal::GoingAway(self.id, reason, self.life()));
            }
            // Of a newer version.
            None => {}
        }
        Ok(())
    }

    fn speaks_every(&mut self, interval: Option<&ProtoDuration>) {
        let told = time::duration(interval).filter(|interval| !interval.is_zero());
        self.interval = told.unwrap_or(HEARTBEAT_INTERVAL);
    }

    fn signal(&self, signal: Signal) {
        let _ = self.signals.send(signal);
    }
}

async fn room(requests: Option<&mpsc::Sender<v1::SubscribeRequest>>) {
    if let Some(requests) = requests {
        // An error shows in the reading.
        let _ = requests.reserve().await;
    }
}

fn work(delivery: v1::Delivery) -> Result<Work, Error> {
    Ok(Work {
        event: decoded(delivery.event)?,
        delivery_id: delivery.delivery_id.into(),
        cursor: delivery.cursor,
        attempt: delivery.attempt,
        redelivery_reason: delivery.redelivery_reason,
        ack_deadline: time::duration(delivery.ack_deadline.as_ref()),
    })
}
