//! The connections of a fake gateway: pipes within the process, which can break, or lose all that
//! goes through them.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use hyper::server::conn::http2;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use tokio::{
    io::{DuplexStream, copy, copy_bidirectional, duplex, sink},
    select,
};
use tokio_util::sync::CancellationToken;

use super::service::Service;
use crate::{
    connection::{LARGEST_MESSAGE, lock},
    v1::release_event_service_server::ReleaseEventServiceServer,
};

const PIPE_BYTES: usize = 256 << 10;

pub(super) struct Network {
    service: Service,
    made: AtomicUsize,
    unreachable: AtomicBool,
    breaking: Mutex<CancellationToken>,
    deadening: Mutex<CancellationToken>,
}

impl Network {
    pub(super) fn new(service: Service) -> Self {
        Self {
            service,
            made: AtomicUsize::new(0),
            unreachable: AtomicBool::new(false),
            breaking: Mutex::default(),
            deadening: Mutex::default(),
        }
    }

    /// How many connections were made.
    pub(super) fn connections(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    pub(super) fn set_unreachable(&self, unreachable: bool) {
        self.unreachable.store(unreachable, Ordering::SeqCst);
    }

    /// All connections there are end at once.
    pub(super) fn break_connections(&self) {
        renew(&self.breaking).cancel();
    }

    /// All connections there are lose whatever is sent, and nobody is told.
    pub(super) fn deaden_connections(&self) {
        renew(&self.deadening).cancel();
    }

    pub(super) fn connect(self: &Arc<Self>) -> io::Result<DuplexStream> {
        if self.unreachable.load(Ordering::SeqCst) {
            return Err(io::Error::new(io::ErrorKind::ConnectionRefused, "nobody listens"));
        }
        self.made.fetch_add(1, Ordering::SeqCst);
        let (client, near) = duplex(PIPE_BYTES);
        let (far, server) = duplex(PIPE_BYTES);
        let breaking = lock(&self.breaking).child_token();
        let deadening = lock(&self.deadening).child_token();
        tokio::spawn(serve(self.service.clone(), server, breaking.clone()));
        tokio::spawn(relay(near, far, breaking, deadening));
        Ok(client)
    }
}

fn renew(token: &Mutex<CancellationToken>) -> CancellationToken {
    std::mem::take(&mut *lock(token))
}

async fn serve(service: Service, pipe: DuplexStream, breaking: CancellationToken) {
    let service =
        ReleaseEventServiceServer::new(service).max_decoding_message_size(LARGEST_MESSAGE);
    let connection = http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(pipe), TowerToHyperService::new(service));
    select! {
        // How it ended is the client's to tell.
        _ = connection => {}
        () = breaking.cancelled() => {}
    }
}

async fn relay(
    mut near: DuplexStream,
    mut far: DuplexStream,
    breaking: CancellationToken,
    deadening: CancellationToken,
) {
    select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        () = breaking.cancelled() => {}
        // The gateway hears nothing more, not even that the client gives up, which ends it here.
        () = deadening.cancelled() => {
            let mut nowhere = sink();
            select! {
                _ = copy(&mut near, &mut nowhere) => {}
                () = breaking.cancelled() => {}
            }
        }
    }
}
