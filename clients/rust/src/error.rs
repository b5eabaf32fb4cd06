use std::{collections::BTreeMap, error::Error as StdError, sync::Arc};

use prost::Message;
use tonic::Code;

/// What can go wrong. Each error has a gRPC [`code`](Error::code), so that errors of the gateway and
/// of the library can be told apart by one `match`.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The gateway answered with an error.
    #[error("{0}")]
    Gateway(Box<Status>),
    /// The events behind a watch's place are no longer kept (`OUT_OF_RANGE`).
    #[error("{0}")]
    Gap(Box<Gap>),
    /// There is no connection, or it was lost (`UNAVAILABLE`).
    #[error("{message}")]
    Connection {
        /// What happened.
        message: String,
        /// What the system or the TLS library said about it.
        #[source]
        source: Option<Arc<dyn StdError + Send + Sync>>,
    },
    /// The options cannot be used, and nothing was sent (`FAILED_PRECONDITION`).
    #[error("{message}")]
    Configuration {
        /// One word in capitals: `SERVER_ADDRESS`, `CA_FILE`, `CERTIFICATE_FILE`, `KEY_FILE`,
        /// `CERTIFICATE_PAIR`, `SERVER_NAME`, `TOKEN_FILE`, `CLEARTEXT_TOKEN`, `TLS_OVER_UNIX_SOCKET`.
        reason: &'static str,
        /// The same in words.
        message: String,
    },
    /// Nothing was answered within the time allowed (`DEADLINE_EXCEEDED`).
    #[error("nothing was answered within {0:?}")]
    TimedOut(std::time::Duration),
    /// Of a settlement or an extension: a later attempt of the event exists, or the event is settled
    /// already (`ABORTED`).
    #[error("a later attempt exists, or the event is settled already")]
    Stale,
    /// Of a settlement or an extension: the gateway does not know the delivery (`NOT_FOUND`).
    #[error("the gateway does not know this delivery")]
    UnknownDelivery,
    /// Of a settlement or an extension: it was not confirmed before its stream or its subscription
    /// ended, so the event may come again (`UNAVAILABLE`).
    #[error("not confirmed: the event may come again")]
    Unconfirmed,
    /// Of a stop: so many acknowledgements were not confirmed, and their events may come again
    /// (`UNAVAILABLE`).
    #[error("{0} acknowledgement(s) not confirmed; their events may come again")]
    UnconfirmedAcknowledgements(usize),
}

/// An error as the gateway told it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code:?}: {message}")]
pub struct Status {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) reason: String,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// How much of the log a watch cannot read any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status}")]
pub struct Gap {
    pub(crate) oldest_cursor: Option<String>,
    pub(crate) events_lost: Option<u64>,
    pub(crate) status: Status,
}

impl Status {
    /// The canonical code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The gateway's words.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// `reason` of `google.rpc.ErrorInfo`: one word in capitals; empty if there was none.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// `metadata` of `google.rpc.ErrorInfo`.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }
}

impl Gap {
    /// Behind this cursor everything is there: the place to go on from, if that is wanted.
    pub fn oldest_cursor(&self) -> Option<&str> {
        self.oldest_cursor.as_deref()
    }

    /// How many events are gone.
    pub fn events_lost(&self) -> Option<u64> {
        self.events_lost
    }

    /// The whole of what the gateway said.
    pub fn status(&self) -> &Status {
        &self.status
    }
}

impl Error {
    /// The canonical code, also of errors that the library found by itself.
    pub fn code(&self) -> Code {
        match self {
            Error::Gateway(status) => status.code,
            Error::Gap(gap) => gap.status.code,
            Error::Configuration { .. } => Code::FailedPrecondition,
            Error::TimedOut(_) => Code::DeadlineExceeded,
            Error::Stale => Code::Aborted,
            Error::UnknownDelivery => Code::NotFound,
            Error::Connection { .. }
            | Error::Unconfirmed
            | Error::UnconfirmedAcknowledgements(_) => Code::Unavailable,
        }
    }

