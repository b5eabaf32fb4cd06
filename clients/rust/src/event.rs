use std::{collections::HashMap, fmt, sync::Arc, time::Duration, time::SystemTime};

use bytes::Bytes;
use prost::{DecodeError, Message};

use crate::{Authentication, ReleaseReason, time, v1};

/// The hang-up of one call. Cloning is cheap.
///
/// A text that the vendor did not send is `None`; one that it sent empty is `Some("")`. Fields and
/// values that this version of the library does not know are kept in
/// [`as_bytes`](Event::as_bytes).
#[derive(Clone, PartialEq)]
pub struct Event {
    content: Arc<Content>,
}

#[derive(PartialEq)]
struct Content {
    bytes: Bytes,
    message: v1::ReleaseEvent,
    // Shared with the books of a subscription.
    event_id: Arc<str>,
}

macro_rules! texts {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {
        $($(#[$meta])*
        pub fn $name(&self) -> Option<&str> {
            self.message().$name.as_deref()
        })+
    };
}

macro_rules! times {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {
        $($(#[$meta])*
        pub fn $name(&self) -> Option<SystemTime> {
            time::system_time(self.message().$name.as_ref())
        })+
    };
}

impl Event {
    /// Reads an event from its bytes, for instance from where [`as_bytes`](Event::as_bytes) were
    /// kept.
    pub fn decode(bytes: impl Into<Bytes>) -> Result<Self, DecodeError> {
        let bytes = bytes.into();
        let message = v1::ReleaseEvent::decode(bytes.clone())?;
        Ok(Self::new(bytes, message))
    }

    fn new(bytes: Bytes, message: v1::ReleaseEvent) -> Self {
        let event_id = Arc::from(message.event_id.as_str());
        Self { content: Arc::new(Content { bytes, message, event_id }) }
    }

    /// The event as it came, byte for byte, with what this version of the library does not know.
    pub fn as_bytes(&self) -> &[u8] {
        &self.content.bytes
    }

    /// The protobuf message.
    pub fn message(&self) -> &v1::ReleaseEvent {
        &self.content.message
    }

    #[cfg(feature = "testing")]
    pub(crate) fn bytes(&self) -> Bytes {
        self.content.bytes.clone()
    }

    pub(crate) fn shared_id(&self) -> Arc<str> {
        self.content.event_id.clone()
    }

    /// Identifies the event by its content: the same over repeats, redelivery and several gateways,
    /// so it is the key for doing things once.
    pub fn event_id(&self) -> &str {
        &self.content.event_id
    }

    /// Name of the source that the callback came in by.
    pub fn source(&self) -> &str {
        &self.message().source
    }

    /// How the callback proved that it came from the vendor.
    pub fn authentication(&self) -> Option<Authentication> {
        Authentication::from_number(self.message().authentication)
    }

    texts! {
        /// Identifies the call: what createCall returned.
        call_serial_no,
        /// Identifies the agent.
        service_no,
        /// The customer's telephone number.
        called,
        /// The telephone number bound to the agent who started the call.
        caller,
        /// The number that the customer's telephone displayed.
        caller_present,
        /// The text that was given to createCall, unchanged.
        call_data,
        /// Path of the recording on the vendor's media server. Not a URL.
        recordfile,
        /// The media node that holds the recording.
        location_id,
        /// Why the call ended, the code exactly as sent.
        release_reason_code,
        /// The callback's W3C `traceparent`.
        traceparent,
    }

    times! {
        /// When the call was started.
        create_call_time,
        /// When the customer's telephone began to ring.
        alerting_time,
        /// When the customer was connected.
        talking_time,
        /// When the call was released.
        release_time,
        /// When the agent's telephone began to ring.
        agent_alerting_time,
        /// When the agent was connected.
        agent_talking_time,
        /// When the agent's leg was released.
        agent_release_time,
        /// When the callback arrived, by the gateway's clock.
        received_at,
    }

    /// How long the customer talked, in whole seconds. The vendor has been seen to send 0 for a talk
    /// of six seconds: do not bill on it alone.
    pub fn talk_duration(&self) -> Option<Duration> {
        time::duration(self.message().talk_duration.as_ref())
    }

    /// How long the agent talked, in whole seconds.
    pub fn agent_talk_duration(&self) -> Option<Duration> {
        time::duration(self.message().agent_talk_duration.as_ref())
    }

    /// Why the call ended; `None` if the callback did not say.
    pub fn release_reason(&self) -> Option<ReleaseReason> {
        ReleaseReason::from_number(self.message().release_reason)
    }

    /// Fields that are not documented, and values that their typed field cannot give back, verbatim,
    /// under the vendor's names.
    pub fn extra(&self) -> &HashMap<String, String> {
        &self.message().extra
    }

    /// IANA name of the zone in which the vendor's times were read.
    pub fn time_zone(&self) -> &str {
        &self.message().time_zone
    }

    /// Whether numbers are masked and texts hidden, for want of the permission to see them.
    pub fn masked(&self) -> bool {
        self.message().masked
    }
}

impl From<v1::ReleaseEvent> for Event {
    /// For tests above all: an event that came from a gateway keeps more.
    fn from(message: v1::ReleaseEvent) -> Self {
        Self::new(message.encode_to_vec().into(), message)
    }
}

impl fmt::Debug for Event {
    /// Without numbers and texts of the call, which are not for logs.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Event")
            .field("event_id", &self.event_id())
            .field("source", &self.source())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> v1::ReleaseEvent {
        v1::ReleaseEvent {
            event_id: "v1-00-c-1".to_owned(),
            called: Some(String::new()),
            ..Default::default()
        }
    }

    #[test]
    fn an_unset_text_is_not_an_empty_one() {
        let event = Event::from(event());
        assert_eq!(event.called(), Some(""));
        assert_eq!(event.caller(), None);
    }

    #[test]
    fn fields_and_values_of_a_newer_gateway_survive() {
        let mut bytes = event().encode_to_vec();
        bytes.extend([0x88, 0x01, 0x63]); // release_reason = 99
        bytes.extend([0xc2, 0x3e, 0x03, b'n', b'e', b'w']); // field 1000, a text
        let read = Event::decode(bytes.clone()).unwrap();
        assert_eq!(read.as_bytes(), bytes);
        assert_eq!(read.release_reason(), Some(ReleaseReason::Unknown(99)));
        assert_eq!(read.release_reason().unwrap().to_string(), "99");
        assert_eq!(read.event_id(), "v1-00-c-1");
    }

    #[test]
    fn what_is_printed_for_programmers_shows_no_numbers() {
        let mut message = event();
        message.called = Some("88880067".to_owned());
        assert!(!format!("{:?}", Event::from(message)).contains("88880067"));
    }
}
