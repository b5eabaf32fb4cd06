use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

/// What the program is told.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Command {
    Connect(Connect),
    Subscribe(Box<Subscribe>),
    Settle(Settle),
    Extend { number: u64, deadline_ms: u64 },
    Pause,
    Resume,
    Stop { grace_ms: Option<u64> },
    Count,
    Watch(Watch),
    Get { event_id: String },
    List { call_serial_no: String, page_size: Option<u32> },
}

#[derive(Debug, Deserialize)]
pub(crate) struct Connect {
    pub(crate) server: String,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) certificate_file: Option<PathBuf>,
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) server_name: Option<String>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) backoff_max_ms: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Subscribe {
    pub(crate) subscription: String,
    #[serde(default)]
    pub(crate) form: Form,
    pub(crate) consumer_name: Option<String>,
    #[serde(default)]
    pub(crate) create: bool,
    pub(crate) max_outstanding_events: Option<u32>,
    pub(crate) concurrency: Option<usize>,
    pub(crate) ack_deadline_ms: Option<u64>,
    pub(crate) max_extension_ms: Option<u64>,
    pub(crate) grace_ms: Option<u64>,
    pub(crate) auto: Option<String>,
    pub(crate) log: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Form {
    #[default]
    Handler,
    Iterator,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Settle {
    pub(crate) number: u64,
    pub(crate) how: How,
    pub(crate) delay_ms: Option<u64>,
    #[serde(default)]
    pub(crate) reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum How {
    Ack,
    Fail,
    Retry,
    Park,
    Skip,
    Release,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Watch {
    pub(crate) position: Option<String>,
    pub(crate) after_cursor: Option<String>,
    #[serde(default)]
    pub(crate) stop_at_end: bool,
    #[serde(default)]
    pub(crate) observe_only: bool,
}

pub(crate) fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}
