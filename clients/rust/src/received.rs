use std::{
    collections::HashMap,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::sync::oneshot;

use crate::{
    Error, Event, Nack, RedeliveryReason,
    ledger::{Reply, Settlement, Work},
};

/// Where the answers to a delivery go.
pub(crate) trait Home: Send + Sync {
    fn settle(&self, event_id: &str, settlement: Settlement, reply: Option<Reply>);
    fn dropped(&self, event_id: &str);
    fn extend(&self, event_id: &str, deadline: Duration, reply: Reply);
}

/// An event as it was handed over: what a handler gets. Cloning is cheap.
#[derive(Clone)]
pub struct Received {
    work: Arc<Work>,
    home: Arc<dyn Home>,
}

impl Received {
    pub(crate) fn new(work: Work, home: Arc<dyn Home>) -> Self {
        Self { work: Arc::new(work), home }
    }

    /// The event.
    pub fn event(&self) -> &Event {
        &self.work.event
    }

    /// Number of this attempt, from 1. May repeat after a lost stream, which counts as no attempt.
    pub fn attempt(&self) -> u32 {
        u32::try_from(self.work.attempt).unwrap_or(0)
    }

    /// Why the event comes again; `None`: it is its first attempt.
    pub fn redelivery_reason(&self) -> Option<RedeliveryReason> {
        RedeliveryReason::from_number(self.work.redelivery_reason)
    }

    /// The event's place in the log, as a watch takes it.
    pub fn cursor(&self) -> &str {
        &self.work.cursor
    }

    /// Names this attempt. Where the event came again meanwhile, its settlement names the newest.
    pub fn delivery_id(&self) -> &str {
        &self.work.delivery_id
    }

    /// How long the delivery could stay unsettled when it was sent, if the library did not extend
    /// it; `None`: without limit.
    pub fn ack_deadline(&self) -> Option<Duration> {
        self.work.ack_deadline
    }

    /// The callback's W3C trace context, as the carrier that a propagator of OpenTelemetry extracts
    /// from: holds `traceparent`, or nothing.
    pub fn trace_context(&self) -> HashMap<String, String> {
        let traceparent = self.event().traceparent();
        let entry = traceparent.map(|value| ("traceparent".to_owned(), value.to_owned()));
        entry.into_iter().collect()
    }

    /// Asks for a deadline of `deadline` from now (1 s to 10 min), whatever was extended by the
    /// library. It is asked at once; the future tells whether the gateway did it.
    pub fn extend(&self, deadline: Duration) -> Confirmation {
        let (reply, confirmation) = Confirmation::new();
        self.home.extend(self.event().event_id(), deadline, reply);
        confirmation
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Received")
            .field("event", self.event())
            .field("attempt", &self.attempt())
            .field("redelivery_reason", &self.redelivery_reason())
            .field("delivery_id", &self.delivery_id())
            .finish_non_exhaustive()
    }
}

/// An event that a [`Subscription`](crate::Subscription) handed over, to be settled once: each of
/// the methods that do so takes it away.
///
/// ```compile_fail,E0382
/// # async fn example(delivery: onhook_client::Delivery) -> Result<(), onhook_client::Error> {
/// delivery.ack().await?;
/// delivery.ack().await?; // does not compile: use of moved value
/// # Ok(())
/// # }
/// ```
///
/// What is asked is sent at once, whether the returned [`Confirmation`] is awaited or not.
///
/// One that is dropped unsettled, by a task that panicked say, asks for a retry, with the gateway's
/// backoff; after a stop it is released.
#[derive(Debug)]
#[must_use = "a delivery that is dropped is given back for a retry"]
pub struct Delivery {
    received: Received,
    settled: bool,
}

impl Delivery {
    pub(crate) fn new(received: Received) -> Self {
        Self { received, settled: false }
    }

    /// The event is done: it does not come again. To be called after the work is safe.
    pub fn ack(self) -> Confirmation {
        self.settle(Settlement::Ack)
    }

    /// Gives the event back, as the [`Nack`] says.
    pub fn nack(self, nack: impl Into<Nack>) -> Confirmation {
        self.settle(Settlement::Nack(nack.into()))
    }

    /// Not now: again after the gateway's backoff.
    pub fn retry(self, reason: impl fmt::Display) -> Confirmation {
        self.nack_with(Nack::retry(reason))
    }

    /// Not now: again after `delay` (up to 1 h).
    pub fn retry_after(self, delay: Duration, reason: impl fmt::Display) -> Confirmation {
        self.nack_with(Nack::retry(reason).after(delay))
    }

    /// Never like this: straight to the dead letters.
    pub fn park(self, reason: impl fmt::Display) -> Confirmation {
        self.nack_with(Nack::park(reason))
    }

    /// Done with, without having been processed.
    pub fn skip(self, reason: impl fmt::Display) -> Confirmation {
        self.nack_with(Nack::skip(reason))
    }

    /// Not here: to another consumer at once; counts as no attempt.
    pub fn release(self, reason: impl fmt::Display) -> Confirmation {
        self.nack_with(Nack::release(reason))
    }

    /// Settles by what a handler returned.
    pub fn settle_by(self, result: Result<(), Nack>) -> Confirmation {
        self.settle(match result {
            Ok(()) => Settlement::Ack,
            Err(nack) => Settlement::Nack(nack),
        })
    }

    fn nack_with(self, nack: Nack) -> Confirmation {
        self.settle(Settlement::Nack(nack))
    }

    fn settle(mut self, settlement: Settlement) -> Confirmation {
        self.settled = true;
        let (reply, confirmation) = Confirmation::new();
        let Received { work, home } = &self.received;
        home.settle(work.event.event_id(), settlement, Some(reply));
        confirmation
    }
}

impl std::ops::Deref for Delivery {
    type Target = Received;

    fn deref(&self) -> &Received {
        &self.received
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if !self.settled {
            let Received { work, home } = &self.received;
            home.dropped(work.event.event_id());
        }
    }
}

/// Tells what the gateway made of a settlement or an extension: `Ok` once it is durable there,
/// [`Error::Stale`], [`Error::UnknownDelivery`], or [`Error::Unconfirmed`] if that will never be
/// known. An acknowledgement waits over reconnections for its answer.
///
/// What was asked happens whether this is awaited, dropped, or neither.
#[derive(Debug)]
pub struct Confirmation {
    answer: oneshot::Receiver<Result<(), Error>>,
}

impl Confirmation {
    pub(crate) fn new() -> (Reply, Self) {
        let (reply, answer) = oneshot::channel();
        (reply, Self { answer })
    }
}

impl Future for Confirmation {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.answer).poll(context));
        // Whoever was to answer is gone with the runtime.
        Poll::Ready(answer.unwrap_or(Err(Error::Unconfirmed)))
    }
}
