use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use tonic::{Code, Status};

use super::stream::{FakeStream, Held};
use crate::{
    Event, Nack, RedeliveryReason, time,
    v1::{
        self, ack_results, go_away, nack_request::Action, subscribe_request::Request,
        subscribe_response::Response,
    },
};

/// How a consumer settled an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FakeSettlement {
    /// The subscription's name.
    pub subscription: String,
    /// The event.
    pub event_id: String,
    /// Which attempt it was.
    pub attempt: u32,
    /// `Ok`: acknowledged.
    pub outcome: Result<(), Nack>,
}

/// More time that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extension {
    /// The event.
    pub event_id: String,
    /// The deadline asked for.
    pub deadline: Duration,
}

/// An event that is owed.
struct Owed {
    index: usize,
    attempt: i32,
    reason: i32,
}

#[derive(Default)]
struct FakeSubscription {
    pending: VecDeque<Owed>,
    // Of the log: what comes after is not owed yet.
    next: usize,
}

/// What a fake gateway knows. Pure, but for the channels that its answers go to.
pub(super) struct State {
    pub(super) heartbeat: Duration,
    pub(super) ack_deadline: Duration,
    pub(super) log: Vec<Event>,
    pub(super) first_kept: usize,
    pub(super) settlements: Vec<FakeSettlement>,
    pub(super) extensions: Vec<Extension>,
    pub(super) refusals: VecDeque<Status>,
    pub(super) holds_answers: bool,
    pub(super) next_result: Option<ack_results::Result>,
    pub(super) opened: usize,
    pub(super) ended_well: usize,
    streams: HashMap<u64, FakeStream>,
    subscriptions: HashMap<String, FakeSubscription>,
    last_id: u64,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            heartbeat: Duration::from_secs(15),
            ack_deadline: Duration::from_secs(30),
            log: Vec::new(),
            first_kept: 0,
            settlements: Vec::new(),
            extensions: Vec::new(),
            refusals: VecDeque::new(),
            holds_answers: false,
            next_result: None,
            opened: 0,
            ended_well: 0,
            streams: HashMap::new(),
            subscriptions: HashMap::new(),
            last_id: 0,
        }
    }

    pub(super) fn publish(&mut self, event: Event) {
        self.log.push(event);
        self.deliver();
    }

    pub(super) fn open(&mut self, stream: FakeStream) -> u64 {
        self.last_id += 1;
        let id = self.last_id;
        self.opened += 1;
        self.subscriptions.entry(stream.subscription.clone()).or_default();
        stream.say_opened(self.heartbeat, self.ack_deadline);
        self.streams.insert(id, stream);
        self.deliver();
        id
    }

    pub(super) fn stream(&self, id: u64) -> Option<&FakeStream> {
        self.streams.get(&id)
    }

    pub(super) fn open_streams(&self) -> usize {
        self.streams.len()
    }

    /// The stream has ended; what it holds goes to others.
    pub(super) fn close(&mut self, id: u64) {
        let Some(stream) = self.streams.remove(&id) else {
            return;
        };
        let reason = RedeliveryReason::StreamLost.number();
        let mut held: Vec<Held> = stream.held.into_values().collect();
        held.sort_unstable_by_key(|held| held.index);
        for Held { index, attempt } in held.into_iter().rev() {
            self.owe(&stream.subscription, Owed { index, attempt, reason });
        }
        self.deliver();
    }

    pub(super) fn end_streams(&mut self, status: &Status) {
        let ids: Vec<u64> = self.streams.keys().copied().collect();
        for id in ids {
            if let Some(stream) = self.streams.get(&id) {
                let _ = stream.answers.send(Err(status.clone()));
            }
            self.close(id);
        }
    }

    pub(super) fn go_away(&mut self, reason: go_away::Reason, drain: Duration) {
        for stream in self.streams.values_mut() {
            stream.going_away = true;
            stream.say(Response::GoAway(v1::GoAway {
                reason: reason.into(),
                drain_deadline: Some(time::proto_duration(drain)),
            }));
        }
    }

    /// The event's time is over with whoever has it: it is delivered again.
    pub(super) fn expire(&mut self, event_id: &str) {
        let log = &self.log;
        let mut expired = Vec::new();
        for stream in self.streams.values_mut() {
            let of_event = |_: &String, held: &mut Held| log[held.index].event_id() == event_id;
            let taken = extract(&mut stream.held, of_event);
            expired.extend(taken.into_iter().map(|held| (stream.subscription.clone(), held)));
        }
        let reason = RedeliveryReason::DeadlineExpired.number();
        for (subscription, Held { index, attempt }) in expired {
            self.owe(&subscription, Owed { index, attempt: attempt + 1, reason });
        }
        self.deliver();
    }

    /// Takes a consumer's request; returns what is to be owed again after a while.
    pub(super) fn take(&mut self, id: u64, request: Request) -> Vec<Later> {
        let (request_id, mut later) = match &request {
            Request::Open(_) => return Vec::new(),
            Request::Flow(flow) => {
                if let Some(stream) = self.streams.get_mut(&id) {
                    stream.paused = flow.paused.unwrap_or(stream.paused);
                }
                self.deliver();
                return Vec::new();
            }
            Request::Ack(ack) => (ack.request_id, Vec::new()),
            Request::Nack(nack) => (nack.request_id, Vec::new()),
            Request::Extend(extend) => (extend.request_id, Vec::new()),
        };
        if self.holds_answers {
            return later;
        }
        let result = self.next_result.take();
        let mut exceptions = Vec::new();
        for delivery_id in delivery_ids(&request) {
            let result =
                result.or_else(|| self.settle(id, &delivery_id, &request, &mut later).err());
            if let Some(result) = result {
                let result = result.into();
                exceptions.push(ack_results::Exception { delivery_id, result });
            }
        }
        if let Some(stream) = self.streams.get(&id) {
            stream.say(Response::AckResults(v1::AckResults { request_id, exceptions }));
        }
        self.deliver();
        later
    }

    fn settle(
        &mut self,
        id: u64,
        delivery_id: &str,
        request: &Request,
        later: &mut Vec<Later>,
    ) -> Result<(), ack_results::Result> {
        // A delivery id says which event it was, so that one of a lost stream can be acknowledged.
        let index = delivery_id.split('-').nth(1).and_then(|index| index.parse().ok());
        let index: usize = index.ok_or(ack_results::Result::Unknown)?;
        let event_id =
            self.log.get(index).ok_or(ack_results::Result::Unknown)?.event_id().to_owned();
        let subscription = self.streams.get(&id).map(|stream| stream.subscription.clone());
        let subscription = subscription.unwrap_or_default();
        if let Request::Extend(extend) = request {
            if self.held(&subscription, delivery_id).is_none() {
                return Err(ack_results::Result::Stale);
            }
            let deadline = time::duration(extend.ack_deadline.as_ref()).unwrap_or_default();
            self.extensions.push(Extension { event_id, deadline });
            return Ok(());
        }
        let outcome = outcome(request);
        let taken = match outcome {
            Ok(()) => self.forget(&subscription, index),
            Err(_) => self.take_held(&subscription, delivery_id),
        };
        let attempt = match (taken, &outcome) {
            (Some(attempt), _) => attempt,
            // Once more does no harm.
            (None, Ok(())) => return Ok(()),
            (None, Err(_)) => return Err(ack_results::Result::Stale),
        };
        if let Err(nack) = &outcome {
            later.extend(Later::of(nack, &subscription, index, attempt));
        }
        self.settlements.push(FakeSettlement {
            subscription,
            event_id,
            attempt: u32::try_from(attempt).unwrap_or(0),
            outcome,
        });
        Ok(())
    }

    pub(super) fn owe_again(&mut self, later: Later) {
        let Later { subscription, index, attempt, reason, .. } = later;
        self.owe(&subscription, Owed { index, attempt, reason });
        self.deliver();
    }

    fn owe(&mut self, subscription: &str, owed: Owed) {
        if let Some(subscription) = self.subscriptions.get_mut(subscription) {
            subscription.pending.push_front(owed);
        }
    }

    fn held(&self, subscription: &str, delivery_id: &str) -> Option<&Held> {
        let mut streams = self.streams.values().filter(|it| it.subscription == subscription);
        streams.find_map(|stream| stream.held.get(delivery_id))
    }

    fn take_held(&mut self, subscription: &str, delivery_id: &str) -> Option<i32> {
        let mut streams = self.streams.values_mut().filter(|it| it.subscription == subscription);
        streams.find_map(|stream| stream.held.remove(delivery_id)).map(|held| held.attempt)
    }

    /// The event is not owed any more, whoever has it; returns its attempt.
    fn forget(&mut self, subscription: &str, index: usize) -> Option<i32> {
        let mut attempt = None;
        for stream in self.streams.values_mut().filter(|it| it.subscription == subscription) {
            let taken = extract(&mut stream.held, |_, held| held.index == index);
            attempt = taken.last().map(|held| held.attempt).or(attempt);
        }
        let pending = &mut self.subscriptions.get_mut(subscription)?.pending;
        attempt = pending.iter().find(|owed| owed.index == index).map(|it| it.attempt).or(attempt);
        pending.retain(|owed| owed.index != index);
        attempt
    }

    fn deliver(&mut self) {
        for (name, subscription) in &mut self.subscriptions {
            while subscription.next < self.log.len() {
                let owed = Owed { index: subscription.next, attempt: 1, reason: 0 };
                subscription.pending.push_back(owed);
                subscription.next += 1;
            }
            let mut streams: Vec<&mut FakeStream> =
                self.streams.values_mut().filter(|it| it.subscription == *name).collect();
            while let Some(stream) = streams.iter_mut().find(|stream| stream.takes_more()) {
                let Some(Owed { index, attempt, reason }) = subscription.pending.pop_front() else {
                    break;
                };
                self.last_id += 1;
                let delivery_id = format!("fake-{index}-{}", self.last_id);
                stream.held.insert(delivery_id.clone(), Held { index, attempt });
                let delivery = v1::Delivery {
                    delivery_id,
                    event: Some(self.log[index].bytes()),
                    cursor: cursor(index),
                    attempt,
                    redelivery_reason: reason,
                    ack_deadline: Some(time::proto_duration(self.ack_deadline)),
                };
                stream.say(Response::Deliveries(v1::Deliveries { deliveries: vec![delivery] }));
            }
        }
    }
}

