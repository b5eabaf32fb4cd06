use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::{
    Extended, LARGEST_REQUEST, Pending, RETRY_LATER_PAUSE, Reply, Settlement, result_error,
    results_by_id,
};
use crate::{
    Error, time,
    v1::{self, subscribe_request::Request},
};

/// What to do with the sending half of a stream.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is moved once, and kept nowhere")]
pub(crate) enum Outgoing {
    Send(v1::SubscribeRequest),
    HalfClose,
}

/// A request that the gateway has not answered.
enum Unanswered {
    Settlements(Vec<Pending>),
    /// By the library itself: its answer is of use if it comes, and not waited for.
    Extension(Vec<Extended>),
    /// By the application.
    AskedExtension(Arc<str>, Reply),
}

/// The books of one stream, from its opening to its end.
pub(super) struct Book {
    pub(super) wake: Arc<Notify>,
    pub(super) opened: bool,
    pub(super) going_away: bool,
    /// Its time is over: it gets its answers, and nothing new.
    pub(super) abandoned: bool,
    pub(super) close_when_idle: bool,
    pub(super) half_closed: bool,
    /// As the gateway was told.
    pub(super) paused: bool,
    /// Deliveries that came on it and are not settled.
    pub(super) held: usize,
    pub(super) extensions: VecDeque<(Arc<str>, Duration, Reply)>,
    /// When a lease is due or what was told RETRY_LATER is to be sent again; maybe too early.
    pub(super) alarm: Option<Instant>,
    pub(super) delayed_until: Option<Instant>,
    acks: VecDeque<Pending>,
    nacks: VecDeque<Pending>,
    delayed: Vec<Pending>,
    unanswered: HashMap<u64, Unanswered>,
    ack_requests: usize,
    last_request_id: u64,
}

impl Book {
    pub(super) fn new(wake: Arc<Notify>) -> Self {
        Self {
            wake,
            opened: false,
            going_away: false,
            abandoned: false,
            close_when_idle: false,
            half_closed: false,
            paused: false,
            held: 0,
            extensions: VecDeque::new(),
            alarm: None,
            delayed_until: None,
            acks: VecDeque::new(),
            nacks: VecDeque::new(),
            delayed: Vec::new(),
            unanswered: HashMap::new(),
            ack_requests: 0,
            last_request_id: 0,
        }
    }

    pub(super) fn takes_settlements(&self) -> bool {
        self.opened && !self.half_closed && !self.abandoned
    }

    pub(super) fn push(&mut self, pending: Pending) {
        match pending.settlement {
            Settlement::Ack => self.acks.push_back(pending),
            Settlement::Nack(_) => self.nacks.push_back(pending),
        }
    }

    pub(super) fn alarm_at(&mut self, time: Option<Instant>) {
        if time.is_some_and(|time| self.alarm.is_none_or(|alarm| time < alarm)) {
            self.alarm = time;
            self.wake.notify_one();
        }
    }

    /// An acknowledgement leaves at once when none is under way, and gathers with others while one
    /// is.
    fn may_send_acks(&self) -> bool {
        let full = self.acks.len() >= LARGEST_REQUEST;
        !self.acks.is_empty() && (self.ack_requests == 0 || full)
    }

    pub(super) fn has_work(&self) -> bool {
        self.may_send_acks()
            || !self.nacks.is_empty()
            || !self.extensions.is_empty()
            || self.may_half_close()
    }

    fn may_half_close(&self) -> bool {
        let wanted = self.abandoned || (self.close_when_idle && self.held == 0);
        wanted
            && self.acks.is_empty()
            && self.nacks.is_empty()
            && self.delayed.is_empty()
            && self.extensions.is_empty()
            && self.unanswered.values().all(|request| matches!(request, Unanswered::Extension(_)))
    }

    pub(super) fn revive_delayed(&mut self, now: Instant) {
        if self.delayed_until.is_some_and(|until| until <= now) {
            self.delayed_until = None;
            for pending in std::mem::take(&mut self.delayed) {
                self.push(pending);
            }
        }
    }

    pub(super) fn next_request(&mut self) -> Option<Outgoing> {
        if let Some((delivery_id, deadline, reply)) = self.extensions.pop_front() {
            let ids = vec![delivery_id.to_string()];
            let id = self.remember(Unanswered::AskedExtension(delivery_id, reply));
            return Some(extend_request(id, deadline, ids));
        }
        if self.may_send_acks() {
            return Some(self.ack_request());
        }
        if !self.nacks.is_empty() {
            return self.nack_request();
        }
        if self.may_half_close() {
            self.half_closed = true;
            return Some(Outgoing::HalfClose);
        }
        None
    }

    fn remember(&mut self, request: Unanswered) -> u64 {
        self.last_request_id += 1;
        self.unanswered.insert(self.last_request_id, request);
        self.last_request_id
    }

