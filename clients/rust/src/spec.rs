use std::time::Duration;

use crate::{
    time,
    v1::{self, subscription_spec::DeliveryAttempts},
};

/// Either end of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StartPosition {
    /// The oldest event kept.
    Earliest,
    /// Behind the newest event: only what comes.
    Latest,
}

impl StartPosition {
    pub(crate) fn number(self) -> i32 {
        match self {
            StartPosition::Earliest => v1::StartPosition::Earliest.into(),
            StartPosition::Latest => v1::StartPosition::Latest.into(),
        }
    }
}

/// Which events are wanted. Within a list any member may match; of the lists that are not empty all
/// must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    message: v1::EventFilter,
}

impl EventFilter {
    /// Every event matches.
    pub fn new() -> Self {
        Self::default()
    }

    /// Events that came in by one of these sources.
    #[must_use]
    pub fn sources(mut self, sources: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.message.sources = sources.into_iter().map(Into::into).collect();
        self
    }

    /// Events of these agents; "" matches an event without one.
    #[must_use]
    pub fn service_nos(mut self, numbers: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.message.service_nos = numbers.into_iter().map(Into::into).collect();
        self
    }

    /// Events with these codes, verbatim; "" matches an event without one.
    #[must_use]
    pub fn release_reason_codes(
        mut self,
        codes: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.message.release_reason_codes = codes.into_iter().map(Into::into).collect();
        self
    }
}

impl From<EventFilter> for v1::EventFilter {
    fn from(filter: EventFilter) -> Self {
        filter.message
    }
}

/// What a subscription is set to when it is created. What is not set is the gateway's default.
///
/// ```
/// # use onhook_client::{StartPosition, SubscriptionSpec};
/// # use std::time::Duration;
/// let spec = SubscriptionSpec::new()
///     .start_position(StartPosition::Latest)
///     .ack_deadline(Duration::from_secs(60))
///     .max_delivery_attempts(5);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubscriptionSpec {
    message: v1::SubscriptionSpec,
}

impl SubscriptionSpec {
    /// All defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where it begins. Default: the oldest event kept.
    #[must_use]
    pub fn start_position(mut self, position: StartPosition) -> Self {
        self.message.start_position = position.number();
        self
    }

    /// Which events it owes. Default: all.
    #[must_use]
    pub fn filter(mut self, filter: EventFilter) -> Self {
        self.message.filter = Some(filter.into());
        self
    }

    /// How long a delivery may stay unsettled, 1 s to 10 min. Default: 30 s.
    #[must_use]
    pub fn ack_deadline(mut self, deadline: Duration) -> Self {
        self.message.ack_deadline = Some(time::proto_duration(deadline));
        self
    }

    /// After how many attempts an event that fails is parked, if
    /// [`minimum_retry_time`](Self::minimum_retry_time) is over too. Default: 20.
    #[must_use]
    pub fn max_delivery_attempts(mut self, attempts: u32) -> Self {
        let attempts = i32::try_from(attempts).unwrap_or(i32::MAX);
        self.message.delivery_attempts = Some(DeliveryAttempts::MaxDeliveryAttempts(attempts));
        self
    }

    /// Never parks an event for its attempts.
    #[must_use]
    pub fn unlimited_delivery_attempts(mut self) -> Self {
        let unlimited = v1::UnlimitedDeliveryAttempts {};
        self.message.delivery_attempts =
            Some(DeliveryAttempts::UnlimitedDeliveryAttempts(unlimited));
        self
    }

    /// How long an event is retried at least, from its first attempt. Default: 24 h.
    #[must_use]
    pub fn minimum_retry_time(mut self, time: Duration) -> Self {
        self.message.minimum_retry_time = Some(time::proto_duration(time));
        self
    }

    /// Most events that are handed out and not settled. Default: 100,000.
    #[must_use]
    pub fn max_unacked_events(mut self, events: u64) -> Self {
        self.message.max_unacked_events = Some(i64::try_from(events).unwrap_or(i64::MAX));
        self
    }

    /// Deleted when it had no stream for so long. Default: 31 days.
    #[must_use]
    pub fn expire_after_unused(mut self, time: Duration) -> Self {
        self.message.expire_after_unused = Some(time::proto_duration(time));
        self
    }

    /// What it may owe, by the age of its oldest event, before the oldest are given up for it.
    #[must_use]
    pub fn backlog_limit_age(mut self, age: Duration) -> Self {
        let limit = self.message.backlog_limit.get_or_insert_default();
        limit.age = Some(time::proto_duration(age));
        self
    }

    /// What it may owe, in bytes of events, before the oldest are given up for it.
    #[must_use]
    pub fn backlog_limit_bytes(mut self, bytes: u64) -> Self {
        let limit = self.message.backlog_limit.get_or_insert_default();
        limit.bytes = Some(i64::try_from(bytes).unwrap_or(i64::MAX));
        self
    }
}

impl From<SubscriptionSpec> for v1::SubscriptionSpec {
    fn from(spec: SubscriptionSpec) -> Self {
        spec.message
    }
}
