use std::{fmt, time::Duration};

use crate::{error::with_sources, v1::nack_request::Action};

// As the proto has it.
const REASON_CHARACTERS: usize = 1024;

/// What a handler returns when an event is not done: any error becomes a retry with the error's
/// words, so `?` does what is wanted; the constructors ask for something else.
///
/// ```
/// # use onhook_client::{Nack, Received};
/// # use std::time::Duration;
/// async fn handle(received: Received) -> Result<(), Nack> {
///     let Some(call_data) = received.event().call_data() else {
///         return Err(Nack::park("no callData: nobody knows whose call it was"));
///     };
///     let customer: u64 = call_data.parse()?; // a ParseIntError: again later
///     if customer == 0 {
///         return Err(Nack::retry("the CRM is being upgraded").after(Duration::from_secs(60)));
///     }
///     Ok(())
/// }
/// ```
///
/// A reason goes to the gateway, where it is shown and logged: no personal data; the first 1,024
/// characters count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nack {
    pub(crate) action: Action,
    pub(crate) reason: String,
    pub(crate) delay: Option<Duration>,
}

impl Nack {
    fn new(action: Action, reason: impl fmt::Display) -> Self {
        let reason = reason.to_string();
        Self {
            action,
            // The sum of the whole text's characters is not needed to know where to cut.
            reason: match reason.char_indices().nth(REASON_CHARACTERS) {
                Some((end, _)) => reason[..end].to_owned(),
                None => reason,
            },
            delay: None,
        }
    }

    /// Not now: again after the gateway's backoff. Counts as an attempt.
    pub fn retry(reason: impl fmt::Display) -> Self {
        Self::new(Action::Retry, reason)
    }

    /// Never like this: straight to the dead letters.
    pub fn park(reason: impl fmt::Display) -> Self {
        Self::new(Action::Park, reason)
    }

    /// Done with, without having been processed.
    pub fn skip(reason: impl fmt::Display) -> Self {
        Self::new(Action::Skip, reason)
    }

    /// Not here: to another consumer at once. Counts as no attempt.
    pub fn release(reason: impl fmt::Display) -> Self {
        Self::new(Action::Release, reason)
    }

    /// Asks for a retry after `delay` (up to 1 h) instead of the gateway's backoff. Of no effect on
    /// anything but a retry.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = Some(delay).filter(|_| self.action == Action::Retry);
        self
    }

    /// The reason given.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The delay asked for.
    pub fn delay(&self) -> Option<Duration> {
        self.delay
    }

    /// Whether it asks for a retry.
    pub fn is_retry(&self) -> bool {
        self.action == Action::Retry
    }

    /// Whether it asks for the dead letters.
    pub fn is_park(&self) -> bool {
        self.action == Action::Park
    }

    /// Whether it settles without processing.
    pub fn is_skip(&self) -> bool {
        self.action == Action::Skip
    }

    /// Whether it asks for another consumer.
    pub fn is_release(&self) -> bool {
        self.action == Action::Release
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Nack {
    fn from(error: E) -> Self {
        Self::retry(with_sources(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_becomes_a_retry_with_all_its_words() {
        let cause = std::io::Error::other("disk full");
        let nack = Nack::from(crate::Error::connection_lost("no luck", cause));
        assert!(nack.is_retry() && nack.delay().is_none());
        assert_eq!(nack.reason(), "no luck: disk full");
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        assert_eq!(Nack::park("ä".repeat(2000)).reason(), "ä".repeat(1024));
    }

    #[test]
    fn only_a_retry_has_a_delay() {
        let delay = Duration::from_secs(1);
        assert_eq!(Nack::retry("").after(delay).delay(), Some(delay));
        assert_eq!(Nack::park("").after(delay).delay(), None);
    }
}
