use std::{
    io::{self, Write},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use onhook_client::{Code, Error, Event};
use serde_json::{Value, json};

/// Writes one line, at once.
pub(crate) fn report(value: &Value) {
    let mut output = io::stdout().lock();
    // Nobody may read any more: then standard input is at its end too.
    let _ = writeln!(output, "{value}").and_then(|()| output.flush());
}

/// The canonical name: of `NotFound`, `NOT_FOUND`.
pub(crate) fn code_name(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_uppercase());
    }
    name
}

pub(crate) fn result_code(result: &Result<(), Error>) -> String {
    code_name(result.as_ref().err().map_or(Code::Ok, Error::code))
}

pub(crate) fn ended(result: &Result<(), Error>) {
    let error = result.as_ref().err();
    let gap = match error {
        Some(Error::Gap(gap)) => {
            json!({"oldest_cursor": gap.oldest_cursor(), "events_lost": gap.events_lost()})
        }
        _ => Value::Null,
    };
    report(&json!({
        "report": "ended",
        "ok": error.is_none(),
        "code": result_code(result),
        "reason": error.and_then(Error::reason),
        "message": error.map(ToString::to_string),
        "gap": gap,
    }));
}

pub(crate) fn event_bytes(event: &Event) -> String {
    STANDARD.encode(event.as_bytes())
}

/// The event as the library's own types tell it.
pub(crate) fn native(event: &Event) -> Value {
    let mut unset: Vec<&str> = [
        ("call_serial_no", event.call_serial_no()),
        ("service_no", event.service_no()),
        ("called", event.called()),
        ("caller", event.caller()),
        ("caller_present", event.caller_present()),
        ("call_data", event.call_data()),
        ("recordfile", event.recordfile()),
        ("location_id", event.location_id()),
        ("release_reason_code", event.release_reason_code()),
    ]
    .into_iter()
    .filter_map(|(name, text)| text.is_none().then_some(name))
    .collect();
    unset.sort_unstable();
    json!({
        "call_serial_no": event.call_serial_no(),
        "called": event.called(),
        "call_data": event.call_data(),
        "release_time": event.release_time().map(rfc3339),
        "talk_duration_ms": event.talk_duration().map(|talk| talk.as_millis()),
        "release_reason": event.release_reason().map(|reason| reason.to_string()),
        "extra": event.extra(),
        "unset": unset,
    })
}

/// In UTC, with milliseconds.
fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (seconds, milliseconds) = (since.as_secs(), since.subsec_millis());
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z")
}

/// Year, month and day of a day counted from 1970, by the Gregorian calendar.
fn date(days: u64) -> (u64, u64, u64) {
    // Years are counted from March, so that the day that leap years add is their last.
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        let time = |seconds, nanos| rfc3339(UNIX_EPOCH + Duration::new(seconds, nanos));
        assert_eq!(time(0, 0), "1970-01-01T00:00:00.000Z");
        assert_eq!(time(1_704_164_645, 678_000_000), "2024-01-02T03:04:05.678Z");
        assert_eq!(time(951_782_400, 0), "2000-02-29T00:00:00.000Z");
    }

    #[test]
    fn codes_have_their_canonical_names() {
        assert_eq!(code_name(Code::Ok), "OK");
        assert_eq!(code_name(Code::FailedPrecondition), "FAILED_PRECONDITION");
    }
}
