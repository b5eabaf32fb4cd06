//! The proto's times and durations as the standard library's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `None`: no time of this kind, or one that a `SystemTime` cannot hold.
pub(crate) fn system_time(timestamp: Option<&prost_types::Timestamp>) -> Option<SystemTime> {
    let timestamp = timestamp?;
    let nanos = Duration::from_nanos(u64::try_from(timestamp.nanos).ok()?);
    let seconds = Duration::from_secs(timestamp.seconds.unsigned_abs());
    let whole = if timestamp.seconds >= 0 {
        UNIX_EPOCH.checked_add(seconds)
    } else {
        UNIX_EPOCH.checked_sub(seconds)
    };
    whole?.checked_add(nanos)
}

pub(crate) fn timestamp(time: SystemTime) -> prost_types::Timestamp {
    time.into()
}

/// The longest that the proto allows. So much later than now is a time that an `Instant` can hold.
pub(crate) const LONGEST: Duration = Duration::from_secs(315_576_000_000);

/// `None`: none, or a negative one.
pub(crate) fn duration(duration: Option<&prost_types::Duration>) -> Option<Duration> {
    let duration = duration?;
    let seconds = u64::try_from(duration.seconds).ok()?;
    Some(Duration::new(seconds, u32::try_from(duration.nanos).ok()?).min(LONGEST))
}

/// The longest that the proto knows, for what is longer.
pub(crate) fn proto_duration(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_and_after_1970_are_kept_to_the_nanosecond() {
        for (seconds, nanos) in [(1_620_664_418, 123_000_000), (-1, 500_000_000), (0, 1)] {
            let wire = prost_types::Timestamp { seconds, nanos };
            let native = system_time(Some(&wire)).unwrap();
            assert_eq!(timestamp(native), wire);
        }
    }

    #[test]
    fn what_the_native_type_cannot_hold_is_none() {
        let negative = prost_types::Duration { seconds: -1, nanos: 0 };
        assert_eq!(duration(Some(&negative)), None);
        let broken = prost_types::Timestamp { seconds: 0, nanos: -1 };
        assert_eq!(system_time(Some(&broken)), None);
        assert_eq!(system_time(None), None);
    }

    #[test]
    fn what_is_longer_than_anything_can_be_added_to_now() {
        let endless = prost_types::Duration { seconds: i64::MAX, nanos: 999_999_999 };
        assert_eq!(duration(Some(&endless)), Some(LONGEST));
        assert!(tokio::time::Instant::now().checked_add(2 * LONGEST).is_some());
    }
}