/// What is owed again after a while.
pub(super) struct Later {
    pub(super) delay: Option<Duration>,
    subscription: String,
    index: usize,
    attempt: i32,
    reason: i32,
}

impl Later {
    fn of(nack: &Nack, subscription: &str, index: usize, attempt: i32) -> Option<Self> {
        let (reason, attempt) = match nack.action {
            Action::Park | Action::Skip => return None,
            Action::Release => (RedeliveryReason::Released, attempt),
            Action::Retry | Action::Unspecified => (RedeliveryReason::Nacked, attempt + 1),
        };
        Some(Self {
            // A released event waits for nothing.
            delay: nack.delay.or(nack.is_release().then_some(Duration::ZERO)),
            subscription: subscription.to_owned(),
            index,
            attempt,
            reason: reason.number(),
        })
    }
}

pub(super) fn cursor(index: usize) -> String {
    format!("fake-{index}")
}

/// The index in the log that a cursor names.
pub(super) fn index_of(cursor: &str) -> Result<usize, Status> {
    let index = cursor.strip_prefix("fake-").and_then(|index| index.parse().ok());
    index.ok_or_else(|| Status::new(Code::InvalidArgument, "a malformed cursor"))
}

fn delivery_ids(request: &Request) -> Vec<String> {
    match request {
        Request::Ack(ack) => ack.delivery_ids.clone(),
        Request::Nack(nack) => nack.delivery_ids.clone(),
        Request::Extend(extend) => extend.delivery_ids.clone(),
        Request::Open(_) | Request::Flow(_) => Vec::new(),
    }
}

fn outcome(request: &Request) -> Result<(), Nack> {
    let Request::Nack(nack) = request else {
        return Ok(());
    };
    Err(Nack {
        action: nack.action(),
        reason: nack.reason.clone(),
        delay: time::duration(nack.delay.as_ref()),
    })
}

fn extract(
    held: &mut HashMap<String, Held>,
    mut wanted: impl FnMut(&String, &mut Held) -> bool,
) -> Vec<Held> {
    let ids: Vec<String> =
        held.iter_mut().filter_map(|(id, held)| wanted(id, held).then(|| id.clone())).collect();
    ids.iter().filter_map(|id| held.remove(id)).collect()
}
