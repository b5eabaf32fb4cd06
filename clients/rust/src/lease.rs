use std::time::Duration;

use tokio::time::Instant;

use crate::time;

// As the proto has it. A delivery whose time is nearly over is extended by more than it had.
const SHORTEST_DEADLINE: Duration = Duration::from_secs(1);

/// How long one delivery may stay here, and when to ask for more: when half its time is over, by its
/// whole deadline, again and again until `max_extension` has passed since it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) deadline: Duration,
    pub(crate) due: Instant,
    // No extension may be asked for after this.
    last: Instant,
}

impl Lease {
    /// `None`: nothing is to be extended.
    pub(crate) fn new(
        ack_deadline: Option<Duration>,
        max_extension: Duration,
        now: Instant,
    ) -> Option<Self> {
        let left = ack_deadline?;
        let lease = Self {
            deadline: left.max(SHORTEST_DEADLINE),
            due: now + left / 2,
            last: now + max_extension,
        };
        lease.within_bound()
    }

    /// It is being extended now.
    pub(crate) fn extended(mut self, now: Instant) -> Option<Self> {
        self.due = now + self.deadline / 2;
        self.within_bound()
    }

    /// The application has asked for `deadline` itself: that holds until little of it is left.
    pub(crate) fn extended_to(mut self, deadline: Duration, now: Instant) -> Option<Self> {
        let deadline = deadline.min(time::LONGEST);
        self.due = now + deadline.saturating_sub(self.deadline / 2).max(deadline / 2);
        self.within_bound()
    }

    /// It could not be extended just now.
    pub(crate) fn postponed(mut self, until: Instant) -> Option<Self> {
        self.due = until;
        self.within_bound()
    }

    fn within_bound(self) -> Option<Self> {
        (self.due <= self.last).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn half_of_the_deadline_is_waited_for_each_time() {
        let now = Instant::now();
        let lease = Lease::new(Some(seconds(30)), HOUR, now).unwrap();
        assert_eq!((lease.due, lease.deadline), (now + seconds(15), seconds(30)));
        let lease = lease.extended(lease.due).unwrap();
        assert_eq!(lease.due, now + seconds(30));
    }

    #[test]
    fn a_deadline_that_is_nearly_over_is_extended_by_a_second() {
        let now = Instant::now();
        let lease = Lease::new(Some(Duration::from_millis(10)), HOUR, now).unwrap();
        assert_eq!((lease.due, lease.deadline), (now + Duration::from_millis(5), seconds(1)));
    }

    #[test]
    fn nothing_is_extended_beyond_the_bound() {
        let now = Instant::now();
        let lease = Lease::new(Some(seconds(10)), seconds(12), now).unwrap();
        let lease = lease.extended(now + seconds(5)).unwrap();
        assert_eq!(lease.extended(now + seconds(10)), None);
        assert_eq!(Lease::new(Some(seconds(10)), Duration::ZERO, now), None);
        assert_eq!(Lease::new(None, HOUR, now), None);
    }

    #[test]
    fn what_the_application_asked_for_is_not_shortened_early() {
        let now = Instant::now();
        let lease = Lease::new(Some(seconds(10)), HOUR, now).unwrap();
        assert_eq!(lease.extended_to(seconds(60), now).unwrap().due, now + seconds(55));
        assert_eq!(lease.extended_to(seconds(2), now).unwrap().due, now + seconds(1));
    }
}