    /// One word in capitals for programs to compare (`GOING_AWAY`), if there is one.
    pub fn reason(&self) -> Option<&str> {
        let reason = match self {
            Error::Configuration { reason, .. } => reason,
            _ => self.status()?.reason(),
        };
        Some(reason).filter(|reason| !reason.is_empty())
    }

    /// A named detail of the gateway's error, for instance `permission` of a `PERMISSION_DENIED`.
    pub fn metadata(&self, name: &str) -> Option<&str> {
        self.status()?.metadata.get(name).map(String::as_str)
    }

    /// The gateway's error, if it is one.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Error::Gateway(status) => Some(status),
            Error::Gap(gap) => Some(&gap.status),
            _ => None,
        }
    }

    /// Whether the same may succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        !matches!(
            self.code(),
            Code::NotFound
                | Code::InvalidArgument
                | Code::FailedPrecondition
                | Code::PermissionDenied
                | Code::Unauthenticated
                | Code::Unimplemented
                | Code::OutOfRange
        )
    }

    pub(crate) fn gateway(code: Code, message: impl Into<String>) -> Self {
        Error::Gateway(Box::new(Status {
            code,
            message: message.into(),
            reason: String::new(),
            metadata: BTreeMap::new(),
        }))
    }

    pub(crate) fn connection(message: impl Into<String>) -> Self {
        Error::Connection { message: message.into(), source: None }
    }

    pub(crate) fn configuration(reason: &'static str, message: impl Into<String>) -> Self {
        Error::Configuration { reason, message: message.into() }
    }

    /// What `source` says, and all that it says of its own sources.
    pub(crate) fn connection_lost(
        context: &str,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Error::Connection {
            message: format!("{context}: {}", with_sources(&source)),
            source: Some(Arc::new(source)),
        }
    }
}

impl From<tonic::Status> for Error {
    fn from(status: tonic::Status) -> Self {
        // The gateway's own errors have no source here: those of the connection have.
        let not_ready =
            status.code() == Code::Unknown && status.message().starts_with("Service was not ready");
        if not_ready || status.source().is_some() {
            let cause = status.source().map(with_sources);
            let cause = cause.unwrap_or_else(|| status.message().to_owned());
            return Error::Connection {
                message: format!("the connection was lost: {cause}"),
                source: Some(Arc::new(status)),
            };
        }
        let ErrorInfo { reason, metadata, .. } = error_info(status.details());
        let told =
            Status { code: status.code(), message: status.message().to_owned(), reason, metadata };
        if told.code != Code::OutOfRange {
            return Error::Gateway(Box::new(told));
        }
        Error::Gap(Box::new(Gap {
            oldest_cursor: told.metadata.get("oldest_cursor").cloned(),
            events_lost: told.metadata.get("events_lost").and_then(|count| count.parse().ok()),
            status: told,
        }))
    }
}

/// The words of an error and of all its sources, each said once.
pub(crate) fn with_sources(error: &dyn StdError) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !words.contains(&more) {
            words.push_str(": ");
            words.push_str(&more);
        }
        source = cause.source();
    }
    words
}

// What of google/rpc is needed; unknown details are left alone.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) details: Vec<prost_types::Any>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ErrorInfo {
    #[prost(string, tag = "1")]
    pub(crate) reason: String,
    #[prost(string, tag = "2")]
    pub(crate) domain: String,
    #[prost(btree_map = "string, string", tag = "3")]
    pub(crate) metadata: BTreeMap<String, String>,
}

pub(crate) const ERROR_INFO_URL: &str = "type.googleapis.com/google.rpc.ErrorInfo";

// What does not parse reads as no information: an error about an error helps nobody.
fn error_info(details: &[u8]) -> ErrorInfo {
    let status = RpcStatus::decode(details).unwrap_or_default();
    let info = status.details.iter().find(|detail| detail.type_url == ERROR_INFO_URL);
    info.and_then(|info| ErrorInfo::decode(info.value.as_slice()).ok()).unwrap_or_default()
}
