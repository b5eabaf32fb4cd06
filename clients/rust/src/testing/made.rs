use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::{
    Delivery, Event, Nack, Received, RedeliveryReason,
    connection::lock,
    ledger::{Reply, Settlement, Work},
    received::Home,
};

/// A delivery that no gateway made, to call a handler with. What is asked of it is noted, and
/// confirmed at once.
#[derive(Clone, Debug)]
pub struct MadeDelivery {
    work: Work,
    notes: Arc<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    outcomes: Mutex<VecDeque<Result<(), Nack>>>,
    extensions: Mutex<Vec<Duration>>,
}

impl MadeDelivery {
    /// The first attempt of an event.
    pub fn of(event: impl Into<Event>) -> Self {
        Self {
            work: Work {
                event: event.into(),
                delivery_id: "made-1".into(),
                cursor: "made".to_owned(),
                attempt: 1,
                redelivery_reason: 0,
                ack_deadline: None,
            },
            notes: Arc::default(),
        }
    }

    /// Number of the attempt.
    #[must_use]
    pub fn attempt(mut self, attempt: u32) -> Self {
        self.work.attempt = i32::try_from(attempt).unwrap_or(i32::MAX);
        self
    }

    /// Why the event comes again.
    #[must_use]
    pub fn redelivery_reason(mut self, reason: RedeliveryReason) -> Self {
        self.work.redelivery_reason = reason.number();
        self
    }

    /// The event's place in the log.
    #[must_use]
    pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
        self.work.cursor = cursor.into();
        self
    }

    /// How long it may stay unsettled.
    #[must_use]
    pub fn ack_deadline(mut self, deadline: Duration) -> Self {
        self.work.ack_deadline = Some(deadline);
        self
    }

    /// As a handler gets it.
    pub fn received(&self) -> Received {
        Received::new(self.work.clone(), self.notes.clone())
    }

    /// As a subscription's stream gives it.
    pub fn delivery(&self) -> Delivery {
        Delivery::new(self.received())
    }

    /// How a [`delivery`](Self::delivery) was settled; `None`: not yet.
    pub fn outcome(&self) -> Option<Result<(), Nack>> {
        lock(&self.notes.outcomes).front().cloned()
    }

    /// The deadlines that were asked for.
    pub fn extensions(&self) -> Vec<Duration> {
        lock(&self.notes.extensions).clone()
    }
}

impl Home for Notes {
    fn settle(&self, _: &str, settlement: Settlement, reply: Option<Reply>) {
        lock(&self.outcomes).push_back(match settlement {
            Settlement::Ack => Ok(()),
            Settlement::Nack(nack) => Err(nack),
        });
        confirm(reply);
    }

    fn dropped(&self, event_id: &str) {
        let nack = Nack::retry("the consumer dropped it unsettled");
        self.settle(event_id, Settlement::Nack(nack), None);
    }

    fn extend(&self, _: &str, deadline: Duration, reply: Reply) {
        lock(&self.extensions).push(deadline);
        confirm(Some(reply));
    }
}

fn confirm(reply: Option<Reply>) {
    if let Some(reply) = reply {
        // Nobody may want to know.
        let _ = reply.send(Ok(()));
    }
}
