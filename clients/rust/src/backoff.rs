use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// Decides how long to wait before the next stream: `initial`, then twice as long each time up to
/// `maximum`, each wait shortened at random by up to half so that many clients do not come back at
/// once.
pub(crate) struct Backoff {
    initial: Duration,
    maximum: Duration,
    next: Duration,
    // The stream before went away as planned, and had brought nothing.
    sent_away: bool,
}

impl Backoff {
    pub(crate) fn new(initial: Duration, maximum: Duration) -> Self {
        let initial = initial.min(maximum);
        Self { initial, maximum, next: initial, sent_away: false }
    }

    /// The wait after a stream that was open for `lived` (zero: never), and brought something or
    /// not: then, or if it was open for long, the count starts anew.
    pub(crate) fn after_stream(&mut self, lived: Duration, fruitful: bool) -> Duration {
        self.after_stream_with(lived, fruitful, random_fraction())
    }

    /// The wait after a stream that goes away as planned: none, unless each new one does so at once.
    pub(crate) fn after_go_away(&mut self, lived: Duration, fruitful: bool) -> Duration {
        if fruitful || lived > self.maximum {
            self.next = self.initial;
            self.sent_away = false;
            return Duration::ZERO;
        }
        if std::mem::replace(&mut self.sent_away, true) {
            return self.after_stream(lived, fruitful);
        }
        Duration::ZERO
    }

    fn after_stream_with(&mut self, lived: Duration, fruitful: bool, fraction: f64) -> Duration {
        if fruitful || lived > self.maximum {
            self.next = self.initial;
        }
        let longest = self.next;
        self.next = longest.saturating_mul(2).min(self.maximum);
        longest.mul_f64(0.5 + fraction / 2.0)
    }
}

// The standard library seeds its hash tables at random; more is not needed here.
fn random_fraction() -> f64 {
    let bits = RandomState::new().hash_one(0_u8) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds(backoff: &mut Backoff, count: usize) -> Vec<u128> {
        let wait = |_| backoff.after_stream_with(Duration::ZERO, false, 1.0).as_millis();
        (0..count).map(wait).collect()
    }

    fn backoff() -> Backoff {
        Backoff::new(Duration::from_millis(100), Duration::from_secs(1))
    }

    #[test]
    fn waits_double_up_to_the_maximum() {
        assert_eq!(milliseconds(&mut backoff(), 6), [100, 200, 400, 800, 1000, 1000]);
    }

    #[test]
    fn each_wait_is_shortened_by_up_to_half() {
        assert_eq!(
            backoff().after_stream_with(Duration::ZERO, false, 0.0),
            Duration::from_millis(50)
        );
        for _ in 0..1000 {
            assert!((0.0..1.0).contains(&random_fraction()));
        }
    }

    #[test]
    fn a_stream_that_was_of_use_starts_the_count_anew() {
        for (lived, fruitful) in [(Duration::from_secs(2), false), (Duration::from_millis(1), true)]
        {
            let mut backoff = backoff();
            milliseconds(&mut backoff, 5);
            let wait = backoff.after_stream_with(lived, fruitful, 1.0);
            assert_eq!(wait, Duration::from_millis(100));
        }
    }

    #[test]
    fn a_planned_end_needs_no_wait_unless_each_stream_has_one_at_once() {
        let mut backoff = backoff();
        assert_eq!(backoff.after_go_away(Duration::ZERO, false), Duration::ZERO);
        assert!(backoff.after_go_away(Duration::ZERO, false) >= Duration::from_millis(50));
        assert!(backoff.after_go_away(Duration::ZERO, false) >= Duration::from_millis(100));
        assert_eq!(backoff.after_go_away(Duration::ZERO, true), Duration::ZERO);
        // That was of use, so a replacement that fails is the first to.
        assert_eq!(milliseconds(&mut backoff, 1), [100]);
    }
}