    fn ack_request(&mut self) -> Outgoing {
        let count = self.acks.len().min(LARGEST_REQUEST);
        let acks: Vec<Pending> = self.acks.drain(..count).collect();
        let delivery_ids = ids(&acks);
        self.ack_requests += 1;
        let request_id = self.remember(Unanswered::Settlements(acks));
        send(Request::Ack(v1::AckRequest { request_id, delivery_ids }))
    }

    /// As many as say the same: all that is given back at a stop, above all.
    fn nack_request(&mut self) -> Option<Outgoing> {
        let words = self.nacks.front()?.settlement.clone();
        let same = self.nacks.iter().take(LARGEST_REQUEST);
        let count = same.take_while(|pending| pending.settlement == words).count();
        let nacks: Vec<Pending> = self.nacks.drain(..count).collect();
        let delivery_ids = ids(&nacks);
        let request_id = self.remember(Unanswered::Settlements(nacks));
        let Settlement::Nack(nack) = words else {
            unreachable!("acknowledgements are kept apart");
        };
        Some(send(Request::Nack(v1::NackRequest {
            request_id,
            delivery_ids,
            action: nack.action.into(),
            delay: nack.delay.map(time::proto_duration),
            reason: nack.reason,
        })))
    }

    pub(super) fn extend(&mut self, deadline: Duration, due: Vec<Extended>) -> Outgoing {
        let ids = due.iter().map(|(_, delivery_id)| delivery_id.to_string()).collect();
        let id = self.remember(Unanswered::Extension(due));
        extend_request(id, deadline, ids)
    }

    pub(super) fn flow(&self, paused: bool) -> Outgoing {
        send(Request::Flow(v1::FlowControl { paused: Some(paused), ..Default::default() }))
    }

    /// Settles what the gateway has answered; returns what of an extension was refused.
    pub(super) fn answer(
        &mut self,
        results: v1::AckResults,
        now: Instant,
        orphaned: &mut HashSet<Arc<str>>,
    ) -> Vec<(Arc<str>, Arc<str>, v1::ack_results::Result)> {
        let by_id = results_by_id(&results);
        match self.unanswered.remove(&results.request_id) {
            Some(Unanswered::Settlements(settlements)) => {
                if settlements.iter().any(|pending| pending.settlement == Settlement::Ack) {
                    self.ack_requests -= 1;
                }
                for pending in settlements {
                    let result = by_id.get(&*pending.delivery_id).copied();
                    if result != Some(v1::ack_results::Result::RetryLater) && !orphaned.is_empty() {
                        orphaned.remove(&pending.event_id);
                    }
                    self.settled(pending, result, now);
                }
                Vec::new()
            }
            Some(Unanswered::Extension(ids)) => {
                let refused = ids.into_iter().filter_map(|(event_id, delivery_id)| {
                    let result = *by_id.get(&*delivery_id)?;
                    Some((event_id, delivery_id, result))
                });
                refused.collect()
            }
            Some(Unanswered::AskedExtension(delivery_id, reply)) => {
                let refused = by_id.get(&*delivery_id).copied().map(result_error);
                let _ = reply.send(refused.map_or(Ok(()), Err));
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn settled(
        &mut self,
        pending: Pending,
        exception: Option<v1::ack_results::Result>,
        now: Instant,
    ) {
        match exception {
            None => pending.answer(Ok(())),
            Some(v1::ack_results::Result::RetryLater) => {
                let until = now + RETRY_LATER_PAUSE;
                self.delayed_until.get_or_insert(until);
                self.alarm_at(Some(until));
                self.delayed.push(pending);
            }
            Some(refused) => pending.answer(Err(result_error(refused))),
        }
    }

    /// The stream has ended: what was taken and never answered, in the order it was taken.
    pub(super) fn into_unconfirmed(self) -> Vec<Pending> {
        let mut unconfirmed = Vec::new();
        let mut requests: Vec<_> = self.unanswered.into_iter().collect();
        requests.sort_unstable_by_key(|(id, _)| *id);
        for (_, request) in requests {
            match request {
                Unanswered::Settlements(settlements) => unconfirmed.extend(settlements),
                Unanswered::AskedExtension(_, reply) => {
                    let _ = reply.send(Err(Error::Unconfirmed));
                }
                Unanswered::Extension(_) => {}
            }
        }
        for (_, _, reply) in self.extensions {
            let _ = reply.send(Err(Error::Unconfirmed));
        }
        unconfirmed.extend(self.delayed);
        unconfirmed.extend(self.acks);
        unconfirmed.extend(self.nacks);
        unconfirmed
    }
}

fn ids(settlements: &[Pending]) -> Vec<String> {
    settlements.iter().map(|pending| pending.delivery_id.to_string()).collect()
}

fn send(request: Request) -> Outgoing {
    Outgoing::Send(v1::SubscribeRequest { request: Some(request) })
}

fn extend_request(request_id: u64, deadline: Duration, delivery_ids: Vec<String>) -> Outgoing {
    send(Request::Extend(v1::ExtendRequest {
        request_id,
        delivery_ids,
        ack_deadline: Some(time::proto_duration(deadline)),
    }))
}
