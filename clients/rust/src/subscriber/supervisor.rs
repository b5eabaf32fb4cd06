use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    select,
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tonic::Code;

use super::{
    Shared,
    stream::{Life, Signal, StreamEnd, StreamTask},
};
use crate::{
    ConnectionState, Error, backoff::Backoff, connection::lock, ends::Ends, ledger::StreamId,
    v1::go_away::Reason,
};

/// Receives for a subscription until it is stopped, or repeating cannot help.
pub(super) async fn run(shared: Arc<Shared>) {
    let result = Supervisor::new(shared.clone()).keep_open().await;
    let unconfirmed = lock(&shared.ledger).end();
    let result = match result {
        Ok(()) if unconfirmed > 0 => Err(Error::UnconfirmedAcknowledgements(unconfirmed)),
        other => other,
    };
    shared.tell(ConnectionState::Stopped(result.as_ref().err().cloned()));
    shared.ended.send_replace(Some(result));
}

/// How far a stop has come.
enum Phase {
    Receiving,
    /// What is being handled is waited for.
    Draining {
        since: Instant,
    },
    /// The gateway's last answers are waited for.
    Confirming {
        until: Instant,
    },
}

/// Keeps a stream open: opens another when one is lost or goes away. At most two are alive, the
/// newest and one that drains.
struct Supervisor {
    shared: Arc<Shared>,
    backoff: Backoff,
    ends: Ends,
    phase: Phase,
    signals: mpsc::UnboundedSender<Signal>,
    received: mpsc::UnboundedReceiver<Signal>,
    streams: HashMap<StreamId, Stream>,
    newest: StreamId,
    retry_at: Option<Instant>,
    fatal: Option<Error>,
}

struct Stream {
    cancel: CancellationToken,
    opened: bool,
}

impl Supervisor {
    fn new(shared: Arc<Shared>) -> Self {
        let options = &shared.connection.options;
        let (signals, received) = mpsc::unbounded_channel();
        Self {
            backoff: Backoff::new(options.backoff_initial, options.backoff_maximum),
            ends: Ends::new(options),
            phase: Phase::Receiving,
            signals,
            received,
            streams: HashMap::new(),
            newest: 0,
            retry_at: None,
            fatal: None,
            shared,
        }
    }

    async fn keep_open(mut self) -> Result<(), Error> {
        let shared = self.shared.clone();
        let mut stop = shared.stop.subscribe();
        let stop_on = shared.options.stop_on.clone();
        self.open_stream();
        while let Some(deadline) = self.advance(Instant::now()) {
            let is_receiving = matches!(self.phase, Phase::Receiving);
            select! {
                Some(signal) = self.received.recv() => self.take(signal),
                _ = stop.changed() => {}
                () = cancelled(stop_on.as_ref()), if is_receiving => {
                    shared.request_stop(shared.options.grace);
                }
                () = shared.idle.notified() => {}
                () = sleep_until(deadline) => {
                    if self.retry_at.is_some_and(|at| at <= Instant::now()) {
                        self.open_stream();
                    }
                }
            }
        }
        self.streams.values().for_each(|stream| stream.cancel.cancel());
        while !self.streams.is_empty() {
            if let Some(Signal::Ended(id, _)) = self.received.recv().await {
                self.streams.remove(&id);
            }
        }
        self.fatal.map_or(Ok(()), Err)
    }

