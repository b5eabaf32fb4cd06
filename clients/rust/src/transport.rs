//! How the bytes of a connection travel: TCP or a Unix-domain socket, with or without TLS; in tests
//! within the process.

use std::{
    future::{Ready, ready},
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tonic::codegen::{Service, http::Uri};

use crate::{
    Error,
    address::Address,
    security::{Credentials, Security, server_name},
};

pub(crate) trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Pipe for T {}

/// Makes connections within the process, for a fake gateway.
#[cfg(feature = "testing")]
#[derive(Clone)]
pub(crate) struct InProcess(
    pub(crate) Arc<dyn Fn() -> io::Result<tokio::io::DuplexStream> + Send + Sync>,
);

#[cfg(feature = "testing")]
impl std::fmt::Debug for InProcess {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("InProcess")
    }
}

/// Opens what `address` names, and speaks TLS on it if there are credentials.
pub(crate) async fn dial(
    address: &Address,
    security: &Security,
    credentials: Option<&Credentials>,
) -> Result<Box<dyn Pipe>, Error> {
    let Address::Tcp { host, port } = address else {
        return dial_socket(address).await;
    };
    let lost = |error| Error::connection_lost("cannot connect", error);
    let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(lost)?;
    stream.set_nodelay(true).map_err(lost)?;
    let Some(credentials) = credentials else {
        return Ok(Box::new(stream));
    };
    let name = server_name(security.server_name.as_deref().unwrap_or(host))?;
    let stream = TlsConnector::from(credentials.config.clone())
        .connect(name, stream)
        .await
        .map_err(|error| Error::connection_lost("no TLS connection", error))?;
    if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
        return Err(Error::connection("no TLS connection: the server speaks no HTTP/2"));
    }
    Ok(Box::new(stream))
}

#[cfg(unix)]
async fn dial_socket(address: &Address) -> Result<Box<dyn Pipe>, Error> {
    let Address::Unix(path) = address else {
        unreachable!("TCP is dialled by the caller");
    };
    match tokio::net::UnixStream::connect(path).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(Error::connection_lost("cannot connect", error)),
    }
}

#[cfg(not(unix))]
async fn dial_socket(_: &Address) -> Result<Box<dyn Pipe>, Error> {
    let words = "this system has no Unix-domain sockets";
    Err(Error::configuration("SERVER_ADDRESS", words))
}

/// A connection that says when it is over.
pub(crate) struct Tracked {
    pipe: Box<dyn Pipe>,
    closed: Arc<AtomicBool>,
}

impl Tracked {
    pub(crate) fn new(pipe: Box<dyn Pipe>, closed: Arc<AtomicBool>) -> Self {
        Self { pipe, closed }
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Release);
    }
}

impl AsyncRead for Tracked {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_read(context, buffer)
    }
}

impl AsyncWrite for Tracked {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.pipe.is_write_vectored()
    }
}

/// Hands one connection over, so that a channel never makes another by itself: each is made by the
/// library, with the files as they are then.
pub(crate) struct OneConnection(Option<TokioIo<Tracked>>);

impl OneConnection {
    pub(crate) fn new(tracked: Tracked) -> Self {
        Self(Some(TokioIo::new(tracked)))
    }
}

impl Service<Uri> for OneConnection {
    type Response = TokioIo<Tracked>;
    type Error = io::Error;
    type Future = Ready<io::Result<TokioIo<Tracked>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let over = || io::Error::new(io::ErrorKind::NotConnected, "the connection is over");
        ready(self.0.take().ok_or_else(over))
    }
}
