use crate::Error;

/// How a subscription or a watch is connected, as its hook is told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ConnectionState {
    /// A stream is being opened.
    Connecting,
    /// A stream is open.
    Streaming,
    /// The stream was lost, or could not be opened; another will be, after a pause.
    BackingOff(Error),
    /// It has ended: by a stop, or by this error.
    Stopped(Option<Error>),
}

impl ConnectionState {
    /// The error that came with it.
    pub fn error(&self) -> Option<&Error> {
        match self {
            ConnectionState::BackingOff(error) => Some(error),
            ConnectionState::Stopped(error) => error.as_ref(),
            ConnectionState::Connecting | ConnectionState::Streaming => None,
        }
    }
}

impl std::fmt::Display for ConnectionState {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(match self {
            ConnectionState::Connecting => "connecting",
            ConnectionState::Streaming => "streaming",
            ConnectionState::BackingOff(_) => "backing_off",
            ConnectionState::Stopped(_) => "stopped",
        })
    }
}