    /// Goes from phase to phase; returns when to look again, or nothing: it is over.
    fn advance(&mut self, now: Instant) -> Option<Instant> {
        let grace = *self.shared.stop.borrow();
        let ledger = self.shared.clone();
        let mut ledger = lock(&ledger.ledger);
        let far_away = now + Duration::from_secs(24 * 3600);
        let next = self.retry_at.unwrap_or(far_away);
        if matches!(self.phase, Phase::Receiving) {
            if grace.is_none() && self.fatal.is_none() {
                return Some(next);
            }
            ledger.stop();
            self.phase = Phase::Draining { since: now };
        }
        if let Phase::Draining { since } = self.phase {
            let until = since + grace.unwrap_or(self.shared.options.grace);
            let is_lost = self.fatal.is_some() && self.streams.is_empty();
            if ledger.held() > 0 && now < until && !is_lost {
                return Some(next.min(until));
            }
            ledger.release_held();
            ledger.close();
            let until = now + self.shared.options.confirmation_timeout;
            self.phase = Phase::Confirming { until };
        }
        let Phase::Confirming { until } = self.phase else {
            return Some(next);
        };
        let has_orphans = ledger.has_orphans();
        let unopened = self.streams.values().filter(|stream| !stream.opened && !has_orphans);
        unopened.for_each(|stream| stream.cancel.cancel());
        let may_come = self.retry_at.is_some() && has_orphans;
        let goes_on = now < until && (!self.streams.is_empty() || may_come);
        goes_on.then(|| next.min(until))
    }

    fn open_stream(&mut self) {
        self.retry_at = None;
        self.newest += 1;
        let cancel = CancellationToken::new();
        let stream = Stream { cancel: cancel.clone(), opened: false };
        self.streams.insert(self.newest, stream);
        self.shared.tell(ConnectionState::Connecting);
        let task = StreamTask::new(self.shared.clone(), self.newest, self.signals.clone(), cancel);
        tokio::spawn(task.run());
    }

    fn take(&mut self, signal: Signal) {
        match signal {
            Signal::Opened(id) => {
                self.ends.let_in();
                if let Some(stream) = self.streams.get_mut(&id) {
                    stream.opened = true;
                }
                if id == self.newest {
                    self.shared.tell(ConnectionState::Streaming);
                }
            }
            Signal::GoingAway(_, Reason::SubscriptionDeleted, _) => {
                let words = "the subscription was deleted";
                self.fatal = Some(Error::gateway(Code::NotFound, words));
                self.retry_at = None;
            }
            Signal::GoingAway(id, _, life) => {
                if id == self.newest && self.fatal.is_none() {
                    // A second stream that goes away overtakes the first.
                    let others = self.streams.iter().filter(|(other, _)| **other != id);
                    others.for_each(|(_, stream)| stream.cancel.cancel());
                    self.replace_after(life);
                }
            }
            Signal::Ended(id, end) => {
                self.streams.remove(&id);
                if id == self.newest && self.fatal.is_none() {
                    self.reopen_after(end);
                }
            }
        }
    }

    fn replace_after(&mut self, life: Life) {
        let wait = self.backoff.after_go_away(life.lived, life.fruitful);
        if wait.is_zero() {
            self.open_stream();
            return;
        }
        let error = Error::connection("the gateway sends its streams away");
        self.shared.tell(ConnectionState::BackingOff(error));
        self.retry_at = Some(Instant::now() + wait);
    }

    fn reopen_after(&mut self, end: StreamEnd) {
        // Sent away before: the wait for the next has begun.
        if self.retry_at.is_some() {
            return;
        }
        let wait = self.backoff.after_stream(end.life.lived, end.life.fruitful);
        let now = Instant::now();
        match end.result {
            // It was half-closed here: a stop.
            Ok(()) => {}
            // Of a subscription nothing is out of range for good.
            Err(error) if error.code() != Code::OutOfRange && self.ends.is_final(&error, now) => {
                self.fatal = Some(error);
                return;
            }
            Err(error) => {
                if !matches!(self.phase, Phase::Confirming { .. }) {
                    self.shared.tell(ConnectionState::BackingOff(error));
                }
            }
        }
        self.retry_at = Some(now + wait);
    }
}

async fn cancelled(token: Option<&CancellationToken>) {
    match token {
        Some(token) => token.cancelled().await,
        None => std::future::pending().await,
    }
}
