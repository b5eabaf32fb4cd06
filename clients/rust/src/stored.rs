use std::time::SystemTime;

use bytes::Bytes;
use tonic::Code;

use crate::{DeliveryState, Error, Event, TimelineKind, time, v1};

/// An event as the gateway keeps it, with what became of it as far as that is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    event: Event,
    message: v1::StoredEvent,
    timelines: Vec<Timeline>,
}

impl StoredEvent {
    /// The event.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Its place in the log, as a watch takes it.
    pub fn cursor(&self) -> &str {
        &self.message.cursor
    }

    /// When it was durable, by the gateway's clock.
    pub fn stored_at(&self) -> Option<SystemTime> {
        time::system_time(self.message.stored_at.as_ref())
    }

    /// What became of it, by subscription. Empty in answers to a range of time.
    pub fn timelines(&self) -> &[Timeline] {
        &self.timelines
    }

    /// The callback's body as received, if the gateway keeps it and the caller may see numbers.
    pub fn raw_body(&self) -> Option<&Bytes> {
        self.message.raw_body.as_ref()
    }

    /// The protobuf message, with the event's bytes as they came.
    pub fn message(&self) -> &v1::StoredEvent {
        &self.message
    }
}

impl TryFrom<v1::StoredEvent> for StoredEvent {
    type Error = Error;

    fn try_from(message: v1::StoredEvent) -> Result<Self, Error> {
        Ok(Self {
            event: decoded(message.event.clone())?,
            timelines: message.timelines.iter().map(Timeline::new).collect(),
            message,
        })
    }
}

/// An event out of its envelope; an envelope without one holds an empty event.
pub(crate) fn decoded(event: Option<Bytes>) -> Result<Event, Error> {
    Event::decode(event.unwrap_or_default()).map_err(|error| {
        Error::gateway(Code::Internal, format!("an event cannot be decoded: {error}"))
    })
}

/// What became of one event in one subscription.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Timeline {
    /// Name of the subscription.
    pub subscription: String,
    /// Where the event stands; `None`: not said.
    pub state: Option<DeliveryState>,
    /// What happened, oldest first.
    pub entries: Vec<TimelineEntry>,
}

/// One thing that happened to an event in a subscription.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TimelineEntry {
    /// What happened; `None`: not said.
    pub kind: Option<TimelineKind>,
    /// When, by the gateway's clock.
    pub time: Option<SystemTime>,
    /// The consumer that did it; empty if it named none or none did.
    pub consumer_name: String,
    /// Number of the attempt, if it has one.
    pub attempt: Option<u32>,
    /// As the consumer or the gateway gave it.
    pub reason: String,
}

impl Timeline {
    fn new(message: &v1::SubscriptionTimeline) -> Self {
        Self {
            subscription: message.subscription.clone(),
            state: DeliveryState::from_number(message.state),
            entries: message.entries.iter().map(TimelineEntry::new).collect(),
        }
    }
}

impl TimelineEntry {
    fn new(message: &v1::TimelineEntry) -> Self {
        Self {
            kind: TimelineKind::from_number(message.kind),
            time: time::system_time(message.time.as_ref()),
            consumer_name: message.consumer_name.clone(),
            attempt: u32::try_from(message.attempt).ok().filter(|&attempt| attempt > 0),
            reason: message.reason.clone(),
        }
    }
}
